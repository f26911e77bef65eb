"""The campaign's page as an author uses it, signed in over the web role's own connection."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from campaigns.models import Campaign, CampaignProvider
from tenants.editions import edition_of
from tenants.models import Role, Tenant
from tests.factories import (
    SEED_MAPPINGS,
    CampaignFactory,
    CampaignProviderTemplateFactory,
    MembershipFactory,
    ProviderFactory,
    SegmentFactory,
    TemplateFactory,
    TenantFactory,
)
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

LIST, ADD = "/admin/campaigns/campaign/", "/admin/campaigns/campaign/add/"


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(slug="acme", locale="en")


@pytest.fixture
def author(tenant: Tenant) -> Client:
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.AUTHOR).user)
    return client


@pytest.fixture
def web(author: Client) -> Iterator[Client]:
    """Asked for last: what a test prepares has to be committed before."""
    with as_web_process():
        yield author


def form(*rows: dict[str, Any], initial: int = 0, **fields: Any) -> dict[str, Any]:
    data = {
        "name": "black_friday_credit_2024",
        "is_active": "on",
        "audience_name": "Clientes Elegíveis",
        "channel": "WHATSAPP",
        "dispatch_mode": "ASYNC",
        "trigger_time": "14:00:00",
        "week_days": "5, 4,3,2,1",
        "timezone": "America/Sao_Paulo",
        "control_group_rate": "10",
        "strategy": "all",
        "campaign_providers-TOTAL_FORMS": len(rows),
        "campaign_providers-INITIAL_FORMS": initial,
        **fields,
    }
    for index, row in enumerate(rows):
        values = {"label": "", "order": "", **row}
        for placeholder, entry in values.pop("field_mappings", SEED_MAPPINGS).items():
            values[f"field_mappings-field-{placeholder}"] = entry["field"] if isinstance(entry, dict) else entry
            values[f"field_mappings-default-{placeholder}"] = entry["default"] if isinstance(entry, dict) else ""
        data |= {f"campaign_providers-{index}-{name}": value for name, value in values.items()}
    return data


def opened(campaign: Campaign) -> dict[str, str]:
    """What the page of the stored campaign carries unseen."""
    return {"edition": edition_of(Campaign.objects.get(pk=campaign.pk))}


def errors_of(response: Any) -> tuple[dict[str, list[str]], list[dict[str, list[str]]]]:
    assert response.status_code == 200
    context = response.context
    return dict(context["adminform"].form.errors), [
        dict(errors) for errors in context["inline_admin_formsets"][0].formset.errors
    ]


@pytest.fixture
def parts(tenant: Tenant) -> dict[str, Any]:
    return {
        "provider": ProviderFactory(tenant=tenant).pk,
        "message_template": TemplateFactory(tenant=tenant).pk,
        "segment": SegmentFactory(tenant=tenant).pk,
    }


@pytest.fixture
def existing(tenant: Tenant) -> Campaign:
    campaign: Campaign = CampaignFactory(tenant=tenant, name="existing")
    CampaignProviderTemplateFactory(campaign_provider__campaign=campaign)
    return campaign


def test_a_campaign_is_made_whole_on_one_page(tenant: Tenant, parts: dict[str, Any], web: Client) -> None:
    row = {"provider": parts["provider"], "message_template": parts["message_template"]}
    response = web.post(ADD, form(row, in_segments=[parts["segment"]]))
    assert response.status_code == 302
    with_owner_rights = Campaign.objects.all()
    assert not with_owner_rights.exists(), "the web role sees nothing outside a request"


def test_what_was_made_is_in_the_database(tenant: Tenant, parts: dict[str, Any], author: Client) -> None:
    row = {"provider": parts["provider"], "message_template": parts["message_template"]}
    with as_web_process():
        author.post(ADD, form(row, in_segments=[parts["segment"]]))
    campaign = Campaign.objects.get()
    assert (campaign.tenant, campaign.week_days, campaign.control_group_rate) == (tenant, "1,2,3,4,5", Decimal(10))
    assert campaign.created_by
    assert campaign.external_id is None
    assert campaign.campaign_providers.get().template_link.field_mappings == SEED_MAPPINGS
    assert campaign.segments.get().pk == parts["segment"]


def test_every_error_stands_beside_its_field(
    tenant: Tenant, parts: dict[str, Any], existing: Campaign, web: Client
) -> None:
    row = {
        "provider": parts["provider"],
        "message_template": parts["message_template"],
        "field_mappings": {"name": "fist_name"},
    }
    response = web.post(
        ADD,
        form(row, name="existing", start_date="2026-11-30", end_date="2026-11-20", week_days="0"),
    )
    fields, rows = errors_of(response)
    assert set(fields) == {"name", "end_date", "week_days"}, fields
    assert "Sunday is 7" in fields["week_days"][0]
    assert set(rows[0]) == {"field_mappings"}
    assert "creditvalue, credittax" in rows[0]["field_mappings"][0]
    assert "fist_name" in " ".join(rows[0]["field_mappings"])


def test_a_template_of_another_channel_is_an_error_of_its_row(
    tenant: Tenant, parts: dict[str, Any], author: Client
) -> None:
    mail = TemplateFactory(tenant=tenant, channel="EMAIL").pk
    with as_web_process():
        response = author.post(ADD, form({"provider": parts["provider"], "message_template": mail}))
    assert set(errors_of(response)[1][0]) == {"message_template"}


def test_what_another_tenant_has_cannot_be_chosen(parts: dict[str, Any], author: Client) -> None:
    other = TenantFactory()
    row = {"provider": ProviderFactory(tenant=other).pk, "message_template": TemplateFactory(tenant=other).pk}
    segment = SegmentFactory(tenant=other).pk
    with as_web_process():
        fields, rows = errors_of(author.post(ADD, form(row, in_segments=[segment])))
    assert set(fields) == {"in_segments"}
    assert set(rows[0]) == {"provider", "message_template"}


def test_a_change_keeps_the_row_of_a_provider_and_writes_the_journal(
    tenant: Tenant, existing: Campaign, author: Client
) -> None:
    link = existing.campaign_providers.get()
    row = {
        "id": link.pk,
        "campaign": existing.pk,
        "provider": link.provider_id,
        "message_template": link.template_link.template_id,
        "label": "VIP",
    }
    path = f"{LIST}{existing.pk}/change/"
    edition = opened(existing)
    with as_web_process():
        page = author.get(path).content.decode()
        response = author.post(path, form(row, initial=1, name="existing", description="new", **edition))
        history = author.get(f"{LIST}{existing.pk}/history/").content.decode()
    assert "max_offer_value_formatted" in page
    assert response.status_code == 302, errors_of(response)
    changed = CampaignProvider.objects.get()
    assert (changed.pk, changed.label) == (link.pk, "VIP")
    assert "VIP" in history


def test_a_provider_is_taken_out(existing: Campaign, author: Client) -> None:
    link = existing.campaign_providers.get()
    row = {
        "id": link.pk,
        "campaign": existing.pk,
        "provider": link.provider_id,
        "message_template": link.template_link.template_id,
        "DELETE": "on",
    }
    edition = opened(existing)
    with as_web_process():
        response = author.post(f"{LIST}{existing.pk}/change/", form(row, initial=1, name="existing", **edition))
    assert response.status_code == 302
    assert not CampaignProvider.objects.exists()


def test_a_provider_that_comes_twice_is_told_beside_its_second_row(parts: dict[str, Any], author: Client) -> None:
    row = {"provider": parts["provider"], "message_template": parts["message_template"]}
    with as_web_process():
        _fields, rows = errors_of(author.post(ADD, form(row, row)))
    assert rows == [{}, {"provider": ["This provider is already in the campaign."]}]


def test_a_row_that_was_added_and_taken_out_again_is_no_row(
    parts: dict[str, Any], existing: Campaign, author: Client
) -> None:
    link = existing.campaign_providers.get()
    stays = {"id": link.pk, "campaign": existing.pk, "provider": link.provider_id}
    rows = (
        {**stays, "message_template": link.template_link.template_id},
        {"DELETE": "on", "order": "2"},
        {"DELETE": "on", "provider": parts["provider"], "message_template": parts["message_template"]},
        {"order": "3", "field_mappings": {}},
    )
    edition = opened(existing)
    with as_web_process():
        response = author.post(f"{LIST}{existing.pk}/change/", form(*rows, initial=1, name="existing", **edition))
        assert response.status_code == 302, errors_of(response)
    assert CampaignProvider.objects.get() == link


def test_the_control_group_is_drawn_anew_on_purpose(existing: Campaign, author: Client) -> None:
    chosen = {"action": "rerandomise", "_selected_action": [str(existing.pk)]}
    with as_web_process():
        asked = author.post(LIST, chosen).content.decode()
        author.post(LIST, {**chosen, "confirmed": "yes"})
    assert "Draw the control group of 1 campaign anew?" in asked
    assert Campaign.objects.get().control_salt != existing.control_salt


def test_another_tenants_campaign_is_not_there(author: Client) -> None:
    other = CampaignFactory(name="secret_of_others")
    with as_web_process():
        assert "secret_of_others" not in author.get(LIST).content.decode()
        assert author.get(f"{LIST}{other.pk}/change/").status_code == 302


def test_a_viewer_reads_and_changes_nothing(tenant: Tenant, existing: Campaign) -> None:
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.VIEWER).user)
    path = f"{LIST}{existing.pk}/change/"
    with as_web_process():
        assert client.get(path).status_code == 200
        assert client.post(path, form(name="existing", description="x")).status_code == 403
        assert client.get(ADD).status_code == 403
