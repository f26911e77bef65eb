"""Whose a provider is where its configuration does not say so: told alike by list, filters and registry."""

from __future__ import annotations

from typing import Any

import pytest

from providers.by_vendor import of_vendor
from providers.listing import vendor_of
from providers.models import Provider
from providers.registry import TRANSPORTS
from providers.registry import vendor_of as vendor_named
from tests.factories import ProviderFactory, TenantFactory

pytestmark = pytest.mark.django_db

ROWS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("WHATSAPP", {}),
    ("WHATSAPP", {"provider_vendor": "meta"}),
    ("AI_AGENT", {"bot_identifier": "a@msging.net"}),
    ("TELEGRAM", {}),
    ("EMAIL", {"smtp": {"host": "smtp.example.com"}}),
    ("EMAIL", {"sender": {}}),
    ("EMAIL", {"provider_vendor": "gateway", "smtp": {}}),
    ("PUSH", {"fcm_url": "https://fcm.googleapis.com"}),
    ("PUSH", {}),
    ("SMS", {"provider_vendor": "twilio"}),
    ("SMS", {}),
)


def test_the_filter_finds_exactly_those_that_the_registry_gives_to_a_vendor() -> None:
    tenant = TenantFactory.create()
    for kind, configuration in ROWS:
        ProviderFactory.create(tenant=tenant, provider_type=kind, configuration=configuration)
    for vendor in sorted({*TRANSPORTS, "sendgrid", "smtp"}):
        found = set(Provider.objects.filter(of_vendor(vendor)).values_list("pk", flat=True))
        wanted = {
            row.pk for row in Provider.objects.all() if vendor_named(row.provider_type, row.configuration) == vendor
        }
        assert found == wanted, vendor


def test_a_provider_that_does_not_name_its_vendor_is_shown_with_it() -> None:
    assert vendor_of(Provider(provider_type="WHATSAPP", configuration={})) == "Blip"
    assert vendor_of(Provider(provider_type="SMS", configuration={})) == "—"
