"""Vendors that call: a provider, a message that it took, and the calls, as they come to the web process."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponseBase
from django.test import Client

from dispatching.models import Dispatch, ProviderMessage
from dispatching.provider_messages import message_key
from ingestion.models import WebhookCall
from providers.models import Provider
from providers.settings import resolve
from providers.webhook_tokens import webhook_token
from tests.factories import CampaignProviderTemplateFactory, DispatchFactory, ProviderFactory
from tests.web import as_web_process


def talkative(**fields: Any) -> Provider:
    made: Provider = ProviderFactory.create(configuration={"provider_vendor": "talkative"}, **fields)
    return made


def taken(provider: Provider, message_id: str = "m-1", *, known: bool = True) -> Dispatch:
    """A message that the vendor took; `known`: under an id that was recorded already."""
    link = CampaignProviderTemplateFactory.create(
        tenant=provider.tenant,
        campaign_provider__provider=provider,
        campaign_provider__campaign__tenant=provider.tenant,
        template__tenant=provider.tenant,
    )
    dispatch: Dispatch = DispatchFactory.create(link=link)
    if known:
        record(provider, dispatch, message_id)
    return dispatch


def record(provider: Provider, dispatch: Dispatch, message_id: str) -> None:
    key = message_key(str(provider.pk), message_id)
    ProviderMessage.objects.create(key=key, dispatch_id=dispatch.pk, tenant=provider.tenant)


def token(provider: Provider) -> str:
    return webhook_token(str(provider.pk), settings.SECRET_KEY)


def reports(*items: dict[str, str]) -> bytes:
    return json.dumps(items, ensure_ascii=False).encode()


def call(
    provider: Provider | str,
    body: bytes,
    *,
    secret: str | None = None,
    path: str = "/status",
    headers: dict[str, str] | None = None,
    **more: Any,
) -> HttpResponseBase:
    """A POST by the vendor. `secret`: what it shows, by default what it was given; "" shows none."""
    if secret is None:
        secret = token(provider) if isinstance(provider, Provider) else ""
    shown = {"x-secret": secret} if secret else {}
    with as_web_process():
        return Client().post(
            f"/webhooks/{provider.pk if isinstance(provider, Provider) else provider}{path}",
            body,
            content_type="application/json",
            headers={**shown, **(headers or {})},
            **more,
        )


def kept() -> list[WebhookCall]:
    return list(WebhookCall.objects.order_by("id"))


def cannot_read(monkeypatch: pytest.MonkeyPatch, provider: Provider) -> None:
    """From now on, as if this provider's row made no sense."""

    def stumble(**row: Any) -> Any:
        if row["provider_id"] == str(provider.pk):
            raise AttributeError("canary: what the row holds")
        return resolve(**row)

    monkeypatch.setattr("providers.listeners.resolve", stumble)
