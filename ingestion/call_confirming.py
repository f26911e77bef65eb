"""Having calls of vendors read again, asked twice: first how many of whom, then done, written into the journal."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingestion import operating
from ingestion.models import CallState, WebhookCall

BULK = 1_000
"""Most calls of one confirmed deed, moved by one statement."""


def ask(model_admin: Any, request: HttpRequest, ids: Iterable[uuid.UUID], back: str) -> HttpResponse:
    """The page that tells how many of whom, and asks."""
    chosen = list(ids)
    rows = model_admin.get_queryset(request).filter(pk__in=chosen[:BULK])
    counted = rows.order_by().values_list("state", "provider__provider_name").annotate(count=Count("pk"))
    shares = sorted(
        ({"count": count, "state": CallState(state), "provider": name} for state, name, count in counted),
        key=lambda share: -share["count"],
    )
    count = sum(share["count"] for share in shares)
    question = ngettext("Have %(n)d call read again?", "Have %(n)d calls read again?", count) % {"n": count}
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": _("Read again"),
        "question": question,
        "shares": shares,
        "more": len(chosen) > BULK,
        "bulk": BULK,
        "ids": " ".join(str(pk) for pk in rows.order_by().values_list("pk", flat=True)),
        "back": back,
    }
    return TemplateResponse(request, "ingestion/confirm_calls.html", context)


def answer(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """A press on the button: asks first, and does it when that was confirmed."""
    back, ids = _back(request), _ids(request.POST.get("ids", ""))
    if request.method != "POST" or not ids:
        return HttpResponseRedirect(back)
    if request.POST.get("confirmed") != "yes":
        return ask(model_admin, request, ids, back)
    _carry_out(model_admin, request, ids[:BULK])
    return HttpResponseRedirect(back)


def _carry_out(model_admin: Any, request: HttpRequest, ids: list[uuid.UUID]) -> None:
    rows = model_admin.get_queryset(request).filter(pk__in=ids)
    # Locked in one order, so that two who press at once wait for each other and never crosswise.
    locked = rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", "state")
    ended = [pk for pk, state in locked if state != CallState.WAITING]
    done = operating.process_again(WebhookCall.objects.filter(pk__in=ended))
    told = ngettext("%(n)d call will be read within seconds.", "%(n)d calls will be read within seconds.", done)
    if done:
        moved = WebhookCall.objects.filter(pk__in=ended).only("pk", "method", "path")
        note = _("Read again (%(n)d at once)") % {"n": done} if done > 1 else _("Read again")
        LogEntry.objects.log_actions(str(request.user.pk), moved, CHANGE, note)
        model_admin.message_user(request, told % {"n": done}, messages.SUCCESS)
    if done < len(ids):
        model_admin.message_user(request, _("The others wait to be read already."), messages.WARNING)


def _ids(text: str) -> list[uuid.UUID]:
    try:
        return list(dict.fromkeys(uuid.UUID(part) for part in text.split()))
    except ValueError:
        return []


def _back(request: HttpRequest) -> str:
    wanted = request.POST.get("back") or request.headers.get("referer") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("admin:ingestion_webhookcall_changelist")
