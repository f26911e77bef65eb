"""As a person: a provider set up without typing JSON, a secret that is refused in the clear, a connection tested."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from providers.models import Provider
from tests.browser.person import Person, admit
from tests.browser.test_a_campaign import ana, load, world
from tests.journeys.world import World

__all__ = ["ana", "world"]

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/providers/provider/add/"


def test_a_credential_in_the_clear_is_refused_with_its_place(ana: Person) -> None:
    admit(ana, load())
    ana.open(ADD)
    page = ana.page
    page.get_by_role("link", name="Colar JSON").click()
    page.locator("#id_provider_name").fill("Blip Produção")
    page.locator("#id_provider_type").fill("WHATSAPP")
    pasted = {"provider_vendor": "gateway", "api_url": "https://gateway.example.com", "auth": {"token": "sk-live-1"}}
    page.locator("textarea[name=configuration]").fill(json.dumps(pasted))
    page.get_by_role("button", name="Salvar", exact=True).click()
    row = page.locator(".form-row", has=page.locator("textarea[name=configuration]"))
    expect(row.get_by_text("auth").first).to_be_visible()
    assert not Provider.objects.filter(provider_name="Blip Produção").exists()


def test_a_provider_is_made_with_the_form_and_its_connection_tested(world: World, ana: Person) -> None:
    vendor = world.vendor()
    admit(ana, load(vendor.url))
    ana.open(ADD)
    page = ana.page
    page.get_by_role("link", name="Gateway HTTP").click()
    page.locator("#id_provider_name").fill("Gateway de WhatsApp")
    page.locator("#id_provider_type").fill("WHATSAPP")
    page.locator("#id_configuration__api_url").fill(vendor.url)
    page.get_by_label("Como o Prism se autentica").select_option(label="Sem autenticação")
    page.get_by_role("button", name="Salvar e continuar editando").click()
    expect(page.get_by_role("button", name="Testar conexão")).to_be_visible()
    world.sender()
    page.get_by_role("button", name="Testar conexão").click()
    expect(page.get_by_text("O servidor responde.").first).to_be_visible(timeout=20_000)
    made = Provider.objects.get(provider_name="Gateway de WhatsApp")
    assert made.configuration["api_url"] == vendor.url
    assert made.health == "healthy"


def test_a_vendor_that_nobody_wrote_code_for_is_described_in_the_form(ana: Person) -> None:
    admit(ana, load())
    ana.open(f"{ADD}?vendor=http")
    page = ana.page
    field = "#id_configuration__{}".format
    page.locator("#id_provider_name").fill("SMS da casa")
    page.locator("#id_provider_type").fill("SMS")
    page.locator(field("url")).fill("https://api.sms.example/v1/sms")
    page.locator(field("headers")).fill("X-Canal sms")
    page.locator(field("body")).fill('{"para": "{{to}}"')
    page.locator(field("authentication__type")).select_option("none")
    page.locator(field("answer__message_id")).fill("id")
    page.get_by_role("button", name="Salvar", exact=True).click()
    for name in ("headers", "body"):
        row = page.locator(".form-row", has=page.locator(field(name)))
        expect(row.locator(".errorlist, .text-red-700, .text-red-600").first).to_be_visible()
    page.locator(field("headers")).fill("X-Canal: sms\nX-Pedido: {{dispatch_id}}")
    page.locator(field("body")).fill('{"para": "{{to}}", "texto": "{{body}}"}')
    page.get_by_role("button", name="Salvar", exact=True).click()
    expect(page.get_by_text("SMS da casa").first).to_be_visible()
    assert Provider.objects.get(provider_name="SMS da casa").configuration == {
        "provider_vendor": "http",
        "url": "https://api.sms.example/v1/sms",
        "headers": {"X-Canal": "sms", "X-Pedido": "{{dispatch_id}}"},
        "body": {"para": "{{to}}", "texto": "{{body}}"},
        "authentication": {"type": "none"},
        "answer": {"message_id": "id"},
    }
