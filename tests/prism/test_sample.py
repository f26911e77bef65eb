from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from audiences.models import Segment
from campaigns.control import bucket, in_control
from campaigns.models import Campaign, CampaignProvider, CampaignProviderTemplate
from prism.sample.entities import read_sample
from providers.models import Provider
from templates.models import MessageTemplate, TemplateVersion
from tenants.models import Membership, Role
from tests.factories import SEED_BODY, SEED_MAPPINGS

pytestmark = pytest.mark.django_db

URL = "http://127.0.0.1:8765"


@pytest.fixture(autouse=True)
def sandbox_is_local(settings: Any) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = True


def load(**options: Any) -> str:
    out = StringIO()
    call_command("load_sample", sandbox_url=options.pop("sandbox_url", URL), stdout=out, **options)
    return out.getvalue()


def test_the_seeds_campaign_is_loaded_as_the_seed_has_it() -> None:
    load()
    campaign = Campaign.objects.get(name="black_friday_credit_2024")
    assert campaign.tenant.slug == "default"
    assert (campaign.dispatch_mode, str(campaign.trigger_time), campaign.week_days) == (
        "ASYNC",
        "14:00:00",
        "1,2,3,4,5",
    )
    assert (str(campaign.control_group_rate), campaign.start_date, campaign.end_date) == ("10.00", None, None)
    link = CampaignProviderTemplate.objects.get(campaign_provider__campaign=campaign)
    assert (link.template.template_code, link.template.body) == ("tpl_bf_offer", SEED_BODY)
    assert (link.template.placeholders, link.field_mappings) == (["name", "creditvalue", "credittax"], SEED_MAPPINGS)
    assert campaign.segments.get().code == "seg_high_ltv"


def test_there_are_both_modes_both_strategies_and_both_providers() -> None:
    load()
    assert set(Campaign.objects.values_list("dispatch_mode", "strategy")) == {
        ("ASYNC", "all"),
        ("SYNC", "all"),
        ("SYNC", "fallback"),
    }
    providers = Provider.objects.all()
    assert {provider.provider_type for provider in providers} == {"WHATSAPP", "EMAIL"}
    assert {provider.configuration["api_url"] for provider in providers} == {URL}


def test_loading_twice_changes_nothing_and_keeps_what_a_person_changed() -> None:
    load()
    Campaign.objects.filter(name="credit_approved").update(description="mine")
    models = (Campaign, CampaignProvider, MessageTemplate, TemplateVersion, Provider, Segment)
    before = [list(model.objects.order_by("pk").values()) for model in models]
    assert "written: nothing" in load()
    assert [list(model.objects.order_by("pk").values()) for model in models] == before
    load(reset=True)
    assert Campaign.objects.get(name="credit_approved").description != "mine"


def test_the_providers_follow_the_sandbox_to_its_new_address() -> None:
    load()
    load(sandbox_url="http://127.0.0.1:9999")
    assert {one.configuration["api_url"] for one in Provider.objects.all()} == {"http://127.0.0.1:9999"}


def test_an_address_that_is_none_is_refused_and_nothing_is_written() -> None:
    with pytest.raises(CommandError):
        load(sandbox_url="nowhere")
    assert not Campaign.objects.exists()
    assert not Segment.objects.exists()


def test_the_example_of_the_control_group_is_in_it_and_the_seeds_contact_is_not() -> None:
    load()
    for name, tax_id, expected in (
        ("credit_reactivation", "11222333000181", True),
        ("credit_reactivation", "12345678000190", False),
        ("black_friday_credit_2024", "12345678000190", False),
    ):
        campaign = Campaign.objects.get(name=name)
        found = in_control(bucket(campaign.control_salt.bytes, tax_id), campaign.control_group_rate)
        assert found is expected, (name, tax_id)


def test_the_administrator_can_sign_in_with_the_password_given_last() -> None:
    load()
    assert not get_user_model().objects.exists()
    load(admin_password="first")
    load(admin_password="second")
    request = RequestFactory().post("/admin/login/")
    user = authenticate(request, username="admin", password="second")
    assert user is not None
    assert user.is_superuser
    assert Membership.objects.get(user=user).role == Role.ADMIN
    assert authenticate(request, username="admin", password="first") is None


def test_the_file_is_read_strictly() -> None:
    assert len(read_sample().campaigns) == 4
