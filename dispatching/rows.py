"""Drafts as COPY lines of `dispatches`, `due_dispatches` and `send_batches`."""

from __future__ import annotations

import datetime as dt
import uuid

import msgspec

from campaigns.snapshot import CampaignPlan
from dispatching.copying import NULL, optional, text
from dispatching.gates import Draft
from dispatching.parcels import Batch, LaneKey, Parcel
from dispatching.statuses import LaneClass
from providers.messages import Message

_ENCODE = msgspec.json.Encoder().encode

DISPATCHES = (
    "id, tenant_id, trigger_id, campaign_id, campaign_version, campaign_provider_id, provider_id, template_id,"
    " template_version_id, predecessor_id, correlation_id, trace_id, contact_tax_id, contact_data, destination,"
    " channel, dispatch_mode, lane_class, message_subject, message_content, variables, media_url, status, reason,"
    " error_message,"
    " max_attempts, triggered_at, received_at, scheduled_for, scheduled_local, not_after, created_at"
)
DUE = "dispatch_id, provider_id, lane_class, due_at, not_after"
BATCHES = "id, owner, provider_id, lane_class, campaign_id, dispatch_ids, versions, created_at, released_at"


class Origin(msgspec.Struct, frozen=True, gc=False):
    """What all dispatches of one trigger share."""

    tenant_id: int
    trigger_id: str
    correlation_id: str
    trace_id: str
    tax_id: str
    contact_data: str
    triggered_at: dt.datetime
    received_at: dt.datetime
    predecessor_id: str | None = None


def dispatch_line(identifier: str, draft: Draft, campaign: CampaignPlan, origin: Origin, created_at: str) -> str:
    plan, provider = draft.plan, draft.provider
    attempts = provider.settings.max_attempts if provider and provider.settings else 1
    return "\t".join(
        (
            identifier,
            str(origin.tenant_id),
            origin.trigger_id,
            campaign.id,
            str(campaign.control_version),
            plan.campaign_provider_id if plan else NULL,
            plan.provider_id if plan else NULL,
            plan.template_id if plan else NULL,
            plan.template_version_id if plan else NULL,
            origin.predecessor_id or NULL,
            text(origin.correlation_id),
            text(origin.trace_id),
            text(origin.tax_id),
            text(origin.contact_data),
            text(draft.destination),
            text(draft.channel),
            campaign.mode,
            str(int(lane_class_of(campaign))),
            text(draft.subject),
            text(draft.body),
            text(_ENCODE(draft.variables).decode()) if draft.variables else "{}",
            text(plan.media_url) if plan else "",
            draft.status.value,
            draft.reason,
            optional(draft.error),
            str(attempts),
            origin.triggered_at.isoformat(),
            origin.received_at.isoformat(),
            draft.due_at.isoformat() if draft.due_at else NULL,
            text(draft.local),
            draft.not_after.isoformat() if draft.not_after else NULL,
            created_at,
        )
    )


def lane_class_of(campaign: CampaignPlan) -> LaneClass:
    """Scheduled traffic comes in waves; it never stands before a trigger that is due at once."""
    return LaneClass.TRIGGER if campaign.mode == "SYNC" else LaneClass.BULK


def parcel_of(identifier: str, draft: Draft, campaign: CampaignPlan, origin: Origin) -> Parcel:
    plan, provider = draft.plan, draft.provider
    assert plan is not None and provider is not None and provider.settings is not None and draft.not_after is not None
    return Parcel(
        id=identifier,
        tenant_id=origin.tenant_id,
        campaign_id=campaign.id,
        campaign_provider_id=plan.campaign_provider_id,
        version=1,
        attempts=0,
        max_attempts=provider.settings.max_attempts,
        asynchronous=campaign.mode != "SYNC",
        not_after=draft.not_after,
        since=draft.due_at or origin.received_at,
        message=Message(
            dispatch_id=identifier,
            to=draft.destination,
            body=draft.body,
            subject=draft.subject or None,
            template_code=plan.template_code,
            variables=draft.variables,
            media_url=plan.media_url or None,
            channel=draft.channel,
            correlation_id=origin.correlation_id,
            trace_id=origin.trace_id or None,
            placeholders=tuple(draft.variables),
        ),
    )


def due_line(identifier: str, lane: LaneKey, due_at: dt.datetime, not_after: dt.datetime) -> str:
    return f"{identifier}\t{lane.provider_id}\t{lane.lane_class}\t{due_at.isoformat()}\t{not_after.isoformat()}"


def batch_line(batch: Batch, owner: int, created_at: str, *, released: bool) -> str:
    ids = ",".join([parcel.id for parcel in batch.parcels])
    versions = ",".join([str(parcel.version) for parcel in batch.parcels])
    return "\t".join(
        (
            batch.id,
            str(owner),
            batch.lane.provider_id,
            str(batch.lane.lane_class),
            batch.campaign_id or NULL,
            f"{{{ids}}}",
            f"{{{versions}}}",
            created_at,
            created_at if released else NULL,
        )
    )


def new_batch_id() -> str:
    return str(uuid.uuid4())
