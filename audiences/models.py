"""What is known of contacts: the attribute schema, and segments."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant


class AttributeType(models.TextChoices):
    STRING = "string", _("Text")
    NUMBER = "number", _("Number")


class AttributeDefinition(models.Model):
    """One field of CampaignContactAttributes (seed 000). Rows without tenant are the seed's own, shared by all."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, null=True, blank=True, verbose_name=_("tenant"))
    name = models.CharField(_("name"), max_length=100)
    type = models.CharField(_("type"), max_length=10, choices=AttributeType)
    description = models.CharField(_("description"), max_length=300, blank=True)
    example = models.CharField(_("example"), max_length=300, blank=True)
    group = models.CharField(_("group"), max_length=100, blank=True)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        db_table = "attribute_definitions"
        verbose_name = _("contact attribute")
        verbose_name_plural = _("contact attributes")
        ordering: ClassVar = ["position", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "name"], name="attribute_name_once", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        from audiences.authoring import attribute_errors

        shared = AttributeDefinition.objects.filter(tenant=None, name=self.name)
        if self.tenant_id is not None and shared.exists():
            raise ValidationError({"name": _("Every contact has this attribute already.")})
        if errors := attribute_errors(self):
            raise ValidationError(errors)


class Segment(models.Model):
    """Seed 000 §2. Without rules or members it is a label and filters nobody (contract.md)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    code = models.CharField(_("code"), max_length=100)
    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    is_active = models.BooleanField(_("active"), default=True, db_default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)

    class Meta:
        db_table = "segments"
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "code"], name="segment_code_once"),
            models.UniqueConstraint(fields=["tenant", "name"], name="segment_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


# In a file of its own; imported here so that Django knows it.
from audiences.signs import SuppressionSign  # noqa: E402 - after what it stands beside

__all__ = ["AttributeDefinition", "AttributeType", "Segment", "SuppressionSign"]
