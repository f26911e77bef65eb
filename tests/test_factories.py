"""Every factory makes rows that the database takes, and two of a kind do not meet."""

from __future__ import annotations

from typing import Any

import factory
import pytest
from django.db import connection

from dispatching.models import Dispatch
from providers.models import Provider
from tests import factories

ALL = [
    made
    for made in vars(factories).values()
    if isinstance(made, type)
    and issubclass(made, factory.django.DjangoModelFactory)
    and made.__module__ == factories.__name__
]


@pytest.mark.django_db
@pytest.mark.parametrize("made", ALL, ids=lambda made: made.__name__)
def test_rows_are_taken_by_the_database(made: Any) -> None:
    one, other = made(), made()
    connection.check_constraints()
    assert one.pk != other.pk
    assert type(one)._base_manager.filter(pk__in=[one.pk, other.pk]).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize(
    "made",
    [
        factories.ProviderFactory,
        factories.TemplateFactory,
        factories.CampaignFactory,
        factories.CampaignProviderTemplateFactory,
    ],
    ids=lambda made: made.__name__,
)
def test_configuration_passes_the_checks_that_an_author_meets(made: Any, settings: Any) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    made().full_clean()


@pytest.mark.django_db
def test_a_dispatch_hangs_together_within_one_tenant() -> None:
    dispatch = factories.DueDispatchFactory(dispatch__link__campaign_provider__campaign__scheduled=True)
    row = Dispatch.objects.get(pk=dispatch.dispatch_id)
    assert row.campaign is not None
    assert row.template_version is not None
    assert row.dispatch_mode == "ASYNC"
    assert Provider.objects.get(pk=dispatch.provider_id).tenant == row.tenant == row.campaign.tenant
    assert row.template_version.template_id == row.template_id
