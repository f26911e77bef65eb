"""Signs are looked for by tax id as well as by address."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audiences", "0004_suppression_signs")]

    operations = [
        migrations.AddIndex(
            model_name="suppressionsign",
            index=models.Index(fields=["tenant", "contact_tax_id"], name="suppression_signs_tax_id"),
        ),
    ]
