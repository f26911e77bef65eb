"""A tenant with something in every table, each text marked, so that a leak can be recognised anywhere."""

from __future__ import annotations

import datetime as dt
import uuid

import msgspec
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection

from audiences.models import Segment, SuppressionSign
from campaigns.models import CampaignSegment
from dispatching.ids import mint_ids
from dispatching.models import (
    Attempt,
    DeliveryReceipt,
    Dispatch,
    DispatchCount,
    DueDispatch,
    IdempotencyKey,
    OverdueDelivery,
    ProviderMessage,
    SendBatch,
    TriggerReceipt,
    WaitingReceipt,
    Worker,
)
from dispatching.provider_messages import message_key
from dispatching.triggers import ledger_key
from ingestion.models import ConsumerPosition, RejectedTrigger, WebhookCall
from outbox.models import OutboxEvent
from providers.checking import request_check
from providers.circuits import ProviderCircuit
from tenants.keys import mint_key
from tenants.models import Role, Tenant
from tenants.scope import tenant_scope
from tests.factories import (
    AttributeDefinitionFactory,
    CampaignFactory,
    CampaignProviderTemplateFactory,
    FrequencyCapFactory,
    MembershipFactory,
    ProviderFactory,
    ProviderSecretFactory,
    SegmentFactory,
    TemplateFactory,
    TenantFactory,
    UserFactory,
)


class Filled(msgspec.Struct, frozen=True):
    """What was made for one tenant. `mark` stands in every text of it and nowhere else."""

    tenant: Tenant
    mark: str
    user_ids: dict[str, int]
    key: str
    correlation_id: str
    trigger_id: uuid.UUID
    waiting: uuid.UUID
    failed: uuid.UUID
    parked_fact: int


def fill_tenant(mark: str) -> Filled:
    slug = mark.lower()
    tenant = TenantFactory.create(slug=slug, name=f"{mark} Ltda")
    users = {
        role.value: MembershipFactory.create(
            tenant=tenant, user=UserFactory.create(username=f"{slug}-{role}", first_name=mark), role=role
        ).user
        for role in Role
    }
    _api_key, key = mint_key(tenant_id=tenant.pk, name=f"{mark} key", scopes=["view"])
    segment = SegmentFactory.create(tenant=tenant, code=f"{mark}_vip", name=f"{mark} VIP")
    AttributeDefinitionFactory.create(tenant=tenant, name=f"{slug}_score", description=mark)
    trigger_id = uuid.UUID(mint_ids(dt.datetime.now(dt.UTC), 1)[0])
    correlation_id = f"{mark}-order-1"
    waiting, failed = _history(tenant, mark, segment, trigger_id, correlation_id)
    TriggerReceipt.objects.create(
        key=ledger_key(tenant.pk, "triggers", correlation_id),
        tenant_id=tenant.pk,
        trigger_id=trigger_id,
        payload_digest=1,
        received_at=dt.datetime.now(dt.UTC),
    )
    IdempotencyKey.objects.create(
        tenant=tenant, operation="send", key=mark, body_hash=b"", status=202, answer={"correlation_id": mark}
    )
    RejectedTrigger.objects.create(
        tenant=tenant,
        code="UNKNOWN_JOURNEY",
        message=mark,
        topic=f"{mark}_topic",
        partition=0,
        offset=1,
        journey_name=mark,
        correlation_id=f"{mark}-2",
        raw=mark.encode(),
        raw_size=len(mark),
    )
    fact = OutboxEvent.objects.create(
        shard=0,
        topic="dispatch",
        key=mark,
        headers={"tenant": slug},
        payload="{}",
        parked_at=dt.datetime.now(dt.UTC),
        problem=mark,
    )
    with tenant_scope(tenant.pk):
        LogEntry.objects.log_actions(
            str(users["admin"].pk), Segment.objects.filter(pk=segment.pk), CHANGE, f"{mark} changed"
        )
    return Filled(
        tenant=tenant,
        mark=mark,
        user_ids={role: user.pk for role, user in users.items()},
        key=key,
        correlation_id=correlation_id,
        trigger_id=trigger_id,
        waiting=waiting,
        failed=failed,
        parked_fact=fact.pk,
    )


def shared_rows() -> None:
    """What belongs to no tenant."""
    Worker.objects.create(kind="sender", host="worker.example", pid=1)
    ConsumerPosition.objects.create(consumer_group="prism", topic="campaign_triggers", partition=0, next_offset=1)


def _history(
    tenant: Tenant, mark: str, segment: Segment, trigger_id: uuid.UUID, correlation_id: str
) -> tuple[uuid.UUID, uuid.UUID]:
    """A campaign with all that hangs on it, a dispatch that waits and one that failed."""
    provider = ProviderFactory.create(
        tenant=tenant,
        provider_name=f"{mark} gateway",
        configuration={"provider_vendor": "gateway", "api_url": f"http://127.0.0.1:9/{mark}"},
    )
    ProviderSecretFactory.create(provider=provider, name=f"{mark}-token", value=f"{mark} secret")
    request_check(provider, by=mark)
    WebhookCall.objects.create(
        tenant=tenant, provider=provider, method="POST", path=mark, body=mark.encode(), headers={"user-agent": mark}
    )
    ProviderCircuit.objects.create(
        provider=provider,
        tenant=tenant,
        state="paused",
        reason="UNAUTHORIZED",
        error=mark,
        since=dt.datetime.now(dt.UTC),
    )
    campaign = CampaignFactory.create(
        tenant=tenant, name=f"{mark}_journey", dispatch_mode="ASYNC", trigger_time="14:00:00", week_days="1,2,3,4,5"
    )
    CampaignSegment.objects.create(tenant=tenant, campaign=campaign, segment=segment)
    FrequencyCapFactory.create(tenant=tenant, channel=mark)
    template = TemplateFactory.create(tenant=tenant, template_code=f"{mark}_tpl", template_name=f"{mark} offer")
    link = CampaignProviderTemplateFactory.create(
        campaign_provider__campaign=campaign, campaign_provider__provider=provider, template=template
    )
    now = dt.datetime.now(dt.UTC)
    waiting, failed, doubtful = (uuid.UUID(text) for text in mint_ids(now, 3))
    for identifier, status in ((waiting, "SCHEDULED"), (failed, "FAILED"), (doubtful, "UNKNOWN")):
        Dispatch.objects.create(
            id=identifier,
            tenant=tenant,
            trigger_id=trigger_id,
            campaign=campaign,
            campaign_provider=link.campaign_provider,
            provider=provider,
            template=template,
            correlation_id=correlation_id,
            contact_tax_id=f"{mark}-tax",
            contact_data={"first_name": mark},
            destination=f"{mark}@example.com",
            channel="WHATSAPP",
            dispatch_mode="ASYNC",
            message_content=f"Hello {mark}",
            status=status,
            error_message=mark,
            provider_response={"text": mark},
            triggered_at=now,
            received_at=now,
            scheduled_for=now,
            not_after=now + dt.timedelta(hours=1),
            created_at=now,
        )
    DueDispatch.objects.create(
        dispatch_id=waiting, provider_id=provider.pk, lane_class=2, due_at=now, not_after=now + dt.timedelta(hours=1)
    )
    Attempt.objects.create(
        dispatch_id=failed,
        id=uuid.uuid4(),
        tenant=tenant,
        number=1,
        outcome="REJECTED",
        error_message=mark,
        created_at=now,
    )
    ProviderMessage.objects.create(
        key=message_key(str(provider.pk), f"{mark}-message"), dispatch_id=failed, tenant=tenant
    )
    report = {"message_id": f"{mark}-message", "kind": mark, "error_message": mark, "payload": mark.encode()}
    for model, more in ((DeliveryReceipt, {"dispatch_id": failed}), (WaitingReceipt, {"look_at": now})):
        model.objects.create(
            id=uuid.uuid4(), tenant=tenant, provider=provider, received_at=now, payload_size=1, **report, **more
        )
    OverdueDelivery.objects.create(dispatch_id=failed, tenant=tenant, provider=provider, since=now)
    SuppressionSign.objects.create(
        key=uuid.uuid4(),
        tenant=tenant,
        kind="opted_out",
        address_kind="email",
        address=f"{mark}@example.com",
        provider_id=provider.pk,
        reason=mark,
        occurred_at=now,
    )
    DispatchCount.objects.create(
        tenant=tenant, hour=now, campaign=campaign, provider=provider, status="FAILED", changes=1
    )
    SendBatch.objects.create(
        id=uuid.uuid4(),
        owner=1,
        provider_id=provider.pk,
        lane_class=2,
        campaign_id=campaign.pk,
        dispatch_ids=[],
        versions=[],
        created_at=now,
    )
    lane = {"lane": f"{provider.pk}/bulk", "slots": 8, "used": 1, "ahead": 2, "slow": False, "closed": False}
    Worker.objects.create(kind="sender", host="worker.example", pid=2, detail={"lanes": [lane]})
    connection.check_constraints()
    return waiting, failed
