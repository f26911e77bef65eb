"""Dispatches that may want a person: FAILED (dead letters) and UNKNOWN (nobody knows whether they arrived).

A narrow table beside the history, kept by a trigger of the database with every change of status: the history itself
may have no index that names a status (decision 18).
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from dispatching.statuses import Status
from providers.models import Provider
from tenants.models import Tenant


class UnsettledDispatch(models.Model):
    """One row per dispatch that is FAILED or UNKNOWN now; `since` it was seen to be."""

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
    campaign = models.ForeignKey(
        Campaign,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("campaign"),
        related_name="+",
    )
    provider = models.ForeignKey(
        Provider,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("provider"),
        related_name="+",
    )
    status = models.CharField(_("status"), max_length=15)
    reason = models.CharField(_("reason"), max_length=50, blank=True)
    since = models.DateTimeField(_("since"))

    class Meta:
        db_table = "unsettled_dispatches"
        verbose_name = _("unsettled dispatch")
        verbose_name_plural = _("unsettled dispatches")
        indexes: ClassVar = [models.Index(fields=["tenant", "status", "dispatch"], name="unsettled_of_tenant")]

    def __str__(self) -> str:
        return f"{self.dispatch_id} · {self.status}"


class _Failed(models.Manager["DeadLetter"]):
    def get_queryset(self) -> models.QuerySet[DeadLetter]:
        return super().get_queryset().filter(status=Status.FAILED)


class _Unknown(models.Manager["DoubtfulDispatch"]):
    def get_queryset(self) -> models.QuerySet[DoubtfulDispatch]:
        return super().get_queryset().filter(status=Status.UNKNOWN)


class DeadLetter(UnsettledDispatch):
    """The vendor refused it for good, or its attempts ran out."""

    objects: ClassVar[models.Manager[DeadLetter]] = _Failed()

    class Meta:
        proxy = True
        verbose_name = _("failed dispatch")
        verbose_name_plural = _("failed dispatches")


class DoubtfulDispatch(UnsettledDispatch):
    """Something of it left this house, and no complete answer came back."""

    objects: ClassVar[models.Manager[DoubtfulDispatch]] = _Unknown()

    class Meta:
        proxy = True
        verbose_name = _("dispatch without an answer")
        verbose_name_plural = _("dispatches without an answer")
