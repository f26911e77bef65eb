"""The audit trail tells of frequency caps too."""

import importlib

import django.db.models.deletion
import pghistory.utils
from django.db import migrations, models

from prism.history.view_sql import record_also

BEFORE = importlib.import_module("prism.migrations.0004_changes_security").TABLES


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0003_frequency_caps"),
        ("prism", "0004_changes_security"),
    ]

    operations = [
        migrations.CreateModel(
            name="FrequencyCapEvent",
            fields=[
                ("pgh_id", models.AutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("tenant_id", models.BigIntegerField(null=True)),
                ("row", models.JSONField()),
                ("changes", models.JSONField(null=True)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="campaigns.frequencycap",
                    ),
                ),
            ],
            options={
                "db_table": "frequency_caps_events",
                "abstract": False,
                "indexes": [models.Index(fields=["tenant_id", "-pgh_created_at"], name="frequency_caps_ev_latest")],
            },
        ),
        *record_also("frequency_caps", "campaigns.frequencycap", BEFORE),
    ]
