"""Changes are counted by the statement that tells them itself, not by a trigger that reads each fact and dispatch again;
what is folded is one row per key, held by the database. A row counts for nobody else: no key into `tenants` is locked.

The texts are frozen; a test holds them against dispatching.facts.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

from tenants.rls import CURRENT_TENANT, IS_OPERATOR

EAGER = """
ALTER TABLE dispatch_counts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0);
"""

COUNTS = """,
  counts AS (
    INSERT INTO dispatch_counts (tenant_id, hour, campaign_id, provider_id, status, changes)
    SELECT m.tenant_id, date_trunc('hour', now(), 'UTC'), m.campaign_id, m.provider_id, m.status, count(*)
    FROM moved m
    WHERE m.status NOT IN ('PENDING', 'SCHEDULED')
    GROUP BY m.tenant_id, m.campaign_id, m.provider_id, m.status)"""

# As before, but for COUNTS; the way back is without.
CANCEL = f"""
CREATE OR REPLACE FUNCTION prism_cancel_dispatches(wanted uuid[], explanation text) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  WITH bounds AS (SELECT min(u::text)::uuid AS low, max(u::text)::uuid AS high FROM unnest(wanted) u),
  mine AS (
    SELECT d.id FROM dispatches d
    WHERE d.id = ANY (wanted) AND d.id >= (SELECT low FROM bounds) AND d.id <= (SELECT high FROM bounds)
      AND d.tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR} AND d.status IN ('PENDING', 'SCHEDULED')),
  taken AS (DELETE FROM due_dispatches q USING mine WHERE q.dispatch_id = mine.id RETURNING q.dispatch_id),
  moved AS (
    UPDATE dispatches d SET status = 'CANCELLED', reason = 'CANCELLED_BY_OPERATOR', error_message = explanation,
      version = d.version + 1
    FROM taken
    WHERE d.id = taken.dispatch_id AND d.id >= (SELECT low FROM bounds) AND d.id <= (SELECT high FROM bounds)
      AND d.status IN ('PENDING', 'SCHEDULED')
    RETURNING d.id, d.version, d.tenant_id, d.campaign_id, d.campaign_provider_id, d.provider_id, d.correlation_id,
      d.trace_id, d.contact_tax_id, d.channel, d.status, d.dispatch_mode, d.triggered_at, d.scheduled_for,
      d.dispatched_at, d.provider_response, d.error_message),
  facts AS (
    INSERT INTO outbox_events (shard, topic, key, headers, payload)
    SELECT hashtext(k.key) & 7, 'dispatch', k.key,
      jsonb_build_object('fact_id', m.id::text || ':' || m.version, 'dispatch_id', m.id, 'version', m.version,
        'tenant', t.slug, 'provider', p.provider_name, 'label', cp.label, 'schema_version', 1),
      json_build_object(
        'journey_name', c.name,
        'correlation_id', m.correlation_id,
        'trace_id', NULLIF(m.trace_id, ''),
        'channel', m.channel,
        'status', m.status,
        'contact_tax_id', NULLIF(m.contact_tax_id, ''),
        'triggered_at', to_char(m.triggered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'dispatched_at', to_char(m.dispatched_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'processing_time_ms', (1000 * extract(epoch FROM date_trunc('milliseconds', m.dispatched_at)
           - date_trunc('milliseconds', CASE WHEN m.dispatch_mode = 'ASYNC'
             THEN COALESCE(m.scheduled_for, m.triggered_at) ELSE m.triggered_at END)))::bigint,
        'provider_response', m.provider_response,
        'error_message', m.error_message)::text
    FROM moved m
    CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(m.contact_tax_id, ''), m.correlation_id) AS key) k
    JOIN tenants t ON t.id = m.tenant_id
    LEFT JOIN campaigns c ON c.id = m.campaign_id
    LEFT JOIN providers p ON p.id = m.provider_id
    LEFT JOIN campaign_providers cp ON cp.id = m.campaign_provider_id
    WHERE m.status NOT IN ('PENDING', 'SCHEDULED')){COUNTS}
  SELECT id FROM moved
$$;
"""  # noqa: S608 - no outside text

RESOLVE = f"""
CREATE OR REPLACE FUNCTION prism_resolve_dispatches(wanted uuid[], lease_seconds integer, outcome text, explanation text)
RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  WITH bounds AS (SELECT min(u::text)::uuid AS low, max(u::text)::uuid AS high FROM unnest(wanted) u),
  moved AS (
    UPDATE dispatches d SET status = outcome, reason = 'RESOLVED_BY_OPERATOR',
      error_message = CASE outcome WHEN 'FAILED' THEN explanation END, version = d.version + 1
    FROM providers p
    WHERE d.id = ANY (wanted) AND d.id >= (SELECT low FROM bounds) AND d.id <= (SELECT high FROM bounds)
      AND d.tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR} AND p.id = d.provider_id
      AND outcome IN ('SENT', 'FAILED') AND d.status = 'UNKNOWN'
      AND COALESCE(d.returned_at, d.dispatched_at, d.created_at) < now() - prism_unknown_wait(p, lease_seconds)
      AND (d.reason <> 'WORKER_LOST' OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.state = 'dead'
        AND w.heartbeat_at > now() - prism_unknown_wait(p, lease_seconds)))
    RETURNING d.id, d.version, d.tenant_id, d.campaign_id, d.campaign_provider_id, d.provider_id, d.correlation_id,
      d.trace_id, d.contact_tax_id, d.channel, d.status, d.dispatch_mode, d.triggered_at, d.scheduled_for,
      d.dispatched_at, d.provider_response, d.error_message, d.returned_at, d.attempts, old.reason AS old_reason,
      old.error_message AS old_error),
  told AS (
    INSERT INTO attempts (dispatch_id, id, tenant_id, number, outcome, reason, error_message, provider_response,
      dispatched_at, returned_at, next_at, created_at)
    SELECT m.id, uuidv7(), m.tenant_id, m.attempts, 'UNKNOWN', m.old_reason, m.old_error, m.provider_response,
      m.dispatched_at, m.returned_at, NULL, now()
    FROM moved m
    WHERE m.attempts > 0 AND NOT EXISTS (SELECT 1 FROM attempts a
      WHERE a.dispatch_id = m.id AND a.number = m.attempts AND a.outcome <> 'NOT_SENT')),
  facts AS (
    INSERT INTO outbox_events (shard, topic, key, headers, payload)
    SELECT hashtext(k.key) & 7, 'dispatch', k.key,
      jsonb_build_object('fact_id', m.id::text || ':' || m.version, 'dispatch_id', m.id, 'version', m.version,
        'tenant', t.slug, 'provider', p.provider_name, 'label', cp.label, 'schema_version', 1),
      json_build_object(
        'journey_name', c.name,
        'correlation_id', m.correlation_id,
        'trace_id', NULLIF(m.trace_id, ''),
        'channel', m.channel,
        'status', m.status,
        'contact_tax_id', NULLIF(m.contact_tax_id, ''),
        'triggered_at', to_char(m.triggered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'dispatched_at', to_char(m.dispatched_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'processing_time_ms', (1000 * extract(epoch FROM date_trunc('milliseconds', m.dispatched_at)
           - date_trunc('milliseconds', CASE WHEN m.dispatch_mode = 'ASYNC'
             THEN COALESCE(m.scheduled_for, m.triggered_at) ELSE m.triggered_at END)))::bigint,
        'provider_response', m.provider_response,
        'error_message', m.error_message)::text
    FROM moved m
    CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(m.contact_tax_id, ''), m.correlation_id) AS key) k
    JOIN tenants t ON t.id = m.tenant_id
    LEFT JOIN campaigns c ON c.id = m.campaign_id
    LEFT JOIN providers p ON p.id = m.provider_id
    LEFT JOIN campaign_providers cp ON cp.id = m.campaign_provider_id
    WHERE m.status NOT IN ('PENDING', 'SCHEDULED')){COUNTS}
  SELECT id FROM moved
$$;
"""  # noqa: S608 - no outside text

BEFORE = import_module("dispatching.migrations.0012_counts")


def elsewhere(to: str, name: str, *, null: bool = False) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=null,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=to,
        verbose_name=name,
    )


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0012_counts")]

    operations = [
        migrations.RunSQL(BEFORE.NO_MORE, BEFORE.COUNT),
        migrations.RunSQL(CANCEL + RESOLVE, (CANCEL + RESOLVE).replace(COUNTS, "")),
        migrations.AlterField("dispatchcount", "tenant", elsewhere("tenants.tenant", "tenant")),
        migrations.AlterField("dispatchcount", "campaign", elsewhere("campaigns.campaign", "campaign", null=True)),
        migrations.AlterField("dispatchcount", "provider", elsewhere("providers.provider", "provider", null=True)),
        migrations.AlterField("dispatchcount", "changes", models.BigIntegerField(verbose_name="changes")),
        migrations.AddField("dispatchcount", "folded", models.BooleanField(db_default=False)),
        migrations.AddIndex(
            "dispatchcount",
            models.Index(condition=models.Q(("folded", False)), fields=["id"], name="dispatch_counts_deltas"),
        ),
        migrations.AddConstraint(
            "dispatchcount",
            models.UniqueConstraint(
                condition=models.Q(("folded", True)),
                fields=("tenant", "hour", "campaign", "provider", "status"),
                name="dispatch_counts_once",
                nulls_distinct=False,
            ),
        ),
        migrations.RunSQL(EAGER, migrations.RunSQL.noop),
    ]
