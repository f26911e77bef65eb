"""Switching providers on and off, asked twice: the second time with the active campaigns that it stops."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from providers.authoring import switch_provider
from providers.models import Provider
from providers.outlook import uses_of

MOST = 100


def confirm_switch(
    model_admin: Any, request: HttpRequest, queryset: QuerySet[Provider], *, active: bool
) -> HttpResponse | None:
    """The page that asks; after its answer None, with the deed done and written into the journal."""
    if not all(model_admin.has_change_permission(request, provider) for provider in queryset[:MOST]):
        raise PermissionDenied
    chosen = list(queryset.filter(is_active=not active)[:MOST])
    if not chosen:
        told = _("These are active already.") if active else _("These are inactive already.")
        model_admin.message_user(request, told, messages.INFO)
        return None
    if request.POST.get("confirmed") == "yes":
        _carry_out(model_admin, request, chosen, active)
        return None
    return TemplateResponse(
        request,
        "providers/confirm.html",
        {
            **model_admin.admin_site.each_context(request),
            "opts": model_admin.opts,
            "title": _("Activate") if active else _("Deactivate"),
            "question": _question(len(chosen), active),
            "told": _("It is used again at once.")
            if active
            else _("Nothing is sent by it from then on; messages that wait for it are refused with that reason."),
            "chosen": [(provider, [] if active else _active_uses(provider)) for provider in chosen],
            "action": "activate" if active else "deactivate",
        },
    )


def _question(count: int, active: bool) -> str:
    if active:
        return ngettext("Activate %(n)d provider?", "Activate %(n)d providers?", count) % {"n": count}
    return ngettext("Deactivate %(n)d provider?", "Deactivate %(n)d providers?", count) % {"n": count}


def _active_uses(provider: Provider) -> list[Any]:
    return [use for use in uses_of(provider) if use.active]


def _carry_out(model_admin: Any, request: HttpRequest, chosen: list[Provider], active: bool) -> None:
    for provider in chosen:
        switch_provider(provider, active=active, by=request.user.get_username())
    told = _("Activated") if active else _("Deactivated")
    LogEntry.objects.log_actions(
        str(request.user.pk), Provider.objects.filter(pk__in=[one.pk for one in chosen]), CHANGE, told
    )
    count = {"n": len(chosen)}
    done = (
        ngettext("%(n)d provider activated.", "%(n)d providers activated.", len(chosen))
        if active
        else ngettext("%(n)d provider deactivated.", "%(n)d providers deactivated.", len(chosen))
    )
    model_admin.message_user(request, done % count, messages.SUCCESS)
