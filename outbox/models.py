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
            models.Index(
                fields=["shard", "id"], name="outbox_events_shard", condition=models.Q(parked_at__isnull=True)
            ),
            models.Index(
                fields=["parked_at"], name="outbox_events_parked", condition=models.Q(parked_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class OutboxShard(models.Model):
    """Who may publish a shard, and until when."""

    shard = models.SmallIntegerField(_("shard"), primary_key=True)
    owner = models.CharField(_("relay"), max_length=100, blank=True)
    leased_until = models.DateTimeField(_("leased until"), db_default=Now())
    epoch = models.BigIntegerField(_("epoch"), default=0)

    class Meta:
        db_table = "outbox_shards"
        verbose_name = _("outbox shard")
        verbose_name_plural = _("outbox shards")

    def __str__(self) -> str:
        return str(self.shard)


class OutboxRelay(models.Model):
    """A relay that is up. Those seen within the lease split the shards evenly."""

    name = models.CharField(_("relay"), max_length=100, primary_key=True)
    started_at = models.DateTimeField(_("started at"), db_default=Now())
    seen_at = models.DateTimeField(_("last seen"), db_default=Now())

    class Meta:
        db_table = "outbox_relays"
        verbose_name = _("relay")
        verbose_name_plural = _("relays")

    def __str__(self) -> str:
        return self.name


class OperatorFact(models.Model):
    """What an operator may see of the outbox: the facts of the tenant at hand; superusers see all (a view)."""

    id = models.BigIntegerField(primary_key=True)
    shard = models.SmallIntegerField(_("shard"))
    topic = models.CharField(_("topic"), max_length=30)
    key = models.TextField(_("key"))
    headers = models.JSONField(_("headers"))
    payload = models.TextField(_("payload"))
    parked_at = models.DateTimeField(_("parked at"), null=True)
    problem = models.TextField(_("problem"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        managed = False
        db_table = "operator_facts"
        verbose_name = _("outbox event")
        verbose_name_plural = _("outbox events")

    def __str__(self) -> str:
        return f"{self.topic} {self.id}"


class OperatorShard(models.Model):
    """Shards with what waits in each and whether its relay is alive (a view, for operators)."""

    shard = models.SmallIntegerField(_("shard"), primary_key=True)
    owner = models.CharField(_("relay"), max_length=100)
    leased_until = models.DateTimeField(_("leased until"))
    epoch = models.BigIntegerField(_("epoch"))
    is_leased = models.BooleanField(_("leased"))
    oldest_at = models.DateTimeField(_("oldest fact"), null=True)
    waiting = models.IntegerField(_("waiting"))

    class Meta:
        managed = False
        db_table = "operator_shards"
        verbose_name = _("outbox shard")
        verbose_name_plural = _("outbox shards")

    def __str__(self) -> str:
        return str(self.shard)
