"""What the list of rejected events is narrowed by: choices that are known, so that no page reads the table for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ingestion import reasons

if TYPE_CHECKING:
    from django.contrib.admin import SimpleListFilter as DropdownFilter
    from django.contrib.admin import SimpleListFilter as TextFilter
else:
    from unfold.contrib.filters.admin import DropdownFilter, TextFilter

SHORT = 70


class CodeFilter(DropdownFilter):
    title = _("reason")
    parameter_name = "code"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        told = ((code, reasons.explanation(code)) for code in reasons.codes())
        return sorted(((code, text[:SHORT] or code) for code, text in told), key=lambda pair: pair[1])

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(code=self.value()) if self.value() else queryset


class TopicFilter(DropdownFilter):
    title = _("topic")
    parameter_name = "topic"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        topics = dict.fromkeys([settings.KAFKA_TRIGGERS_TOPIC, *settings.KAFKA_TRIGGER_TOPIC_TENANTS])
        return [(topic, topic) for topic in topics]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(topic=self.value()) if self.value() else queryset


class JourneyFilter(TextFilter):
    title = _("journey name, whole")
    parameter_name = "journey_name"

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = (self.value() or "").strip()
        return queryset.filter(journey_name=wanted) if wanted else queryset
