"""A deed on rejected events, asked twice: first how many and of which kind, then done, written into the journal."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from ingestion import operating, reasons
from ingestion.models import RejectedState, RejectedTrigger

BULK = 10_000
"""Most events of one confirmed deed, moved by one statement."""


class Deed(msgspec.Struct, frozen=True):
    name: str
    title: Promise
    question: Callable[[int], str]
    done: Callable[[int], str]
    left: Promise
    run: Callable[[QuerySet[RejectedTrigger], str], int]
    state: RejectedState
    """What they are afterwards."""
    warning: Promise | str = ""


class Share(msgspec.Struct, frozen=True):
    """How many of those chosen were rejected for this reason, for this journey."""

    count: int
    label: str | Promise
    tone: str
    reason: str
    campaign: str


_LEFT = _(
    "Left alone: what is not open, what was skipped in a recovery (it has an action of its own), and what"
    " is so large that only its beginning was kept (send it again instead)."
)
_REPLAYED: Callable[[int], str] = lambda count: (  # noqa: E731 - two deeds say the same
    ngettext("%(n)d event will be replayed within seconds.", "%(n)d events will be replayed within seconds.", count)
    % {"n": count}
)
REPLAY = Deed(
    name="replay",
    title=_("Replay"),
    question=lambda count: ngettext("Replay %(n)d event?", "Replay %(n)d events?", count) % {"n": count},
    done=_REPLAYED,
    left=_LEFT,
    run=lambda rows, by: operating.request_replay(rows, by=by),
    state=RejectedState.REPLAY_REQUESTED,
    warning=_("They are decided again as they came. What the ledger took meanwhile is not sent twice."),
)
REPLAY_SKIPPED = Deed(
    name="replay_skipped",
    title=_("Replay skipped events"),
    question=lambda count: (
        ngettext("Replay %(n)d skipped event?", "Replay %(n)d skipped events?", count) % {"n": count}
    ),
    done=_REPLAYED,
    left=_LEFT,
    run=lambda rows, by: operating.request_replay(rows, by=by, skipped=True),
    state=RejectedState.REPLAY_REQUESTED,
    warning=_("These may have been sent before the database was restored: contacts may get them twice."),
)
DISCARD = Deed(
    name="discard",
    title=_("Discard"),
    question=lambda count: ngettext("Discard %(n)d event?", "Discard %(n)d events?", count) % {"n": count},
    done=lambda count: ngettext("%(n)d event discarded.", "%(n)d events discarded.", count) % {"n": count},
    left=_("The others were replayed or discarded already."),
    run=lambda rows, by: operating.discard(rows, by=by),
    state=RejectedState.DISCARDED,
    warning=_("Nothing is sent for them, and they leave the list of open events."),
)
DEEDS = {deed.name: deed for deed in (REPLAY, REPLAY_SKIPPED, DISCARD)}


def deeds_for(rejected: RejectedTrigger) -> list[Deed]:
    """What can be done with this one."""
    found = []
    if rejected.state == RejectedState.OPEN and len(rejected.raw) == rejected.raw_size:
        found.append(REPLAY_SKIPPED if rejected.code == reasons.SKIPPED_IN_RECOVERY else REPLAY)
    if rejected.state in (RejectedState.OPEN, RejectedState.REPLAY_REQUESTED):
        found.append(DISCARD)
    return found


def ask(deed: Deed, model_admin: Any, request: HttpRequest, ids: Iterable[uuid.UUID], back: str) -> HttpResponse:
    """The page that tells how many of which kind, and asks."""
    chosen = list(ids)
    rows = _own(model_admin, request).filter(pk__in=chosen[:BULK])
    shares = _shares(rows)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": deed.title,
        "deed": deed,
        "question": deed.question(sum(share.count for share in shares)),
        "warning": deed.warning,
        "shares": shares,
        "more": len(chosen) > BULK,
        "bulk": BULK,
        "ids": " ".join(str(pk) for pk in rows.order_by().values_list("pk", flat=True)),
        "back": back,
        "action_url": reverse("admin:ingestion_rejectedtrigger_deed"),
    }
    return TemplateResponse(request, "dispatching/confirm.html", context)


def answer(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """A press on one of the deeds: asks first, and does it when that was confirmed."""
    back = _back(request)
    deed, ids = DEEDS.get(request.POST.get("deed", "")), _ids(request.POST.get("ids", ""))
    if request.method != "POST" or deed is None or not ids:
        return HttpResponseRedirect(back)
    if request.POST.get("confirmed") != "yes":
        return ask(deed, model_admin, request, ids, back)
    _carry_out(deed, model_admin, request, ids[:BULK])
    return HttpResponseRedirect(back)


def _carry_out(deed: Deed, model_admin: Any, request: HttpRequest, ids: Sequence[uuid.UUID]) -> None:
    rows = _own(model_admin, request).filter(pk__in=ids)
    # Locked in one order, so that two who press at once wait for each other and never crosswise.
    locked = rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", "state")
    others = [pk for pk, state in locked if state != deed.state]
    done = deed.run(rows, request.user.get_username())
    _note(deed, request, others)
    if done:
        model_admin.message_user(request, deed.done(done), messages.SUCCESS)
    if done < len(ids):
        model_admin.message_user(request, str(deed.left), messages.WARNING)


def _own(model_admin: Any, request: HttpRequest) -> QuerySet[RejectedTrigger]:
    rows: QuerySet[RejectedTrigger] = model_admin.get_queryset(request)
    return rows


def _shares(rows: QuerySet[RejectedTrigger]) -> list[Share]:
    counted = rows.order_by().values_list("state", "code", "journey_name").annotate(count=Count("pk"))
    shares = [
        Share(count, RejectedState(state).label, "info" if state == RejectedState.OPEN else "", code, journey)
        for state, code, journey, count in counted
    ]
    return sorted(shares, key=lambda share: -share.count)


def _note(deed: Deed, request: HttpRequest, others: Sequence[uuid.UUID]) -> None:
    """Who, what, and with how many others, in the journal of each that this very press moved."""
    moved = RejectedTrigger.objects.filter(pk__in=others, state=deed.state)
    rows = moved.only("code", "topic", "partition", "offset")
    count = len(rows)
    if not count:
        return
    message = gettext("%(deed)s (%(n)d at once)") % {"deed": deed.title, "n": count} if count > 1 else str(deed.title)
    LogEntry.objects.log_actions(str(request.user.pk), rows, CHANGE, message)


def _ids(text: str) -> list[uuid.UUID]:
    try:
        return list(dict.fromkeys(uuid.UUID(part) for part in text.split()))
    except ValueError:
        return []


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("back") or request.headers.get("referer") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("admin:ingestion_rejectedtrigger_changelist")
