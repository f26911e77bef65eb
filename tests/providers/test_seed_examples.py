"""The providers that seed 000 shows (§4, "Exemplos de Cadastro com JSONB") are taken as they are written there."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from pytest_django import Settings

from providers.models import Provider
from providers.registry import transport_for
from tests.databases import CHECKOUT
from tests.factories import TenantFactory

# Type, name, configuration and vendor; the texts are the seed's own, key by key.
SEED: list[tuple[str, str, str, str]] = [
    (
        "WHATSAPP",
        "Blip WhatsApp - Bot Principal",
        """{
    "bot_name": "bot-growth-campaigns-prod",
    "flow_id": "flow_credit_offer_v3",
    "api_url": "https://msging.net/messages",
    "bot_identifier": "bot-growth@msging.net",
    "authentication": {
      "type": "bearer_token",
      "token_env_var": "BLIP_API_TOKEN"
    }
  }""",
        "blip",
    ),
    (
        "EMAIL",
        "SendGrid - Marketing Principal",
        """{
    "sender": {
      "email": "noreply@ifood.com.br",
      "name": "iFood Growth Team"
    },
    "smtp": {
      "host": "smtp.sendgrid.net",
      "port": 587,
      "username": "apikey",
      "password_env_var": "SENDGRID_PASSWORD"
    },
    "tracking": {
      "enabled": true,
      "click_tracking": true,
      "open_tracking": true
    }
  }""",
        "smtp",
    ),
    (
        "SMS",
        "Twilio SMS - Brasil",
        """{
    "provider_vendor": "twilio",
    "account_sid": "ACxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "auth_token_env_var": "TWILIO_AUTH_TOKEN",
    "sender_id": "+5511999999999",
    "messaging_service_sid": "MGxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "api_url": "https://api.twilio.com/2010-04-01",
    "features": {
      "short_urls": true,
      "delivery_receipts": true,
      "character_limit": 160
    }
  }""",
        "twilio",
    ),
    (
        "SMS",
        "AWS SNS - Global",
        """{
    "provider_vendor": "aws_sns",
    "region": "us-east-1",
    "access_key_id_env_var": "AWS_ACCESS_KEY_ID",
    "secret_access_key_env_var": "AWS_SECRET_ACCESS_KEY",
    "sender_id": "iFood",
    "sms_type": "Transactional",
    "max_price": "0.50"
  }""",
        "aws_sns",
    ),
    (
        "TELEGRAM",
        "Telegram Bot - Notificações",
        """{
    "bot_token_env_var": "TELEGRAM_BOT_TOKEN",
    "bot_username": "@ifood_notifications_bot",
    "api_url": "https://api.telegram.org",
    "webhook_url": "https://prism.ifood.com.br/webhooks/telegram",
    "features": {
      "inline_keyboard": true,
      "markdown": true
    }
  }""",
        "telegram",
    ),
    # Of PUSH the seed's diagram names the keys only.
    (
        "PUSH",
        "Firebase Push",
        """{
    "app_id": "ifood-growth-prod",
    "api_key_env_var": "FCM_SERVICE_ACCOUNT",
    "fcm_url": "https://fcm.googleapis.com/v1/projects/ifood-growth-prod/messages:send",
    "priority": "high"
  }""",
        "fcm",
    ),
]
ALLOWED = (
    *("BLIP_API_TOKEN@msging.net", "SENDGRID_PASSWORD@smtp.sendgrid.net", "TWILIO_AUTH_TOKEN@api.twilio.com"),
    *("AWS_ACCESS_KEY_ID@sns.us-east-1.amazonaws.com", "AWS_SECRET_ACCESS_KEY@sns.us-east-1.amazonaws.com"),
    *("TELEGRAM_BOT_TOKEN@api.telegram.org", "FCM_SERVICE_ACCOUNT@fcm.googleapis.com"),
)
"""docs/providers.md says that an operator allows these; each is bound to its vendor's own host."""


def test_the_container_allows_the_seeds_names_for_their_vendors_alone() -> None:
    services = yaml.safe_load((CHECKOUT / "docker" / "compose.yml").read_text())["services"]
    default = services["web"]["environment"]["PROVIDER_ENV_ALLOW_LIST"].partition(":-")[2].removesuffix("}")
    assert default.split(",") == ["PRISM_PROVIDER_*", *ALLOWED]


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "name", "text", "vendor"), SEED, ids=[row[3] for row in SEED])
def test_the_seeds_provider_is_saved_and_kept_as_it_is_written(
    kind: str, name: str, text: str, vendor: str, settings: Settings
) -> None:
    settings.PROVIDER_ENV_ALLOW_LIST = list(ALLOWED)
    configuration: dict[str, Any] = json.loads(text)
    provider = Provider(
        tenant=TenantFactory.create(), provider_type=kind, provider_name=name, configuration=configuration
    )
    provider.full_clean()
    provider.save()
    provider.refresh_from_db()
    assert provider.configuration == json.loads(text)
    assert (provider.provider_type, provider.provider_name) == (kind, name)
    transport = transport_for(kind, provider.configuration)
    assert transport.vendor == vendor
    assert transport.example == json.loads(text), "what the form offers to start from is the seed's own"
