"""Taken messages of which their vendor owes us a report: who is watched, waits, is overdue. Models of this room."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from providers.models import Provider
from tenants.models import Tenant


class ReportWalk(models.Model):
    """How far the dispatches of one watched provider have been looked through, by id and hence by time. Each is seen
    once, when its report should be there. The counters are of the window that began at `since`."""

    provider = models.OneToOneField(
        Provider,
        models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        verbose_name=_("provider"),
        related_name="+",
    )
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    reached = models.UUIDField(_("looked through up to"))
    walked_at = models.DateTimeField(_("looked at"), db_default=Now())
    since = models.DateTimeField(_("counted since"), db_default=Now())
    followed = models.IntegerField(_("followed"), default=0, db_default=0)
    overdue = models.IntegerField(_("overdue"), default=0, db_default=0)
    told = models.BooleanField(_("alarm raised"), default=False, db_default=False)

    class Meta:
        db_table = "report_walks"
        verbose_name = _("watch of reports")
        verbose_name_plural = _("watches of reports")

    def __str__(self) -> str:
        return f"{self.provider_id} · {self.reached}"


class AwaitedReport(models.Model):
    """A dispatch that had no report when it was looked at, and is looked at again. `polls`: how often its vendor was
    asked and knew nothing; `tries`: how often asking failed since."""

    dispatch_id = models.UUIDField(_("dispatch"), primary_key=True)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("provider"), related_name="+"
    )
    look_at = models.DateTimeField(_("next look"))
    polls = models.SmallIntegerField(_("asked"), default=0, db_default=0)
    tries = models.SmallIntegerField(_("tries"), default=0, db_default=0)

    class Meta:
        db_table = "awaited_reports"
        verbose_name = _("awaited report")
        verbose_name_plural = _("awaited reports")
        indexes: ClassVar = [models.Index(fields=["look_at"], name="awaited_reports_look")]

    def __str__(self) -> str:
        return str(self.dispatch_id)


class OverdueDelivery(models.Model):
    """A taken message of which nothing was heard for longer than its provider's configuration allows. `since`: when the
    report was due. The row goes when a report comes; the status of the dispatch is not touched by it."""

    dispatch = models.OneToOneField(
        "dispatching.Dispatch",
        models.DO_NOTHING,
        primary_key=True,
        db_constraint=False,
        verbose_name=_("dispatch"),
        related_name="+",
    )
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"), related_name="+"
    )
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("provider"), related_name="+"
    )
    since = models.DateTimeField(_("since"))

    class Meta:
        db_table = "overdue_deliveries"
        verbose_name = _("overdue delivery")
        verbose_name_plural = _("overdue deliveries")
        indexes: ClassVar = [
            models.Index(fields=["tenant", "dispatch"], name="overdue_of_tenant"),
            models.Index(fields=["provider", "dispatch"], name="overdue_of_provider"),
        ]

    def __str__(self) -> str:
        return str(self.dispatch_id)
