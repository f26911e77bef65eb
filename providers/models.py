"""Vendors: who carries a message, with what configuration and which secrets."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from providers.fields import EncryptedTextField
from tenants.models import Tenant


class Health(models.TextChoices):
    UNKNOWN = "unknown", _("Unknown")
    HEALTHY = "healthy", _("Healthy")
    FAILING = "failing", _("Failing")


class Provider(models.Model):
    """Seed 000 §4. `provider_type` is free text; everything vendor-specific is in `configuration`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    provider_type = models.CharField(
        _("type"), max_length=50, help_text=_("The channel, such as WHATSAPP, EMAIL, SMS, PUSH, TELEGRAM or AI_AGENT.")
    )
    provider_name = models.CharField(_("name"), max_length=200)
    is_active = models.BooleanField(_("active"), default=True, db_default=True)
    configuration = models.JSONField(_("configuration"), default=dict, blank=True)
    max_messages_per_minute = models.PositiveIntegerField(
        _("messages per minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000_000)],
        help_text=_("Pace that all workers share. Empty: no limit."),
    )
    health = models.CharField(_("health"), max_length=20, choices=Health, default=Health.UNKNOWN, editable=False)
    health_checked_at = models.DateTimeField(_("last health check"), null=True, blank=True, editable=False)
    health_message = models.TextField(_("health message"), blank=True, editable=False)
    connected_at = models.DateTimeField(_("connected at"), null=True, blank=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("owner"), related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True, db_default=Now())
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)

    class Meta:
        db_table = "providers"
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "provider_type", "provider_name"],
                name="provider_name_once",
                violation_error_message=_("There is already a provider of this type with this name."),
            ),
            # Seed 003: the one who connected the phone. A provider without an owner is the company's.
            models.UniqueConstraint(
                fields=["tenant", "owner"],
                condition=models.Q(configuration__provider_vendor="evolution"),
                name="provider_evolution_once_per_owner",
                violation_error_message=_(
                    "This person has an Evolution provider already: choose another owner, or none."
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(max_messages_per_minute__isnull=True) | models.Q(max_messages_per_minute__gte=1),
                name="provider_pace_positive",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tenant", "provider_type"], name="providers_type"),
            models.Index(fields=["tenant"], name="providers_active", condition=models.Q(is_active=True)),
            GinIndex(fields=["configuration"], name="providers_config_gin", opclasses=["jsonb_path_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.provider_name} ({self.provider_type})"

    def clean(self) -> None:
        from providers import schemas

        errors = schemas.validate_configuration(
            self.provider_type,
            self.configuration,
            allow_list=settings.PROVIDER_ENV_ALLOW_LIST,
            allow_private=settings.OUTBOUND_ALLOW_PRIVATE,
        )
        if errors:
            raise ValidationError(
                {
                    "configuration": [
                        ValidationError(
                            "%(path)s: %(text)s" if path else "%(text)s",
                            code="configuration",
                            params={"path": path, "text": message},
                        )
                        for path, message in errors
                    ]
                }
            )


class ProviderSecret(models.Model):
    """A credential kept encrypted, write-only for people, bound to the hosts it may be sent to (decision 20)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    provider = models.ForeignKey(Provider, models.CASCADE, verbose_name=_("provider"), related_name="secrets")
    name = models.SlugField(_("name"), max_length=100)
    value = EncryptedTextField(_("value"))
    hosts = ArrayField(
        models.CharField(max_length=253), verbose_name=_("hosts"), default=list, blank=True, editable=False
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)

    class Meta:
        db_table = "provider_secrets"
        verbose_name = _("provider secret")
        verbose_name_plural = _("provider secrets")
        constraints: ClassVar = [models.UniqueConstraint(fields=["provider", "name"], name="provider_secret_once")]

    def __str__(self) -> str:
        return self.name


class CheckState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")


class Purpose(models.TextChoices):
    CHECK = "check", _("Test of the connection")
    REGISTER = "register", _("Telling the vendor where to report")


class ProviderCheck(models.Model):
    """One word of a worker with a vendor: asked for by somebody, or by the clock (then `requested_by` is empty)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    # The database takes the checks along with their provider: the web role may delete none by itself.
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, verbose_name=_("provider"), related_name="checks", db_constraint=False
    )
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose, db_default=Purpose.CHECK)
    requested_at = models.DateTimeField(_("requested at"), db_default=Now())
    requested_by = models.CharField(_("requested by"), max_length=150, blank=True, db_default="")
    state = models.CharField(_("state"), max_length=10, choices=CheckState, db_default=CheckState.WAITING)
    tries = models.PositiveSmallIntegerField(db_default=0)
    """Raised with every claim; who records must still be the one who claimed."""
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    ok = models.BooleanField(_("result"), null=True)
    code = models.CharField(_("code"), max_length=50, blank=True, db_default="")
    message = models.TextField(_("answer"), blank=True, db_default="")
    elapsed_ms = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "provider_checks"
        verbose_name = _("connection check")
        verbose_name_plural = _("connection checks")
        constraints: ClassVar = [
            # Asking twice before a worker has come is asking once.
            models.UniqueConstraint(
                fields=["provider", "purpose"], name="provider_check_waits_once", condition=models.Q(state="waiting")
            ),
            models.CheckConstraint(condition=models.Q(purpose__in=Purpose.values), name="provider_check_purpose_known"),
            models.CheckConstraint(condition=models.Q(state__in=CheckState.values), name="provider_check_state_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["provider", "-requested_at"], name="provider_checks_latest"),
            models.Index(fields=["requested_at"], name="provider_checks_open", condition=~models.Q(state="done")),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id} {self.requested_at}"


# A file of its own; imported here so that Django knows it.
from providers.circuits import ProviderCircuit  # noqa: E402, F401 - after what it stands beside
