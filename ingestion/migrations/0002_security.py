"""Row-level security: rejections without a tenant are for operators only."""

from django.db import migrations

from tenants.rls import protect


class Migration(migrations.Migration):
    dependencies = [("ingestion", "0001_initial"), ("tenants", "0002_security")]

    operations = [protect("rejected_triggers", operators_see_null=True)]
