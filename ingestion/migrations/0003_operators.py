"""What operators see of the positions through the web role; the lead of Kafka that they accept; deletion by age."""

import django.contrib.postgres.indexes
from django.db import migrations, models

from tenants.rls import IS_OPERATOR

VIEW = f"""
CREATE VIEW operator_positions WITH (security_barrier = true) AS
SELECT p.id, p.consumer_group, p.topic, p.partition, p.epoch, p.next_offset, p.stopped_reason, p.updated_at
FROM consumer_positions p WHERE {IS_OPERATOR};
"""


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0002_security"), ("tenants", "0002_security")]

    operations = [
        migrations.AddField(
            model_name="consumerposition",
            name="accepted_lead",
            field=models.BigIntegerField(
                help_text="Kafka's committed offset that an operator accepted although it was ahead of ours.",
                null=True,
                verbose_name="accepted lead",
            ),
        ),
        migrations.AlterField(
            model_name="rejectedtrigger",
            name="headers",
            field=models.JSONField(default=list, verbose_name="headers"),
        ),
        migrations.AddIndex(
            model_name="rejectedtrigger",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["created_at"], name="rejected_triggers_age"),
        ),
        migrations.RunSQL(VIEW, "DROP VIEW operator_positions;"),
        migrations.CreateModel(
            name="OperatorPosition",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("consumer_group", models.CharField(max_length=200, verbose_name="consumer group")),
                ("topic", models.CharField(max_length=249, verbose_name="topic")),
                ("partition", models.IntegerField(verbose_name="partition")),
                ("epoch", models.BigIntegerField(verbose_name="epoch")),
                ("next_offset", models.BigIntegerField(null=True, verbose_name="next offset")),
                ("stopped_reason", models.TextField(verbose_name="why it stopped")),
                ("updated_at", models.DateTimeField(verbose_name="updated at")),
            ],
            options={
                "verbose_name": "consumer position",
                "verbose_name_plural": "consumer positions",
                "db_table": "operator_positions",
                "managed": False,
            },
        ),
    ]
