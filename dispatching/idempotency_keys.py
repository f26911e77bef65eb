"""Answers that were given under an Idempotency-Key: a row per key, kept for IDEMPOTENCY_KEY_HOURS."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant


class IdempotencyKey(models.Model):
    """`answer` holds ids, codes and what they mean: no message and no address."""

    tenant = models.ForeignKey(Tenant, models.CASCADE, db_index=False, verbose_name=_("tenant"))
    operation = models.CharField(max_length=50)
    key = models.CharField(max_length=255)
    body_hash = models.BinaryField()
    status = models.SmallIntegerField()
    answer = models.JSONField()
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        db_table = "idempotency_keys"
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["tenant", "operation", "key"], name="idempotency_key_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["created_at"], name="idempotency_keys_age")]

    def __str__(self) -> str:
        return f"{self.operation} {self.key}"
