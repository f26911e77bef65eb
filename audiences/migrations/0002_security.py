"""Row-level security and version triggers."""

from django.db import migrations

from tenants.rls import protect, versioned


class Migration(migrations.Migration):
    dependencies = [("audiences", "0001_initial"), ("tenants", "0002_security")]

    operations = [
        protect("attribute_definitions", shared=True),
        protect("segments"),
        versioned("attribute_definitions", "segments"),
    ]
