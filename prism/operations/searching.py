"""Whom or what a reader means, and everything that is known of it: dispatches, the ledger, rejected events."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Sequence
from enum import StrEnum

import msgspec
from django.db import connection
from django.db.models import Q

from dispatching import operating
from dispatching.listing import tax_ids_of
from dispatching.models import Dispatch
from dispatching.triggers import ledger_key
from ingestion.models import RejectedTrigger

MOST = 50
MOST_REJECTED = 20
LOOKED = 20_000
LOOKED_REJECTED = 500
RELATED = ("campaign", "provider", "campaign_provider")
LARGE = ("contact_data", "variables", "message_content", "message_subject", "provider_response")
_ADDRESS = re.compile(r"\+[0-9 ().-]{8,20}|[^@\s]+@[^@\s]+")


class Kind(StrEnum):
    EVENT = "event"
    PERSON = "person"
    ADDRESS = "address"


class Receipt(msgspec.Struct, frozen=True):
    """The ledger's word on a correlation id: when it was first taken, and whether that was refused."""

    received_at: dt.datetime
    rejected: bool


class Found(msgspec.Struct, frozen=True):
    """All there is. `looked_back_to`: an address has no index, so only the newest rows were looked through."""

    kind: Kind
    dispatches: list[Dispatch]
    rejected: list[RejectedTrigger]
    receipt: Receipt | None = None
    looked_back_to: dt.datetime | None = None


def find(*, tenant_id: int, term: str, campaign_id: uuid.UUID | None) -> Found:
    """By correlation id, dispatch id, tax id in any form, or e-mail address or +phone among the newest dispatches."""
    term = term.strip().replace("\x00", "")
    triggers = operating.triggers_of(tenant_id=tenant_id, correlation_id=term)
    if identifier := _identifier(term):
        triggers = triggers or _triggers_of_dispatch(tenant_id, identifier)
    rejected = _rejected(tenant_id, Q(correlation_id=term))
    receipt = receipt_of(tenant_id, term)
    if triggers or rejected or receipt or identifier:
        found = _dispatches(tenant_id, Q(trigger_id__in=triggers), campaign_id) if triggers else []
        return Found(Kind.EVENT, found, rejected, receipt)
    if _ADDRESS.fullmatch(term):
        return _by_address(tenant_id, term, campaign_id)
    forms = tax_ids_of(term)
    found = _dispatches(tenant_id, Q(contact_tax_id__in=forms), campaign_id)
    return Found(Kind.PERSON, found, _rejected_that_hold(tenant_id, forms))


def receipt_of(tenant_id: int, correlation_id: str) -> Receipt | None:
    """Whether the ledger has an event of this correlation id."""
    with connection.cursor() as cursor:
        key = ledger_key(tenant_id, operating.SOURCE, correlation_id)
        cursor.execute("SELECT received_at, rejected FROM prism_receipt_of(%s)", [key])
        row = cursor.fetchone()
    return Receipt(received_at=row[0], rejected=row[1]) if row else None


def _dispatches(tenant_id: int, condition: Q, campaign_id: uuid.UUID | None) -> list[Dispatch]:
    rows = Dispatch.objects.filter(condition, tenant_id=tenant_id)
    if campaign_id:
        rows = rows.filter(campaign_id=campaign_id)
    return list(rows.select_related(*RELATED).defer(*LARGE).order_by("-pk")[:MOST])


def _triggers_of_dispatch(tenant_id: int, identifier: uuid.UUID) -> list[uuid.UUID]:
    rows = Dispatch.objects.filter(Q(pk=identifier) | Q(trigger_id=identifier), tenant_id=tenant_id)
    return list(rows.values_list("trigger_id", flat=True)[:1])


def _rejected(tenant_id: int, condition: Q) -> list[RejectedTrigger]:
    rows = RejectedTrigger.objects.filter(condition, tenant_id=tenant_id).defer("raw", "headers")
    return list(rows.order_by("-created_at")[:MOST_REJECTED])


def _rejected_that_hold(tenant_id: int, texts: Sequence[str]) -> list[RejectedTrigger]:
    """Among the newest ones, by their raw bytes: what was never decoded has no columns."""
    needles = [text.encode() for text in texts if len(text) >= 5]
    if not needles:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM (SELECT id, raw FROM rejected_triggers WHERE tenant_id = %s ORDER BY created_at DESC"
            " LIMIT %s) r WHERE EXISTS (SELECT 1 FROM unnest(%s::bytea[]) n WHERE position(n IN r.raw) > 0) LIMIT %s",
            [tenant_id, LOOKED_REJECTED, needles, MOST_REJECTED],
        )
        found = [row[0] for row in cursor.fetchall()]
    return _rejected(tenant_id, Q(pk__in=found)) if found else []


def _by_address(tenant_id: int, term: str, campaign_id: uuid.UUID | None) -> Found:
    """No index names an address: the newest rows of the campaign, or of all, are looked through."""
    text = term if "@" in term else re.sub(r"[ ().-]", "", term)
    rows = Dispatch.objects.filter(tenant_id=tenant_id)
    if campaign_id:
        rows = rows.filter(campaign_id=campaign_id)
    last = rows.order_by("-pk").values_list("pk", "created_at")[LOOKED - 1 : LOOKED].first()
    condition = Q(destination=text)
    if last:
        condition &= Q(pk__gte=last[0])
    found = _dispatches(tenant_id, condition, campaign_id)
    return Found(Kind.ADDRESS, found, [], looked_back_to=last[1] if last else None)


def _identifier(term: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(term)
    except ValueError:
        return None
