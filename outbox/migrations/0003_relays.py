"""Relays show themselves, so that those that are up can split the shards; parked facts are found by an index."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("outbox", "0002_shards"),
    ]

    operations = [
        migrations.CreateModel(
            name="OperatorFact",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("shard", models.SmallIntegerField(verbose_name="shard")),
                ("topic", models.CharField(max_length=30, verbose_name="topic")),
                ("key", models.TextField(verbose_name="key")),
                ("headers", models.JSONField(verbose_name="headers")),
                ("payload", models.TextField(verbose_name="payload")),
                ("parked_at", models.DateTimeField(null=True, verbose_name="parked at")),
                ("problem", models.TextField(verbose_name="problem")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "outbox event",
                "verbose_name_plural": "outbox events",
                "db_table": "operator_facts",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="OperatorShard",
            fields=[
                ("shard", models.SmallIntegerField(primary_key=True, serialize=False, verbose_name="shard")),
                ("owner", models.CharField(max_length=100, verbose_name="relay")),
                ("leased_until", models.DateTimeField(verbose_name="leased until")),
                ("epoch", models.BigIntegerField(verbose_name="epoch")),
                ("is_leased", models.BooleanField(verbose_name="leased")),
                ("oldest_at", models.DateTimeField(null=True, verbose_name="oldest fact")),
            ],
            options={
                "verbose_name": "outbox shard",
                "verbose_name_plural": "outbox shards",
                "db_table": "operator_shards",
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="OutboxRelay",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False, verbose_name="relay")),
                (
                    "started_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="started at"
                    ),
                ),
                (
                    "seen_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="last seen"
                    ),
                ),
            ],
            options={
                "verbose_name": "relay",
                "verbose_name_plural": "relays",
                "db_table": "outbox_relays",
            },
        ),
        migrations.AlterField(
            model_name="outboxshard",
            name="epoch",
            field=models.BigIntegerField(default=0, verbose_name="epoch"),
        ),
        migrations.AlterField(
            model_name="outboxshard",
            name="leased_until",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), verbose_name="leased until"
            ),
        ),
        migrations.AlterField(
            model_name="outboxshard",
            name="owner",
            field=models.CharField(blank=True, max_length=100, verbose_name="relay"),
        ),
        migrations.AlterField(
            model_name="outboxshard",
            name="shard",
            field=models.SmallIntegerField(primary_key=True, serialize=False, verbose_name="shard"),
        ),
        migrations.AddIndex(
            model_name="outboxevent",
            index=models.Index(
                condition=models.Q(("parked_at__isnull", False)), fields=["parked_at"], name="outbox_events_parked"
            ),
        ),
    ]
