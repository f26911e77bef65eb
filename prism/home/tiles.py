"""The tiles of the home page: one number each, what it means, and how much it worries."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dispatching.statuses import Status
from prism.home.numbers import Numbers, Operation, share, success_rate

Text = str | Promise


class Tile(msgspec.Struct, frozen=True):
    """`kind` names the list behind it; `tone` is "", "good", "warn" or "bad". `deep`: the value is a lower bound."""

    kind: str
    title: Text
    icon: str
    value: int | None
    tone: str = ""
    deep: bool = False
    facts: tuple[tuple[Text, int | float | dt.datetime | str], ...] = ()


def tiles_of(today: Counter[str], numbers: Numbers) -> tuple[Tile, ...]:
    sent, failed, control = today[Status.SENT], today[Status.FAILED], today[Status.CONTROL_GROUP]
    rate, held = success_rate(sent, failed), share(control, control + sent + failed + today[Status.UNKNOWN])
    return (
        Tile(
            "sent",
            _("Sent today"),
            "send",
            sent,
            tone="good" if sent else "",
            facts=() if rate is None else ((_("success rate"), rate),),
        ),
        Tile(
            "delivered",
            _("Delivered today"),
            "mark_email_read",
            today[Status.DELIVERED],
            facts=((_("read"), today[Status.READ]),),
        ),
        Tile("failed", _("Failed today"), "error", failed, tone="bad" if failed else ""),
        Tile(
            "control",
            _("Control group today"),
            "science",
            control,
            facts=() if held is None else ((_("of the eligible"), held),),
        ),
        Tile(
            "refused",
            _("Refused today"),
            "block",
            today[Status.REFUSED],
            facts=((_("expired"), today[Status.EXPIRED]), (_("cancelled"), today[Status.CANCELLED])),
        ),
        Tile("unknown", _("Without an answer"), "help", numbers.unknown, tone="warn" if numbers.unknown else ""),
        *((_overdue(numbers.operation),) if numbers.operation and numbers.operation.overdue else ()),
        Tile("rejected", _("Rejected, open"), "report", numbers.rejected, tone="warn" if numbers.rejected else ""),
    )


def operation_tiles(operation: Operation, now: dt.datetime) -> tuple[Tile, ...]:
    late = operation.oldest_due_at is not None and now - operation.oldest_due_at > dt.timedelta(minutes=5)
    stuck = operation.outbox_oldest_at is not None and now - operation.outbox_oldest_at > dt.timedelta(minutes=1)
    alive = sum(operation.workers.values())
    return (
        Tile(
            "due",
            _("Due now"),
            "hourglass_top",
            operation.due,
            tone="warn" if late else "",
            deep=operation.due >= operation.deep,
            facts=(
                (_("waiting in all"), operation.waiting),
                *(((_("oldest due"), operation.oldest_due_at),) if operation.oldest_due_at and operation.due else ()),
            ),
        ),
        Tile(
            "outbox",
            _("Outbox"),
            "outbox",
            operation.outbox,
            tone="warn" if stuck else "",
            deep=operation.outbox >= operation.deep,
            facts=() if operation.outbox_oldest_at is None else ((_("oldest"), operation.outbox_oldest_at),),
        ),
        Tile(
            "lag",
            _("Events still in Kafka"),
            "signpost",
            None if operation.lag is None else operation.lag.records,
            tone="bad" if operation.stopped else "",
            facts=(
                (_("partitions"), operation.partitions),
                *(((_("stopped"), operation.stopped),) if operation.stopped else ()),
            ),
        ),
        Tile(
            "workers",
            _("Workers alive"),
            "memory",
            alive,
            tone="" if alive else "bad",
            facts=tuple(sorted(operation.workers.items())),
        ),
    )


def _overdue(operation: Operation) -> Tile:
    deep = operation.overdue >= operation.counted
    return Tile("overdue", _("Overdue deliveries"), "running_with_errors", operation.overdue, tone="warn", deep=deep)
