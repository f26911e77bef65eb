"""What dispatches are searched by: what has an index narrows the rows, the rest is looked for among them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from django_filters import CharFilter, ChoiceFilter, IsoDateTimeFilter, UUIDFilter

from dispatching import operating
from dispatching.listing import tax_ids_of
from dispatching.partitions import uuid_floor
from dispatching.statuses import SCHEDULED_STATUSES, Status
from tenants.api.filtering import Filters, OneOrMore
from tenants.identity import tenant_of

WINDOW = dt.timedelta(days=7)
"""How far back a search looks that names neither contact, nor correlation id, nor a beginning."""
_EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class HistoryFilters(Filters):
    """Shared by all lists over the history. Conditions are made here; nothing is filtered one by one."""

    campaign_id = UUIDFilter(help_text="Its campaign.")
    created_from = IsoDateTimeFilter(help_text="Made at or after this moment; by default 7 days ago.")
    created_before = IsoDateTimeFilter(help_text="Made before this moment.")

    @property
    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.form.cleaned_data.items() if value}

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(self.wide(self.given))

    def wide(self, given: dict[str, Any]) -> Q:
        """What has an index: the time is in the id."""
        found = Q(campaign_id=given["campaign_id"]) if "campaign_id" in given else Q()
        begin = given.get("created_from")
        if begin is None and not self.is_small(given):
            begin = timezone.now() - WINDOW
        if begin:
            found &= Q(pk__gte=uuid_floor(max(begin, _EARLIEST)))
        if end := given.get("created_before"):
            found &= Q(pk__lt=uuid_floor(max(end, _EARLIEST)))
        return found

    def is_small(self, given: dict[str, Any]) -> bool:
        """So few rows that all that is kept may be looked at."""
        return bool({"contact_tax_id", "correlation_id"} & given.keys())

    def narrowing(self) -> Q:
        """What has none."""
        return Q(status=self.given["status"]) if "status" in self.given else Q()


class DispatchFilters(HistoryFilters):
    contact_tax_id = CharFilter(max_length=50, help_text="The contact's tax id, with or without punctuation.")
    correlation_id = CharFilter(max_length=200, help_text="Whole.")
    provider_id = UUIDFilter(help_text="Its provider.")
    status = OneOrMore(choices=Status.choices, help_text="One or several, separated by commas.")

    def wide(self, given: dict[str, Any]) -> Q:
        found = super().wide(given)
        if tax_id := given.get("contact_tax_id"):
            found &= Q(contact_tax_id__in=tax_ids_of(tax_id))
        if correlation_id := given.get("correlation_id"):
            identity = tenant_of(self.request._request)
            assert identity is not None, "MayUse has let nobody else in"
            triggers = operating.triggers_of(tenant_id=identity.id, correlation_id=correlation_id)
            found &= Q(trigger_id__in=triggers)
        return found

    def narrowing(self) -> Q:
        given = self.given
        found = Q(provider_id=given["provider_id"]) if "provider_id" in given else Q()
        return found & Q(status__in=given["status"]) if "status" in given else found


class ContactFilters(HistoryFilters):
    """The contact is in the address: all of its history is looked at."""

    status = OneOrMore(choices=Status.choices, help_text="One or several, separated by commas.")

    def is_small(self, given: dict[str, Any]) -> bool:  # noqa: ARG002 - asked by the base
        return True

    def narrowing(self) -> Q:
        return Q(status__in=self.given["status"]) if "status" in self.given else Q()


class ScheduledFilters(HistoryFilters):
    status = ChoiceFilter(choices=SCHEDULED_STATUSES, help_text="As a queue sees it.")
