"""Facts that wait for Kafka. Rows are written by the statement that makes the fact true (decisions 12, 16)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

SHARDS = 8
"""Order holds within a shard; a contact's facts share one. Fixed: changing it would reorder what waits."""


class OutboxEvent(models.Model):
    id = models.BigAutoField(primary_key=True)
    shard = models.SmallIntegerField()
    topic = models.CharField(_("topic"), max_length=30)
    key = models.TextField(_("key"))
    headers = models.JSONField(_("headers"))
    payload = models.TextField(_("payload"))
    parked_at = models.DateTimeField(_("parked at"), null=True)
    problem = models.TextField(_("problem"), blank=True, db_default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        db_table = "outbox_events"
        verbose_name = _("outbox event")
        verbose_name_plural = _("outbox events")
        indexes: ClassVar = [
            models.Index(fields=["shard", "id"], name="outbox_events_shard", condition=models.Q(parked_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class OutboxShard(models.Model):
    """Who may publish a shard, and until when."""

    shard = models.SmallIntegerField(primary_key=True)
    owner = models.CharField(max_length=100, blank=True)
    leased_until = models.DateTimeField(db_default=Now())
    epoch = models.BigIntegerField(default=0)

    class Meta:
        db_table = "outbox_shards"
        verbose_name = _("outbox shard")
        verbose_name_plural = _("outbox shards")

    def __str__(self) -> str:
        return str(self.shard)
