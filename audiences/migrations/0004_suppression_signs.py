"""What vendors said of consent and of dead addresses, one row per fact."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from tenants.rls import protect


class Migration(migrations.Migration):
    dependencies = [("audiences", "0003_seed_attributes"), ("tenants", "0002_security")]

    operations = [
        migrations.CreateModel(
            name="SuppressionSign",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("key", models.UUIDField(editable=False, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opted_out", "Opted out"),
                            ("complained", "Complained: marked as spam"),
                            ("opted_in", "Opted in again"),
                            ("address_dead", "Address is dead"),
                        ],
                        max_length=20,
                        verbose_name="sign",
                    ),
                ),
                (
                    "address_kind",
                    models.CharField(
                        choices=[
                            ("phone", "Phone number"),
                            ("email", "E-mail address"),
                            ("push_token", "Push token"),
                            ("chat_id", "Chat id"),
                            ("other", "Other"),
                        ],
                        max_length=20,
                        verbose_name="kind of address",
                    ),
                ),
                ("address", models.CharField(max_length=500, verbose_name="address")),
                ("contact_tax_id", models.CharField(blank=True, max_length=50, verbose_name="tax id")),
                ("provider_id", models.UUIDField(verbose_name="provider")),
                ("dispatch_id", models.UUIDField(null=True, verbose_name="dispatch")),
                ("reason", models.CharField(blank=True, max_length=50, verbose_name="provider's reason")),
                ("occurred_at", models.DateTimeField(verbose_name="happened at")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="recorded at"
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="tenants.tenant",
                        verbose_name="tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "suppression sign",
                "verbose_name_plural": "suppression signs",
                "db_table": "suppression_signs",
                "indexes": [
                    models.Index(fields=["tenant", "id"], name="suppression_signs_of_tenant"),
                    models.Index(fields=["tenant", "address_kind", "address"], name="suppression_signs_address"),
                ],
            },
        ),
        protect("suppression_signs"),
    ]
