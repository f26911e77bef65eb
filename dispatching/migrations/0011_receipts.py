"""Delivery receipts: raw, once, beside the dispatch they tell of; and those that wait for their dispatch (decision 29)."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from dispatching.partitions import adopt_weeks
from tenants.rls import protect

RECEIPTS = """
CREATE TABLE delivery_receipts (
  dispatch_id uuid NOT NULL,
  id uuid NOT NULL,
  tenant_id bigint NOT NULL,
  provider_id uuid NOT NULL,
  message_id text NOT NULL,
  kind text NOT NULL,
  status text NOT NULL DEFAULT '',
  reason text NOT NULL DEFAULT '',
  error_message text,
  occurred_at timestamptz,
  received_at timestamptz NOT NULL,
  payload bytea NOT NULL,
  payload_size integer NOT NULL,
  PRIMARY KEY (dispatch_id, id)
) PARTITION BY RANGE (dispatch_id);
"""

EAGER = """
ALTER TABLE waiting_receipts SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0, fillfactor = 70);
"""


def weeks_of_the_history(apps: Any, schema_editor: Any) -> None:
    adopt_weeks(schema_editor.connection, "delivery_receipts")


def elsewhere(to: str, name: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        to=to,
        verbose_name=name,
        **({"related_name": "+"} if to == "providers.provider" else {}),
    )


def told() -> list[tuple[str, models.Field]]:
    """What both tables hold."""
    return [
        ("message_id", models.CharField(max_length=300, verbose_name="provider's message id")),
        ("kind", models.CharField(max_length=100, verbose_name="reported as")),
        ("status", models.CharField(blank=True, max_length=15, verbose_name="status")),
        ("reason", models.CharField(blank=True, max_length=50, verbose_name="reason")),
        ("error_message", models.TextField(null=True, verbose_name="error")),
        ("occurred_at", models.DateTimeField(null=True, verbose_name="happened at")),
        ("received_at", models.DateTimeField(verbose_name="received at")),
        ("payload", models.BinaryField(verbose_name="as it came")),
        ("payload_size", models.IntegerField(verbose_name="size")),
        ("tenant", elsewhere("tenants.tenant", "tenant")),
        ("provider", elsewhere("providers.provider", "provider")),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("dispatching", "0010_cap_counters"),
        ("providers", "0002_security"),
        ("tenants", "0002_security"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name="DeliveryReceipt",
                    fields=[
                        ("dispatch_id", models.UUIDField(verbose_name="dispatch")),
                        ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                        *told(),
                    ],
                    options={
                        "verbose_name": "delivery receipt",
                        "verbose_name_plural": "delivery receipts",
                        "db_table": "delivery_receipts",
                    },
                )
            ],
            database_operations=[migrations.RunSQL(RECEIPTS, "DROP TABLE delivery_receipts;")],
        ),
        migrations.CreateModel(
            name="WaitingReceipt",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("dispatch_id", models.UUIDField(null=True, verbose_name="dispatch")),
                *told(),
                ("tries", models.SmallIntegerField(default=0, verbose_name="tries")),
                ("look_at", models.DateTimeField(verbose_name="next look")),
            ],
            options={
                "verbose_name": "waiting receipt",
                "verbose_name_plural": "waiting receipts",
                "db_table": "waiting_receipts",
                "indexes": [models.Index(fields=["look_at"], name="waiting_receipts_look")],
            },
        ),
        protect("delivery_receipts"),
        protect("waiting_receipts"),
        migrations.RunSQL(EAGER, migrations.RunSQL.noop),
        migrations.RunPython(weeks_of_the_history, migrations.RunPython.noop),
    ]
