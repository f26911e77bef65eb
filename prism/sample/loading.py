"""Writes the sample tenant through the same verbs that the admin uses; what is there already stays as it is."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from audiences.models import Segment
from campaigns.authoring import save_campaign
from campaigns.models import Campaign
from campaigns.provider_rows import ProviderRow
from prism.sample.entities import SampleCampaign, SampleProvider, SampleTemplate, read_sample
from providers.models import Provider
from templates.authoring import save_template
from templates.models import MessageTemplate
from tenants.models import Membership, Role, Tenant

BY = "load_sample"


class Loader:
    """One load into one tenant. `reset` puts rows that are there back as the file has them."""

    def __init__(self, tenant: Tenant, *, sandbox_url: str, reset: bool) -> None:
        self.tenant = tenant
        self.sandbox_url = sandbox_url
        self.reset = reset
        self.written: list[str] = []
        self.kept: list[str] = []

    def load(self) -> None:
        """All or nothing. Raises ValidationError where the file or the address would not pass the room's own checks."""
        sample = read_sample()
        with transaction.atomic():
            for segment in sample.segments:
                _, created = Segment.objects.get_or_create(
                    tenant=self.tenant,
                    code=segment.code,
                    defaults={"name": segment.name, "description": segment.description, "created_by": BY},
                )
                self._note(segment.code, created)
            for provider in sample.providers:
                self._load_provider(provider)
            for template in sample.templates:
                self._load_template(template)
            for campaign in sample.campaigns:
                self._load_campaign(campaign)

    def _note(self, name: str, written: bool) -> None:
        (self.written if written else self.kept).append(name)

    def _load_provider(self, sample: SampleProvider) -> None:
        """The vendor's address follows the option always: the sandbox may have moved to another port."""
        where = {"tenant": self.tenant, "provider_type": sample.type, "provider_name": sample.name}
        provider = Provider.objects.filter(**where).first()
        before = dict(provider.configuration) if provider else None
        if provider is None:
            provider = Provider(**where, created_by=BY)
        if before is None or self.reset:
            provider.configuration = dict(sample.configuration)
            provider.is_active = True
        if provider.configuration.get("provider_vendor") == sample.configuration["provider_vendor"]:
            provider.configuration["api_url"] = self.sandbox_url
        written = before is None or self.reset or before != provider.configuration
        if written:
            provider.full_clean()
            provider.save()
        self._note(sample.name, written)

    def _load_template(self, sample: SampleTemplate) -> None:
        template = MessageTemplate.objects.filter(tenant=self.tenant, template_code=sample.code).first()
        written = template is None or self.reset
        if template is None:
            template = MessageTemplate(tenant=self.tenant, template_code=sample.code)
        if written:
            template.template_name = sample.name
            template.channel = sample.channel
            template.subject = sample.subject
            template.body = sample.body
            template.variants = list(sample.variants)
            template.is_active = True
            save_template(template, by=BY)
        self._note(sample.code, written)

    def _load_campaign(self, sample: SampleCampaign) -> None:
        campaign = Campaign.objects.filter(tenant=self.tenant, name=sample.name).first()
        written = campaign is None or self.reset
        if campaign is None:
            campaign = Campaign(tenant=self.tenant, created_by=BY)
            if sample.control_salt is not None:
                campaign.control_salt = sample.control_salt
        if written:
            save_campaign(
                campaign,
                fields={**_fields(sample), "is_active": True},
                providers=[
                    ProviderRow(
                        provider_id=Provider.objects.get(tenant=self.tenant, provider_name=row.provider).pk,
                        template_id=MessageTemplate.objects.get(tenant=self.tenant, template_code=row.template).pk,
                        field_mappings=row.field_mappings,
                        label=row.label,
                    )
                    for row in sample.providers
                ],
                segment_ids=Segment.objects.filter(tenant=self.tenant, code__in=sample.segments).values_list(
                    "pk", flat=True
                ),
            )
        self._note(sample.name, written)


_COPIED = (
    "name",
    "description",
    "audience_name",
    "channel",
    "dispatch_mode",
    "control_group_rate",
    "trigger_time",
    "week_days",
    "strategy",
)


def _fields(sample: SampleCampaign) -> dict[str, Any]:
    return {name: getattr(sample, name) for name in _COPIED}


def make_administrator(tenant: Tenant, username: str, password: str) -> None:
    """A superuser who belongs to the tenant, with this password from now on."""
    user, _created = get_user_model().objects.get_or_create(username=username)
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()
    Membership.objects.update_or_create(tenant=tenant, user=user, defaults={"role": Role.ADMIN})
