"""What the lists of this room are narrowed by. `unindexed`: see dispatching.bounded."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatching import reasons
from dispatching.models import UnsettledDispatch
from dispatching.partitions import uuid_floor
from dispatching.wording import reason_text
from tenants.identity import tenant_of

if TYPE_CHECKING:
    AutocompleteSelectFilter = admin.RelatedFieldListFilter
    ChoicesDropdownFilter = admin.ChoicesFieldListFilter
    DropdownFilter = admin.SimpleListFilter
    RangeDateTimeFilter = admin.FieldListFilter
else:
    from unfold.contrib.filters.admin import (
        AutocompleteSelectFilter,
        ChoicesDropdownFilter,
        DropdownFilter,
        RangeDateTimeFilter,
    )

MOST_REASONS = 50


class CampaignFilter(AutocompleteSelectFilter):
    """By the index of campaign and id."""


class ProviderFilter(AutocompleteSelectFilter):
    unindexed = True


class StatusFilter(ChoicesDropdownFilter):
    unindexed = True


class ReasonFilter(DropdownFilter):
    """Reasons of our own and, of vendors' codes, those that lately left something unsettled."""

    title = _("reason")
    parameter_name = "reason"
    unindexed = True

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        known = [
            *reasons.EXPLANATIONS,
            *(code for code in unsettled_reasons(request) if code not in reasons.EXPLANATIONS),
        ]
        return sorted(((code, _short(code)) for code in known), key=lambda pair: pair[1])

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


class UnsettledReasonFilter(ReasonFilter):
    """Those that there are."""

    unindexed = False

    def lookups(self, request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        return [(code, _short(code)) for code in unsettled_reasons(request)]


class MadeBetween(RangeDateTimeFilter):
    """From and to, in the reader's zone, as bounds of the UUIDv7 id."""

    key = "pk"

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since, until = self._moment("from", dt.time.min), self._moment("to", dt.time.max)
        if since:
            queryset = queryset.filter(**{f"{self.key}__gte": uuid_floor(since)})
        if until:
            queryset = queryset.filter(**{f"{self.key}__lt": uuid_floor(until + dt.timedelta(seconds=1))})
        return queryset

    def _moment(self, side: str, default: dt.time) -> dt.datetime | None:
        """A day without a time is meant whole; what is no day is passed over."""
        day = _parsed(self.used_parameters.get(f"{self.field_path}_{side}_0"), ("%d/%m/%Y", "%Y-%m-%d"))
        if day is None:
            return None
        time = _parsed(self.used_parameters.get(f"{self.field_path}_{side}_1"), ("%H:%M:%S", "%H:%M"))
        local = dt.datetime.combine(day.date(), time.time() if time else default)
        return timezone.make_aware(local)


def unsettled_reasons(request: HttpRequest) -> list[str]:
    identity = tenant_of(request)
    rows = UnsettledDispatch.objects.filter(tenant_id=identity.id if identity else 0)
    return list(rows.order_by("reason").values_list("reason", flat=True).distinct()[:MOST_REASONS])


def _short(code: str) -> str:
    told = reason_text(code)
    return told if told == code else f"{told[:70]}{'…' if len(told) > 70 else ''}"


def _parsed(text: Any, formats: tuple[str, ...]) -> dt.datetime | None:
    for form in formats:
        try:
            return dt.datetime.strptime(str(text or "").strip(), form)  # noqa: DTZ007 - made aware by the caller
        except ValueError:
            continue
    return None
