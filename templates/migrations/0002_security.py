"""Row-level security, version triggers, and versions that nobody changes."""

from django.db import migrations

from tenants.rls import protect, same_tenant, versioned

IMMUTABLE = """
CREATE FUNCTION prism_template_version_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a template version never changes: save the template to make a new one'
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER immutable BEFORE UPDATE OR DELETE ON template_versions
  FOR EACH ROW EXECUTE FUNCTION prism_template_version_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("templates", "0001_initial"), ("tenants", "0002_security")]

    operations = [
        migrations.RunSQL(
            IMMUTABLE,
            "DROP TRIGGER immutable ON template_versions; DROP FUNCTION prism_template_version_immutable();",
        ),
        protect("templates"),
        protect("template_versions"),
        same_tenant("template_versions", "template_id", "templates"),
        versioned("templates", "template_versions"),
    ]
