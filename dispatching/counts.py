"""How many changes into each status were told, by hour: what pages and reports add up, not the history itself."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from dispatching.statuses import Status
from providers.models import Provider
from tenants.models import Tenant


class DispatchCount(models.Model):
    """Insert-only deltas (decision 18), folded later into one row per hour and key. `hour` begins in UTC.

    The sum of `changes` equals the facts that were written: the statement that writes facts writes these too.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.ForeignKey(Tenant, models.CASCADE, verbose_name=_("tenant"))
    hour = models.DateTimeField(_("hour"))
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, verbose_name=_("campaign")
    )
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, verbose_name=_("provider")
    )
    status = models.CharField(_("status"), max_length=15, choices=Status)
    changes = models.IntegerField(_("changes"))

    class Meta:
        db_table = "dispatch_counts"
        verbose_name = _("count of dispatches")
        verbose_name_plural = _("counts of dispatches")
        indexes: ClassVar = [models.Index(fields=["tenant", "hour"], name="dispatch_counts_hour")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.status} {self.changes}"
