"""Frequency caps: at most so many messages per person and period (decision 15)."""

import uuid

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tenants.rls import protect, versioned


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0002_security"), ("tenants", "0002_security")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="ignores_caps",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="For what people wait for, as a code or a receipt: it is sent whatever they had before.",
                verbose_name="ignores frequency caps",
            ),
        ),
        migrations.CreateModel(
            name="FrequencyCap",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                (
                    "channel",
                    models.CharField(
                        blank=True,
                        help_text="As WHATSAPP. Empty: all channels together.",
                        max_length=50,
                        verbose_name="channel",
                    ),
                ),
                (
                    "max_messages",
                    models.PositiveSmallIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000),
                        ],
                        verbose_name="messages at most",
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("day", "per day"), ("week", "per week (Monday to Sunday)"), ("month", "per month")],
                        default="week",
                        max_length=5,
                        verbose_name="period",
                    ),
                ),
                ("is_active", models.BooleanField(db_default=True, default=True, verbose_name="active")),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "created_by",
                    models.CharField(blank=True, editable=False, max_length=150, verbose_name="created by"),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.RESTRICT, to="tenants.tenant", verbose_name="tenant"
                    ),
                ),
            ],
            options={
                "verbose_name": "frequency cap",
                "verbose_name_plural": "frequency caps",
                "db_table": "frequency_caps",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "channel", "period"),
                        name="frequency_cap_once",
                        violation_error_message="There is already a cap for this channel and period.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("max_messages__gte", 1), ("max_messages__lte", 1000)),
                        name="frequency_cap_limit",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("period__in", ["day", "week", "month"])), name="frequency_cap_period"
                    ),
                ],
            },
        ),
        protect("frequency_caps"),
        versioned("frequency_caps"),
    ]
