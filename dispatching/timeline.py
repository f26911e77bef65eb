"""What happened to a dispatch, moment by moment, with the time between: pure, from rows that were read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dispatching.models import Attempt, Dispatch
from dispatching.statuses import PUBLISHED, Status
from dispatching.wording import OUTCOMES, TONES, detail_of, reason_text
from providers.outcomes import Kind

NOT_COUNTED = Kind.NOT_SENT.name
DAY = dt.timedelta(days=1)


class Moment(msgspec.Struct, frozen=True):
    """One thing that happened. `at` is None where nobody noted when; `gap` is the time since the one before."""

    at: dt.datetime | None
    icon: str
    title: str
    detail: str = ""
    tone: str = ""
    gap: str = ""
    ahead: bool = False


class Deed(msgspec.Struct, frozen=True):
    """What a person did with it."""

    at: dt.datetime
    who: str
    what: str


def moments_of(
    dispatch: Dispatch,
    attempts: Sequence[Attempt],
    now: dt.datetime,
    *,
    deeds: Iterable[Deed] = (),
    receipts: Iterable[Moment] = (),
) -> list[Moment]:
    """In order of time; what is still ahead comes last."""
    found = [*_arrival(dispatch), *_tries(dispatch, attempts), *receipts]
    found += [Moment(deed.at, "person", deed.what, deed.who, "primary") for deed in deeds]
    found.sort(key=lambda moment: moment.at or now)
    found += [*_end(dispatch), *_ahead(dispatch, now)]
    return _with_gaps(found)


def lasting(span: dt.timedelta) -> str:
    """3 ms, 1.2 s, 4 min 10 s, 2 h 5 min, 3 days."""
    milliseconds = round(span.total_seconds() * 1000)
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    if milliseconds < 60_000:
        return f"{formats.number_format(milliseconds / 1000, 1)} s"
    minutes, seconds = divmod(milliseconds // 1000, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if span < DAY:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return ngettext("%(n)d day", "%(n)d days", span.days) % {"n": span.days}


def _arrival(dispatch: Dispatch) -> list[Moment]:
    came = Moment(dispatch.received_at, "login", _("Event received"))
    if dispatch.triggered_at < dispatch.received_at - dt.timedelta(seconds=1):
        came = msgspec.structs.replace(
            came,
            detail=_("%(time)s after it happened") % {"time": lasting(dispatch.received_at - dispatch.triggered_at)},
        )
    planned = Moment(dispatch.created_at, "rule", _("Decided"), detail=_decided(dispatch))
    return [came, planned]


def _decided(dispatch: Dispatch) -> str:
    if dispatch.predecessor_id:
        return _("as the next provider, because the one before failed")
    if dispatch.scheduled_for:
        return _("to be sent later")
    return ""


def _tries(dispatch: Dispatch, attempts: Sequence[Attempt]) -> list[Moment]:
    found = [moment for attempt in attempts for moment in _try(attempt)]
    told = {attempt.number for attempt in attempts if attempt.outcome != NOT_COUNTED}
    if dispatch.dispatched_at and dispatch.attempts not in told:
        found.append(
            Moment(dispatch.dispatched_at, "send", _("Try %(n)d: sent to the provider") % {"n": dispatch.attempts or 1})
        )
        if dispatch.returned_at:
            found.append(_answer(dispatch))
    return found


def _try(attempt: Attempt) -> list[Moment]:
    at = attempt.dispatched_at or attempt.returned_at or attempt.created_at
    outcome = str(OUTCOMES.get(attempt.outcome, attempt.outcome))
    parts = [outcome, reason_text(attempt.reason) if attempt.reason else "", attempt.error_message or ""]
    tone = "" if attempt.outcome == NOT_COUNTED else "warning"
    title = _("Not sent yet") if attempt.outcome == NOT_COUNTED else _("Try %(n)d") % {"n": attempt.number}
    return [Moment(at, "refresh", title, " · ".join(dict.fromkeys(part for part in parts if part))[:400], tone)]


def _answer(dispatch: Dispatch) -> Moment:
    if dispatch.status in (Status.SENT, Status.DELIVERED, Status.READ):
        detail = dispatch.provider_message_id
        return Moment(dispatch.returned_at, "mark_chat_read", _("Accepted by the provider"), detail, "success")
    detail = detail_of(dispatch) or (reason_text(dispatch.reason) if dispatch.reason else "")
    if dispatch.status == Status.UNKNOWN:
        return Moment(dispatch.returned_at, "help", _("No complete answer"), detail[:400], "warning")
    return Moment(dispatch.returned_at, "reply", _("Answered by the provider"), detail[:400], "danger")


def _end(dispatch: Dispatch) -> list[Moment]:
    """States that no try explains: nothing was sent."""
    words: dict[str, tuple[str, str]] = {
        Status.CONTROL_GROUP: ("science", _("Kept back in the control group")),
        Status.REFUSED: ("block", _("Refused")),
        Status.EXPIRED: ("timer_off", _("Expired")),
        Status.CANCELLED: ("cancel", _("Cancelled")),
    }
    if dispatch.status in words:
        icon, title = words[dispatch.status]
        return [
            Moment(
                None,
                icon,
                title,
                reason_text(dispatch.reason) if dispatch.reason else "",
                TONES.get(dispatch.status, ""),
            )
        ]
    if dispatch.status == Status.FAILED and not dispatch.dispatched_at:
        return [Moment(None, "error", _("Failed"), reason_text(dispatch.reason), "danger")]
    if dispatch.status == Status.UNKNOWN and not dispatch.returned_at:
        return [Moment(None, "help", _("Outcome unknown"), reason_text(dispatch.reason), "warning")]
    return []


def _ahead(dispatch: Dispatch, now: dt.datetime) -> list[Moment]:
    if dispatch.status in PUBLISHED:
        return []
    if dispatch.scheduled_for and dispatch.scheduled_for > now and not dispatch.attempts:
        return [Moment(dispatch.scheduled_for, "schedule", _("Will be sent"), tone="info", ahead=True)]
    return [Moment(None, "hourglass_top", _("Waits to be sent"), tone="info", ahead=True)]


def _with_gaps(moments: list[Moment]) -> list[Moment]:
    told: list[Moment] = []
    before: dt.datetime | None = None
    for moment in moments:
        gap = ""
        if moment.at and before and not moment.ahead and moment.at >= before:
            gap = f"+ {lasting(moment.at - before)}"
        told.append(msgspec.structs.replace(moment, gap=gap))
        before = moment.at or before
    return told


def published(state: str) -> Moment | None:
    """Whether the company knows of it; `state` is what the outbox room says of the newest fact."""
    words: dict[str, tuple[str, str, str]] = {
        "published": ("podium", _("Published to Kafka"), "success"),
        "waiting": ("outbox", _("Waits to be published to Kafka"), "info"),
        "parked": ("report", _("Kafka refused the fact: it is parked in the outbox"), "danger"),
    }
    found: Any = words.get(state)
    return Moment(None, found[0], found[1], tone=found[2]) if found else None


CLICKED = frozenset({"click", "clicked"})
OPENED = frozenset({"open", "opened"})
"""The words of vendors for what a contact did with a message (in lower case)."""


def reported(kind: str, status: str, reason: str, error: str, at: dt.datetime, link: str = "") -> Moment:
    """A receipt: what the vendor said later, and in its own word; `link` is what was clicked, where it told."""
    if not status and kind.lower() in CLICKED:
        return Moment(at, "ads_click", _("Clicked"), link[:400], "primary")
    if not status and kind.lower() in OPENED:
        return Moment(at, "drafts", _("Opened"), tone="primary")
    words: dict[str, tuple[str, str]] = {
        Status.SENT: ("mark_chat_read", _("Reported as sent")),
        Status.DELIVERED: ("done_all", _("Reported as delivered")),
        Status.READ: ("visibility", _("Reported as read")),
        Status.FAILED: ("report", _("Reported as not delivered")),
    }
    icon, title = words.get(status, ("notifications", _("Reported by the provider")))
    detail = " · ".join(part for part in (kind, reason_text(reason) if reason else "", error) if part)
    return Moment(at, icon, title, detail[:400], TONES.get(status, ""))
