"""The configuration version, the identity function, row-level security, and the default tenant."""

from typing import Any

from django.db import migrations

from tenants.rls import CURRENT_TENANT, protect, versioned

CONFIG_CHANGED = """
INSERT INTO config_version (id, version) VALUES (1, 1);
CREATE FUNCTION prism_config_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  UPDATE config_version SET version = version + 1 WHERE id = 1;
  RETURN NULL;
END $$;
"""

# The only way the web role learns who belongs where: it reads memberships of one user, past row-level security.
IDENTITY = """
CREATE FUNCTION prism_identity(wanted_user bigint)
RETURNS TABLE (tenant_id bigint, slug text, role text, timezone text, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT t.id, t.slug::text, m.role::text, t.timezone::text, t.locale::text
  FROM memberships m JOIN tenants t ON t.id = m.tenant_id
  WHERE m.user_id = wanted_user AND t.is_active
  ORDER BY t.id
$$;
CREATE FUNCTION prism_tenant(wanted_slug text)
RETURNS TABLE (tenant_id bigint, slug text, timezone text, locale text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT t.id, t.slug::text, t.timezone::text, t.locale::text FROM tenants t WHERE t.slug = wanted_slug AND t.is_active
$$;
REVOKE ALL ON FUNCTION prism_identity(bigint), prism_tenant(text) FROM PUBLIC;
"""

TENANT_POLICY = f"""
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON tenants USING (id = {CURRENT_TENANT}) WITH CHECK (id = {CURRENT_TENANT});
"""


def create_default_tenant(apps: Any, _schema_editor: Any) -> None:
    apps.get_model("tenants", "Tenant").objects.get_or_create(slug="default", defaults={"name": "Prism"})


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(CONFIG_CHANGED, "DROP FUNCTION prism_config_changed() CASCADE; DELETE FROM config_version;"),
        migrations.RunSQL(IDENTITY, "DROP FUNCTION prism_identity(bigint); DROP FUNCTION prism_tenant(text);"),
        migrations.RunSQL(
            TENANT_POLICY, "DROP POLICY tenant ON tenants; ALTER TABLE tenants DISABLE ROW LEVEL SECURITY;"
        ),
        protect("memberships"),
        protect("api_keys"),
        versioned("tenants"),
        migrations.RunPython(create_default_tenant, migrations.RunPython.noop),
    ]
