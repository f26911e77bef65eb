"""Providers by weight, and a pace of a campaign's own. Old processes go on: both columns have a default."""

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0003_frequency_caps")]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="max_messages_per_minute",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Pace of this campaign over all its providers, beside each provider's own. Empty: no limit.",
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(10000000),
                ],
                verbose_name="messages per minute",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("max_messages_per_minute__isnull", True), ("max_messages_per_minute__gte", 1), _connector="OR"
                ),
                name="campaign_pace_positive",
            ),
        ),
        migrations.AlterField(
            model_name="campaign",
            name="strategy",
            field=models.CharField(
                choices=[
                    ("all", "Every provider"),
                    ("fallback", "In order, until one accepts"),
                    ("weighted", "Shared out by weight"),
                ],
                default="all",
                max_length=10,
                verbose_name="strategy",
            ),
        ),
        migrations.RemoveConstraint(model_name="campaign", name="campaign_strategy_known"),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(("strategy__in", ["all", "fallback", "weighted"])), name="campaign_strategy_known"
            ),
        ),
        migrations.AddField(
            model_name="campaignprovider",
            name="weight",
            field=models.PositiveSmallIntegerField(
                db_default=1,
                default=1,
                help_text="Its share where the campaign is shared out by weight: 3 beside 1 gets three of four people.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(1000),
                ],
                verbose_name="weight",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaignprovider",
            constraint=models.CheckConstraint(
                condition=models.Q(("weight__gte", 1), ("weight__lte", 1000)), name="campaign_provider_weight"
            ),
        ),
    ]
