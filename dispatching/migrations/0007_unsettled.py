"""What people look for in the history, found without reading it all: unsettled rows, a tenant's newest, the queue.

A status must not be named by an index (decision 18), so those few dispatches that may want a person, FAILED and
UNKNOWN, stand in a narrow table of their own. A trigger keeps it, hence it cannot disagree with the history. The texts
are frozen; a test holds the fact that `prism_resolve_dispatches` writes against dispatching.facts.
"""

import django.db.models.deletion
from django.db import migrations, models

from tenants.rls import CURRENT_TENANT, IS_OPERATOR, protect

UNSETTLED = """
CREATE FUNCTION prism_keep_unsettled() RETURNS trigger
LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
  IF NEW.status IN ('FAILED', 'UNKNOWN') THEN
    INSERT INTO unsettled_dispatches (dispatch_id, tenant_id, campaign_id, provider_id, status, reason, since)
    VALUES (NEW.id, NEW.tenant_id, NEW.campaign_id, NEW.provider_id, NEW.status, NEW.reason, now())
    ON CONFLICT (dispatch_id) DO UPDATE SET status = EXCLUDED.status, reason = EXCLUDED.reason, since = EXCLUDED.since;
  ELSE
    DELETE FROM unsettled_dispatches WHERE dispatch_id = NEW.id;
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER unsettled_made AFTER INSERT ON dispatches FOR EACH ROW
WHEN (NEW.status IN ('FAILED', 'UNKNOWN')) EXECUTE FUNCTION prism_keep_unsettled();
CREATE TRIGGER unsettled_moved AFTER UPDATE OF status, reason ON dispatches FOR EACH ROW
WHEN (NEW.status IN ('FAILED', 'UNKNOWN') OR OLD.status IN ('FAILED', 'UNKNOWN'))
EXECUTE FUNCTION prism_keep_unsettled();
INSERT INTO unsettled_dispatches (dispatch_id, tenant_id, campaign_id, provider_id, status, reason, since)
SELECT id, tenant_id, campaign_id, provider_id, status, reason, COALESCE(returned_at, dispatched_at, created_at)
FROM dispatches WHERE status IN ('FAILED', 'UNKNOWN');
"""
NOT_UNSETTLED = """
DROP TRIGGER unsettled_moved ON dispatches;
DROP TRIGGER unsettled_made ON dispatches;
DROP FUNCTION prism_keep_unsettled();
"""

# The newest of one tenant among millions of others'; both columns stay as they are.
OF_TENANT = "CREATE INDEX dispatches_tenant ON dispatches (tenant_id, id);"

# The journal of one thing, whichever it is: a bulk deed leaves a line for each of its dispatches.
OF_OBJECT = "CREATE INDEX admin_log_of_object ON django_admin_log (object_id, content_type_id);"

RECEIPT = f"""
CREATE FUNCTION prism_receipt_of(ledger_key uuid) RETURNS TABLE (trigger_id uuid, rejected boolean, received_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
  SELECT r.trigger_id, r.rejected, r.received_at FROM trigger_receipts r
  WHERE r.key = ledger_key AND r.tenant_id = {CURRENT_TENANT}
$$;
REVOKE ALL ON FUNCTION prism_receipt_of(uuid) FROM PUBLIC;
"""  # noqa: S608 - no outside text

# The first thousand of each lane: who wants more of a queue that deep looks at its lane instead.
VIEWS = f"""
CREATE VIEW operator_due WITH (security_barrier = true) AS
SELECT q.dispatch_id AS id, p.tenant_id, p.id AS provider_id, l.lane_class, q.due_at, q.not_after
FROM providers p CROSS JOIN (VALUES (1::smallint), (2::smallint)) AS l (lane_class)
CROSS JOIN LATERAL (
  SELECT d.dispatch_id, d.due_at, d.not_after FROM due_dispatches d
  WHERE d.provider_id = p.id AND d.lane_class = l.lane_class ORDER BY d.due_at LIMIT 1000) q
WHERE p.tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR};
CREATE VIEW operator_worker_lanes WITH (security_barrier = true) AS
SELECT w.id::text || ':' || (l.view ->> 'lane') AS id, p.tenant_id, w.id AS worker_id, w.kind::text, p.id AS provider_id,
  CASE split_part(l.view ->> 'lane', '/', 2) WHEN 'bulk' THEN 2 ELSE 1 END::smallint AS lane_class,
  (l.view ->> 'slots')::integer AS slots, (l.view ->> 'used')::integer AS used, (l.view ->> 'ahead')::integer AS ahead,
  COALESCE((l.view ->> 'slow')::boolean, false) AS slow, COALESCE((l.view ->> 'closed')::boolean, false) AS closed
FROM workers w
CROSS JOIN LATERAL jsonb_array_elements(
  CASE jsonb_typeof(w.detail -> 'lanes') WHEN 'array' THEN w.detail -> 'lanes' ELSE '[]' END) AS l (view)
JOIN providers p ON p.id::text = split_part(l.view ->> 'lane', '/', 1)
WHERE w.state = 'running' AND p.tenant_id = {CURRENT_TENANT} AND {IS_OPERATOR};
"""  # noqa: S608 - no outside text

# A person knows what the vendor could not say. Not before lease and time-out have passed, as with a replay.
RESOLVE = f"""
CREATE FUNCTION prism_resolve_dispatches(wanted uuid[], lease_seconds integer, outcome text, explanation text)
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
    WHERE m.status NOT IN ('PENDING', 'SCHEDULED'))
  SELECT id FROM moved
$$;
REVOKE ALL ON FUNCTION prism_resolve_dispatches(uuid[], integer, text, text) FROM PUBLIC;
"""  # noqa: S608 - no outside text

DROP = """
DROP FUNCTION prism_resolve_dispatches(uuid[], integer, text, text);
DROP FUNCTION prism_receipt_of(uuid);
DROP VIEW operator_worker_lanes;
DROP VIEW operator_due;
"""


def elsewhere(to: str, name: str, related_name: str | None = None, *, null: bool = False) -> models.ForeignKey:
    """A column that points without a constraint: history outlives what it names."""
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=null,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name=related_name,
        to=to,
        verbose_name=name,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("campaigns", "0002_security"),
        ("dispatching", "0006_direct"),
        ("outbox", "0002_shards"),
        ("providers", "0002_security"),
        ("tenants", "0002_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="UnsettledDispatch",
            fields=[
                (
                    "dispatch",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="dispatching.dispatch",
                        verbose_name="dispatch",
                    ),
                ),
                ("tenant", elsewhere("tenants.tenant", "tenant", "+")),
                ("campaign", elsewhere("campaigns.campaign", "campaign", "+", null=True)),
                ("provider", elsewhere("providers.provider", "provider", "+", null=True)),
                ("status", models.CharField(max_length=15, verbose_name="status")),
                ("reason", models.CharField(blank=True, max_length=50, verbose_name="reason")),
                ("since", models.DateTimeField(verbose_name="since")),
            ],
            options={
                "verbose_name": "unsettled dispatch",
                "verbose_name_plural": "unsettled dispatches",
                "db_table": "unsettled_dispatches",
                "indexes": [models.Index(fields=["tenant", "status", "dispatch"], name="unsettled_of_tenant")],
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[],
            options={
                "verbose_name": "failed dispatch",
                "verbose_name_plural": "failed dispatches",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("dispatching.unsettleddispatch",),
        ),
        migrations.CreateModel(
            name="DoubtfulDispatch",
            fields=[],
            options={
                "verbose_name": "dispatch without an answer",
                "verbose_name_plural": "dispatches without an answer",
                "proxy": True,
                "indexes": [],
                "constraints": [],
            },
            bases=("dispatching.unsettleddispatch",),
        ),
        migrations.CreateModel(
            name="QueueDue",
            fields=[
                (
                    "dispatch",
                    models.OneToOneField(
                        db_column="id",
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="dispatching.dispatch",
                        verbose_name="dispatch",
                    ),
                ),
                ("lane_class", models.SmallIntegerField(choices=[(1, "Trigger"), (2, "Bulk")], verbose_name="lane")),
                ("due_at", models.DateTimeField(verbose_name="due at")),
                ("not_after", models.DateTimeField(verbose_name="not after")),
            ],
            options={
                "verbose_name": "dispatch in the queue",
                "verbose_name_plural": "dispatches in the queue",
                "db_table": "operator_due",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="QueueWorkerLane",
            fields=[
                ("id", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("worker_id", models.BigIntegerField(verbose_name="worker")),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
                ("lane_class", models.SmallIntegerField(choices=[(1, "Trigger"), (2, "Bulk")], verbose_name="lane")),
                ("slots", models.IntegerField(verbose_name="slots")),
                ("used", models.IntegerField(verbose_name="used")),
                ("ahead", models.IntegerField(verbose_name="planned ahead")),
                ("slow", models.BooleanField(verbose_name="slow")),
                ("closed", models.BooleanField(verbose_name="backing off")),
            ],
            options={
                "verbose_name": "lane of a worker",
                "verbose_name_plural": "lanes of workers",
                "db_table": "operator_worker_lanes",
                "managed": False,
            },
        ),
        protect("unsettled_dispatches"),
        migrations.RunSQL(UNSETTLED, NOT_UNSETTLED),
        migrations.RunSQL(OF_TENANT, "DROP INDEX dispatches_tenant;"),
        migrations.RunSQL(OF_OBJECT, "DROP INDEX admin_log_of_object;"),
        migrations.RunSQL(RECEIPT + VIEWS + RESOLVE, DROP),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddIndex(
                    model_name="dispatch", index=models.Index(fields=["tenant", "id"], name="dispatches_tenant")
                )
            ]
        ),
    ]
