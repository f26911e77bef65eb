"""One look at a vendor by a worker, asked for in the admin, by a program or by the clock."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("providers", "0002_security"),
        ("tenants", "0005_api_throttle"),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderCheck",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "requested_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="requested at"
                    ),
                ),
                (
                    "requested_by",
                    models.CharField(blank=True, db_default="", max_length=150, verbose_name="requested by"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("running", "Running"), ("done", "Done")],
                        db_default="waiting",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(db_default=0)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                ("ok", models.BooleanField(null=True, verbose_name="result")),
                ("code", models.CharField(blank=True, db_default="", max_length=50, verbose_name="code")),
                ("message", models.TextField(blank=True, db_default="", verbose_name="answer")),
                ("elapsed_ms", models.PositiveIntegerField(null=True)),
                (
                    "provider",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="checks",
                        to="providers.provider",
                        verbose_name="provider",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT, to="tenants.tenant", verbose_name="tenant"
                    ),
                ),
            ],
            options={
                "verbose_name": "connection check",
                "verbose_name_plural": "connection checks",
                "db_table": "provider_checks",
                "indexes": [
                    models.Index(fields=["provider", "-requested_at"], name="provider_checks_latest"),
                    models.Index(
                        condition=models.Q(("state", "done"), _negated=True),
                        fields=["requested_at"],
                        name="provider_checks_open",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "waiting")), fields=("provider",), name="provider_check_waits_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["waiting", "running", "done"])),
                        name="provider_check_state_known",
                    ),
                ],
            },
        ),
    ]
