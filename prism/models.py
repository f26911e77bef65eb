"""What only the whole product knows: how its periodic jobs are doing."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class JobState(models.Model):
    """One row per periodic job, written before and after each run. `attempts` counts starts since the last end."""

    name = models.CharField(_("job"), max_length=100, primary_key=True)
    attempts = models.IntegerField(_("starts without an end"), default=0)
    started_at = models.DateTimeField(_("started at"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    succeeded_at = models.DateTimeField(_("last success"), null=True)
    seconds = models.FloatField(_("seconds"), null=True)
    error = models.TextField(_("error"), blank=True, default="")
    held_until = models.DateTimeField(_("held until"), null=True)

    class Meta:
        db_table = "job_states"
        verbose_name = _("job state")
        verbose_name_plural = _("job states")

    def __str__(self) -> str:
        return self.name
