"""What operators see of the queues: views over worker tables, each narrowed to the reader's tenant and role.

The tables themselves have no grant for the web role (decision 2), so people never read them in any other way.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from dispatching.statuses import LaneClass
from providers.models import Provider
from tenants.models import Tenant


class QueueLane(models.Model):
    """What waits for one provider and class. Counts stop at 10,000: deeper is only "deep"."""

    id = models.CharField(primary_key=True, max_length=40)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, verbose_name=_("organisation"))
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, verbose_name=_("provider"), related_name="+"
    )
    lane_class = models.SmallIntegerField(_("lane"), choices=LaneClass)
    waiting = models.IntegerField(_("waiting"))
    due = models.IntegerField(_("due now"))
    oldest_due_at = models.DateTimeField(_("oldest due"), null=True)

    class Meta:
        managed = False
        db_table = "operator_lanes"
        verbose_name = _("queue")
        verbose_name_plural = _("queues")

    def __str__(self) -> str:
        return f"{self.provider} · {self.get_lane_class_display()}"


class QueueBatch(models.Model):
    """A batch that a worker holds: planned, or on the wire since `released_at`."""

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, verbose_name=_("organisation"))
    worker_id = models.BigIntegerField(_("worker"))
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, verbose_name=_("provider"), related_name="+"
    )
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, null=True, db_constraint=False, verbose_name=_("campaign"), related_name="+"
    )
    lane_class = models.SmallIntegerField(_("lane"), choices=LaneClass)
    size = models.IntegerField(_("dispatches"))
    created_at = models.DateTimeField(_("created at"))
    released_at = models.DateTimeField(_("released at"), null=True)

    class Meta:
        managed = False
        db_table = "operator_batches"
        verbose_name = _("batch being sent")
        verbose_name_plural = _("batches being sent")

    def __str__(self) -> str:
        return f"{self.id} ({self.size})"


class QueueWorker(models.Model):
    """A process that sends, or did. `silent_seconds` is by the database's clock."""

    id = models.BigIntegerField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=20)
    host = models.CharField(_("host"), max_length=253)
    pid = models.IntegerField(_("process id"))
    state = models.CharField(_("state"), max_length=10)
    started_at = models.DateTimeField(_("started at"))
    heartbeat_at = models.DateTimeField(_("last heartbeat"))
    silent_seconds = models.IntegerField(_("silent for (s)"))

    class Meta:
        managed = False
        db_table = "operator_workers"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.host}:{self.pid})"


class QueueDue(models.Model):
    """A dispatch that waits for its moment, or for a slot: the first thousand of each lane."""

    dispatch = models.OneToOneField(
        "dispatching.Dispatch",
        models.DO_NOTHING,
        primary_key=True,
        db_column="id",
        db_constraint=False,
        verbose_name=_("dispatch"),
        related_name="+",
    )
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, verbose_name=_("organisation"))
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, verbose_name=_("provider"), related_name="+"
    )
    lane_class = models.SmallIntegerField(_("lane"), choices=LaneClass)
    due_at = models.DateTimeField(_("due at"))
    not_after = models.DateTimeField(_("not after"))

    class Meta:
        managed = False
        db_table = "operator_due"
        verbose_name = _("dispatch in the queue")
        verbose_name_plural = _("dispatches in the queue")

    def __str__(self) -> str:
        return str(self.dispatch_id)


class QueueWorkerLane(models.Model):
    """What a living worker said, with its last heartbeat, of a lane of this tenant."""

    id = models.CharField(primary_key=True, max_length=80)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, verbose_name=_("organisation"))
    worker_id = models.BigIntegerField(_("worker"))
    kind = models.CharField(_("kind"), max_length=20)
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, verbose_name=_("provider"), related_name="+"
    )
    lane_class = models.SmallIntegerField(_("lane"), choices=LaneClass)
    slots = models.IntegerField(_("slots"))
    used = models.IntegerField(_("used"))
    ahead = models.IntegerField(_("planned ahead"))
    slow = models.BooleanField(_("slow"))
    closed = models.BooleanField(_("backing off"))

    class Meta:
        managed = False
        db_table = "operator_worker_lanes"
        verbose_name = _("lane of a worker")
        verbose_name_plural = _("lanes of workers")

    def __str__(self) -> str:
        return self.id
