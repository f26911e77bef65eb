"""Who owns a row, who may act on it, and how people prove who they are."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, ThrottlingMixin

from tenants.encryption import EncryptedTextField
from tenants.validation import validate_timezone


class SecondFactorRule(models.TextChoices):
    OPTIONAL = "optional", _("Up to each person")
    ADMINISTRATORS = "administrators", _("Required for administrators")
    EVERYONE = "everyone", _("Required for everybody")


class Tenant(models.Model):
    slug = models.SlugField(_("slug"), max_length=63, unique=True)
    name = models.CharField(_("name"), max_length=200)
    timezone = models.CharField(
        _("time zone"), max_length=63, default="America/Sao_Paulo", validators=[validate_timezone]
    )
    locale = models.CharField(_("language"), max_length=10, default="pt-br", choices=settings.LANGUAGES)
    person_key_attribute = models.CharField(
        _("person key"),
        max_length=100,
        blank=True,
        help_text=_("Contact attribute that tells people apart where there is no tax id."),
    )
    second_factor = models.CharField(
        _("second step at sign-in"),
        max_length=20,
        choices=SecondFactorRule,
        default=SecondFactorRule.OPTIONAL,
        db_default=SecondFactorRule.OPTIONAL,
        help_text=_("A code of an app on the phone, besides the password."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "tenants"
        # Whoever belongs to one tenant never meets the word.
        verbose_name = _("organisation")
        verbose_name_plural = _("organisation")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    VIEWER = "viewer", _("Viewer")
    AUTHOR = "author", _("Author")
    OPERATOR = "operator", _("Operator")
    ADMIN = "admin", _("Administrator")


class Membership(models.Model):
    tenant = models.ForeignKey(Tenant, models.CASCADE, verbose_name=_("organisation"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, verbose_name=_("user"))
    role = models.CharField(_("role"), max_length=20, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "memberships"
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "tenant"],
                name="membership_once",
                violation_error_message=_("This person is already a member."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class ApiKey(models.Model):
    """A program's credential. Only its digest is kept; `tenants.keys` mints and checks."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, verbose_name=_("organisation"))
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True, editable=False)
    digest = models.BinaryField(_("digest"), max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=50), verbose_name=_("scopes"), default=list)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        db_table = "api_keys"
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="api_key_name_once",
                violation_error_message=_("There is already an API key with this name."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class ConfigVersion(models.Model):
    """One row. Triggers raise it with every change of configuration; workers compare it once per batch."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField(default=1)

    class Meta:
        db_table = "config_version"
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="config_version_one_row")]

    def __str__(self) -> str:
        return str(self.version)


class SecondFactor(ThrottlingMixin, Device):  # type: ignore[misc]  # the library has no types
    """What somebody proves beside the password: an app on his phone. `tenants.signin.second_factor` acts on it.

    A row counts once it is confirmed by a first code. Its owner alone sees it (row-level security), and the secret is
    encrypted. Wrong codes are slowed down: 1, 2, 4, 8 … seconds.
    """

    secret = EncryptedTextField(editable=False)
    last_step = models.BigIntegerField(default=-1, editable=False)
    """The newest time step whose code was taken: none is taken twice."""
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "second_factors"
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")
        constraints: ClassVar = [models.UniqueConstraint(fields=["user"], name="second_factor_once")]

    def get_throttle_factor(self) -> int:
        return 1


class RecoveryCode(models.Model):
    """Opens once when the phone is lost. 80 random bits, of which only the digest is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "recovery_codes"
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")
        indexes: ClassVar = [models.Index(fields=["user"], name="recovery_codes_owner")]

    def __str__(self) -> str:
        return str(self.user_id)
