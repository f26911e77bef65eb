"""An operator's deed, asked twice: first how many, of what, and what to know; then done, written into the journal.

What is confirmed is what is done: the page carries the ids themselves. The database asks each row's tenant and state
again in the statement that moves it, so a second press, or a colleague who was faster, changes nothing.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import structlog
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

from dispatching import operating, resolving
from dispatching.models import Dispatch
from dispatching.statuses import WAITING, Status
from dispatching.wording import TONES, reason_text

BULK = 10_000
"""Most dispatches of one confirmed deed: moved in statements of operating.AT_ONCE, in one transaction."""

log = structlog.get_logger("prism.dispatching")


class Deed(msgspec.Struct, frozen=True):
    """One kind of action. `action` is its log line, `statuses` whom it concerns; `done` is told with the count."""

    name: str
    action: str
    statuses: frozenset[Status]
    title: Promise
    question: Callable[[int], str]
    done: Callable[[int], str]
    left: Promise
    run: Callable[[Sequence[uuid.UUID]], list[uuid.UUID]]
    warning: Callable[[int], str] = lambda _unknown: ""
    """What to know first; called with how many of them are UNKNOWN."""


class Share(msgspec.Struct, frozen=True):
    """How many of those chosen have this state, reason and campaign."""

    count: int
    status: str
    label: str | Promise
    tone: str
    reason: str
    campaign: str


def _twice(unknown: int) -> str:
    if not unknown:
        return ""
    text = ngettext(
        "%(n)d of them is UNKNOWN: the provider may have delivered it, and the contact may get it twice.",
        "%(n)d of them are UNKNOWN: the provider may have delivered them, and contacts may get them twice.",
        unknown,
    )
    return text % {"n": unknown}


REPLAY = Deed(
    name="replay",
    action="dispatches_replayed",
    statuses=frozenset({Status.FAILED, Status.UNKNOWN}),
    title=_("Send again"),
    question=lambda count: ngettext("Send %(n)d dispatch again?", "Send %(n)d dispatches again?", count) % {"n": count},
    done=lambda count: (
        ngettext("%(n)d dispatch is queued again.", "%(n)d dispatches are queued again.", count) % {"n": count}
    ),
    left=_(
        "Left alone: what may still be on its way to the provider (try again in a minute), or was followed by the "
        "campaign's next provider."
    ),
    run=operating.replay,
    warning=_twice,
)
CANCEL = Deed(
    name="cancel",
    action="dispatches_cancelled",
    statuses=WAITING,
    title=_("Cancel"),
    question=lambda count: ngettext("Cancel %(n)d dispatch?", "Cancel %(n)d dispatches?", count) % {"n": count},
    done=lambda count: ngettext("%(n)d dispatch cancelled.", "%(n)d dispatches cancelled.", count) % {"n": count},
    left=_("Left alone: what a worker has taken already."),
    run=operating.cancel,
)
_ON_ITS_WAY = _("Left alone: what may still be on its way to the provider (try again in a minute), or was settled.")
SENT = Deed(
    name="sent",
    action="dispatches_resolved_as_sent",
    statuses=frozenset({Status.UNKNOWN}),
    title=_("Settle as sent"),
    question=lambda count: (
        ngettext("Settle %(n)d dispatch as sent?", "Settle %(n)d dispatches as sent?", count) % {"n": count}
    ),
    done=lambda count: (
        ngettext("%(n)d dispatch counts as sent now.", "%(n)d dispatches count as sent now.", count) % {"n": count}
    ),
    left=_ON_ITS_WAY,
    run=resolving.resolve_as_sent,
    warning=lambda _unknown: gettext(
        "Do this when you saw the messages in the provider's own records. Everybody who reads our facts will count"
        " them as sent."
    ),
)
FAILED = Deed(
    name="failed",
    action="dispatches_resolved_as_failed",
    statuses=frozenset({Status.UNKNOWN}),
    title=_("Settle as not sent"),
    question=lambda count: (
        ngettext("Settle %(n)d dispatch as not sent?", "Settle %(n)d dispatches as not sent?", count) % {"n": count}
    ),
    done=lambda count: (
        ngettext("%(n)d dispatch counts as failed now.", "%(n)d dispatches count as failed now.", count) % {"n": count}
    ),
    left=_ON_ITS_WAY,
    run=resolving.resolve_as_failed,
    warning=lambda _unknown: gettext(
        "Do this when the provider's own records do not have the messages. A campaign's next provider is not tried by"
        " this: to reach the contacts all the same, send them again."
    ),
)
DEEDS = {deed.name: deed for deed in (REPLAY, SENT, FAILED, CANCEL)}


def deeds_for(status: str) -> list[Deed]:
    """What can be done with a dispatch in this state."""
    return [deed for deed in DEEDS.values() if status in deed.statuses]


def ask(deed: Deed, model_admin: Any, request: HttpRequest, ids: Iterable[uuid.UUID], back: str) -> HttpResponse:
    """The page that tells the count and asks; back to the list where nothing is concerned."""
    chosen = list(ids)
    more = len(chosen) > BULK
    concerned = _concerned(deed, chosen[:BULK])
    shares = _shares(concerned)
    count = sum(share.count for share in shares)
    if not count:
        model_admin.message_user(request, gettext("Nothing of what you chose is in a state for this."), messages.ERROR)
        return HttpResponseRedirect(back)
    unknown = sum(share.count for share in shares if share.status == Status.UNKNOWN)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": deed.title,
        "deed": deed,
        "question": deed.question(count),
        "warning": deed.warning(unknown),
        "shares": shares,
        "more": more,
        "bulk": BULK,
        "ids": " ".join(str(pk) for pk in concerned.values_list("pk", flat=True)),
        "back": back,
        "action_url": reverse("admin:dispatching_dispatch_deed"),
    }
    return TemplateResponse(request, "dispatching/confirm.html", context)


def answer(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """A press on one of the deeds: asks first, and does it when that was confirmed."""
    back = _back(request)
    deed = DEEDS.get(request.POST.get("deed", ""))
    ids = _ids(request.POST.get("ids", ""))
    if request.method != "POST" or deed is None or not ids:
        return HttpResponseRedirect(back)
    if request.POST.get("confirmed") != "yes":
        return ask(deed, model_admin, request, ids, back)
    _carry_out(deed, model_admin, request, ids[:BULK])
    return HttpResponseRedirect(back)


def _concerned(deed: Deed, ids: Sequence[uuid.UUID]) -> QuerySet[Dispatch]:
    if not ids:
        return Dispatch.objects.none()
    within = Dispatch.objects.filter(pk__gte=min(ids), pk__lte=max(ids), pk__in=ids)
    return within.filter(status__in=[status.value for status in deed.statuses])


def _shares(concerned: QuerySet[Dispatch]) -> list[Share]:
    rows = concerned.order_by().values_list("status", "reason", "campaign__name").annotate(count=Count("pk"))
    counts: Counter[tuple[str, str, str]] = Counter()
    for status, reason, campaign, count in rows:
        counts[status, reason, campaign or ""] += count
    return [
        Share(
            count, status, Status(status).label, TONES.get(status, ""), reason_text(reason) if reason else "", campaign
        )
        for (status, reason, campaign), count in counts.most_common()
    ]


def _carry_out(deed: Deed, model_admin: Any, request: HttpRequest, ids: list[uuid.UUID]) -> None:
    # Sorted, so that two operators who press at once wait for each other and never crosswise.
    ordered = sorted(ids)
    taken: list[uuid.UUID] = []
    for start in range(0, len(ordered), operating.AT_ONCE):
        taken += deed.run(ordered[start : start + operating.AT_ONCE])
    _note(deed, request, taken)
    log.info(deed.action, metadata={"asked": len(ids), "taken": len(taken), "user": request.user.pk})
    if taken:
        model_admin.message_user(request, deed.done(len(taken)), messages.SUCCESS)
    if len(taken) < len(ids):
        model_admin.message_user(request, str(deed.left), messages.WARNING)


def _note(deed: Deed, request: HttpRequest, taken: Sequence[uuid.UUID]) -> None:
    """Who, what, and with how many others, in the journal of each."""
    if not taken:
        return
    message = str(deed.title)
    if len(taken) > 1:
        message = gettext("%(deed)s (%(n)d at once)") % {"deed": deed.title, "n": len(taken)}
    rows = Dispatch.objects.filter(pk__gte=min(taken), pk__lte=max(taken), pk__in=taken)
    LogEntry.objects.log_actions(str(request.user.pk), rows.only("correlation_id", "status"), CHANGE, message)


def _ids(text: str) -> list[uuid.UUID]:
    found = []
    for part in text.split():
        try:
            found.append(uuid.UUID(part))
        except ValueError:
            return []
    return list(dict.fromkeys(found))


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("back") or request.headers.get("referer") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("admin:dispatching_dispatch_changelist")
