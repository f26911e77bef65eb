"""Messages without a campaign, accepted by the web process: one function writes ledger, dispatches and due rows.

The web role has no grant on those tables. What decides where a row belongs (tenant, ledger key, ids, times, channel) is
made here and never taken from the caller. The text is frozen.
"""

from django.db import migrations

from tenants.rls import CURRENT_TENANT, IS_OPERATOR

# Keys of what the web process sends: made where the tenant is known, so that nobody can take another tenant's.
LEDGER_KEY = """
CREATE FUNCTION prism_ledger_key(tenant bigint, source text, correlation_id text) RETURNS uuid
LANGUAGE sql STABLE SET search_path = public AS $$
  SELECT encode(substring(sha256(convert_to(tenant || E'\\x1f' || source || E'\\x1f' || correlation_id, 'UTF8'))
    FROM 1 FOR 16), 'hex')::uuid
$$;
"""

# A message has one dispatch, whose id is the trigger's: a repeated one is answered from the ledger alone.
KNOWN = f"""
CREATE FUNCTION prism_known_messages(correlation_ids text[])
RETURNS TABLE (correlation_id text, dispatch_id uuid, payload_digest bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT w.correlation_id, r.trigger_id, r.payload_digest
  FROM (SELECT DISTINCT u AS correlation_id, prism_ledger_key({CURRENT_TENANT}, 'api', u) AS key
        FROM unnest(correlation_ids) u) w
  JOIN trigger_receipts r ON r.key = w.key AND r.tenant_id = {CURRENT_TENANT}
$$;
REVOKE ALL ON FUNCTION prism_known_messages(text[]) FROM PUBLIC;
"""  # noqa: S608 - no outside text

# Receipts in the order of their keys, or two batches that share some wait for each other crosswise. Those that another
# transaction took meanwhile are read by a second statement, which sees what that one committed.
ACCEPT = f"""
CREATE FUNCTION prism_accept_messages(messages jsonb) RETURNS TABLE (item integer, dispatch_id uuid, fate text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
  tenant bigint := {CURRENT_TENANT};
  moment timestamptz := clock_timestamp();
  taken integer[];
BEGIN
  IF tenant IS NULL OR NOT COALESCE({IS_OPERATOR}, false) THEN
    RAISE EXCEPTION 'messages are accepted for a tenant, from whoever may operate' USING ERRCODE = '42501';
  END IF;
  WITH asked AS MATERIALIZED (
    SELECT m.*, p.provider_type, v.template_id, uuidv7() AS id, prism_ledger_key(tenant, 'api', m.correlation_id) AS key
    FROM jsonb_to_recordset(messages) AS m (item integer, correlation_id text, trace_id text, payload_digest bigint,
      provider_id uuid, template_version_id uuid, lane_class smallint, contact_tax_id text, contact_data jsonb,
      destination text, subject text, body text, variables jsonb, media_url text, max_attempts smallint,
      scheduled_for timestamptz, scheduled_local text, not_after timestamptz)
    JOIN providers p ON p.id = m.provider_id AND p.tenant_id = tenant
    LEFT JOIN template_versions v ON v.id = m.template_version_id AND v.tenant_id = tenant
    WHERE m.template_version_id IS NULL OR v.id IS NOT NULL),
  won AS (
    INSERT INTO trigger_receipts (key, tenant_id, trigger_id, payload_digest, rejected, received_at)
    SELECT a.key, tenant, a.id, a.payload_digest, false, moment FROM asked a ORDER BY a.key
    ON CONFLICT (key) DO NOTHING RETURNING key),
  mine AS MATERIALIZED (SELECT a.* FROM asked a JOIN won ON won.key = a.key),
  made AS (
    INSERT INTO dispatches (id, tenant_id, trigger_id, provider_id, template_id, template_version_id, correlation_id,
      trace_id, contact_tax_id, contact_data, destination, channel, dispatch_mode, lane_class, message_subject,
      message_content, variables, media_url, status, max_attempts, triggered_at, received_at, scheduled_for,
      scheduled_local, not_after, created_at)
    SELECT n.id, tenant, n.id, n.provider_id, n.template_id, n.template_version_id, n.correlation_id, n.trace_id,
      n.contact_tax_id, n.contact_data, n.destination, n.provider_type,
      CASE WHEN n.scheduled_for IS NULL THEN 'SYNC' ELSE 'ASYNC' END, n.lane_class, n.subject, n.body, n.variables,
      n.media_url, CASE WHEN n.scheduled_for IS NULL THEN 'PENDING' ELSE 'SCHEDULED' END, n.max_attempts, moment,
      moment, n.scheduled_for, n.scheduled_local, n.not_after, moment
    FROM mine n),
  queued AS (
    INSERT INTO due_dispatches (dispatch_id, provider_id, lane_class, due_at, not_after)
    SELECT n.id, n.provider_id, n.lane_class, COALESCE(n.scheduled_for, moment), n.not_after FROM mine n)
  SELECT array_agg(n.item) INTO taken FROM mine n;
  RETURN QUERY
  SELECT m.item, r.trigger_id, CASE WHEN r.key IS NULL THEN 'gone' WHEN m.item = ANY (taken) THEN 'accepted'
    WHEN r.payload_digest = m.payload_digest THEN 'duplicate' ELSE 'other' END
  FROM jsonb_to_recordset(messages) AS m (item integer, correlation_id text, payload_digest bigint)
  LEFT JOIN trigger_receipts r ON r.key = prism_ledger_key(tenant, 'api', m.correlation_id);
END
$$;
REVOKE ALL ON FUNCTION prism_accept_messages(jsonb) FROM PUBLIC;
"""  # noqa: S608 - no outside text

# As before, but for the latest moment: only a campaign has a calendar that finds the next one.
REPLAY = f"""
CREATE OR REPLACE FUNCTION prism_replay_dispatches(wanted uuid[], lease_seconds integer) RETURNS SETOF uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
  WITH bounds AS (SELECT min(u::text)::uuid AS low, max(u::text)::uuid AS high FROM unnest(wanted) u),
  moved AS (
    UPDATE dispatches d SET
      status = CASE d.dispatch_mode WHEN 'ASYNC' THEN 'SCHEDULED' ELSE 'PENDING' END,
      reason = '', error_message = NULL, version = d.version + 1,
      max_attempts = LEAST(32000, d.attempts + CASE WHEN jsonb_typeof(p.configuration #> '{{retry,max_attempts}}')
        = 'number' THEN (p.configuration #>> '{{retry,max_attempts}}')::numeric ELSE 3 END)::smallint,
      not_after = CASE WHEN d.dispatch_mode = 'ASYNC' AND d.campaign_id IS NOT NULL THEN COALESCE(d.not_after, now())
        ELSE GREATEST(d.not_after, now() + interval '24 hours') END
    FROM providers p
    WHERE d.id = ANY (wanted) AND d.id >= (SELECT low FROM bounds) AND d.id <= (SELECT high FROM bounds)
      AND d.tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR} AND p.id = d.provider_id
      AND (d.status = 'FAILED' OR (d.status = 'UNKNOWN'
        AND COALESCE(d.returned_at, d.dispatched_at, d.created_at) < now() - prism_unknown_wait(p, lease_seconds)
        AND (d.reason <> 'WORKER_LOST' OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.state = 'dead'
          AND w.heartbeat_at > now() - prism_unknown_wait(p, lease_seconds)))))
      AND NOT EXISTS (SELECT 1 FROM dispatches s WHERE s.trigger_id = d.trigger_id AND s.predecessor_id = d.id)
    RETURNING d.id, d.tenant_id, d.provider_id, d.lane_class, d.not_after, d.attempts, old.status AS ended,
      old.reason AS reason, old.error_message AS error, d.provider_response, d.dispatched_at, d.returned_at),
  queued AS (
    INSERT INTO due_dispatches (dispatch_id, provider_id, lane_class, due_at, not_after)
    SELECT id, provider_id, lane_class, now(), not_after FROM moved ON CONFLICT (dispatch_id) DO NOTHING),
  told AS (
    INSERT INTO attempts (dispatch_id, id, tenant_id, number, outcome, reason, error_message, provider_response,
      dispatched_at, returned_at, next_at, created_at)
    SELECT m.id, uuidv7(), m.tenant_id, m.attempts, m.ended, m.reason, m.error, m.provider_response,
      m.dispatched_at, m.returned_at, now(), now()
    FROM moved m
    WHERE m.attempts > 0 AND NOT EXISTS (SELECT 1 FROM attempts a
      WHERE a.dispatch_id = m.id AND a.number = m.attempts AND a.outcome <> 'NOT_SENT'))
  SELECT id FROM moved
$$;
"""  # noqa: S608 - no outside text

DROP = """
DROP FUNCTION prism_accept_messages(jsonb);
DROP FUNCTION prism_known_messages(text[]);
DROP FUNCTION prism_ledger_key(bigint, text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0005_fact_times"), ("templates", "0001_initial")]

    operations = [
        migrations.RunSQL(LEDGER_KEY + KNOWN + ACCEPT, DROP),
        migrations.RunSQL(REPLAY, migrations.RunSQL.noop),
    ]
