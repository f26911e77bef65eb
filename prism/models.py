"""What only the whole product knows: how its periodic jobs are doing, and who changed its configuration."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from prism.history.recording import record_all


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


class Deed(models.TextChoices):
    INSERT = "insert", _("Added")
    UPDATE = "update", _("Changed")
    DELETE = "delete", _("Deleted")


class Change(models.Model):
    """One line of the audit trail: a view over the event tables of all kinds, each reader's own rows (decision 25)."""

    id = models.TextField(primary_key=True)
    tenant_id = models.BigIntegerField(null=True)
    at = models.DateTimeField(_("when"))
    kind = models.TextField(_("kind"))
    deed = models.TextField(_("what"), choices=Deed)
    object_id = models.TextField()
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("who"),
    )
    context = models.JSONField()
    changes = models.JSONField(null=True)
    row = models.JSONField()

    class Meta:
        managed = False
        db_table = "configuration_changes"
        verbose_name = _("configuration change")
        verbose_name_plural = _("configuration changes")

    def __str__(self) -> str:
        return self.id


record_all()
