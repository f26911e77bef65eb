"""Lists over partitioned history: bounded in time, so that partitions are pruned, and never counted to the end."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from dispatching import operating
from dispatching.partitions import uuid_floor
from tenants.identity import tenant_of
from tenants.paging import COUNTED

if TYPE_CHECKING:
    DropdownFilter = admin.SimpleListFilter
else:
    from unfold.contrib.filters.admin import DropdownFilter


class MadeWithin(DropdownFilter):
    """When the row was made, as bounds of its UUIDv7 id. A search looks through everything that is kept."""

    title = _("time")
    parameter_name = "made"
    default = "7"
    all_option = ("", _("Past 7 days"))

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("Past 24 hours")), ("30", _("Past 30 days")), ("all", _("All that is kept"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self.value() or self.default
        if days == "all" or request.GET.get("q") or asks_for_times(request):
            return queryset
        since = timezone.now() - dt.timedelta(days=int(days) if days in ("1", "30") else int(self.default))
        return queryset.filter(pk__gte=uuid_floor(since))


def asks_for_times(request: HttpRequest) -> bool:
    """Whether the reader named days himself, so that no preset applies."""
    return any(request.GET.get(f"{name}_{side}_0") for name in ("created_at", "since") for side in ("from", "to"))


def searched(
    request: HttpRequest, queryset: QuerySet[Any], term: str, *, model: type[Model] | None = None
) -> QuerySet[Any]:
    """Rows found by what has an index: the ledger for correlation ids, the id itself, the vendor's message id, the
    contact's tax id.

    `model`: where to look, if it is not the queryset's own (a view that shares its ids).
    """
    identity, term = tenant_of(request), term.strip()
    if not term or identity is None:
        return queryset
    triggers = operating.triggers_of(tenant_id=identity.id, correlation_id=term)
    condition = Q(trigger_id__in=triggers) if triggers else _found(identity.id, term)
    if model is None:
        return queryset.filter(condition)
    found = model._default_manager.filter(condition, tenant_id=identity.id).values_list("pk", flat=True)
    return queryset.filter(pk__in=list(found[:COUNTED]))


def _found(tenant_id: int, term: str) -> Q:
    if condition := _by_id(term):
        return condition
    if dispatches := operating.dispatches_of(tenant_id=tenant_id, message_id=term):
        return Q(pk__in=dispatches)
    return Q(contact_tax_id__in=tax_ids_of(term))


def tax_ids_of(term: str) -> list[str]:
    """How a tax id may have been written: as typed, bare, and with the punctuation of a CPF or CNPJ."""
    bare = re.sub(r"[^0-9A-Za-z]", "", term).upper()
    forms = [term, bare]
    if len(bare) == 11:
        forms.append(f"{bare[:3]}.{bare[3:6]}.{bare[6:9]}-{bare[9:]}")
    if len(bare) == 14:
        forms.append(f"{bare[:2]}.{bare[2:5]}.{bare[5:8]}/{bare[8:12]}-{bare[12:]}")
    return list(dict.fromkeys(form.replace("\x00", "") for form in forms))


def _by_id(term: str) -> Q | None:
    try:
        identifier = uuid.UUID(term)
    except ValueError:
        return None
    return Q(pk=identifier) | Q(trigger_id=identifier)
