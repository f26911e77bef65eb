"""An Evolution provider may be bound to one person, at most one each (seed 003)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from pytest_django import Settings

from providers.authoring import save_provider
from providers.models import Provider
from tests.factories import ProviderFactory, TenantFactory, UserFactory

pytestmark = pytest.mark.django_db

EVOLUTION = {
    "provider_vendor": "evolution",
    "api_url": "https://evolution.example.com",
    "instance": "growth",
    "authentication": {"api_key_env_var": "PRISM_PROVIDER_EVOLUTION_KEY"},
}


@pytest.fixture(autouse=True)
def allowed(settings: Settings) -> None:
    settings.PROVIDER_ENV_ALLOW_LIST = ["PRISM_PROVIDER_*"]


def evolution(**fields: Any) -> Provider:
    made: Provider = ProviderFactory.create(configuration=EVOLUTION, **fields)
    return made


def test_a_second_evolution_provider_of_one_person_is_refused_with_words() -> None:
    tenant, ana = TenantFactory.create(), UserFactory.create()
    evolution(tenant=tenant, owner=ana)
    second = ProviderFactory.build(tenant=tenant, owner=ana, configuration=EVOLUTION)
    with pytest.raises(ValidationError, match="This person has an Evolution provider already"):
        save_provider(second, by="ana")
    with pytest.raises(IntegrityError, match="provider_evolution_once_per_owner"), transaction.atomic():
        evolution(tenant=tenant, owner=ana)


def test_it_may_be_saved_again_and_others_may_have_one_too() -> None:
    tenant, ana = TenantFactory.create(), UserFactory.create()
    save_provider(evolution(tenant=tenant, owner=ana), by="ana")
    evolution(tenant=tenant, owner=UserFactory.create())
    evolution(tenant=TenantFactory.create(), owner=ana)
    for _ in range(2):
        evolution(tenant=tenant, owner=None)
        ProviderFactory.create(tenant=tenant, owner=ana)
    assert Provider.objects.count() == 8 - 1


def test_a_provider_that_becomes_an_evolution_one_counts_too() -> None:
    tenant, ana = TenantFactory.create(), UserFactory.create()
    evolution(tenant=tenant, owner=ana)
    other = ProviderFactory.create(tenant=tenant, owner=ana)
    other.configuration = EVOLUTION
    with pytest.raises(ValidationError, match="Evolution"):
        save_provider(other, by="ana")
