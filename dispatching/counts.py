"""How many dispatches came into each published status, by hour: the model. facts.py writes it, counting.py reads."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from dispatching.statuses import Status
from providers.models import Provider
from tenants.models import Tenant


class DispatchCount(models.Model):
    """`changes` published changes into `status` within the hour. Statements insert deltas; folding makes one row of
    those with one key (`folded`). A sum over all rows of a key is right at any moment."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(
        Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"), related_name="+"
    )
    hour = models.DateTimeField(_("hour"))
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
    status = models.CharField(_("status"), max_length=15, choices=Status)
    changes = models.BigIntegerField(_("changes"))
    folded = models.BooleanField(db_default=False)

    class Meta:
        db_table = "dispatch_counts"
        verbose_name = _("count of dispatches")
        verbose_name_plural = _("counts of dispatches")
        indexes: ClassVar = [
            models.Index(fields=["tenant", "hour"], name="dispatch_counts_hour"),
            models.Index(fields=["id"], name="dispatch_counts_deltas", condition=models.Q(folded=False)),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "hour", "campaign", "provider", "status"],
                name="dispatch_counts_once",
                condition=models.Q(folded=True),
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour} {self.status} {self.changes}"
