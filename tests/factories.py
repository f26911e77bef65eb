"""Rows for tests: configuration that would pass its room's own checks, and history as the workers leave it."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth import get_user_model

from audiences.models import AttributeDefinition, AttributeType, Segment
from campaigns.models import (
    Campaign,
    CampaignProvider,
    CampaignProviderTemplate,
    CampaignSegment,
    DispatchMode,
    FrequencyCap,
)
from dispatching.ids import mint_ids
from dispatching.models import Dispatch, DueDispatch, Worker
from dispatching.statuses import LaneClass, Status
from ingestion.models import RejectedTrigger
from outbox.models import OutboxEvent
from providers.models import Provider, ProviderSecret
from templates.authoring import save_template
from templates.models import MessageTemplate
from tenants.models import ApiKey, Membership, Role, Tenant

SEED_BODY = (
    "Olá {{name}}, chegou a Black Friday! Você tem uma oferta de crédito de {{creditvalue}}"
    " com taxa de {{credittax}}. Aproveite!"
)
SEED_MAPPINGS = {"name": "first_name", "creditvalue": "max_offer_value_formatted", "credittax": "credit_tax"}


class TenantFactory(factory.django.DjangoModelFactory[Tenant]):
    class Meta:
        model = Tenant
        django_get_or_create = ("slug",)

    slug = factory.Sequence(lambda number: f"tenant-{number}")
    name = factory.LazyAttribute(lambda tenant: tenant.slug.title())


class UserFactory(factory.django.DjangoModelFactory[Any]):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda number: f"user{number}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    password = factory.django.Password("a long enough secret")
    is_staff = True


class MembershipFactory(factory.django.DjangoModelFactory[Membership]):
    class Meta:
        model = Membership

    tenant = factory.SubFactory(TenantFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.ADMIN


class ApiKeyFactory(factory.django.DjangoModelFactory[ApiKey]):
    """A row that no key opens: `tenants.keys` mints usable ones."""

    class Meta:
        model = ApiKey

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda number: f"key {number}")
    prefix = factory.Sequence(lambda number: f"k{number:011}")
    digest = b"\0" * 32
    scopes = ["view"]


class AttributeDefinitionFactory(factory.django.DjangoModelFactory[AttributeDefinition]):
    class Meta:
        model = AttributeDefinition

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda number: f"attribute_{number}")
    type = AttributeType.STRING


class SegmentFactory(factory.django.DjangoModelFactory[Segment]):
    class Meta:
        model = Segment

    tenant = factory.SubFactory(TenantFactory)
    code = factory.Sequence(lambda number: f"seg_{number}")
    name = factory.LazyAttribute(lambda segment: f"Segment {segment.code}")


class FrequencyCapFactory(factory.django.DjangoModelFactory[FrequencyCap]):
    class Meta:
        model = FrequencyCap

    tenant = factory.SubFactory(TenantFactory)
    max_messages = 2
    period = "day"


class ProviderFactory(factory.django.DjangoModelFactory[Provider]):
    """A gateway that nobody listens at, until a test says where its vendor is."""

    class Meta:
        model = Provider

    tenant = factory.SubFactory(TenantFactory)
    provider_type = "WHATSAPP"
    provider_name = factory.Sequence(lambda number: f"Gateway {number}")
    configuration = factory.LazyFunction(
        lambda: {
            "provider_vendor": "gateway",
            "api_url": "http://127.0.0.1:9",
            "authentication": {"type": "none"},
        }
    )


class ProviderSecretFactory(factory.django.DjangoModelFactory[ProviderSecret]):
    class Meta:
        model = ProviderSecret

    provider = factory.SubFactory(ProviderFactory)
    tenant = factory.SelfAttribute("provider.tenant")
    name = factory.Sequence(lambda number: f"secret-{number}")
    value = "made up"


class TemplateFactory(factory.django.DjangoModelFactory[MessageTemplate]):
    """The seed's Black Friday text, saved as an author saves it: with placeholders and a first version."""

    class Meta:
        model = MessageTemplate

    tenant = factory.SubFactory(TenantFactory)
    template_code = factory.Sequence(lambda number: f"tpl_{number}")
    template_name = "Black Friday - Oferta de Crédito"
    channel = "WHATSAPP"
    body = SEED_BODY

    @classmethod
    def _create(cls, model_class: type[MessageTemplate], *_args: Any, **kwargs: Any) -> MessageTemplate:
        template = model_class(**kwargs)
        save_template(template, by="tests")
        return template


class CampaignFactory(factory.django.DjangoModelFactory[Campaign]):
    """At once, always open, without a control group and (see CampaignProviderTemplateFactory) without providers."""

    class Meta:
        model = Campaign

    class Params:
        scheduled = factory.Trait(dispatch_mode=DispatchMode.ASYNC, trigger_time="14:00:00", week_days="1,2,3,4,5")

    tenant = factory.SubFactory(TenantFactory)
    name = factory.Sequence(lambda number: f"journey_{number}")
    control_group_rate = Decimal(0)


class CampaignSegmentFactory(factory.django.DjangoModelFactory[CampaignSegment]):
    class Meta:
        model = CampaignSegment

    campaign = factory.SubFactory(CampaignFactory)
    tenant = factory.SelfAttribute("campaign.tenant")
    segment = factory.SubFactory(SegmentFactory, tenant=factory.SelfAttribute("..tenant"))


class CampaignProviderFactory(factory.django.DjangoModelFactory[CampaignProvider]):
    """A provider of a campaign, still without a template."""

    class Meta:
        model = CampaignProvider

    campaign = factory.SubFactory(CampaignFactory)
    tenant = factory.SelfAttribute("campaign.tenant")
    provider = factory.SubFactory(ProviderFactory, tenant=factory.SelfAttribute("..tenant"))


class CampaignProviderTemplateFactory(factory.django.DjangoModelFactory[CampaignProviderTemplate]):
    """A whole way out: campaign, provider, template of its channel, and the seed's mapping.

    Give it to a campaign with `campaign_provider__campaign=`, its vendor with `campaign_provider__provider=`.
    """

    class Meta:
        model = CampaignProviderTemplate

    campaign_provider = factory.SubFactory(CampaignProviderFactory)
    tenant = factory.SelfAttribute("campaign_provider.tenant")
    template = factory.SubFactory(
        TemplateFactory,
        tenant=factory.SelfAttribute("..tenant"),
        channel=factory.SelfAttribute("..campaign_provider.provider.provider_type"),
    )
    field_mappings = factory.LazyFunction(lambda: dict(SEED_MAPPINGS))


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def mint_id() -> uuid.UUID:
    """A UUIDv7 of this moment, hence in a partition that exists."""
    return uuid.UUID(mint_ids(now(), 1)[0])


class DispatchFactory(factory.django.DjangoModelFactory[Dispatch]):
    """A message of the seed's campaign that was sent. Another status is given as `status=`, with its `reason=`."""

    class Meta:
        model = Dispatch

    class Params:
        link = factory.SubFactory(CampaignProviderTemplateFactory)

    id = factory.LazyFunction(mint_id)
    trigger_id = factory.LazyFunction(mint_id)
    tenant = factory.SelfAttribute("link.tenant")
    campaign = factory.SelfAttribute("link.campaign_provider.campaign")
    campaign_provider = factory.SelfAttribute("link.campaign_provider")
    provider = factory.SelfAttribute("link.campaign_provider.provider")
    template = factory.SelfAttribute("link.template")
    template_version = factory.LazyAttribute(lambda row: row.template.versions.latest("number"))
    correlation_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    contact_tax_id = "12345678000190"
    contact_data = factory.LazyAttribute(
        lambda row: {"tax_identification": row.contact_tax_id, "first_name": "João", "phone_number": row.destination}
    )
    destination = "+5511999999999"
    channel = factory.SelfAttribute("provider.provider_type")
    dispatch_mode = factory.SelfAttribute("campaign.dispatch_mode")
    message_content = "Olá João"
    status = Status.SENT
    attempts = 1
    triggered_at = factory.LazyFunction(now)
    received_at = factory.SelfAttribute("triggered_at")
    created_at = factory.SelfAttribute("triggered_at")
    dispatched_at = factory.LazyAttribute(lambda row: row.triggered_at if row.status == Status.SENT else None)


class DueDispatchFactory(factory.django.DjangoModelFactory[DueDispatch]):
    """What a sender may take now: the row of a dispatch that waits."""

    class Meta:
        model = DueDispatch

    class Params:
        dispatch = factory.SubFactory(DispatchFactory, status=Status.SCHEDULED, attempts=0)

    dispatch_id = factory.SelfAttribute("dispatch.id")
    provider_id = factory.SelfAttribute("dispatch.provider.id")
    lane_class = LaneClass.BULK
    due_at = factory.LazyFunction(now)
    not_after = factory.LazyAttribute(lambda row: row.due_at + dt.timedelta(hours=1))


class WorkerFactory(factory.django.DjangoModelFactory[Worker]):
    class Meta:
        model = Worker

    kind = "sender"
    host = "worker.example"
    pid = factory.Sequence(lambda number: 1000 + number)


class RejectedTriggerFactory(factory.django.DjangoModelFactory[RejectedTrigger]):
    class Meta:
        model = RejectedTrigger

    tenant = factory.SubFactory(TenantFactory)
    code = "UNKNOWN_JOURNEY"
    path = "$.journey_name"
    topic = "campaign_triggers"
    partition = 0
    offset = factory.Sequence(int)
    journey_name = "nobody_knows_it"
    correlation_id = factory.LazyFunction(lambda: str(uuid.uuid4()))
    raw = b"{}"
    raw_size = factory.LazyAttribute(lambda row: len(row.raw))


class OutboxEventFactory(factory.django.DjangoModelFactory[OutboxEvent]):
    class Meta:
        model = OutboxEvent

    shard = 0
    topic = "dispatch"
    key = "12345678000190"
    headers = factory.LazyFunction(lambda: {"tenant": "default"})
    payload = "{}"
