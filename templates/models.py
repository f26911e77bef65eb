"""Message templates and their immutable versions (seed 000 §6)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant


class MessageTemplate(models.Model):
    """What an author edits. `templates.authoring` derives `placeholders` and keeps a version of every change."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    template_code = models.CharField(_("code"), max_length=100)
    template_name = models.CharField(_("name"), max_length=200)
    channel = models.CharField(_("channel"), max_length=50, help_text=_("The same text as the provider's type."))
    locale = models.CharField(_("language"), max_length=10, default="pt-br")
    subject = models.CharField(_("subject"), max_length=500, blank=True, help_text=_("E-mail only."))
    body = models.TextField(_("body"), help_text=_("Placeholders are written {{name}}."))
    variants = models.JSONField(
        _("variants"), default=list, blank=True, help_text=_("Other wordings of the body; each contact keeps one.")
    )
    media_url = models.URLField(_("media address"), max_length=1000, blank=True)
    placeholders = ArrayField(models.TextField(), verbose_name=_("placeholders"), default=list, editable=False)
    is_active = models.BooleanField(_("active"), default=True, db_default=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("owner"), related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True, db_default=Now())
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)

    class Meta:
        db_table = "templates"
        verbose_name = _("message template")
        verbose_name_plural = _("message templates")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "template_code", "locale"],
                name="template_code_once",
                violation_error_message=_("There is already a template with this code and language."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.template_name} ({self.template_code})"

    def clean(self) -> None:
        from templates.checks import template_errors

        if errors := template_errors(self):
            raise ValidationError(errors)


class TemplateVersion(models.Model):
    """What was sent. Never changed (a trigger refuses), so that a dispatch can pin it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    template = models.ForeignKey(
        MessageTemplate, models.RESTRICT, verbose_name=_("message template"), related_name="versions"
    )
    number = models.PositiveIntegerField(_("number"))
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    body = models.TextField(_("body"))
    variants = models.JSONField(_("variants"), default=list)
    media_url = models.URLField(_("media address"), max_length=1000, blank=True)
    placeholders = ArrayField(models.TextField(), verbose_name=_("placeholders"), default=list)
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    created_by = models.CharField(_("created by"), max_length=150, blank=True)

    class Meta:
        db_table = "template_versions"
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["template", "number"], name="template_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"
