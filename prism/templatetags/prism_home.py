"""How numbers of the home page are written, and which list stands behind each."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import template
from django.contrib import admin
from django.template import RequestContext
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.timezone import localtime

from campaigns.models import Campaign
from dispatching.wording import reason_text
from prism.sidebar import list_address
from providers.models import Provider
from templates.models import MessageTemplate

register = template.Library()

LISTS = {
    "sent": ("dispatching.Dispatch", "made=1&status__exact=SENT"),
    "delivered": ("dispatching.Dispatch", "made=1&status__exact=DELIVERED"),
    "failed": ("dispatching.DeadLetter", ""),
    "control": ("dispatching.Dispatch", "made=1&status__exact=CONTROL_GROUP"),
    "refused": ("dispatching.Dispatch", "made=1&status__exact=REFUSED"),
    "unknown": ("dispatching.DoubtfulDispatch", ""),
    "rejected": ("ingestion.RejectedTrigger", "state__exact=open"),
    "due": ("dispatching.QueueLane", ""),
    "overdue": ("dispatching.OverdueDelivery", "made=all"),
    "outbox": ("outbox.OperatorFact", "state=waiting"),
    "lag": ("ingestion.OperatorPosition", ""),
    "workers": ("dispatching.QueueWorker", "state=running"),
}
MADE_BY = {"provider": Provider, "template": MessageTemplate, "campaign": Campaign}


@register.simple_tag
def tile_link(kind: str) -> str:
    return list_address(*LISTS[kind])


@register.simple_tag(takes_context=True)
def step_link(context: RequestContext, kind: str) -> str:
    """Where the step is taken; none for whoever may not."""
    model = MADE_BY.get(kind)
    if model is None or not admin.site._registry[model].has_add_permission(context["request"]):
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


@register.filter
def grouped(value: int) -> str:
    return str(number_format(value, force_grouping=True))


@register.filter
def percent(value: float | None) -> str:
    return "—" if value is None else f"{number_format(round(value, 1), decimal_pos=1)}%"


@register.filter
def css_percent(value: float) -> str:
    return f"{value:.1f}%"


@register.filter
def fact(value: Any) -> str:
    """A share, a moment of today, or a count."""
    if isinstance(value, float):
        return percent(value)
    if isinstance(value, dt.datetime):
        local = localtime(value)
        return date_format(local, "TIME_FORMAT" if local.date() == localtime().date() else "SHORT_DATETIME_FORMAT")
    return grouped(value) if isinstance(value, int) else str(value)


@register.filter
def why(reason: str) -> str:
    return reason_text(reason)
