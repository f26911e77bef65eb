"""The newest rejected events, of one's own and (for operators) of nobody's, whatever their code: read by an index."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0004_by_correlation")]

    operations = [
        migrations.AddIndex(
            model_name="rejectedtrigger", index=models.Index(fields=["-created_at"], name="rejected_triggers_newest")
        ),
        migrations.AddIndex(
            model_name="rejectedtrigger",
            index=models.Index(fields=["code", "-created_at"], name="rejected_triggers_by_code"),
        ),
    ]
