"""The template's page over the web role's own connection."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns.models import CampaignProviderTemplate
from templates.models import MessageTemplate
from tenants.editions import edition_of
from tenants.models import Role, Tenant
from tests.factories import (
    CampaignProviderTemplateFactory,
    MembershipFactory,
    ProviderFactory,
    TemplateFactory,
    TenantFactory,
)
from tests.web import as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/templates/messagetemplate/"


@pytest.fixture
def tenant() -> Tenant:
    return TenantFactory(locale="en")


@pytest.fixture
def author(tenant: Tenant) -> Client:
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=Role.AUTHOR).user)
    return client


def form(**fields: Any) -> dict[str, Any]:
    return {
        "template_code": "tpl_bf_offer",
        "locale": "pt-br",
        "template_name": "Black Friday - Oferta de Crédito",
        "channel": "WHATSAPP",
        "body": "Olá {{name}}",
        "variants": ["", " "],
        "is_active": "on",
        **fields,
    }


def preview(client: Client, **asked: Any) -> str:
    response = client.post(f"{LIST}preview/", json.dumps(asked), content_type="application/json")
    assert response.status_code == 200
    return response.content.decode()


def test_saving_derives_placeholders_and_keeps_versions(tenant: Tenant, author: Client) -> None:
    with as_web_process():
        added = author.post(f"{LIST}add/", form())
    template = MessageTemplate.objects.get()
    changed_form = form(body="Oi {{name}}\r\n{{credittax}}", variants=["Ei {{name}}"], edition=edition_of(template))
    with as_web_process():
        changed = author.post(f"{LIST}{template.pk}/change/", changed_form)
        page = author.get(f"{LIST}{template.pk}/change/").content.decode()
    assert (added.status_code, changed.status_code) == (302, 302)
    template.refresh_from_db()
    assert (template.tenant, template.placeholders) == (tenant, ["name", "credittax"])
    assert (template.body, template.variants) == ("Oi {{name}}\n{{credittax}}", ["Ei {{name}}"])
    assert template.created_by
    assert [version.number for version in template.versions.order_by("number")] == [1, 2]
    assert "<del>Olá</del><ins>Oi</ins>" in page, "the page shows what a version changed"


def test_errors_stand_beside_their_field(tenant: Tenant, author: Client) -> None:
    TemplateFactory(tenant=tenant, template_code="tpl_bf_offer")
    with as_web_process():
        response = author.post(f"{LIST}add/", form(variants=["Oi", "x" * 100_001]))
    errors = response.context["adminform"].form.errors
    assert set(errors) == {"template_code", "variants"}
    assert len(errors["template_code"]) == 1


def test_the_author_is_warned_of_what_only_looks_like_a_placeholder(author: Client) -> None:
    with as_web_process():
        response = author.post(f"{LIST}add/", form(body="Olá {{ name }}"))
    assert any("{{ name }}" in str(message) for message in get_messages(response.wsgi_request))


def test_a_template_has_no_delete_button(tenant: Tenant, author: Client) -> None:
    template = TemplateFactory(tenant=tenant)
    with as_web_process():
        assert author.post(f"{LIST}{template.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_page_names_the_campaigns_that_use_the_template(tenant: Tenant, author: Client) -> None:
    link: CampaignProviderTemplate = CampaignProviderTemplateFactory(campaign_provider__campaign__tenant=tenant)
    campaign = link.campaign_provider.campaign
    with as_web_process():
        page = author.get(f"{LIST}{link.template_id}/change/").content.decode()
    assert f'href="/admin/campaigns/campaign/{campaign.pk}/change/">{campaign.name}' in page


def test_a_second_editor_is_told_of_the_first_and_may_insist(tenant: Tenant, author: Client) -> None:
    template = TemplateFactory(tenant=tenant, template_code="tpl_bf_offer", template_name="as opened")
    opened = edition_of(template)
    url = f"{LIST}{template.pk}/change/"
    with as_web_process():
        assert author.post(url, form(template_name="first", edition=opened)).status_code == 302
        refused = author.post(url, form(template_name="second", edition=opened))
        told = " ".join(refused.context["adminform"].form.non_field_errors())
        insisting = refused.context["adminform"].form["edition"].value()
    assert refused.status_code == 200
    assert "changed this on" in told
    assert "Name" in told
    assert MessageTemplate.objects.get().template_name == "first"
    with as_web_process():
        assert author.post(url, form(template_name="second", edition=insisting)).status_code == 302
    assert MessageTemplate.objects.get().template_name == "second"


def test_a_form_without_its_edition_is_refused(tenant: Tenant, author: Client) -> None:
    template = TemplateFactory(tenant=tenant, template_code="tpl_bf_offer")
    with as_web_process():
        assert author.post(f"{LIST}{template.pk}/change/", form()).status_code == 200


def test_the_preview_reads_as_the_campaign_that_uses_it(tenant: Tenant, author: Client) -> None:
    link = CampaignProviderTemplateFactory(campaign_provider__campaign__tenant=tenant)
    with as_web_process():
        text = preview(
            author, id=str(link.template_id), channel="WHATSAPP", body="Oi {{name}} {{last_name}} {{novo}} { x }"
        )
    assert "Oi João Silva" in text
    assert '<mark class="prism-missing">{{novo}}</mark>' in text
    assert "No example for novo" in text
    assert "{ x }" in text.split('role="alert"')[1]


def test_a_page_is_shown_in_a_frame_that_runs_nothing(author: Client) -> None:
    body = "<p>Oi {{first_name}}</p><script>alert(1)</script>"
    with as_web_process():
        text = preview(author, channel="EMAIL", subject="Oi", body=body)
    assert 'sandbox=""' in text
    assert "<script>" not in text
    assert "&lt;p&gt;Oi João&lt;/p&gt;" in text


def test_nothing_of_another_tenant_is_previewed(author: Client) -> None:
    link = CampaignProviderTemplateFactory(field_mappings={"name": {"field": "x", "default": "SECRET"}})
    with as_web_process():
        assert "SECRET" not in preview(author, id=str(link.template_id), channel="SMS", body="Oi {{name}}")
        assert preview(author, id="no id", body=None, variants="x")


def test_the_list_asks_as_often_for_many_templates_as_for_few(tenant: Tenant, author: Client) -> None:
    counts = []
    for _round in range(2):
        TemplateFactory.create_batch(4, tenant=tenant)
        with as_web_process(), CaptureQueriesContext(connection) as queries:
            assert author.get(LIST).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_channels_in_use_are_suggested(tenant: Tenant, author: Client) -> None:
    ProviderFactory(tenant=tenant, provider_type="RCS")
    ProviderFactory(provider_type="FOREIGN")
    with as_web_process():
        page = author.get(f"{LIST}add/").content.decode()
    assert '<option value="RCS">' in page
    assert "FOREIGN" not in page
