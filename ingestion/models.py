"""Doors in: where each partition stands, and what could not be taken."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ingestion.calls import CallState, WebhookCall
from tenants.models import Tenant

__all__ = [
    "CallState",
    "ConsumerPosition",
    "OperatorPosition",
    "RejectedState",
    "RejectedTrigger",
    "WebhookCall",
]


class ConsumerPosition(models.Model):
    """The next offset of a partition, beside the plan it belongs to (decision 5)."""

    consumer_group = models.CharField(_("consumer group"), max_length=200)
    topic = models.CharField(_("topic"), max_length=249)
    partition = models.IntegerField(_("partition"))
    epoch = models.BigIntegerField(_("epoch"), default=0)
    next_offset = models.BigIntegerField(_("next offset"), null=True)
    stopped_reason = models.TextField(_("why it stopped"), blank=True, db_default="")
    accepted_lead = models.BigIntegerField(
        _("accepted lead"),
        null=True,
        help_text=_("Kafka's committed offset that an operator accepted although it was ahead of ours."),
    )
    updated_at = models.DateTimeField(_("updated at"), db_default=Now())

    class Meta:
        db_table = "consumer_positions"
        verbose_name = _("consumer position")
        verbose_name_plural = _("consumer positions")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["consumer_group", "topic", "partition"], name="consumer_position_once"),
        ]

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] @ {self.next_offset}"


class OperatorPosition(models.Model):
    """What operators may see of the positions (a view: worker tables themselves have no web grant)."""

    id = models.BigIntegerField(primary_key=True)
    consumer_group = models.CharField(_("consumer group"), max_length=200)
    topic = models.CharField(_("topic"), max_length=249)
    partition = models.IntegerField(_("partition"))
    epoch = models.BigIntegerField(_("epoch"))
    next_offset = models.BigIntegerField(_("next offset"), null=True)
    stopped_reason = models.TextField(_("why it stopped"))
    updated_at = models.DateTimeField(_("updated at"))

    class Meta:
        managed = False
        db_table = "operator_positions"
        verbose_name = _("consumer position")
        verbose_name_plural = _("consumer positions")

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}] @ {self.next_offset}"


class RejectedState(models.TextChoices):
    OPEN = "open", _("Open")
    REPLAY_REQUESTED = "replay_requested", _("Replay requested")
    REPLAYED = "replayed", _("Replayed")
    DISCARDED = "discarded", _("Discarded")


class RejectedTrigger(models.Model):
    """An event that became no dispatch: why, where exactly, from where, and its raw bytes, for a person to replay."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, null=True, blank=True, verbose_name=_("tenant"))
    code = models.CharField(_("code"), max_length=50)
    path = models.CharField(_("where"), max_length=300, blank=True)
    message = models.TextField(_("what is wrong"), blank=True)
    topic = models.CharField(_("topic"), max_length=249)
    partition = models.IntegerField(_("partition"))
    offset = models.BigIntegerField(_("offset"))
    record_at = models.DateTimeField(_("record time"), null=True)
    journey_name = models.CharField(_("journey name"), max_length=200, blank=True)
    correlation_id = models.CharField(_("correlation id"), max_length=200, blank=True)
    headers = models.JSONField(_("headers"), default=list)
    raw = models.BinaryField(_("raw bytes"))
    raw_size = models.BigIntegerField(_("size"))
    state = models.CharField(_("state"), max_length=20, choices=RejectedState, default=RejectedState.OPEN)
    state_changed_at = models.DateTimeField(_("state changed at"), null=True, blank=True)
    state_changed_by = models.CharField(_("state changed by"), max_length=150, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "rejected_triggers"
        verbose_name = _("rejected trigger")
        verbose_name_plural = _("rejected triggers")
        indexes: ClassVar = [
            models.Index(fields=["tenant", "-created_at"], name="rejected_triggers_recent"),
            models.Index(fields=["tenant", "correlation_id"], name="rejected_triggers_correlation"),
            models.Index(fields=["-created_at"], name="rejected_triggers_newest"),
            models.Index(fields=["code", "-created_at"], name="rejected_triggers_by_code"),
            models.Index(
                fields=["state"], name="rejected_triggers_to_replay", condition=models.Q(state="replay_requested")
            ),
            BrinIndex(fields=["created_at"], name="rejected_triggers_age"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.topic}[{self.partition}]@{self.offset}"
