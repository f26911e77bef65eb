"""An Evolution provider is one person's phone: at most one for each owner (seed 003)."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("providers", "0006_circuits"),
        ("tenants", "0008_second_factor_security"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="provider",
            constraint=models.UniqueConstraint(
                condition=models.Q(("configuration__provider_vendor", "evolution")),
                fields=("tenant", "owner"),
                name="provider_evolution_once_per_owner",
                violation_error_message="This person has an Evolution provider already: choose another owner, or none.",
            ),
        ),
    ]
