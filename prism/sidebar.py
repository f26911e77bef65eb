"""The sidebar: pages grouped as people think of their work. Who may not see a page is not offered it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from tenants.identity import tenant_of

Text = str | Promise


class Page(msgspec.Struct, frozen=True):
    """A list of the desk. `model` is app.Model; one that has no pages (yet) is left out. `query` narrows the list."""

    title: Text
    icon: str
    model: str
    query: str = ""
    view: str = ""
    """The name of a page that is no list; whoever may see the model's list may see it."""


GROUPS: tuple[tuple[Text, tuple[Page, ...]], ...] = (
    (
        _("Campaigns"),
        (
            Page(_("Campaigns"), "campaign", "campaigns.Campaign"),
            Page(_("Segments"), "group", "audiences.Segment"),
            Page(_("Frequency caps"), "speed", "campaigns.FrequencyCap"),
            Page(_("Templates"), "article", "templates.MessageTemplate"),
            Page(_("Contact attributes"), "badge", "audiences.AttributeDefinition"),
            Page(_("Opt-outs and dead addresses"), "do_not_disturb_on", "audiences.SuppressionSign"),
        ),
    ),
    (
        _("Sending"),
        (
            Page(_("Dispatches"), "send", "dispatching.Dispatch"),
            Page(_("Scheduled dispatches"), "schedule", "dispatching.ScheduledDispatch"),
            Page(_("Why did somebody get it?"), "psychology_alt", "dispatching.Dispatch", view="why"),
            Page(_("Failures"), "error", "dispatching.DeadLetter"),
            Page(_("Unknown outcomes"), "help", "dispatching.DoubtfulDispatch"),
            Page(_("Rejected events"), "report", "ingestion.RejectedTrigger", "state__exact=open"),
        ),
    ),
    (_("Channels"), (Page(_("Providers"), "cell_tower", "providers.Provider"),)),
    (
        _("Operation"),
        (
            Page(_("How everything runs"), "monitor_heart", "dispatching.QueueWorker", view="operations"),
            Page(_("Waiting to be sent"), "hourglass_top", "dispatching.QueueDue"),
            Page(_("Overdue deliveries"), "running_with_errors", "dispatching.OverdueDelivery"),
            Page(_("Workers"), "memory", "dispatching.QueueWorker"),
            Page(_("Lanes"), "stacks", "dispatching.QueueLane"),
            Page(_("Batches being sent"), "inventory_2", "dispatching.QueueBatch"),
            Page(_("Vendors' calls"), "webhook", "ingestion.WebhookCall"),
            Page(_("Kafka positions"), "signpost", "ingestion.OperatorPosition"),
            Page(_("Outbox"), "outbox", "outbox.OperatorFact"),
            Page(_("Outbox shards"), "grid_view", "outbox.OperatorShard"),
        ),
    ),
    (
        _("Administration"),
        (
            Page(_("Organisation"), "apartment", "tenants.Tenant"),
            Page(_("Members"), "diversity_3", "tenants.Membership"),
            Page(_("API keys"), "key", "tenants.ApiKey"),
            Page(_("Failed sign-ins"), "lock_person", "axes.AccessAttempt"),
            Page(_("History of changes"), "history", "prism.Change"),
            Page(_("Journal of actions"), "list_alt", "admin.LogEntry"),
            Page(_("People"), "person", "auth.User"),
        ),
    ),
    (
        _("Jobs"),
        (
            Page(_("Periodic jobs"), "event_repeat", "prism.JobState"),
            Page(_("Job schedule"), "calendar_clock", "django_q.Schedule"),
            Page(_("Jobs done"), "task_alt", "django_q.Success"),
            Page(_("Failed jobs"), "sms_failed", "django_q.Failure"),
            Page(_("Job queue"), "low_priority", "django_q.OrmQ"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """What the theme draws: groups with the pages that the reader may see, the one he is on marked."""
    home = {"title": _("Home"), "icon": "home", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [{**home, "active": request.path == home["link"]}]}]
    if tenant_of(request) is None and not request.user.is_superuser:
        return groups
    for title, pages in GROUPS:
        items = list(_items(pages, request))
        if items:
            groups.append({"title": title, "items": items})
    return groups


def pages_for(request: HttpRequest) -> Iterator[tuple[Page, str]]:
    """Every page that the reader may see, with its address."""
    for _title, pages in GROUPS:
        for page in pages:
            if _may_see(page, request):
                yield page, address(page)


def address(page: Page) -> str:
    return reverse(page.view) if page.view else list_address(page.model, page.query)


def list_address(model: str, query: str = "") -> str:
    """The list of an app.Model, narrowed by a query string."""
    app, name = model.lower().split(".")
    return reverse(f"admin:{app}_{name}_changelist") + (f"?{query}" if query else "")


def _items(pages: tuple[Page, ...], request: HttpRequest) -> Iterator[dict[str, Any]]:
    seen = [page for page in pages if _may_see(page, request)]
    here = [page for page in seen if _is_here(page, request)]
    # A list that a narrower entry of the sidebar stands for is that entry's.
    narrow = [page for page in here if page.query or page.view]
    for page in seen:
        yield {
            "title": capfirst(str(page.title)),
            "icon": page.icon,
            "link": address(page),
            "active": page in (narrow or here),
        }


def _may_see(page: Page, request: HttpRequest) -> bool:
    try:
        model_admin = admin.site._registry.get(apps.get_model(page.model))
    except LookupError:
        return False
    return model_admin is not None and bool(model_admin.has_view_permission(request))


def _is_here(page: Page, request: HttpRequest) -> bool:
    path, _sign, query = address(page).partition("?")
    if not query:
        return request.path.startswith(path)
    return request.path == path and all(request.GET.get(name) == value for name, value in parse_qsl(query))
