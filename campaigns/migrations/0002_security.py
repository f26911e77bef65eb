"""Row-level security, version triggers, coherence of tenants, and the frozen control group."""

from django.db import migrations

from tenants.rls import protect, same_tenant, versioned

# Decision 9: rate and salt freeze at the first dispatch; `campaigns.control.change_rate` raises the version with them.
FROZEN = """
CREATE FUNCTION prism_control_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.control_frozen_at IS NOT NULL
     AND (NEW.control_group_rate, NEW.control_salt) IS DISTINCT FROM (OLD.control_group_rate, OLD.control_salt)
     AND NEW.control_version <= OLD.control_version THEN
    RAISE EXCEPTION 'the control group is frozen since the first dispatch: a change makes a new version of it'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'campaign_control_frozen';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER control_frozen BEFORE UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION prism_control_frozen();
"""

TABLES = ("campaigns", "campaign_segments", "campaign_providers", "campaign_provider_templates")


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0001_initial"),
        ("audiences", "0002_security"),
        ("providers", "0002_security"),
        ("templates", "0002_security"),
    ]

    operations = [
        migrations.RunSQL(FROZEN, "DROP TRIGGER control_frozen ON campaigns; DROP FUNCTION prism_control_frozen();"),
        migrations.RunSQL(
            "ALTER TABLE campaign_provider_templates ADD CONSTRAINT field_mappings_object"
            " CHECK (jsonb_typeof(field_mappings) = 'object');",
            "ALTER TABLE campaign_provider_templates DROP CONSTRAINT field_mappings_object;",
        ),
        *(protect(table) for table in TABLES),
        same_tenant("campaign_segments", "campaign_id", "campaigns"),
        same_tenant("campaign_segments", "segment_id", "segments"),
        same_tenant("campaign_providers", "campaign_id", "campaigns"),
        same_tenant("campaign_providers", "provider_id", "providers"),
        same_tenant("campaign_provider_templates", "campaign_provider_id", "campaign_providers"),
        same_tenant("campaign_provider_templates", "template_id", "templates"),
        versioned(*TABLES),
    ]
