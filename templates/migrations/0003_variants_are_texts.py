"""`variants` is a list of texts, whoever writes it: what renders messages relies on that."""

from django.db import migrations

CHECK = """
ALTER TABLE {table} ADD CONSTRAINT {table}_variants_texts CHECK (
  jsonb_typeof(variants) = 'array' AND NOT jsonb_path_exists(variants, 'strict $[*] ? (@.type() != "string")'));
"""


class Migration(migrations.Migration):
    dependencies = [("templates", "0002_security")]

    operations = [
        migrations.RunSQL(CHECK.format(table=table), f"ALTER TABLE {table} DROP CONSTRAINT {table}_variants_texts;")
        for table in ("templates", "template_versions")
    ]
