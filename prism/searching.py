"""The search over the whole desk: pages and authored things by name, a dispatch by what identifies it exactly."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import Model, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from audiences.models import Segment
from campaigns.models import Campaign
from dispatching.listing import searched
from dispatching.models import Dispatch
from prism.sidebar import pages_for
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.scoping import of_tenant

SHORTEST = 2
EACH = 6
"""So many of each kind; who looks for more has the list's own search."""

NAMED: tuple[tuple[type[Model], str, tuple[str, ...]], ...] = (
    (Campaign, "campaign", ("name", "description")),
    (MessageTemplate, "article", ("template_code", "template_name")),
    (Provider, "cell_tower", ("provider_name", "provider_type")),
    (Segment, "group", ("code", "name")),
)


def find(request: HttpRequest, term: str) -> list[SearchResult]:
    """What the reader may see, best known first: the exact dispatch, then names, then pages."""
    term = term.strip().replace("\x00", "")
    if len(term) < SHORTEST or not any(map(str.isalnum, term)):
        return []
    return [*_dispatches(request, term), *_named(request, term), *_pages(request, term)]


def _dispatches(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """One look at an index each; names are not looked for in history."""
    if not admin.site._registry[Dispatch].has_view_permission(request):
        return
    found = searched(request, of_tenant(Dispatch.objects.all(), request), term).select_related("campaign")
    for dispatch in found.only("id", "status", "correlation_id", "campaign__name").order_by("-pk")[:EACH]:
        yield SearchResult(
            title=dispatch.correlation_id,
            description=" · ".join((_("Dispatch"), dispatch.get_status_display(), str(dispatch.campaign or "—"))),
            link=_change_page(Dispatch, dispatch.pk),
            icon="send",
        )


def _named(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for model, icon, fields in NAMED:
        model_admin = admin.site._registry[model]
        if not model_admin.has_view_permission(request):
            continue
        condition = Q()
        for field in fields:
            condition |= Q(**{f"{field}__icontains": term})
        for found in model_admin.get_queryset(request).filter(condition).order_by(fields[0])[:EACH]:
            yield SearchResult(
                title=str(found),
                description=capfirst(str(model._meta.verbose_name)),
                link=_change_page(model, found.pk),
                icon=icon,
            )


def _pages(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for page, link in pages_for(request):
        if term.casefold() in str(page.title).casefold():
            yield SearchResult(title=capfirst(str(page.title)), description=_("Page"), link=link, icon=page.icon)


def _change_page(model: type[Model], pk: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
