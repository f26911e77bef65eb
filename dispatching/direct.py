"""Send without a campaign: messages become a receipt, a dispatch and a due row each, or a coded answer and no row.

Set-wise: four statements, however many messages. Resident senders find the due rows within half a second. All belongs
into the transaction of a request that acts for the tenant (tenants.scope) and may operate; the database checks both.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence

import msgspec
from django.conf import settings
from django.db import connection

from dispatching import reasons
from dispatching.direct_choices import load_choices, refusal
from dispatching.direct_gates import Ready, decide
from dispatching.gates import Refusal
from dispatching.statuses import LaneClass
from dispatching.wanted import Accepted, Answer, Sender, Wanted

AT_ONCE = 1000
"""Most messages of one call."""

_encode = msgspec.json.Encoder().encode
Known = dict[str, tuple[uuid.UUID, int]]


def send_messages(
    messages: Sequence[Wanted], sender: Sender, *, now: dt.datetime, lane: LaneClass = LaneClass.TRIGGER
) -> list[Answer]:
    """One answer per message, in order. A correlation id is used once: the same message again is a duplicate."""
    if len(messages) > AT_ONCE:
        raise ValueError(f"at most {AT_ONCE} messages at once, got {len(messages)}")
    answers: dict[int, Answer] = {}
    known = _known([wanted.correlation_id for wanted in messages if wanted.correlation_id])
    fresh: dict[str, Wanted] = {}
    followers: list[tuple[int, Wanted]] = []
    for index, given in enumerate(messages):
        wanted = _named(given, index)
        if wanted.correlation_id in known:
            answers[index] = _repeated(wanted, *known[wanted.correlation_id])
        elif wanted.correlation_id in fresh:
            followers.append((index, wanted))
        else:
            fresh[wanted.correlation_id] = wanted
    answers.update(_send(list(fresh.values()), sender, now, lane))
    for index, wanted in followers:
        first = fresh[wanted.correlation_id]
        answers[index] = _following(wanted, first, answers[first.item])
    return [answers[index] for index in range(len(messages))]


def _named(wanted: Wanted, index: int) -> Wanted:
    return msgspec.structs.replace(wanted, item=index, correlation_id=wanted.correlation_id or str(uuid.uuid4()))


def _send(messages: Sequence[Wanted], sender: Sender, now: dt.datetime, lane: LaneClass) -> dict[int, Answer]:
    """Of messages with distinct correlation ids that were not known a moment ago."""
    if not messages:
        return {}
    choices = load_choices(messages, sender)
    furthest = dt.timedelta(days=settings.DISPATCH_RETENTION_DAYS)
    decided = [(wanted, decide(wanted, choices, now, lane=lane, furthest=furthest)) for wanted in messages]
    answers: dict[int, Answer] = {wanted.item: one for wanted, one in decided if isinstance(one, Refusal)}
    ready = {wanted.item: one for wanted, one in decided if isinstance(one, Ready)}
    answers.update(_write(ready))
    return answers


def _write(ready: dict[int, Ready]) -> dict[int, Answer]:
    if not ready:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT item, dispatch_id, fate FROM prism_accept_messages(%s::jsonb)",
            [_encode(list(ready.values())).decode()],
        )
        rows = cursor.fetchall()
    return {item: _fate(ready[item], dispatch_id, fate) for item, dispatch_id, fate in rows}


def _fate(ready: Ready, dispatch_id: uuid.UUID, fate: str) -> Answer:
    if fate == "gone":
        # Its provider was deleted between our look and the writing.
        return refusal(reasons.PROVIDER_REMOVED, "/provider_id")
    if fate == "other":
        return refusal(reasons.DUPLICATE_OTHER_PAYLOAD, "/correlation_id")
    return Accepted(dispatch_id, ready.correlation_id, duplicate=fate == "duplicate")


def _known(correlation_ids: list[str]) -> Known:
    """What the ledger holds already: asked first, so that a repeated message is answered whatever changed since."""
    if not correlation_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT correlation_id, dispatch_id, payload_digest FROM prism_known_messages(%s)", [correlation_ids]
        )
        return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def _repeated(wanted: Wanted, dispatch_id: uuid.UUID, digest: int) -> Answer:
    if digest != wanted.digest:
        return refusal(reasons.DUPLICATE_OTHER_PAYLOAD, "/correlation_id")
    return Accepted(dispatch_id, wanted.correlation_id, duplicate=True)


def _following(wanted: Wanted, first: Wanted, answer: Answer) -> Answer:
    """The second of one correlation id within a call."""
    if wanted.digest != first.digest:
        return refusal(reasons.DUPLICATE_OTHER_PAYLOAD, "/correlation_id")
    return msgspec.structs.replace(answer, duplicate=True) if isinstance(answer, Accepted) else answer
