"""The floor's SQL, in the order in which an event meets it."""

from __future__ import annotations

TAKE_POSITION = """
INSERT INTO consumer_positions (consumer_group, topic, partition, epoch, next_offset) VALUES (%s, %s, %s, 1, 0)
ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET epoch = consumer_positions.epoch + 1
RETURNING epoch, next_offset"""

CLOCK = "SELECT clock_timestamp(), version FROM config_version"

MOVE_POSITION = """
UPDATE consumer_positions c SET next_offset = n.next_offset, updated_at = statement_timestamp()
FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS n (partition, epoch, next_offset)
WHERE c.consumer_group = %s AND c.topic = %s AND c.partition = n.partition AND c.epoch = n.epoch"""

LEDGER = """
INSERT INTO trigger_receipts (key, tenant_id, trigger_id, payload_digest, received_at)
SELECT k, %s, t, d, %s FROM unnest(%s::uuid[], %s::uuid[], %s::bigint[]) AS n (k, t, d)
ON CONFLICT (key) DO UPDATE SET rejected = false, trigger_id = excluded.trigger_id
  WHERE trigger_receipts.rejected
RETURNING key::text"""

COPY_DISPATCHES = """
COPY dispatches (id, tenant_id, trigger_id, campaign_id, campaign_provider_id, provider_id, template_id,
  template_version_id, correlation_id, trace_id, contact_tax_id, contact_data, destination, channel, dispatch_mode,
  message_content, variables, status, triggered_at, received_at, created_at) FROM STDIN"""

ADD_BATCHES = """
INSERT INTO send_batches
  (id, owner, provider_id, lane_class, campaign_id, dispatch_ids, versions, created_at, released_at)
SELECT id, %s, %s, %s, %s, ids::uuid[], versions::int[], %s, CASE WHEN released THEN now() END
FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bool[]) AS n (id, ids, versions, released)"""

RECORD = """
WITH answered AS (
  SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::jsonb[], %s::timestamptz[], %s::timestamptz[],
    %s::smallint[], %s::text[], %s::jsonb[], %s::text[])
    AS a (id, status, message_id, response, dispatched_at, returned_at, shard, key, headers, payload)
), moved AS (
  UPDATE dispatches d SET status = a.status, version = d.version + 1, attempts = d.attempts + 1,
    provider_message_id = a.message_id, provider_response = a.response, dispatched_at = a.dispatched_at,
    returned_at = a.returned_at
  FROM answered a
  WHERE d.id = a.id AND (d.status, d.version) = ('PENDING', 1) AND d.id BETWEEN %s AND %s
  RETURNING a.shard, a.key, a.headers, a.payload
)
INSERT INTO outbox_events (shard, topic, key, headers, payload)
SELECT shard, 'dispatch', key, headers, payload FROM moved"""

FINISH_BATCHES = "DELETE FROM send_batches WHERE id = ANY (%s::uuid[]) AND owner = %s"

RELEASE = """
UPDATE send_batches SET released_at = now() WHERE id = ANY (%s::uuid[]) AND owner = %s AND released_at IS NULL"""

LEASE_SHARDS = """
UPDATE outbox_shards SET owner = %s, leased_until = now() + interval '15 s', epoch = epoch + 1
WHERE leased_until < now() OR owner = %s"""

READ_FACTS = """
SELECT id, key, headers::text, payload FROM outbox_events WHERE parked_at IS NULL AND shard = ANY (%s)
ORDER BY id LIMIT %s"""

DELETE_FACTS = "DELETE FROM outbox_events WHERE id = ANY (%s::bigint[])"
