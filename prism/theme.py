"""How the desk looks: name, mark, colours and badge, as django-unfold's settings want them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

# Petrol: 600 carries white text, 500 is read on the dark ground, both at 4.5:1 or better.
PRIMARY = {
    "50": "oklch(98% .014 205)",
    "100": "oklch(95% .032 205)",
    "200": "oklch(90% .06 207)",
    "300": "oklch(83% .095 209)",
    "400": "oklch(76% .115 212)",
    "500": "oklch(67% .115 216)",
    "600": "oklch(50% .095 221)",
    "700": "oklch(44% .085 223)",
    "800": "oklch(38% .072 225)",
    "900": "oklch(32% .058 227)",
    "950": "oklch(24% .045 229)",
}


def mark(_request: HttpRequest) -> str:
    return static("prism/mark.svg")


def stylesheet(_request: HttpRequest) -> str:
    return static("prism/desk.css")


def environment_badge(_request: HttpRequest) -> list[str] | None:
    """Where somebody is who is not in production; the kinds are the theme's."""
    return {"development": [_("Development"), "info"], "test": [_("Test"), "warning"]}.get(settings.PRISM_ENV)


def script(_request: HttpRequest) -> str:
    return static("prism/desk.js")


def environment_prefix(request: HttpRequest) -> str:
    """For the title of the browser's tab."""
    badge = environment_badge(request)
    return f"[{badge[0]}]" if badge else ""


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Prism",
    "SITE_HEADER": "Prism",
    "SITE_URL": None,
    "SITE_ICON": mark,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": mark}],
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "8px",
    "ENVIRONMENT": "prism.theme.environment_badge",
    "ENVIRONMENT_TITLE_PREFIX": "prism.theme.environment_prefix",
    "STYLES": [stylesheet],
    "SCRIPTS": [script],
    "COLORS": {"primary": PRIMARY},
    "ACCOUNT": {
        "navigation": [
            {"title": lazy("Second step at sign-in"), "link": reverse_lazy("second-factor"), "icon": "passkey"}
        ]
    },
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": "prism.sidebar.navigation"},
}
