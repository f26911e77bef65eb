"""How each periodic job is doing: written before and after every run (decision 19)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("prism", "0001_gauges"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobState",
            fields=[
                ("name", models.CharField(max_length=100, primary_key=True, serialize=False, verbose_name="job")),
                ("attempts", models.IntegerField(default=0, verbose_name="starts without an end")),
                ("started_at", models.DateTimeField(null=True, verbose_name="started at")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                ("succeeded_at", models.DateTimeField(null=True, verbose_name="last success")),
                ("seconds", models.FloatField(null=True, verbose_name="seconds")),
                ("error", models.TextField(blank=True, default="", verbose_name="error")),
                ("held_until", models.DateTimeField(null=True, verbose_name="held until")),
            ],
            options={
                "verbose_name": "job state",
                "verbose_name_plural": "job states",
                "db_table": "job_states",
            },
        ),
    ]
