"""Reports that vendors owe: how far the history is looked through, who is looked at again, who is overdue. And what a
receipt says of people and addresses, beside it."""

from typing import Any

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tenants.rls import protect

NOW = django.db.models.functions.datetime.Now()

EAGER = """
ALTER TABLE awaited_reports SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_delay = 0, fillfactor = 70);
ALTER TABLE report_walks SET (fillfactor = 50);
"""

# The walk passes each dispatch once. One that was FAILED or UNKNOWN then and is sent after all is put beside it here.
AGAIN = """
CREATE FUNCTION prism_await_report() RETURNS trigger
LANGUAGE plpgsql SET search_path = public AS $$
BEGIN
  INSERT INTO awaited_reports (dispatch_id, tenant_id, provider_id, look_at)
  SELECT NEW.id, NEW.tenant_id, NEW.provider_id, now() FROM report_walks w WHERE w.provider_id = NEW.provider_id
  ON CONFLICT (dispatch_id) DO UPDATE SET look_at = EXCLUDED.look_at, polls = 0, tries = 0;
  RETURN NULL;
END
$$;
CREATE TRIGGER report_awaited_again AFTER UPDATE OF status ON dispatches FOR EACH ROW
WHEN (OLD.status IN ('FAILED', 'UNKNOWN') AND NEW.status IN ('PENDING', 'SCHEDULED', 'SENT'))
EXECUTE FUNCTION prism_await_report();
"""
NOT_AGAIN = """
DROP TRIGGER report_awaited_again ON dispatches;
DROP FUNCTION prism_await_report();
"""


def elsewhere(to: str, name: str, **options: Any) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        to=to,
        verbose_name=name,
        **options,
    )


def alone(to: str, name: str) -> models.OneToOneField:
    return models.OneToOneField(
        db_constraint=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        primary_key=True,
        related_name="+",
        serialize=False,
        to=to,
        verbose_name=name,
    )


def signs(model: str) -> list[migrations.AddField]:
    return [
        migrations.AddField(
            model, "sign", models.CharField(blank=True, db_default="", max_length=20, verbose_name="sign")
        ),
        migrations.AddField(
            model, "address", models.CharField(blank=True, db_default="", max_length=500, verbose_name="address")
        ),
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("audiences", "0004_suppression_signs"),
        ("dispatching", "0014_paces"),
        ("providers", "0004_checks_security"),
        ("tenants", "0002_security"),
    ]

    operations = [
        *signs("deliveryreceipt"),
        *signs("waitingreceipt"),
        migrations.CreateModel(
            name="ReportWalk",
            fields=[
                ("provider", alone("providers.provider", "provider")),
                ("reached", models.UUIDField(verbose_name="looked through up to")),
                ("walked_at", models.DateTimeField(db_default=NOW, verbose_name="looked at")),
                ("since", models.DateTimeField(db_default=NOW, verbose_name="counted since")),
                ("followed", models.IntegerField(db_default=0, default=0, verbose_name="followed")),
                ("overdue", models.IntegerField(db_default=0, default=0, verbose_name="overdue")),
                ("told", models.BooleanField(db_default=False, default=False, verbose_name="alarm raised")),
                ("tenant", elsewhere("tenants.tenant", "tenant")),
            ],
            options={
                "verbose_name": "watch of reports",
                "verbose_name_plural": "watches of reports",
                "db_table": "report_walks",
            },
        ),
        migrations.CreateModel(
            name="AwaitedReport",
            fields=[
                ("dispatch_id", models.UUIDField(primary_key=True, serialize=False, verbose_name="dispatch")),
                ("look_at", models.DateTimeField(verbose_name="next look")),
                ("polls", models.SmallIntegerField(db_default=0, default=0, verbose_name="asked")),
                ("tries", models.SmallIntegerField(db_default=0, default=0, verbose_name="tries")),
                ("provider", elsewhere("providers.provider", "provider", related_name="+")),
                ("tenant", elsewhere("tenants.tenant", "tenant")),
            ],
            options={
                "verbose_name": "awaited report",
                "verbose_name_plural": "awaited reports",
                "db_table": "awaited_reports",
                "indexes": [models.Index(fields=["look_at"], name="awaited_reports_look")],
            },
        ),
        migrations.CreateModel(
            name="OverdueDelivery",
            fields=[
                ("dispatch", alone("dispatching.dispatch", "dispatch")),
                ("since", models.DateTimeField(verbose_name="since")),
                ("provider", elsewhere("providers.provider", "provider", related_name="+")),
                ("tenant", elsewhere("tenants.tenant", "tenant", related_name="+")),
            ],
            options={
                "verbose_name": "overdue delivery",
                "verbose_name_plural": "overdue deliveries",
                "db_table": "overdue_deliveries",
                "indexes": [
                    models.Index(fields=["tenant", "dispatch"], name="overdue_of_tenant"),
                    models.Index(fields=["provider", "dispatch"], name="overdue_of_provider"),
                ],
            },
        ),
        protect("report_walks"),
        protect("awaited_reports"),
        protect("overdue_deliveries"),
        migrations.RunSQL(EAGER, migrations.RunSQL.noop),
        migrations.RunSQL(AGAIN, NOT_AGAIN),
    ]
