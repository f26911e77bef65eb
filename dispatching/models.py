"""The heart's tables. Hot ones are written by SQL in this room only; these models read them (admin, API, tests).

`dispatches` and `attempts` are partitioned by UUIDv7 id, hence no database foreign key into or out of them
(decision 17). Nothing here has behaviour: planning, sending, recording and reaping are files of their own.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, CampaignProvider, DispatchMode
from dispatching.statuses import LaneClass, Status
from providers.models import Provider
from templates.models import MessageTemplate, TemplateVersion
from tenants.models import Tenant


class Dispatch(models.Model):
    """History of every communication sent, or decided not to be (seed 000 §8)."""

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    trigger_id = models.UUIDField(_("trigger"))
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, verbose_name=_("campaign")
    )
    campaign_version = models.SmallIntegerField(_("control version"), default=1)
    campaign_provider = models.ForeignKey(
        CampaignProvider,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("campaign provider"),
    )
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, null=True, db_constraint=False, db_index=False, verbose_name=_("provider")
    )
    template = models.ForeignKey(
        MessageTemplate,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("message template"),
    )
    template_version = models.ForeignKey(
        TemplateVersion,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        db_index=False,
        verbose_name=_("template version"),
    )
    predecessor_id = models.UUIDField(_("fallback of"), null=True)
    correlation_id = models.CharField(_("correlation id"), max_length=200)
    trace_id = models.CharField(_("trace id"), max_length=200, blank=True)
    contact_tax_id = models.CharField(_("tax id"), max_length=50, blank=True)
    contact_data = models.JSONField(_("contact data"), default=dict)
    destination = models.CharField(_("destination"), max_length=500, blank=True)
    channel = models.CharField(_("channel"), max_length=50)
    dispatch_mode = models.CharField(_("dispatch mode"), max_length=5, choices=DispatchMode)
    lane_class = models.SmallIntegerField(_("lane"), choices=LaneClass, default=LaneClass.TRIGGER)
    message_subject = models.TextField(_("subject"), blank=True)
    message_content = models.TextField(_("message"), blank=True)
    variables = models.JSONField(_("variables"), default=dict)
    media_url = models.TextField(_("media address"), blank=True)
    status = models.CharField(_("status"), max_length=15, choices=Status)
    reason = models.CharField(_("reason"), max_length=50, blank=True)
    error_message = models.TextField(_("error"), null=True)
    provider_message_id = models.CharField(_("provider's message id"), max_length=300, blank=True)
    provider_response = models.JSONField(_("provider's answer"), null=True)
    version = models.IntegerField(_("version"), default=1)
    attempts = models.SmallIntegerField(_("attempts"), default=0)
    max_attempts = models.SmallIntegerField(_("attempts allowed"), default=3)
    triggered_at = models.DateTimeField(_("triggered at"))
    received_at = models.DateTimeField(_("received at"))
    scheduled_for = models.DateTimeField(_("scheduled for"), null=True)
    scheduled_local = models.CharField(_("scheduled for (local)"), max_length=80, blank=True)
    not_after = models.DateTimeField(_("not after"), null=True)
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True)
    returned_at = models.DateTimeField(_("answered at"), null=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        db_table = "dispatches"
        verbose_name = _("dispatch")
        verbose_name_plural = _("dispatches")
        indexes: ClassVar = [
            models.Index(fields=["trigger_id"], name="dispatches_trigger"),
            models.Index(fields=["tenant", "contact_tax_id", "triggered_at"], name="dispatches_contact"),
            models.Index(fields=["campaign", "id"], name="dispatches_campaign"),
            models.Index(fields=["tenant", "id"], name="dispatches_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.correlation_id} · {self.status}"


class Attempt(models.Model):
    """One try of a dispatch that needed more than one; a lone first try is told by the dispatch row itself."""

    dispatch_id = models.UUIDField(_("dispatch"))
    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    number = models.SmallIntegerField(_("number"))
    outcome = models.CharField(_("outcome"), max_length=20)
    reason = models.CharField(_("reason"), max_length=50, blank=True)
    error_message = models.TextField(_("error"), null=True)
    provider_response = models.JSONField(_("provider's answer"), null=True)
    dispatched_at = models.DateTimeField(_("dispatched at"), null=True)
    returned_at = models.DateTimeField(_("answered at"), null=True)
    next_at = models.DateTimeField(_("next try"), null=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        db_table = "attempts"
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.dispatch_id} #{self.number} {self.outcome}"


class ScheduledDispatch(models.Model):
    """Seed 000 §9, as a view over Dispatch and DueDispatch: there is no second status to disagree with."""

    id = models.UUIDField(primary_key=True)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False)
    campaign = models.ForeignKey(
        Campaign, models.DO_NOTHING, null=True, db_constraint=False, verbose_name=_("campaign")
    )
    dispatch = models.ForeignKey(
        Dispatch, models.DO_NOTHING, db_constraint=False, verbose_name=_("dispatch"), related_name="+"
    )
    correlation_id = models.CharField(_("correlation id"), max_length=200)
    contact_tax_id = models.CharField(_("tax id"), max_length=50)
    event_payload = models.JSONField(_("event"))
    scheduled_for = models.DateTimeField(_("scheduled for"))
    trigger_time = models.TimeField(_("time of day"), null=True)
    status = models.CharField(_("status"), max_length=12)
    processed_at = models.DateTimeField(_("processed at"), null=True)
    error_message = models.TextField(_("error"), null=True)

    class Meta:
        managed = False
        db_table = "scheduled_dispatches"
        verbose_name = _("scheduled dispatch")
        verbose_name_plural = _("scheduled dispatches")

    def __str__(self) -> str:
        return f"{self.correlation_id} · {self.scheduled_for}"


class DueDispatch(models.Model):
    """What waits for its moment. Narrow and transient: workers claim rows by deleting them."""

    dispatch_id = models.UUIDField(primary_key=True)
    provider_id = models.UUIDField()
    lane_class = models.SmallIntegerField(choices=LaneClass)
    due_at = models.DateTimeField(_("due at"))
    not_after = models.DateTimeField(_("not after"))
    paced = models.BooleanField(default=False, db_default=False)
    """`due_at` is its place in the pace of its campaign."""

    class Meta:
        db_table = "due_dispatches"
        verbose_name = _("due dispatch")
        verbose_name_plural = _("due dispatches")
        indexes: ClassVar = [models.Index(fields=["provider_id", "lane_class", "due_at"], name="due_dispatches_lane")]

    def __str__(self) -> str:
        return f"{self.dispatch_id} @ {self.due_at}"


class Worker(models.Model):
    """A process that owns batches. Silent for longer than the lease, it is dead and gets reaped (decision 11)."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(_("kind"), max_length=20)
    host = models.CharField(_("host"), max_length=253)
    pid = models.IntegerField(_("process id"))
    state = models.CharField(_("state"), max_length=10, default="running")
    started_at = models.DateTimeField(_("started at"), db_default=Now())
    heartbeat_at = models.DateTimeField(_("last heartbeat"), db_default=Now())
    detail = models.JSONField(_("detail"), default=dict)

    class Meta:
        db_table = "workers"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.host}:{self.pid})"


class SendBatch(models.Model):
    """Up to 64 dispatches of one lane and campaign, owned by one worker. `released_at` commits before the wire."""

    id = models.UUIDField(primary_key=True)
    owner = models.BigIntegerField(_("worker"))
    provider_id = models.UUIDField()
    lane_class = models.SmallIntegerField(choices=LaneClass)
    campaign_id = models.UUIDField(null=True)
    dispatch_ids = ArrayField(models.UUIDField())
    versions = ArrayField(models.IntegerField())
    created_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "send_batches"
        verbose_name = _("send batch")
        verbose_name_plural = _("send batches")
        indexes: ClassVar = [models.Index(fields=["owner"], name="send_batches_owner")]

    def __str__(self) -> str:
        return f"{self.id} ({len(self.dispatch_ids)})"


class TriggerReceipt(models.Model):
    """The idempotency ledger: one row per (tenant, source, correlation id), kept as long as topics (decision 4)."""

    key = models.UUIDField(primary_key=True)
    tenant_id = models.BigIntegerField()
    trigger_id = models.UUIDField()
    payload_digest = models.BigIntegerField()
    rejected = models.BooleanField(default=False)
    received_at = models.DateTimeField()

    class Meta:
        db_table = "trigger_receipts"
        verbose_name = _("trigger receipt")
        verbose_name_plural = _("trigger receipts")

    def __str__(self) -> str:
        return str(self.key)


class CapCounter(models.Model):
    """How many messages of one frequency cap one person has had in one period (dispatching.capping)."""

    key = models.UUIDField(primary_key=True)
    used = models.SmallIntegerField(default=0)
    expires_on = models.DateField()

    class Meta:
        db_table = "cap_counters"
        verbose_name = _("cap counter")
        verbose_name_plural = _("cap counters")
        indexes: ClassVar = [models.Index(fields=["expires_on"], name="cap_counters_expiry")]

    def __str__(self) -> str:
        return f"{self.key}: {self.used}"


EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class PaceCounter(models.Model):
    """When the next message of each provider, or of each campaign with a pace of its own, may leave; all processes move
    it (dispatching.pacing). The key is the id of either."""

    provider_id = models.UUIDField(primary_key=True)
    next_at = models.DateTimeField()
    tail_at = models.DateTimeField(default=EPOCH, db_default=EPOCH)
    """The next free place behind those that wait for their turn; only campaigns have such."""

    class Meta:
        db_table = "pace_counters"
        verbose_name = _("pace counter")
        verbose_name_plural = _("pace counters")

    def __str__(self) -> str:
        return f"{self.provider_id} @ {self.next_at}"


class ContactPace(models.Model):
    """When the next message to one address may leave (dispatching.spacing). The key is a digest of both."""

    key = models.UUIDField(primary_key=True)
    next_at = models.DateTimeField()

    class Meta:
        db_table = "contact_paces"
        verbose_name = _("contact pace")
        verbose_name_plural = _("contact paces")

    def __str__(self) -> str:
        return f"{self.key} @ {self.next_at}"


# Unmanaged models over views, in a file of their own; imported here so that Django knows them.
from dispatching.awaited import AwaitedReport, OverdueDelivery, ReportWalk  # noqa: E402 - after what they look at
from dispatching.counts import DispatchCount  # noqa: E402 - the same
from dispatching.idempotency_keys import IdempotencyKey  # noqa: E402 - the same
from dispatching.queues import (  # noqa: E402 - the same
    QueueBatch,
    QueueDue,
    QueueLane,
    QueueWorker,
    QueueWorkerLane,
)
from dispatching.receipts import DeliveryReceipt, ProviderMessage, WaitingReceipt  # noqa: E402 - the same
from dispatching.unsettled import DeadLetter, DoubtfulDispatch, UnsettledDispatch  # noqa: E402 - the same

__all__ = [
    "Attempt", "AwaitedReport", "CapCounter", "ContactPace", "DeadLetter", "DeliveryReceipt", "Dispatch",
    "DispatchCount", "DoubtfulDispatch", "DueDispatch", "IdempotencyKey", "OverdueDelivery", "PaceCounter",
    "ProviderMessage", "QueueBatch", "QueueDue", "QueueLane", "QueueWorker", "QueueWorkerLane", "ReportWalk",
    "ScheduledDispatch", "SendBatch", "TriggerReceipt", "UnsettledDispatch", "WaitingReceipt", "Worker",
]  # fmt: skip
