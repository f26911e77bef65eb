"""The template's page over the web role's own connection."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from templates.models import MessageTemplate
from tenants.models import Role, Tenant
from tests.factories import MembershipFactory, TemplateFactory, TenantFactory
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
        "variants": "[]",
        "is_active": "on",
        "versions-TOTAL_FORMS": 0,
        "versions-INITIAL_FORMS": 0,
        **fields,
    }


def test_saving_derives_placeholders_and_keeps_versions(tenant: Tenant, author: Client) -> None:
    with as_web_process():
        added = author.post(f"{LIST}add/", form())
    template = MessageTemplate.objects.get()
    with as_web_process():
        changed = author.post(f"{LIST}{template.pk}/change/", form(body="Oi {{name}} {{credittax}}"))
        page = author.get(f"{LIST}{template.pk}/change/").content.decode()
    assert (added.status_code, changed.status_code) == (302, 302)
    template.refresh_from_db()
    assert (template.tenant, template.placeholders) == (tenant, ["name", "credittax"])
    assert template.created_by
    assert [version.number for version in template.versions.order_by("number")] == [1, 2]
    assert "Olá {{name}}" in page, "the page shows what was sent before"


def test_errors_stand_beside_their_field(tenant: Tenant, author: Client) -> None:
    TemplateFactory(tenant=tenant, template_code="tpl_bf_offer")
    with as_web_process():
        response = author.post(f"{LIST}add/", form(variants='["Oi", ""]'))
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
