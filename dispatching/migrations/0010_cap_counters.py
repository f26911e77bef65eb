"""What each person has had of each frequency cap: a worker table, without tenant and without rights for the web role."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0009_idempotency_keys"), ("campaigns", "0003_frequency_caps")]

    operations = [
        migrations.CreateModel(
            name="CapCounter",
            fields=[
                ("key", models.UUIDField(primary_key=True, serialize=False)),
                ("used", models.SmallIntegerField(default=0)),
                ("expires_on", models.DateField()),
            ],
            options={
                "verbose_name": "cap counter",
                "verbose_name_plural": "cap counters",
                "db_table": "cap_counters",
                "indexes": [models.Index(fields=["expires_on"], name="cap_counters_expiry")],
            },
        ),
        # `used` changes with every message and no index names it: the new version stays on its page (decision 18).
        migrations.RunSQL(
            "ALTER TABLE cap_counters SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)",
            "ALTER TABLE cap_counters RESET (fillfactor, autovacuum_vacuum_scale_factor)",
        ),
    ]
