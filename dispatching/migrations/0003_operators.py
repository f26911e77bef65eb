"""What operators may see and do: views over the queues, and functions that check tenant and role themselves.

Everything here runs with the owner's rights, so each statement names the tenant of the transaction and asks for the
operator's setting. The text is frozen; a test holds the fact it writes against dispatching.facts.
"""

from django.db import migrations, models

from tenants.rls import CALLER_IS_OWNER, CURRENT_TENANT, IS_OPERATOR

COUNTED = 10_000

VIEWS = f"""
CREATE VIEW operator_workers WITH (security_barrier = true) AS
SELECT id, kind::text, host::text, pid, state::text, started_at, heartbeat_at,
  extract(epoch FROM clock_timestamp() - heartbeat_at)::integer AS silent_seconds
FROM workers WHERE {IS_OPERATOR};
CREATE VIEW operator_batches WITH (security_barrier = true) AS
SELECT b.id, p.tenant_id, b.owner AS worker_id, b.provider_id, b.campaign_id, b.lane_class,
  cardinality(b.dispatch_ids) AS size, b.created_at, b.released_at
FROM send_batches b JOIN providers p ON p.id = b.provider_id
WHERE p.tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR};
CREATE VIEW operator_lanes WITH (security_barrier = true) AS
SELECT p.id::text || ':' || l.lane_class AS id, p.tenant_id, p.id AS provider_id, l.lane_class, w.waiting, w.due,
  w.oldest_due_at
FROM providers p CROSS JOIN (VALUES (1::smallint), (2::smallint)) AS l (lane_class)
CROSS JOIN LATERAL (
  SELECT count(*)::integer AS waiting, (count(*) FILTER (WHERE due_at <= clock_timestamp()))::integer AS due,
    min(due_at) AS oldest_due_at
  FROM (SELECT due_at FROM due_dispatches d WHERE d.provider_id = p.id AND d.lane_class = l.lane_class
        ORDER BY due_at LIMIT {COUNTED}) d) w
WHERE p.tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR} AND w.waiting > 0;
"""  # noqa: S608 - no outside text

LOOK_UPS = f"""
CREATE OR REPLACE FUNCTION prism_is_due(wanted uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT EXISTS (SELECT 1 FROM due_dispatches q JOIN dispatches d ON d.id = q.dispatch_id
    WHERE q.dispatch_id = wanted AND d.id = wanted AND (d.tenant_id = {CURRENT_TENANT} OR {CALLER_IS_OWNER}))
$$;
CREATE FUNCTION prism_trigger_of(ledger_key uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT trigger_id FROM trigger_receipts WHERE key = ledger_key AND tenant_id = {CURRENT_TENANT}
$$;
REVOKE ALL ON FUNCTION prism_trigger_of(uuid) FROM PUBLIC;
"""  # noqa: S608 - no outside text

# An UNKNOWN may still be on the wire: not before lease and time-out have passed since it was last heard of, and, where
# its worker was lost before it could say when, since any worker was. A fallback that has gone on is not sent twice.
REPLAY = f"""
CREATE FUNCTION prism_replay_dispatches(wanted uuid[], lease_seconds integer) RETURNS SETOF uuid
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
    RETURNING d.id, d.provider_id, d.lane_class, d.not_after),
  queued AS (
    INSERT INTO due_dispatches (dispatch_id, provider_id, lane_class, due_at, not_after)
    SELECT id, provider_id, lane_class, now(), not_after FROM moved ON CONFLICT (dispatch_id) DO NOTHING)
  SELECT id FROM moved
$$;
"""  # noqa: S608 - no outside text

UNKNOWN_WAIT = """
CREATE FUNCTION prism_unknown_wait(provider providers, lease_seconds integer) RETURNS interval
LANGUAGE sql IMMUTABLE SET search_path = public AS $$
  SELECT make_interval(secs => GREATEST(lease_seconds, 3) + CASE WHEN jsonb_typeof(provider.configuration -> 'timeout_ms')
    = 'number' THEN (provider.configuration ->> 'timeout_ms')::float8 / 1000 ELSE 15 END)
$$;
"""

# Only what waits in the queue: taking its due row is taking it from every worker.
CANCEL = f"""
CREATE FUNCTION prism_cancel_dispatches(wanted uuid[], explanation text) RETURNS SETOF uuid
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
        'processing_time_ms', (1000 * extract(epoch FROM m.dispatched_at - CASE WHEN m.dispatch_mode = 'ASYNC'
           THEN COALESCE(m.scheduled_for, m.triggered_at) ELSE m.triggered_at END))::bigint,
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

DROP = """
DROP FUNCTION prism_cancel_dispatches(uuid[], text);
DROP FUNCTION prism_replay_dispatches(uuid[], integer);
DROP FUNCTION prism_unknown_wait(providers, integer);
DROP FUNCTION prism_trigger_of(uuid);
DROP VIEW operator_lanes;
DROP VIEW operator_batches;
DROP VIEW operator_workers;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("dispatching", "0002_partitions"),
        ("outbox", "0002_shards"),
        ("providers", "0002_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="QueueBatch",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                ("worker_id", models.BigIntegerField(verbose_name="worker")),
                ("lane_class", models.SmallIntegerField(choices=[(1, "Trigger"), (2, "Bulk")], verbose_name="lane")),
                ("size", models.IntegerField(verbose_name="dispatches")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("released_at", models.DateTimeField(null=True, verbose_name="released at")),
            ],
            options={
                "verbose_name": "batch being sent",
                "verbose_name_plural": "batches being sent",
                "db_table": "operator_batches",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="QueueLane",
            fields=[
                ("id", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("lane_class", models.SmallIntegerField(choices=[(1, "Trigger"), (2, "Bulk")], verbose_name="lane")),
                ("waiting", models.IntegerField(verbose_name="waiting")),
                ("due", models.IntegerField(verbose_name="due now")),
                ("oldest_due_at", models.DateTimeField(null=True, verbose_name="oldest due")),
            ],
            options={
                "verbose_name": "queue",
                "verbose_name_plural": "queues",
                "db_table": "operator_lanes",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="QueueWorker",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
                ("host", models.CharField(max_length=253, verbose_name="host")),
                ("pid", models.IntegerField(verbose_name="process id")),
                ("state", models.CharField(max_length=10, verbose_name="state")),
                ("started_at", models.DateTimeField(verbose_name="started at")),
                ("heartbeat_at", models.DateTimeField(verbose_name="last heartbeat")),
                ("silent_seconds", models.IntegerField(verbose_name="silent for (s)")),
            ],
            options={
                "verbose_name": "worker",
                "verbose_name_plural": "workers",
                "db_table": "operator_workers",
                "managed": False,
            },
        ),
        migrations.RunSQL(VIEWS + LOOK_UPS + UNKNOWN_WAIT + REPLAY + CANCEL, DROP),
    ]
