"""The demo's further channels: they hold what the sandbox is told, and a second run leaves no second one."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from campaigns.models import Campaign
from prism.demo import channels
from prism.demo.channels import CHANNELS, save_channels
from providers.models import Provider, ProviderCheck, ProviderSecret, Purpose
from providers.webhook_tokens import webhook_token
from templates.models import TemplateVersion
from tenants.models import Tenant
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db

WEB = "http://127.0.0.1:8000"


@pytest.fixture
def tenant(settings: Settings) -> Tenant:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.PUBLIC_URL = WEB
    made: Tenant = TenantFactory.create()
    return made


def test_the_sandbox_is_told_what_the_providers_hold(tenant: Tenant, settings: Settings) -> None:
    told = save_channels(tenant, "http://127.0.0.1:8025", WEB)
    sms, bot = (Provider.objects.get(provider_name=one.name) for one in CHANNELS)
    assert sms.configuration["api_url"] == "http://127.0.0.1:8025/twilio/2010-04-01"
    held = {secret.provider_id: secret for secret in ProviderSecret.objects.all()}
    assert f"twilio={channels.ACCOUNT}:{held[sms.pk].value}" in told
    assert f"telegram={held[bot.pk].value}" in told
    assert f"telegram={webhook_token(str(bot.pk), settings.SECRET_KEY)}" in told
    assert held[sms.pk].hosts == ["127.0.0.1:8025"]
    assert ProviderCheck.objects.filter(provider=bot, purpose=Purpose.REGISTER).count() == 1


def test_a_second_run_moves_them_to_where_the_sandbox_is_now(tenant: Tenant) -> None:
    for port in (8025, 8026):
        save_channels(tenant, f"http://127.0.0.1:{port}", WEB)
    assert Provider.objects.count() == Campaign.objects.count() == TemplateVersion.objects.count() == len(CHANNELS)
    assert {tuple(secret.hosts) for secret in ProviderSecret.objects.all()} == {("127.0.0.1:8026",)}
    assert all(campaign.is_active for campaign in Campaign.objects.all())
