"""Workers, lanes, positions and the outbox at one look: bounded reads of the operators' views, and Kafka's word."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from typing import Any

import msgspec
from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dispatching.models import (
    DeadLetter,
    DoubtfulDispatch,
    OverdueDelivery,
    QueueBatch,
    QueueLane,
    QueueWorker,
    QueueWorkerLane,
)
from dispatching.timeline import lasting
from ingestion.models import OperatorPosition
from outbox.models import OperatorFact, OperatorShard
from prism.operations.lag import Ends, ends_of
from providers.circuit_words import told_of
from providers.models import Provider

MOST = 200
MOST_BATCHES = 50
COUNTED = 10_000
PARKED_SHOWN = 1_000


class Tile(msgspec.Struct, frozen=True):
    title: str
    value: str
    tone: str = ""
    url: str = ""


class WorkerRow(msgspec.Struct, frozen=True):
    kind: str
    place: str
    silent: str
    tone: str
    state: str
    since: dt.datetime


class LaneRow(msgspec.Struct, frozen=True):
    """A provider's traffic of one class, over all workers that hold it."""

    provider: str
    provider_id: str
    lane: str
    used: int
    slots: int
    ahead: int
    waiting: str
    due: str
    oldest: str
    pace: int | None
    state: str
    tone: str

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.used / self.slots)) if self.slots else 0


class PositionRow(msgspec.Struct, frozen=True):
    place: str
    group: str
    next_offset: int | None
    lag: int | None
    moved: str
    stopped: str
    next_step: str


class Glance(msgspec.Struct, frozen=True):
    at: dt.datetime
    tiles: list[Tile]
    workers: list[WorkerRow]
    lanes: list[LaneRow]
    batches: list[QueueBatch]
    positions: list[PositionRow]
    kafka_problem: str
    shards: list[OperatorShard]
    parked: int


def look(now: dt.datetime) -> Glance:
    """Everything, in ten queries whatever there is."""
    workers = [_worker(one) for one in QueueWorker.objects.filter(state="running").order_by("kind", "id")[:MOST]]
    lanes = _lanes(now)
    batches = list(QueueBatch.objects.select_related("provider", "campaign").order_by("created_at")[:MOST_BATCHES])
    positions = list(OperatorPosition.objects.order_by("topic", "partition")[:MOST])
    ends = ends_of({(one.topic, one.partition) for one in positions})
    shards = list(OperatorShard.objects.order_by("shard"))
    parked = _count(OperatorFact.objects.filter(parked_at__isnull=False), PARKED_SHOWN)
    rows = [_position(one, ends, now) for one in positions]
    return Glance(
        at=now,
        tiles=_tiles(workers, rows, shards, parked),
        workers=workers,
        lanes=lanes,
        batches=batches,
        positions=rows,
        kafka_problem=ends.problem,
        shards=shards,
        parked=parked,
    )


def _tiles(
    workers: list[WorkerRow], positions: list[PositionRow], shards: list[OperatorShard], parked: int
) -> list[Tile]:
    alive = sum(worker.tone == "success" for worker in workers)
    known = [row.lag for row in positions if row.lag is not None]
    stopped = sum(bool(row.stopped) for row in positions)
    failed, unknown = _count(DeadLetter.objects.all(), COUNTED), _count(DoubtfulDispatch.objects.all(), COUNTED)
    overdue = _count(OverdueDelivery.objects.all(), COUNTED)
    outbox = sum(shard.waiting for shard in shards)
    return [
        Tile(_("Workers alive"), str(alive), "" if alive else "danger"),
        Tile(
            _("Events not read yet"),
            _up_to(sum(known), None) if known else "—",
            "warning" if sum(known) > COUNTED else "",
        ),
        Tile(_("Partitions stopped"), str(stopped), "danger" if stopped else ""),
        Tile(
            _("Facts not published yet"), _up_to(outbox, COUNTED * len(shards)), "warning" if outbox >= COUNTED else ""
        ),
        Tile(_("Facts parked"), _up_to(parked, PARKED_SHOWN), "danger" if parked else ""),
        Tile(_("Failures"), _up_to(failed, COUNTED), "", "admin:dispatching_deadletter_changelist"),
        Tile(
            _("Without an answer"),
            _up_to(unknown, COUNTED),
            "warning" if unknown else "",
            "admin:dispatching_doubtfuldispatch_changelist",
        ),
        Tile(
            _("Overdue deliveries"),
            _up_to(overdue, COUNTED),
            "warning" if overdue else "",
            "admin:dispatching_overduedelivery_changelist",
        ),
    ]


def _worker(worker: QueueWorker) -> WorkerRow:
    silent = worker.silent_seconds
    late, dead = settings.WORKER_DEAD_AFTER_SECONDS / 3, settings.WORKER_DEAD_AFTER_SECONDS
    tone = "success" if silent <= late else "warning" if silent <= dead else "danger"
    states = {"success": _("alive"), "warning": _("late"), "danger": _("silent: its work is taken over")}
    return WorkerRow(
        kind=worker.kind,
        place=f"{worker.host}:{worker.pid}",
        silent=lasting(dt.timedelta(seconds=max(0, silent))),
        tone=tone,
        state=states[tone],
        since=worker.started_at,
    )


def _lanes(now: dt.datetime) -> list[LaneRow]:
    """What waits, and what the workers hold; a lane that only one of both knows is shown too."""
    waiting = {(one.provider_id, one.lane_class): one for one in QueueLane.objects.all()[:MOST]}
    held: dict[tuple[uuid.UUID, int], list[QueueWorkerLane]] = defaultdict(list)
    for one in QueueWorkerLane.objects.all()[: MOST * 10]:
        held[one.provider_id, one.lane_class].append(one)
    keys = {*waiting, *held}
    named = Provider.objects.filter(pk__in={provider for provider, _lane in keys}).select_related("circuit")
    providers = {one.pk: one for one in named}
    rows = [
        _lane(providers[key[0]], key[1], waiting.get(key), held.get(key, []), now)
        for key in keys
        if key[0] in providers
    ]
    return sorted(rows, key=lambda row: (row.provider, row.lane))


def _lane(
    provider: Provider, lane_class: int, queue: QueueLane | None, held: list[QueueWorkerLane], now: dt.datetime
) -> LaneRow:
    closed, slow = any(one.closed for one in held), any(one.slow for one in held)
    state, tone = _("flows"), "success"
    trouble = told_of(getattr(provider, "circuit", None), now)
    if not provider.is_active:
        state, tone = _("provider switched off"), "none"
    elif trouble is not None:
        state, tone = f"{trouble.label}: {trouble.why}", "danger" if trouble.tone == "bad" else "warning"
    elif closed:
        state, tone = _("backs off: the provider cannot be reached"), "danger"
    elif slow:
        state, tone = _("slow: rows wait in the queue"), "warning"
    elif not held:
        state, tone = _("no worker has it yet"), "info"
    overdue = queue and queue.oldest_due_at and queue.oldest_due_at <= now
    return LaneRow(
        provider=provider.provider_name,
        provider_id=str(provider.pk),
        lane=str(dict(QueueLane._meta.get_field("lane_class").flatchoices).get(lane_class, lane_class)),
        used=sum(one.used for one in held),
        slots=sum(one.slots for one in held),
        ahead=sum(one.ahead for one in held),
        waiting=_up_to(queue.waiting if queue else 0, COUNTED),
        due=_up_to(queue.due if queue else 0, COUNTED),
        oldest=lasting(now - queue.oldest_due_at) if queue and overdue and queue.oldest_due_at else "",
        pace=provider.max_messages_per_minute,
        state=state,
        tone=tone,
    )


def _position(position: OperatorPosition, ends: Ends, now: dt.datetime) -> PositionRow:
    end = ends.offsets.get((position.topic, position.partition))
    lag = None if end is None or position.next_offset is None else max(0, end - position.next_offset)
    step = ""
    if position.stopped_reason:
        step = _("manage.py recover_position lists what is stopped and lets it go on: --resend or --mark-unknown.")
    return PositionRow(
        place=f"{position.topic}[{position.partition}]",
        group=position.consumer_group,
        next_offset=position.next_offset,
        lag=lag,
        moved=lasting(now - position.updated_at) if now > position.updated_at else "0 ms",
        stopped=position.stopped_reason,
        next_step=step,
    )


def _count(rows: QuerySet[Any], most: int) -> int:
    return len(rows.order_by().values_list("pk")[:most])


def _up_to(count: int, most: int | None) -> str:
    return f"{most}+" if most and count >= most else str(count)
