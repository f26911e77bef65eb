"""An operator's action, asked twice: first the count and what to know, then the deed, written into the journal."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from dispatching import operating
from dispatching.models import Dispatch
from dispatching.statuses import WAITING, Status

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


def confirm_replay(model_admin: Any, request: HttpRequest, queryset: QuerySet[Dispatch]) -> HttpResponse | None:
    return _confirm(REPLAY, model_admin, request, queryset)


def confirm_cancel(model_admin: Any, request: HttpRequest, queryset: QuerySet[Dispatch]) -> HttpResponse | None:
    return _confirm(CANCEL, model_admin, request, queryset)


def _confirm(deed: Deed, model_admin: Any, request: HttpRequest, queryset: QuerySet[Dispatch]) -> HttpResponse | None:
    concerned = queryset.filter(status__in=deed.statuses)
    chosen = list(concerned.values_list("pk", "status")[: operating.AT_ONCE + 1])
    if not chosen or len(chosen) > operating.AT_ONCE:
        told = gettext("Nothing of what you chose is in a state for this.")
        if chosen:
            told = gettext("At most %(limit)d at once: narrow the list first.") % {"limit": operating.AT_ONCE}
        model_admin.message_user(request, told, messages.ERROR)
        return None
    ids = [pk for pk, _status in chosen]
    if request.POST.get("confirmed") == "yes":
        _carry_out(deed, model_admin, request, ids)
        return None
    unknown = sum(status == Status.UNKNOWN for _pk, status in chosen)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": deed.title,
        "question": deed.question(len(ids)),
        "warning": _warning(unknown),
        "ids": ids,
        "action": deed.name,
    }
    return TemplateResponse(request, "admin/dispatching/confirm.html", context)


def _warning(unknown: int) -> str:
    if not unknown:
        return ""
    text = ngettext(
        "%(n)d of them is UNKNOWN: the provider may have delivered it, and the contact may get it twice.",
        "%(n)d of them are UNKNOWN: the provider may have delivered them, and contacts may get them twice.",
        unknown,
    )
    return text % {"n": unknown}


def _carry_out(deed: Deed, model_admin: Any, request: HttpRequest, ids: list[uuid.UUID]) -> None:
    taken = deed.run(ids)
    LogEntry.objects.log_actions(str(request.user.pk), Dispatch.objects.filter(pk__in=taken), CHANGE, str(deed.title))
    log.info(deed.action, metadata={"asked": len(ids), "taken": len(taken), "user": request.user.pk})
    if taken:
        model_admin.message_user(request, deed.done(len(taken)), messages.SUCCESS)
    if len(taken) < len(ids):
        model_admin.message_user(request, str(deed.left), messages.WARNING)
