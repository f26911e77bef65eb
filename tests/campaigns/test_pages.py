"""What the campaign's pages answer beside saving: previews, the next send, lists, copies, switches, second editors."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, CampaignProviderTemplate
from providers.models import Provider
from tenants.editions import edition_of
from tenants.models import Role, Tenant
from tests.campaigns.test_admin import ADD, LIST, form
from tests.factories import (
    AttributeDefinitionFactory,
    CampaignFactory,
    CampaignProviderFactory,
    CampaignProviderTemplateFactory,
    DispatchFactory,
    MembershipFactory,
    ProviderFactory,
    TemplateFactory,
    TenantFactory,
)
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(slug="acme", locale="en")


@pytest.fixture
def author(tenant: Tenant) -> Client:
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.AUTHOR, user__username="maria").user)
    return client


@pytest.fixture
def link(tenant: Tenant) -> CampaignProviderTemplate:
    made: CampaignProviderTemplate = CampaignProviderTemplateFactory(
        campaign_provider__campaign__tenant=tenant, campaign_provider__campaign__name="existing"
    )
    return made


def preview(client: Client, **asked: Any) -> str:
    response = client.post(f"{LIST}preview/", json.dumps(asked), content_type="application/json")
    assert response.status_code == 200
    return response.content.decode()


def row_of(link: CampaignProviderTemplate, **fields: Any) -> dict[str, Any]:
    part = link.campaign_provider
    values = {"id": part.pk, "campaign": part.campaign_id, "provider": part.provider_id}
    return {**values, "message_template": link.template_id, **fields}


def test_the_preview_is_the_message_with_the_examples(link: CampaignProviderTemplate, author: Client) -> None:
    asked = {"template": str(link.template_id), "mapping": link.field_mappings}
    with as_web_process():
        assert "Olá João, chegou a Black Friday! Você tem uma oferta de crédito de R$ 50.000,00" in preview(
            author, **asked
        )
        unmapped = preview(author, **{**asked, "mapping": {"name": "first_name"}})
    assert '<mark class="prism-missing">{{creditvalue}}</mark>' in unmapped
    assert "Not mapped: creditvalue, credittax." in unmapped


def test_a_pasted_event_takes_the_place_of_the_examples(link: CampaignProviderTemplate, author: Client) -> None:
    event = {"journey_name": "x", "contact_attributes": {"first_name": "<Ana>", "credit_tax": 2.5}}
    asked = {"template": str(link.template_id), "mapping": link.field_mappings}
    with as_web_process():
        pasted = preview(author, **asked, contact=json.dumps(event))
        broken = preview(author, **asked, contact='{"first_name": ')
        listed = preview(author, **asked, contact="[1]")
    assert "Olá &lt;Ana&gt;, chegou" in pasted
    assert "taxa de 2.5." in pasted
    assert "This contact lacks max_offer_value_formatted" in pasted
    assert "not valid JSON (line 1)" in broken
    assert "Olá João" in broken
    assert "no object of attributes" in listed


def test_the_providers_own_limit_is_told(tenant: Tenant, author: Client) -> None:
    provider = ProviderFactory(tenant=tenant, provider_type="SMS")
    Provider.objects.filter(pk=provider.pk).update(configuration={"features": {"character_limit": 10}})
    template = TemplateFactory(tenant=tenant, channel="SMS", body="twelve chars")
    with as_web_process():
        text = preview(author, template=str(template.pk), provider=str(provider.pk), mapping={})
    assert "12 of 10 characters" in text
    assert "too long" in text


def test_nothing_of_another_tenant_is_previewed(author: Client) -> None:
    template = TemplateFactory(body="SECRET")
    with as_web_process():
        assert "SECRET" not in preview(author, template=str(template.pk), mapping={})
        assert "SECRET" not in preview(author, template="not an id", mapping=[])
        assert author.get(f"{LIST}preview/").status_code == 405
        assert Client().post(f"{LIST}preview/", "{}", content_type="application/json").status_code == 302


def test_the_next_send_follows_what_is_typed(author: Client) -> None:
    typed = {"dispatch_mode": "ASYNC", "trigger_time": "14:00", "timezone": "America/Sao_Paulo"}
    with as_web_process():
        known = author.get(f"{LIST}next-send/", {**typed, "week_days": ["1", "2"]}).json()
        incomplete = author.get(f"{LIST}next-send/", typed).json()
        nonsense = author.get(
            f"{LIST}next-send/", {**typed, "week_days": "x", "trigger_time": "25:99", "end_date": "?"}
        )
    assert known["text"].endswith("14:00")
    assert known["text"][:3] in ("mon", "tue")
    assert incomplete == {"text": ""}
    assert nonsense.json() == {"text": ""}


def test_without_scripts_a_new_template_is_mapped_in_two_steps(
    tenant: Tenant, link: CampaignProviderTemplate, author: Client
) -> None:
    AttributeDefinitionFactory(tenant=tenant, name="voucher")
    other = TemplateFactory(tenant=tenant, body="{{name}} {{voucher}} {{until}}")
    row = row_of(link, message_template=other.pk)
    edition = {"edition": edition_of(link.campaign_provider.campaign)}
    url = f"{LIST}{link.campaign_provider.campaign_id}/change/"
    with as_web_process():
        first = author.post(url, form(row, initial=1, name="existing", **edition))
        page = first.content.decode()
        mapping = {"name": "first_name", "voucher": "voucher", "until": {"field": "voucher", "default": "soon"}}
        second = author.post(url, form({**row, "field_mappings": mapping}, initial=1, name="existing", **edition))
    stem = "campaign_providers-0-field_mappings-field-"
    assert first.status_code == 200
    assert "voucher, until" in page
    assert all(f'name="{stem}{name}"' in page for name in ("name", "voucher", "until"))
    assert f'name="{stem}creditvalue"' not in page
    assert '<option value="first_name" selected>' in page, "what stays is kept"
    assert '<option value="voucher" selected>' in page, "the attribute of the same name is suggested"
    assert second.status_code == 302
    assert CampaignProviderTemplate.objects.get().field_mappings == mapping


def test_rows_are_saved_in_the_order_of_their_places(tenant: Tenant, author: Client) -> None:
    template = TemplateFactory(tenant=tenant)
    providers = ProviderFactory.create_batch(3, tenant=tenant)
    rows = [
        {"provider": provider.pk, "message_template": template.pk, "order": order}
        for provider, order in zip(providers, (2, 3, 1), strict=True)
    ]
    with as_web_process():
        assert author.post(ADD, form(*rows)).status_code == 302
    saved = Campaign.objects.get().campaign_providers.values_list("provider_id", flat=True)
    assert list(saved) == [providers[2].pk, providers[0].pk, providers[1].pk]


def test_what_is_switched_off_is_offered_only_where_it_is_used(
    tenant: Tenant, link: CampaignProviderTemplate, author: Client
) -> None:
    Provider.objects.filter(pk=link.campaign_provider.provider_id).update(is_active=False)
    unused = ProviderFactory(tenant=tenant, is_active=False, provider_name="unused gateway")
    url = f"{LIST}{link.campaign_provider.campaign_id}/change/"
    edition = {"edition": edition_of(link.campaign_provider.campaign)}
    with as_web_process():
        page = author.get(url).content.decode()
        kept = author.post(url, form(row_of(link), initial=1, name="existing", **edition))
        row = {"provider": unused.pk, "message_template": link.template_id}
        refused = author.post(ADD, form(row, name="other"))
    assert "(inactive)" in page
    assert "unused gateway" not in page
    assert kept.status_code == 302
    assert "switched off" in str(refused.context["inline_admin_formsets"][0].formset.errors[0]["provider"])


def test_the_page_asks_as_often_for_many_rows_as_for_few(
    tenant: Tenant, link: CampaignProviderTemplate, author: Client
) -> None:
    counts = []
    for _round in range(2):
        for _ in range(3):
            CampaignProviderTemplateFactory(
                campaign_provider=CampaignProviderFactory(campaign=link.campaign_provider.campaign)
            )
        with as_web_process(), CaptureQueriesContext(connection) as queries:
            assert author.get(f"{LIST}{link.campaign_provider.campaign_id}/change/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 40


def test_a_second_editor_is_told_who_came_first_and_may_insist(link: CampaignProviderTemplate, author: Client) -> None:
    campaign = link.campaign_provider.campaign
    url, opened = f"{LIST}{campaign.pk}/change/", edition_of(campaign)
    first = form(row_of(link), initial=1, name="existing", description="first", edition=opened)
    second = {**first, "description": "second", "campaign_providers-0-label": "VIP"}
    with as_web_process():
        assert author.post(url, first).status_code == 302
        refused = author.post(url, second)
    answer = refused.context["adminform"].form
    told = " ".join(answer.non_field_errors())
    assert refused.status_code == 200
    assert "maria changed this on" in told
    assert "Description" in told
    assert "second" in refused.content.decode()
    assert 'value="VIP"' in refused.content.decode()
    assert Campaign.objects.get().description == "first"
    with as_web_process():
        assert author.post(url, {**second, "edition": answer["edition"].value()}).status_code == 302
    assert Campaign.objects.get().description == "second"


def test_a_viewer_sees_mapping_and_providers(tenant: Tenant, link: CampaignProviderTemplate) -> None:
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.VIEWER).user)
    with as_web_process():
        page = client.get(f"{LIST}{link.campaign_provider.campaign_id}/change/").content.decode()
    assert "max_offer_value_formatted" in page
    assert link.campaign_provider.provider.provider_name in page
    assert "Add provider" not in page


def test_the_list_asks_as_often_for_many_campaigns_as_for_few(tenant: Tenant, author: Client) -> None:
    counts = []
    for _round in range(2):
        for _ in range(3):
            CampaignProviderTemplateFactory(
                campaign_provider__campaign__tenant=tenant,
                campaign_provider__campaign__scheduled=True,
                campaign_provider__campaign__owner=MembershipFactory(tenant=tenant).user,
            )
        with as_web_process(), CaptureQueriesContext(connection) as queries:
            assert author.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 30


def test_the_list_tells_states_and_filters_by_them(tenant: Tenant, author: Client) -> None:
    today = dt.datetime.now(dt.UTC).date()
    CampaignFactory(tenant=tenant, name="runs_now")
    CampaignFactory(tenant=tenant, name="comes_later", start_date=today + dt.timedelta(5))
    CampaignFactory(tenant=tenant, name="is_over", end_date=today - dt.timedelta(5))
    CampaignFactory(tenant=tenant, name="is_off", is_active=False)
    names = {"active": "runs_now", "upcoming": "comes_later", "ended": "is_over", "inactive": "is_off"}
    with as_web_process():
        everything = author.get(LIST).content.decode()
        found = {state: author.get(LIST, {"state": state}).content.decode() for state in names}
    assert all(name in everything for name in names.values())
    for state, expected in names.items():
        assert [name for name in names.values() if name in found[state]] == [expected]


def test_switching_asks_first_and_tells_what_stays_off(
    tenant: Tenant, link: CampaignProviderTemplate, author: Client
) -> None:
    empty = CampaignFactory(tenant=tenant, name="empty", is_active=False)
    Campaign.objects.filter(pk=link.campaign_provider.campaign_id).update(is_active=False)
    chosen = {"action": "activate", "_selected_action": [str(empty.pk), str(link.campaign_provider.campaign_id)]}
    with as_web_process():
        asked = author.post(LIST, chosen).content.decode()
        done = author.post(LIST, {**chosen, "confirmed": "yes"}, follow=True).content.decode()
        history = author.get(f"{LIST}{link.campaign_provider.campaign_id}/history/").content.decode()
    assert "Activate 2 campaigns?" in asked
    assert "1 campaign activated." in done
    assert "“empty” stays inactive: It has no provider" in done
    assert "Activate" in history
    assert set(Campaign.objects.filter(is_active=True)) == {link.campaign_provider.campaign}


def test_a_copy_is_made_after_a_question(link: CampaignProviderTemplate, author: Client) -> None:
    url = f"{LIST}{link.campaign_provider.campaign_id}/duplicate/"
    with as_web_process():
        assert "Duplicate “existing”?" in author.get(url).content.decode()
        before = author.get(LIST).content.decode()
        page = author.post(url, follow=True).content.decode()
    assert "existing_copy" not in before
    assert "existing_copy" in page
    assert Campaign.objects.filter(is_active=False).count() == 1


def test_the_switch_of_the_page_asks_too(link: CampaignProviderTemplate, author: Client) -> None:
    with as_web_process():
        page = author.get(f"{LIST}{link.campaign_provider.campaign_id}/switch/").content.decode()
    assert "Deactivate 1 campaign?" in page
    assert Campaign.objects.get().is_active


def test_neither_foreign_campaigns_nor_readers_get_a_copy_or_a_switch(
    tenant: Tenant, link: CampaignProviderTemplate
) -> None:
    foreign = CampaignFactory(name="secret_of_others")
    author, viewer = Client(), Client()
    author.force_login(MembershipFactory(tenant=tenant, role=Role.AUTHOR).user)
    viewer.force_login(MembershipFactory(tenant=tenant, role=Role.VIEWER).user)
    with as_web_process():
        for verb in ("duplicate", "switch"):
            assert author.post(f"{LIST}{foreign.pk}/{verb}/").status_code == 403
            assert viewer.post(f"{LIST}{link.campaign_provider.campaign_id}/{verb}/").status_code == 403
            assert author.post(f"{LIST}nonsense/{verb}/").status_code == 403
    assert Campaign.objects.count() == 2


def test_a_campaign_with_a_history_is_not_deleted(link: CampaignProviderTemplate, author: Client) -> None:
    campaign = link.campaign_provider.campaign
    DispatchFactory(link=link)
    with as_web_process():
        refused = author.post(f"{LIST}{campaign.pk}/delete/", {"post": "yes"}, follow=True).content.decode()
        chosen = {"action": "delete_selected", "_selected_action": [str(campaign.pk)], "post": "yes"}
        author.post(LIST, chosen, follow=True)
    assert "has a history of dispatches" in refused
    assert Campaign.objects.get() == campaign
