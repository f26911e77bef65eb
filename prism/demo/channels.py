"""Further channels of the demo: SMS as Twilio takes it, and a Telegram bot, both spoken by the sandbox vendor.

The sandbox insists on the credentials that these providers hold, and reports as each vendor does, signed.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from django.conf import settings

from prism.demo.campaigns import save_campaign_of
from providers.authoring import save_provider
from providers.models import Provider
from providers.webhook_tokens import webhook_token
from templates.authoring import save_template
from templates.models import MessageTemplate
from tenants.models import Tenant

SMS, TELEGRAM = "lembrete_oferta_sms", "aviso_oferta_telegram"
ACCOUNT = "ACsandbox00000001"
SENDER = "+551155550100"
BY = "demo"


class Channel(msgspec.Struct, frozen=True):
    """`mount`: where the sandbox speaks as this vendor. `secret`: the name of the credential."""

    vendor: str
    type: str
    name: str
    mount: str
    secret: str
    configuration: dict[str, Any]
    code: str
    template: str
    body: str
    campaign: str
    about: str


CHANNELS = (
    Channel(
        vendor="twilio",
        type="SMS",
        name="Sandbox SMS (Twilio)",
        mount="/twilio/2010-04-01",
        secret="auth-token",  # noqa: S106 - its name
        configuration={
            "provider_vendor": "twilio",
            "account_sid": ACCOUNT,
            "auth_token_secret": "auth-token",
            "sender_id": SENDER,
        },
        code="tpl_offer_reminder_sms",
        template="Lembrete de oferta (SMS)",
        body="{{name}}, sua oferta de {{creditvalue}} ainda está disponível no app. Taxa de {{credittax}}.",
        campaign=SMS,
        about="Lembrete por SMS de oferta de crédito não contratada",
    ),
    Channel(
        vendor="telegram",
        type="TELEGRAM",
        name="Sandbox Telegram",
        mount="/telegram",
        secret="bot-token",  # noqa: S106 - its name
        configuration={"bot_token_secret": "bot-token", "bot_username": "@sandbox_bot", "features": {"markdown": True}},
        code="tpl_offer_telegram",
        template="Aviso de oferta (Telegram)",
        body="Olá {{name}}! Você tem *{{creditvalue}}* de crédito pré-aprovado, com taxa de {{credittax}}.",
        campaign=TELEGRAM,
        about="Aviso no Telegram de oferta de crédito pré-aprovada",
    ),
)


def save_channels(tenant: Tenant, vendor: str, public_url: str) -> list[str]:
    """Provider, template and campaign of each, as they are in this run. Returns what the sandbox at the address
    `vendor` has to know: the credentials, and where to report with which secret."""
    told: list[str] = []
    for channel in CHANNELS:
        token = f"100200300:{secrets.token_urlsafe(24)}" if channel.vendor == "telegram" else secrets.token_hex(16)
        provider = _save_provider(tenant, channel, vendor, token)
        _save_template(tenant, channel)
        save_campaign_of(tenant, channel.campaign, channel.name, channel.code, channel.type, channel.about)
        if channel.vendor == "telegram":
            told += ["--credential", f"telegram={token}", "--callback", f"telegram={public_url}/webhooks/telegram"]
            told += ["--callback-secret", f"telegram={webhook_token(str(provider.pk), settings.SECRET_KEY)}"]
        else:
            # It reports to the address that each message names.
            told += ["--credential", f"twilio={ACCOUNT}:{token}", "--callback", f"twilio={public_url}"]
            told += ["--callback-secret", f"twilio={token}"]
    return told


def _save_provider(tenant: Tenant, channel: Channel, vendor: str, token: str) -> Provider:
    where = {"tenant": tenant, "provider_type": channel.type, "provider_name": channel.name}
    provider = Provider.objects.filter(**where).first() or Provider(**where)
    provider.configuration = {**channel.configuration, "api_url": vendor + channel.mount}
    provider.is_active = True
    return save_provider(provider, secrets={channel.secret: token}, by=BY)


def _save_template(tenant: Tenant, channel: Channel) -> None:
    where = {"tenant": tenant, "template_code": channel.code}
    template = MessageTemplate.objects.filter(**where).first() or MessageTemplate(**where)
    template.template_name, template.channel, template.body = channel.template, channel.type, channel.body
    template.is_active = True
    save_template(template, by=BY)
