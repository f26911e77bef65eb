"""The home page and the part of it that renews itself."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from prism.home.building import build
from prism.home.reading import read_numbers, read_steps
from tenants.identity import tenant_of

CHART_OPTIONS = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {"legend": {"display": True, "position": "bottom", "labels": {"boxWidth": 10, "boxHeight": 10}}},
    "scales": {
        "x": {"stacked": True, "grid": {"display": False}, "ticks": {"maxRotation": 0, "autoSkip": True}},
        "y": {"stacked": True, "beginAtZero": True, "ticks": {"precision": 0, "maxTicksLimit": 6}},
    },
    "datasets": {"bar": {"borderRadius": 3, "maxBarThickness": 28}},
}


def home_context(request: HttpRequest) -> dict[str, Any]:
    """For prism/home_now.html. Empty for whoever acts for no organisation."""
    identity = tenant_of(request)
    if identity is None:
        return {}
    home = build(read_numbers(identity, timezone.now(), alive_within=settings.WORKER_DEAD_AFTER_SECONDS))
    steps = () if home.any_today else read_steps(identity.id)
    return {
        "home": home,
        "steps": () if all(step.done for step in steps) else steps,
        "chart": json.dumps(home.chart),
        "chart_options": json.dumps(CHART_OPTIONS),
    }


def now_view(request: HttpRequest) -> HttpResponse:
    """The fragment that prism/home.js puts in place of the old one."""
    response = TemplateResponse(request, "prism/home_now.html", home_context(request))
    response["Cache-Control"] = "no-store"
    return response
