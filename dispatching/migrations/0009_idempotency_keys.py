"""Answers that were given under an Idempotency-Key."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tenants.rls import protect


class Migration(migrations.Migration):
    dependencies = [("dispatching", "0008_provider_messages"), ("tenants", "0002_security")]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("operation", models.CharField(max_length=50)),
                ("key", models.CharField(max_length=255)),
                ("body_hash", models.BinaryField()),
                ("status", models.SmallIntegerField()),
                ("answer", models.JSONField()),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="created at"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="tenants.tenant",
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "idempotency key",
                "verbose_name_plural": "idempotency keys",
                "db_table": "idempotency_keys",
                "indexes": [models.Index(fields=["created_at"], name="idempotency_keys_age")],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "operation", "key"), name="idempotency_key_once")
                ],
            },
        ),
        protect("idempotency_keys"),
    ]
