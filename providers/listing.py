"""The list of providers: filters and columns, all from one query."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from providers import registry, verdicts
from providers.by_vendor import of_vendor
from providers.circuit_words import circuit_badge
from providers.models import Health, Provider
from providers.registry import TRANSPORTS
from providers.schema_nodes import flags_of
from providers.schemas import translated_schema

if TYPE_CHECKING:
    Dropdown = admin.SimpleListFilter
else:
    from unfold.contrib.filters.admin import DropdownFilter as Dropdown

TONES = {Health.HEALTHY: "good", Health.FAILING: "bad", Health.UNKNOWN: "plain"}


class VendorFilter(Dropdown):
    title = _("vendor")
    parameter_name = "vendor"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [(vendor, title_of(vendor)) for vendor in sorted(TRANSPORTS)]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Provider]) -> QuerySet[Provider]:
        vendor = self.value()
        return queryset.filter(of_vendor(vendor)) if vendor else queryset


class FeatureFilter(Dropdown):
    """What a configuration has switched on, by the vendors' schemas; the same kind of question to the same index."""

    title = _("feature")
    parameter_name = "feature"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        found: dict[str, str] = {}
        for vendor in sorted(TRANSPORTS):
            for flag in flags_of(translated_schema(vendor)):
                found.setdefault(flag.dotted, flag.schema.get("title", flag.dotted))
        return sorted(found.items(), key=lambda one: one[1])

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Provider]) -> QuerySet[Provider]:
        feature = self.value()
        if not feature:
            return queryset
        wanted: Any = True
        for step in reversed(feature.split(".")):
            wanted = {step: wanted}
        return queryset.filter(configuration__contains=wanted)


class ListColumns:
    """Mixed into the provider's admin."""

    @admin.display(description=_("provider"), ordering="provider_name")
    def title(self, provider: Provider) -> SafeString:
        return format_html(
            '<b>{}</b><small class="provider-under">{}</small>', provider.provider_name, vendor_of(provider)
        )

    @admin.display(description=_("type"), ordering="provider_type")
    def kind(self, provider: Provider) -> SafeString:
        return format_html('<span class="provider-tag">{}</span>', provider.provider_type)

    @admin.display(description=_("connection"), ordering="health")
    def connection(self, provider: Provider) -> SafeString:
        circuit = circuit_badge(getattr(provider, "circuit", None), timezone.now())
        if not circuit:
            return health_badge(provider)
        return format_html('<span class="provider-stack">{}{}</span>', circuit, health_badge(provider))

    @admin.display(description=_("pace"), ordering="max_messages_per_minute")
    def pace(self, provider: Provider) -> str:
        if provider.max_messages_per_minute is not None:
            return gettext("%(count)s/min") % {"count": counted(provider.max_messages_per_minute)}
        usual = usual_pace(str(registry.vendor_of(provider.provider_type, provider.configuration)))
        return gettext("%(count)s/min (usual)") % {"count": counted(usual)} if usual else gettext("no limit")

    @admin.display(description=_("campaigns"), ordering="used_by")
    def users(self, provider: Any) -> str:
        return str(provider.used_by) if provider.used_by else "—"


def usual_pace(vendor: str) -> int | None:
    """Messages per minute of a provider that names none; None: no limit."""
    return TRANSPORTS[vendor].per_minute if vendor in TRANSPORTS else None


def counted(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")


def health_badge(provider: Provider) -> SafeString:
    """Health, how old the news is, and where it is bad, what it means."""
    badge = format_html(
        '<span class="provider-tag provider-{}">{}</span>',
        TONES[Health(provider.health)],
        Health(provider.health).label,
    )
    if provider.health_checked_at is None:
        return badge
    why = SafeString("")
    if provider.health == Health.FAILING:
        words = verdicts.words_of(provider.health_message.partition(":")[0])
        why = format_html('<small class="provider-under provider-why">{}</small>', words.summary)
    age = format_html('<small class="provider-under">{}</small>', _age(provider.health_checked_at))
    return format_html('<span class="provider-stack">{}{}{}</span>', badge, why, age)


def _age(moment: dt.datetime) -> str:
    now = timezone.now()
    if now - moment < dt.timedelta(minutes=1):
        return gettext("tested just now")
    return gettext("tested %(time)s ago") % {"time": timesince(moment, now, depth=1)}


def vendor_of(provider: Provider) -> str:
    vendor = str(registry.vendor_of(provider.provider_type, provider.configuration) or "")
    return title_of(vendor) if vendor in TRANSPORTS else vendor or "—"


def title_of(vendor: str) -> str:
    return str(translated_schema(vendor).get("title", vendor))
