"""Whether a provider is used at this moment: shared by all processes, and no configuration."""

import django.db.models.deletion
from django.db import migrations, models

from tenants.rls import CALLER_IS_OWNER, CURRENT_TENANT, IS_OPERATOR, protect

OWNED = """
ALTER TABLE provider_circuits ADD CONSTRAINT provider_circuits_of_provider FOREIGN KEY (provider_id, tenant_id)
  REFERENCES providers (id, tenant_id) ON UPDATE RESTRICT ON DELETE CASCADE;
"""
NOT_OWNED = "ALTER TABLE provider_circuits DROP CONSTRAINT provider_circuits_of_provider;"

# Written often in bad times and read twice a second by every worker: it stays one page.
SMALL = """
ALTER TABLE provider_circuits SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50);
"""
USUAL = """
ALTER TABLE provider_circuits RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
"""

# Whoever changed how the vendor is spoken to has made the trouble with the old way the past. With the owner's rights:
# people who write providers may not write this.
CHANGED = """
CREATE FUNCTION prism_provider_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE changed uuid;
BEGIN
  IF TG_TABLE_NAME = 'providers' THEN changed := NEW.id; ELSE changed := NEW.provider_id; END IF;
  UPDATE provider_circuits SET state = 'closed', reason = 'CHANGED', error = '', since = clock_timestamp(),
    probe_at = NULL, failures = 0, probing_until = NULL, probed_by = NULL, closed_by = ''
  WHERE provider_id = changed AND state <> 'closed';
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION prism_provider_changed() FROM PUBLIC;
CREATE TRIGGER circuit_closes AFTER UPDATE OF configuration, provider_type, is_active ON providers FOR EACH ROW
  WHEN (OLD.configuration IS DISTINCT FROM NEW.configuration OR OLD.provider_type IS DISTINCT FROM NEW.provider_type
    OR (NEW.is_active AND NOT OLD.is_active))
  EXECUTE FUNCTION prism_provider_changed();
CREATE TRIGGER circuit_closes AFTER INSERT OR UPDATE OF value, name, hosts ON provider_secrets FOR EACH ROW
  EXECUTE FUNCTION prism_provider_changed();
"""
NOT_CHANGED = """
DROP TRIGGER circuit_closes ON provider_secrets;
DROP TRIGGER circuit_closes ON providers;
DROP FUNCTION prism_provider_changed();
"""

RESUME = f"""
CREATE FUNCTION prism_resume_provider(wanted uuid, who text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  WITH resumed AS (
    UPDATE provider_circuits SET state = 'closed', reason = 'RESUMED', error = '', since = clock_timestamp(),
      probe_at = NULL, failures = 0, probing_until = NULL, probed_by = NULL, closed_by = who
    WHERE provider_id = wanted AND state <> 'closed'
      AND ((tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR}) OR {CALLER_IS_OWNER})
    RETURNING 1)
  SELECT EXISTS (SELECT 1 FROM resumed)
$$;
REVOKE ALL ON FUNCTION prism_resume_provider(uuid, text) FROM PUBLIC;
"""  # noqa: S608 - no outside text


class Migration(migrations.Migration):
    dependencies = [("providers", "0005_webhooks"), ("tenants", "0005_api_throttle")]

    operations = [
        migrations.CreateModel(
            name="ProviderCircuit",
            fields=[
                (
                    "provider",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="circuit",
                        serialize=False,
                        to="providers.provider",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("closed", "In use"),
                            ("held", "Waiting for the vendor"),
                            ("open", "Left alone"),
                            ("half_open", "Being tried"),
                            ("paused", "Paused"),
                        ],
                        default="closed",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.CharField(blank=True, db_default="", max_length=100, verbose_name="reason")),
                ("error", models.TextField(blank=True, db_default="", verbose_name="error")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("probe_at", models.DateTimeField(null=True, verbose_name="next try")),
                ("failures", models.SmallIntegerField(db_default=0)),
                ("probing_until", models.DateTimeField(null=True)),
                ("probed_by", models.BigIntegerField(null=True)),
                (
                    "closed_by",
                    models.CharField(blank=True, db_default="", max_length=150, verbose_name="resumed by"),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT, to="tenants.tenant", verbose_name="tenant"
                    ),
                ),
            ],
            options={
                "verbose_name": "provider circuit",
                "verbose_name_plural": "provider circuits",
                "db_table": "provider_circuits",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["closed", "held", "open", "paused"])),
                        name="provider_circuit_state_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(OWNED, NOT_OWNED),
        migrations.RunSQL(SMALL, USUAL),
        protect("provider_circuits"),
        migrations.RunSQL(CHANGED, NOT_CHANGED),
        migrations.RunSQL(RESUME, "DROP FUNCTION prism_resume_provider(uuid, text);"),
    ]
