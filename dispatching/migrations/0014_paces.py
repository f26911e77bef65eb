"""A pace of a campaign's own, and the time between two messages to one address. Old processes go on: what they do not
know has a default."""

import datetime as dt

from django.db import migrations, models

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class Migration(migrations.Migration):
    dependencies = [
        ("dispatching", "0013_counts_beside_facts"),
        ("campaigns", "0004_weights_and_pace"),
        ("providers", "0006_circuits"),
    ]

    operations = [
        migrations.AddField(
            model_name="duedispatch",
            name="paced",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="pacecounter",
            name="tail_at",
            field=models.DateTimeField(db_default=EPOCH, default=EPOCH),
        ),
        migrations.CreateModel(
            name="ContactPace",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("next_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "contact pace",
                "verbose_name_plural": "contact paces",
                "db_table": "contact_paces",
            },
        ),
        # `next_at` changes with every message and no index names it: the new version stays on its page (decision 18).
        migrations.RunSQL(
            "ALTER TABLE contact_paces SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)",
            "ALTER TABLE contact_paces RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
    ]
