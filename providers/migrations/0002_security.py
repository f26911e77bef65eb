"""Row-level security, version triggers, and the seed's rule that `configuration` is an object."""

from django.db import migrations

from tenants.rls import protect, same_tenant, versioned


class Migration(migrations.Migration):
    dependencies = [("providers", "0001_initial"), ("tenants", "0002_security")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE providers ADD CONSTRAINT valid_config CHECK (jsonb_typeof(configuration) = 'object');",
            "ALTER TABLE providers DROP CONSTRAINT valid_config;",
        ),
        protect("providers"),
        protect("provider_secrets"),
        same_tenant("provider_secrets", "provider_id", "providers"),
        versioned("providers", "provider_secrets"),
    ]
