"""The partitioned tables, the scheduled view, storage settings, row-level security and the first partitions."""

from typing import Any

from django.db import migrations
from django.utils import timezone

from dispatching.partitions import make_partitions, wanted_weeks
from tenants.rls import protect

# No column that changes is named by an index, so that updates stay HOT (decision 18).
DISPATCHES = """
CREATE TABLE dispatches (
  id uuid PRIMARY KEY,
  tenant_id bigint NOT NULL,
  trigger_id uuid NOT NULL,
  campaign_id uuid,
  campaign_version smallint NOT NULL DEFAULT 1,
  campaign_provider_id uuid,
  provider_id uuid,
  template_id uuid,
  template_version_id uuid,
  predecessor_id uuid,
  correlation_id text NOT NULL,
  trace_id text NOT NULL DEFAULT '',
  contact_tax_id text NOT NULL DEFAULT '',
  contact_data jsonb NOT NULL DEFAULT '{}',
  destination text NOT NULL DEFAULT '',
  channel text NOT NULL,
  dispatch_mode text NOT NULL CHECK (dispatch_mode IN ('SYNC', 'ASYNC')),
  lane_class smallint NOT NULL DEFAULT 1,
  message_subject text NOT NULL DEFAULT '',
  message_content text NOT NULL DEFAULT '',
  variables jsonb NOT NULL DEFAULT '{}',
  media_url text NOT NULL DEFAULT '',
  status text NOT NULL CONSTRAINT dispatch_status_known CHECK (status IN ('PENDING', 'SCHEDULED', 'SENT', 'DELIVERED',
    'READ', 'FAILED', 'UNKNOWN', 'CONTROL_GROUP', 'REFUSED', 'EXPIRED', 'CANCELLED')),
  reason text NOT NULL DEFAULT '',
  error_message text,
  provider_message_id text NOT NULL DEFAULT '',
  provider_response jsonb,
  version integer NOT NULL DEFAULT 1,
  attempts smallint NOT NULL DEFAULT 0,
  max_attempts smallint NOT NULL DEFAULT 3,
  triggered_at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  scheduled_for timestamptz,
  scheduled_local text NOT NULL DEFAULT '',
  not_after timestamptz,
  dispatched_at timestamptz,
  returned_at timestamptz,
  created_at timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX dispatches_trigger ON dispatches (trigger_id);
CREATE INDEX dispatches_contact ON dispatches (tenant_id, contact_tax_id, triggered_at);
CREATE INDEX dispatches_campaign ON dispatches (campaign_id, id);
"""

# A child of dispatches: it shares their bounds and leaves with them.
ATTEMPTS = """
CREATE TABLE attempts (
  dispatch_id uuid NOT NULL,
  id uuid NOT NULL,
  tenant_id bigint NOT NULL,
  number smallint NOT NULL,
  outcome text NOT NULL,
  reason text NOT NULL DEFAULT '',
  error_message text,
  provider_response jsonb,
  dispatched_at timestamptz,
  returned_at timestamptz,
  next_at timestamptz,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (dispatch_id, id)
) PARTITION BY RANGE (dispatch_id);
"""

LEDGER = (
    """
CREATE TABLE trigger_receipts (
  key uuid PRIMARY KEY,
  tenant_id bigint NOT NULL,
  trigger_id uuid NOT NULL,
  payload_digest bigint NOT NULL,
  rejected boolean NOT NULL DEFAULT false,
  received_at timestamptz NOT NULL
) PARTITION BY HASH (key);
"""
    + "\n".join(
        f"CREATE TABLE trigger_receipts_h{n} PARTITION OF trigger_receipts FOR VALUES WITH (MODULUS 8, REMAINDER {n});"
        for n in range(8)
    )
    + "\nCREATE INDEX trigger_receipts_received ON trigger_receipts USING brin (received_at);"
)

EAGER = "\n".join(
    f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,"
    " autovacuum_vacuum_cost_delay = 0, fillfactor = 70);"
    for table in ("due_dispatches", "send_batches", "workers", "pace_counters")
)

# The web role may look at the queue through this view only; it runs with the reader's own rights.
SCHEDULED = """
CREATE FUNCTION prism_is_due(wanted uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT EXISTS (SELECT 1 FROM due_dispatches WHERE dispatch_id = wanted)
$$;
REVOKE ALL ON FUNCTION prism_is_due(uuid) FROM PUBLIC;
CREATE VIEW scheduled_dispatches WITH (security_invoker = true) AS
SELECT d.id, d.tenant_id, d.campaign_id, d.id AS dispatch_id, d.correlation_id, d.contact_tax_id,
  jsonb_build_object('journey_name', c.name, 'correlation_id', d.correlation_id, 'trace_id', d.trace_id,
    'triggered_at', d.triggered_at, 'contact_attributes', d.contact_data) AS event_payload,
  d.scheduled_for, c.trigger_time,
  CASE
    WHEN d.status IN ('PENDING', 'SCHEDULED') THEN CASE WHEN prism_is_due(d.id) THEN 'PENDING' ELSE 'PROCESSING' END
    WHEN d.status IN ('SENT', 'DELIVERED', 'READ') THEN 'COMPLETED'
    WHEN d.status = 'CANCELLED' THEN 'CANCELLED'
    ELSE 'FAILED'
  END AS status,
  CASE WHEN d.status IN ('PENDING', 'SCHEDULED') THEN NULL ELSE COALESCE(d.returned_at, d.dispatched_at, d.created_at) END
    AS processed_at,
  d.error_message
FROM dispatches d LEFT JOIN campaigns c ON c.id = d.campaign_id
WHERE d.dispatch_mode = 'ASYNC' AND d.scheduled_for IS NOT NULL;
"""


def first_partitions(apps: Any, schema_editor: Any) -> None:
    # Later children are made by their own migrations.
    for table in ("dispatches", "attempts"):
        make_partitions(schema_editor.connection, table, wanted_weeks(timezone.now()))


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0001_initial"), ("tenants", "0002_security"), ("campaigns", "0002_security")]

    operations = [
        migrations.RunSQL(DISPATCHES, "DROP TABLE dispatches;"),
        migrations.RunSQL(ATTEMPTS, "DROP TABLE attempts;"),
        migrations.RunSQL(LEDGER, "DROP TABLE trigger_receipts;"),
        migrations.RunSQL(EAGER, migrations.RunSQL.noop),
        migrations.RunSQL(SCHEDULED, "DROP VIEW scheduled_dispatches; DROP FUNCTION prism_is_due(uuid);"),
        protect("dispatches"),
        protect("attempts"),
        migrations.RunPython(first_partitions, migrations.RunPython.noop),
    ]
