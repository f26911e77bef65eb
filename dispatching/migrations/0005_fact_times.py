"""The fact of a cancelled dispatch has its times as every other fact: see dispatching.facts. The text is frozen."""

from django.db import migrations

from tenants.rls import CURRENT_TENANT, IS_OPERATOR

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
    WHERE m.status NOT IN ('PENDING', 'SCHEDULED'))
  SELECT id FROM moved
$$;
"""  # noqa: S608 - no outside text


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0004_replay_history")]

    operations = [migrations.RunSQL(CANCEL, migrations.RunSQL.noop)]
