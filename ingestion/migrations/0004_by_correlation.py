"""A rejected event is found by its correlation id: who asks why somebody got nothing has little else."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0003_operators")]

    operations = [
        migrations.AddIndex(
            model_name="rejectedtrigger",
            index=models.Index(fields=["tenant", "correlation_id"], name="rejected_triggers_correlation"),
        )
    ]
