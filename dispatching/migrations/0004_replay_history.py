"""An operator's replay keeps what it overwrites: the try that ended a dispatch becomes a row of its attempts.

The text is frozen, as that of the function it replaces.
"""

from django.db import migrations

from tenants.rls import CURRENT_TENANT, IS_OPERATOR

# As before, but for `told`: a lone first try, and one whose worker was lost, were told by the dispatch alone.
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
      not_after = CASE d.dispatch_mode WHEN 'ASYNC' THEN COALESCE(d.not_after, now())
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


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0003_operators")]

    operations = [migrations.RunSQL(REPLAY, migrations.RunSQL.noop)]
