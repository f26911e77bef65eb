"""Configuration for tests: every factory makes a row that would pass its room's own checks."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth import get_user_model

from audiences.models import AttributeDefinition, AttributeType, Segment
from campaigns.models import Campaign, CampaignProvider, CampaignProviderTemplate, CampaignSegment, DispatchMode
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
