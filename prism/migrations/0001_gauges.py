"""One cheap look at all queues, for /metrics and doctor: set-wise, bounded counts, no personal data."""

from django.db import migrations

from tenants.rls import CALLER_IS_OWNER

COUNTED = 10_000
NEWEST = 20_000

# Numbers of all tenants, hence the setting: prism.gauges turns it on for its own short transaction only.
# `dispatches` has no index on status (decision 18): UNKNOWN is counted among the newest rows.
GAUGES = f"""
CREATE FUNCTION prism_gauges(lease_seconds integer)
RETURNS TABLE (name text, labels jsonb, value double precision)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  WITH RECURSIVE lanes AS (
    (SELECT provider_id, lane_class FROM due_dispatches ORDER BY provider_id, lane_class LIMIT 1)
    UNION ALL
    SELECT n.provider_id, n.lane_class FROM lanes l, LATERAL (
      SELECT d.provider_id, d.lane_class FROM due_dispatches d
      WHERE (d.provider_id, d.lane_class) > (l.provider_id, l.lane_class)
      ORDER BY d.provider_id, d.lane_class LIMIT 1) n),
  depth AS (
    SELECT jsonb_build_object('provider', l.provider_id, 'class', l.lane_class) AS labels, w.*
    FROM lanes l CROSS JOIN LATERAL (
      SELECT count(*) AS waiting, count(*) FILTER (WHERE due_at <= now()) AS due, min(due_at) AS oldest
      FROM (SELECT due_at FROM due_dispatches d WHERE d.provider_id = l.provider_id AND d.lane_class = l.lane_class
            ORDER BY due_at LIMIT {COUNTED}) x) w),
  outbox AS (
    SELECT count(*) AS waiting, min(created_at) AS oldest FROM (
      SELECT created_at FROM outbox_events WHERE parked_at IS NULL ORDER BY id LIMIT {COUNTED}) x),
  gauges (name, labels, value) AS (
    SELECT 'lane_waiting', labels, waiting::float8 FROM depth
    UNION ALL SELECT 'lane_due', labels, due::float8 FROM depth
    UNION ALL SELECT 'lane_oldest_seconds', labels, GREATEST(0, extract(epoch FROM now() - oldest))::float8 FROM depth
    UNION ALL SELECT 'outbox_depth', NULL, waiting::float8 FROM outbox
    UNION ALL SELECT 'outbox_oldest', NULL, COALESCE(extract(epoch FROM now() - oldest), 0)::float8 FROM outbox
    UNION ALL SELECT 'outbox_parked_facts', NULL, count(*)::float8 FROM (
      SELECT 1 FROM outbox_events WHERE parked_at IS NOT NULL LIMIT {COUNTED}) x
    UNION ALL SELECT 'unknown', NULL, count(*)::float8 FROM (
      SELECT status FROM dispatches ORDER BY id DESC LIMIT {NEWEST}) x WHERE status = 'UNKNOWN'
    UNION ALL SELECT 'workers', jsonb_build_object('kind', kind), count(*)::float8 FROM workers
      WHERE state = 'running' AND heartbeat_at > now() - make_interval(secs => lease_seconds) GROUP BY kind
    UNION ALL SELECT 'relays', NULL, count(*)::float8 FROM outbox_relays
      WHERE seen_at > now() - make_interval(secs => lease_seconds)
    UNION ALL SELECT 'position', jsonb_build_object('group', consumer_group, 'topic', topic, 'partition', partition,
      'stopped', stopped_reason <> ''), COALESCE(next_offset, 0)::float8 FROM consumer_positions)
  SELECT g.name, COALESCE(g.labels, '{{}}'), g.value FROM gauges g
  WHERE {CALLER_IS_OWNER} OR current_setting('prism.system', true) = 'on'
$$;
REVOKE ALL ON FUNCTION prism_gauges(integer) FROM PUBLIC;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("dispatching", "0003_operators"),
        ("ingestion", "0002_security"),
        ("outbox", "0003_relays"),
    ]

    operations = [migrations.RunSQL(GAUGES, "DROP FUNCTION prism_gauges(integer);")]
