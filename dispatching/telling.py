"""One dispatch, told: everything a person asks of it, read in a handful of bounded queries."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from typing import Any

import msgspec
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.urls import reverse

from dispatching.models import Attempt, Dispatch, OverdueDelivery
from dispatching.receipts import DeliveryReceipt
from dispatching.statuses import PUBLISHED, Status
from dispatching.steps import Gate, Step, gate_of, path_of
from dispatching.timeline import CLICKED, Deed, Moment, moments_of, published, reported
from dispatching.wording import TONES, sentence_of
from outbox.looking import fact_state
from providers.masking import masked_destination

MOST_TRIES = 50
MOST_SIBLINGS = 20
MOST_DEEDS = 20
MOST_RECEIPTS = 50
MOST_JSON = 20_000
_MARKUP = re.compile(r"<(html|body|div|p|table|br|h[1-6]|a|img)\b", re.IGNORECASE)
RELATED = ("campaign", "provider", "template", "template_version", "campaign_provider")


class Sibling(msgspec.Struct, frozen=True):
    """Another dispatch of the same event: another provider, or the next one of a fallback."""

    id: str
    label: str
    status: str
    status_text: str
    tone: str
    follows: bool
    is_this: bool
    url: str


class Story(msgspec.Struct, frozen=True):
    """What the page shows. `gate` is the one that decided, or that it stands before."""

    sentence: str
    tone: str
    gate: Gate
    steps: list[Step]
    moments: list[Moment]
    siblings: list[Sibling]
    attributes: list[tuple[str, str]]
    answer: str
    is_mail: bool
    is_markup: bool
    history_url: str
    to: str
    overdue_since: dt.datetime | None


def tell(dispatch: Dispatch, now: dt.datetime) -> Story:
    """`dispatch` with RELATED selected, within its tenant's transaction."""
    attempts = list(
        Attempt.objects.filter(dispatch_id=dispatch.pk, tenant_id=dispatch.tenant_id).order_by("id")[:MOST_TRIES]
    )
    moments = moments_of(dispatch, attempts, now, deeds=_deeds(dispatch), receipts=_receipts(dispatch))
    if dispatch.status in PUBLISHED:
        told = published(fact_state(dispatch.pk, dispatch.contact_tax_id or dispatch.correlation_id))
        moments += [told] if told else []
    return Story(
        sentence=sentence_of(dispatch, now),
        tone=TONES.get(dispatch.status, ""),
        gate=gate_of(dispatch.status, dispatch.reason),
        steps=path_of(dispatch.status, dispatch.reason, with_campaign=dispatch.campaign_id is not None),
        moments=moments,
        siblings=siblings_of(dispatch),
        attributes=attributes_of(dispatch.contact_data),
        answer="" if dispatch.provider_response is None else pretty(dispatch.provider_response),
        is_mail="MAIL" in dispatch.channel.upper(),
        is_markup=bool(_MARKUP.search(dispatch.message_content)),
        history_url=_history_url(dispatch),
        to=masked_destination(dispatch.destination),
        overdue_since=_overdue_since(dispatch) if dispatch.status == Status.SENT else None,
    )


def siblings_of(dispatch: Dispatch) -> list[Sibling]:
    """All dispatches of its event in the order they were made, itself among them; none where it is the only one."""
    rows = list(
        Dispatch.objects.filter(trigger_id=dispatch.trigger_id, tenant_id=dispatch.tenant_id)
        .select_related("provider", "campaign_provider")
        .only("status", "channel", "predecessor_id", "provider__provider_name", "campaign_provider__label")
        .order_by("id")[:MOST_SIBLINGS]
    )
    if len(rows) < 2:
        return []
    return [
        Sibling(
            id=str(row.pk),
            label=label_of(row),
            status=row.status,
            status_text=str(row.get_status_display()),
            tone=TONES.get(row.status, ""),
            follows=row.predecessor_id is not None,
            is_this=row.pk == dispatch.pk,
            url=page_of(row),
        )
        for row in rows
    ]


def label_of(dispatch: Dispatch) -> str:
    """Its provider by name, and its label in the campaign where that says more."""
    name = dispatch.provider.provider_name if dispatch.provider else dispatch.channel
    label = dispatch.campaign_provider.label if dispatch.campaign_provider else ""
    return f"{name} · {label}" if label and label != name else name


def page_of(dispatch: Dispatch) -> str:
    return reverse("admin:dispatching_dispatch_change", args=[dispatch.pk])


def attributes_of(data: Any) -> list[tuple[str, str]]:
    """The contact as it came with the event; objects and lists as JSON."""
    if not isinstance(data, dict):
        return []
    return [
        (str(name), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[:500])
        for name, value in sorted(data.items())
    ]


def pretty(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= MOST_JSON else f"{text[:MOST_JSON]}\n…"


def _deeds(dispatch: Dispatch) -> list[Deed]:
    """What people did with it, by the journal."""
    kind = ContentType.objects.get_for_model(Dispatch)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(dispatch.pk)).select_related("user")
    return [
        Deed(entry.action_time, str(entry.user), entry.get_change_message())
        for entry in entries.order_by("-action_time")[:MOST_DEEDS]
    ]


def _receipts(dispatch: Dispatch) -> list[Moment]:
    """What the vendor reported later, in the order it happened."""
    rows = DeliveryReceipt.objects.filter(dispatch_id=dispatch.pk, tenant_id=dispatch.tenant_id)
    links = _links(rows)
    return [
        reported(
            row.kind,
            row.status,
            row.reason,
            row.error_message or "",
            row.occurred_at or row.received_at,
            links.get(row.pk, ""),
        )
        for row in rows.defer("payload").order_by("id")[:MOST_RECEIPTS]
    ]


def _links(rows: QuerySet[DeliveryReceipt]) -> dict[uuid.UUID, str]:
    """What was clicked, by receipt, where the vendor's own words name it."""
    found = {}
    for pk, payload in rows.filter(status="", kind__in=CLICKED).values_list("pk", "payload")[:MOST_RECEIPTS]:
        try:
            told = json.loads(bytes(payload))
        except ValueError:
            continue
        link = (told.get("url") or told.get("link")) if isinstance(told, dict) else None
        if isinstance(link, str):
            found[pk] = link
    return found


def _overdue_since(dispatch: Dispatch) -> dt.datetime | None:
    rows = OverdueDelivery.objects.filter(pk=dispatch.pk, tenant_id=dispatch.tenant_id)
    return rows.values_list("since", flat=True).first()


def _history_url(dispatch: Dispatch) -> str:
    if not dispatch.contact_tax_id:
        return ""
    return f"{reverse('admin:dispatching_dispatch_changelist')}?q={dispatch.contact_tax_id}"
