"""What vendors told us by calling, as it came: stored before it is read (architecture, One event's journey)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from providers.models import Provider
from tenants.models import Tenant


class CallState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DONE = "done", _("Processed")
    FAILED = "failed", _("Failed")


class WebhookCall(models.Model):
    """A verified call of a vendor, without its secrets. The id is a UUIDv7: in the order in which calls came.

    `reports` counts what it said of messages; a call without any holds something else, such as an inbound message,
    and is kept for whom that concerns.
    """

    id = models.UUIDField(primary_key=True, db_default=models.Func(function="uuidv7"), editable=False)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    # The database takes the calls along with their provider.
    provider = models.ForeignKey(
        Provider,
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        verbose_name=_("provider"),
        related_name="+",
    )
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("path"), max_length=200, blank=True)
    query = models.CharField(_("query"), max_length=2000, blank=True)
    headers = models.JSONField(_("headers"), default=dict)
    body = models.BinaryField(_("body"))
    received_at = models.DateTimeField(_("received at"), db_default=Now())
    state = models.CharField(_("state"), max_length=10, choices=CallState, db_default=CallState.WAITING)
    tries = models.SmallIntegerField(_("tries"), db_default=0)
    """Raised with every claim; who records must still be the one who claimed."""
    look_at = models.DateTimeField(_("next look"), db_default=Now())
    error = models.TextField(_("error"), blank=True, db_default="")
    reports = models.IntegerField(_("reports"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    class Meta:
        db_table = "webhook_calls"
        verbose_name = _("vendor's call")
        verbose_name_plural = _("vendors' calls")
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(state__in=CallState.values), name="webhook_call_state_known"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="webhook_calls_waiting", condition=models.Q(state="waiting")),
            models.Index(fields=["tenant", "-id"], name="webhook_calls_recent"),
            models.Index(fields=["tenant", "-id"], name="webhook_calls_failed", condition=models.Q(state="failed")),
            models.Index(fields=["provider", "-id"], name="webhook_calls_of_provider"),
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.id}"
