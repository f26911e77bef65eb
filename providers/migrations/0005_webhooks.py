"""Vendors that call us: whose provider it is, told while nobody is known; and checks that tell a vendor where to call."""

from django.db import migrations, models

NOBODY_YET = "COALESCE(current_setting('prism.tenant', true), '') = '' AND COALESCE(current_setting('prism.user', true), '') = ''"

# A call comes without a tenant: its provider says whose it is. The configuration and the encrypted secrets leave only
# where they are newer than what the caller knows, and never to somebody who is signed in.
PROVIDER = f"""
CREATE FUNCTION prism_webhook_provider(wanted uuid, known bigint)
RETURNS TABLE (version bigint, tenant_id bigint, provider_type text, configuration text,
  secret_names text[], secret_values bytea[], secret_hosts text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT v.version, p.tenant_id, p.provider_type::text, n.configuration, n.names, n.secrets, n.hosts
  FROM providers p
  JOIN tenants t ON t.id = p.tenant_id AND t.is_active
  JOIN config_version v ON v.id = 1
  LEFT JOIN LATERAL (
    SELECT p.configuration::text AS configuration,
      COALESCE(array_agg(s.name::text ORDER BY s.name) FILTER (WHERE s.name IS NOT NULL), '{{}}') AS names,
      COALESCE(array_agg(s.value ORDER BY s.name) FILTER (WHERE s.name IS NOT NULL), '{{}}') AS secrets,
      COALESCE(array_agg(to_json(s.hosts)::text ORDER BY s.name) FILTER (WHERE s.name IS NOT NULL), '{{}}') AS hosts
    FROM (SELECT 1) one LEFT JOIN provider_secrets s ON s.provider_id = p.id
  ) n ON v.version IS DISTINCT FROM known
  WHERE p.id = wanted AND {NOBODY_YET}
$$;
REVOKE ALL ON FUNCTION prism_webhook_provider(uuid, bigint) FROM PUBLIC;
"""  # noqa: S608 - no outside text


class Migration(migrations.Migration):
    dependencies = [("providers", "0004_checks_security"), ("tenants", "0004_people")]

    operations = [
        migrations.RunSQL(PROVIDER, "DROP FUNCTION prism_webhook_provider(uuid, bigint);"),
        migrations.AddField(
            model_name="providercheck",
            name="purpose",
            field=models.CharField(
                choices=[("check", "Test of the connection"), ("register", "Telling the vendor where to report")],
                db_default="check",
                max_length=10,
                verbose_name="purpose",
            ),
        ),
        migrations.RemoveConstraint(model_name="providercheck", name="provider_check_waits_once"),
        migrations.AddConstraint(
            model_name="providercheck",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "waiting")),
                fields=("provider", "purpose"),
                name="provider_check_waits_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="providercheck",
            constraint=models.CheckConstraint(
                condition=models.Q(("purpose__in", ["check", "register"])), name="provider_check_purpose_known"
            ),
        ),
    ]
