"""How a dispatch becomes a fact, and is counted: the SQL of every place that moves a status (decisions 12, 16, 18).

The body is exactly seed 000's `communication_dispatch_events`; everything else travels as headers.
"""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from dispatching import arrays

SCHEMA_VERSION = 1

_ISO = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

COLUMNS = (
    "id, version, tenant_id, campaign_id, campaign_provider_id, provider_id, correlation_id, trace_id, contact_tax_id,"
    " channel, status, dispatch_mode, triggered_at, scheduled_for, dispatched_at, provider_response, error_message"
)
"""What a source of facts must offer."""


def insert_facts(source: str) -> str:
    """SQL that writes the facts of `source`, a relation or CTE with COLUMNS. Waiting states are never published."""
    return f"""
    INSERT INTO outbox_events (shard, topic, key, headers, payload)
    SELECT hashtext(k.key) & 7, 'dispatch', k.key,
      jsonb_build_object('fact_id', m.id::text || ':' || m.version, 'dispatch_id', m.id, 'version', m.version,
        'tenant', t.slug, 'provider', p.provider_name, 'label', cp.label, 'schema_version', {SCHEMA_VERSION}),
      json_build_object(
        'journey_name', c.name,
        'correlation_id', m.correlation_id,
        'trace_id', NULLIF(m.trace_id, ''),
        'channel', m.channel,
        'status', m.status,
        'contact_tax_id', NULLIF(m.contact_tax_id, ''),
        'triggered_at', {_ISO.format("m.triggered_at")},
        'dispatched_at', {_ISO.format("m.dispatched_at")},
        'processing_time_ms', (1000 * extract(epoch FROM date_trunc('milliseconds', m.dispatched_at)
           - date_trunc('milliseconds', CASE WHEN m.dispatch_mode = 'ASYNC'
             THEN COALESCE(m.scheduled_for, m.triggered_at) ELSE m.triggered_at END)))::bigint,
        'provider_response', m.provider_response,
        'error_message', m.error_message)::text
    FROM {source} m
    CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(m.contact_tax_id, ''), m.correlation_id) AS key) k
    JOIN tenants t ON t.id = m.tenant_id
    LEFT JOIN campaigns c ON c.id = m.campaign_id
    LEFT JOIN providers p ON p.id = m.provider_id
    LEFT JOIN campaign_providers cp ON cp.id = m.campaign_provider_id
    WHERE m.status NOT IN ('PENDING', 'SCHEDULED')
    """


def insert_counts(source: str) -> str:
    """SQL that counts the facts of `source`; it goes into every statement that `insert_facts` is in. A row per key and
    statement is added, so nobody waits for a counter."""
    return f"""
    INSERT INTO dispatch_counts (tenant_id, hour, campaign_id, provider_id, status, changes)
    SELECT m.tenant_id, date_trunc('hour', now(), 'UTC'), m.campaign_id, m.provider_id, m.status, count(*)
    FROM {source} m
    WHERE m.status NOT IN ('PENDING', 'SCHEDULED')
    GROUP BY m.tenant_id, m.campaign_id, m.provider_id, m.status
    """


_PUBLISH = f"""
WITH made AS (
  SELECT {COLUMNS} FROM dispatches WHERE id = ANY(%s::uuid[]) AND id BETWEEN %s::uuid AND %s::uuid),
counts AS ({insert_counts("made")})
{insert_facts("made")}
"""


def publish(cursor: psycopg.Cursor, dispatch_ids: Sequence[str]) -> None:
    """The facts of rows that this transaction made. (Without bounds, a statement that is run often looks into every
    partition.)"""
    if dispatch_ids:
        cursor.execute(_PUBLISH, [arrays.plain(dispatch_ids), min(dispatch_ids), max(dispatch_ids)])
