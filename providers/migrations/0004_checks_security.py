"""Checks belong to their provider and its tenant; what a check finds out makes no worker read its configuration anew."""

from django.db import migrations

from tenants.rls import protect

OWNED = """
ALTER TABLE provider_checks ADD CONSTRAINT provider_checks_of_provider FOREIGN KEY (provider_id, tenant_id)
  REFERENCES providers (id, tenant_id) ON UPDATE RESTRICT ON DELETE CASCADE;
"""
NOT_OWNED = "ALTER TABLE provider_checks DROP CONSTRAINT provider_checks_of_provider;"

# All that workers read of a provider (providers/loading.py), hence not its health.
FOR_WORKERS = """
DROP TRIGGER config_changed ON providers;
CREATE TRIGGER config_changed
  AFTER INSERT OR DELETE OR TRUNCATE
  OR UPDATE OF id, tenant_id, provider_name, provider_type, is_active, configuration, max_messages_per_minute
  ON providers FOR EACH STATEMENT EXECUTE FUNCTION prism_config_changed();
"""
FOR_EVERYTHING = """
DROP TRIGGER config_changed ON providers;
CREATE TRIGGER config_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE
  ON providers FOR EACH STATEMENT EXECUTE FUNCTION prism_config_changed();
"""


class Migration(migrations.Migration):
    dependencies = [("providers", "0003_checks")]

    operations = [
        migrations.RunSQL(OWNED, NOT_OWNED),
        protect("provider_checks"),
        migrations.RunSQL(FOR_WORKERS, FOR_EVERYTHING),
    ]
