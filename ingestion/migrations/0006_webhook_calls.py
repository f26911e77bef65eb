"""Calls of vendors, stored by the web process before anybody is known, read by workers, shown to operators."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tenants.rls import CALLER_IS_OWNER, protect

COUNTED = 10_000
NOBODY_YET = "COALESCE(current_setting('prism.tenant', true), '') = '' AND COALESCE(current_setting('prism.user', true), '') = ''"

OWNED = """
ALTER TABLE webhook_calls ADD CONSTRAINT webhook_calls_of_provider FOREIGN KEY (provider_id, tenant_id)
  REFERENCES providers (id, tenant_id) ON UPDATE RESTRICT ON DELETE CASCADE;
ALTER TABLE webhook_calls SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
"""

# Whose it is the provider says: the caller cannot name a tenant.
KEEP = f"""
CREATE FUNCTION prism_keep_webhook_call(
  provider uuid, method text, path text, query text, headers text, body bytea) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  INSERT INTO webhook_calls (tenant_id, provider_id, method, path, query, headers, body)
  SELECT p.tenant_id, p.id, $2, $3, $4, $5::jsonb, $6 FROM providers p WHERE p.id = $1 AND {NOBODY_YET}
  RETURNING id
$$;
REVOKE ALL ON FUNCTION prism_keep_webhook_call(uuid, text, text, text, text, bytea) FROM PUBLIC;
"""  # noqa: S608 - no outside text

# Beside prism_gauges, under the same condition.
GAUGES = f"""
CREATE FUNCTION prism_webhook_gauges() RETURNS TABLE (name text, labels jsonb, value double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH waiting AS (SELECT received_at FROM webhook_calls WHERE state = 'waiting' ORDER BY id LIMIT {COUNTED})
  SELECT g.name, '{{}}'::jsonb, g.value FROM (
    SELECT 'webhooks_waiting', count(*)::float8 FROM waiting
    UNION ALL
    SELECT 'webhooks_oldest', COALESCE(extract(epoch FROM now() - min(received_at)), 0)::float8 FROM waiting
  ) g (name, value)
  WHERE {CALLER_IS_OWNER} OR current_setting('prism.system', true) = 'on'
$$;
REVOKE ALL ON FUNCTION prism_webhook_gauges() FROM PUBLIC;
"""  # noqa: S608 - no outside text


class Migration(migrations.Migration):
    dependencies = [
        ("ingestion", "0005_newest"),
        ("providers", "0005_webhooks"),
        ("tenants", "0004_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="WebhookCall",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=models.Func(function="uuidv7"), editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("method", models.CharField(max_length=10, verbose_name="method")),
                ("path", models.CharField(blank=True, max_length=200, verbose_name="path")),
                ("query", models.CharField(blank=True, max_length=2000, verbose_name="query")),
                ("headers", models.JSONField(default=dict, verbose_name="headers")),
                ("body", models.BinaryField(verbose_name="body")),
                (
                    "received_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="received at"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("done", "Processed"), ("failed", "Failed")],
                        db_default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("tries", models.SmallIntegerField(db_default=0, verbose_name="tries")),
                (
                    "look_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="next look"
                    ),
                ),
                ("error", models.TextField(blank=True, db_default="", verbose_name="error")),
                ("reports", models.IntegerField(null=True, verbose_name="reports")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                (
                    "provider",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="providers.provider",
                        verbose_name="provider",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="tenants.tenant",
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "vendor's call",
                "verbose_name_plural": "vendors' calls",
                "db_table": "webhook_calls",
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["id"], name="webhook_calls_waiting"),
                    models.Index(fields=["tenant", "-id"], name="webhook_calls_recent"),
                    models.Index(
                        condition=models.Q(("state", "failed")), fields=["tenant", "-id"], name="webhook_calls_failed"
                    ),
                    models.Index(fields=["provider", "-id"], name="webhook_calls_of_provider"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "done", "failed"])),
                        name="webhook_call_state_known",
                    ),
                ],
            },
        ),
        protect("webhook_calls"),
        migrations.RunSQL(OWNED, migrations.RunSQL.noop),
        migrations.RunSQL(KEEP, "DROP FUNCTION prism_keep_webhook_call(uuid, text, text, text, text, bytea);"),
        migrations.RunSQL(GAUGES, "DROP FUNCTION prism_webhook_gauges();"),
    ]
