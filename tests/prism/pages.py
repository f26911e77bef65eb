"""Every page there is, and what a reader's eye meets on one."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver, reverse

OBJECT_PAGES = ("change", "delete", "history")


class Words(HTMLParser):
    """Collects text that is shown: between tags, and in the attributes that browsers display."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")
        self.shown += [value or "" for name, value in attrs if name in ("title", "alt", "placeholder", "aria-label")]

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.shown.append(data)


def words_of(html: str) -> str:
    parser = Words()
    parser.feed(html)
    return " ".join(parser.shown)


def plain_urls() -> set[str]:
    """All pages without arguments, of the whole site, and the lists of each application. Programs' doors: tests/api."""
    applications = {reverse("admin:app_list", args=[model._meta.app_label]) for model in registered()}
    urls = (url for url in _urls(get_resolver().url_patterns, "/") if not url.startswith("/api/"))
    return applications | {url for url in urls if "<" not in url and "(" not in url}


def argument_urls() -> set[str]:
    """Names of all pages that take arguments."""
    named = ((name, pattern) for name, pattern in _named(get_resolver().url_patterns, "") if name[:4] != "api:")
    return {name for name, pattern in named if pattern.pattern.converters and name != "admin:app_list"}


def registered() -> dict[type[Model], Any]:
    return dict(admin.site._registry)


def list_page(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def object_page(model: type[Model], page: str, pk: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=[pk])


def _urls(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        route = prefix + _route(pattern)
        if isinstance(pattern, URLResolver):
            yield from _urls(pattern.url_patterns, route)
        else:
            yield route


def _named(patterns: list[Any], prefix: str) -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from _named(pattern.url_patterns, space)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield prefix + pattern.name, pattern


def _route(pattern: Any) -> str:
    return str(pattern.pattern).replace("^", "").replace("\\Z", "").removesuffix("$")
