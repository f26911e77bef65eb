"""As a person: from the login to a campaign, a trigger through Kafka, and the message found with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import global_settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse
from playwright.sync_api import Browser, Locator, Page, expect

from campaigns.models import Campaign
from tests.browser.person import Person, admit, somebody
from tests.browser.website import Website
from tests.journeys.events import trigger
from tests.journeys.vendor import phone
from tests.journeys.world import World

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a word that nobody guesses 7"
JOURNEY = "black_friday_credito_2026"
ADD = "/admin/campaigns/campaign/add/"


@pytest.fixture
def world(
    process_environment: dict[str, str], tmp_path: Path, group: Callable[[str], str], topic: Callable[..., str]
) -> Iterator[World]:
    triggers, facts = topic("triggers", partitions=1), topic("facts", partitions=1)
    opened = World(process_environment, tmp_path, triggers=triggers, facts=facts, group=group("browser"))
    yield opened
    opened.end()


@pytest.fixture
def ana(browser: Browser, website: Website) -> Iterator[Person]:
    with somebody(browser, website.address) as person:
        yield person
        assert person.troubles == []


def load(vendor_url: str = "http://127.0.0.1:8765") -> User:
    """The sample tenant's providers and templates, without its campaigns; and who authors there."""
    with override_settings(PASSWORD_HASHERS=global_settings.PASSWORD_HASHERS):  # the web process has no quick one
        call_command("load_sample", sandbox_url=vendor_url, admin_username="ana", admin_password=PASSWORD)
    Campaign.objects.all().delete()
    return User.objects.get(username="ana")


def sign_in(person: Person) -> None:
    person.open("/admin/")
    person.page.get_by_label("Usuário").fill("ana")
    person.page.get_by_label("Senha").fill(PASSWORD)
    person.page.get_by_role("button", name="Entrar").click()


def card(page: Page, number: int) -> Locator:
    """What belongs to one provider of the campaign."""
    return page.locator("[data-card]").nth(number)


def choose(page: Page, number: int, provider: str, template: str) -> None:
    page.locator(f"#id_campaign_providers-{number}-provider").select_option(label=provider)
    templates = page.locator(f"#id_campaign_providers-{number}-message_template")
    value = templates.locator("option", has_text=template).first.get_attribute("value")
    templates.select_option(value)


def map_field(page: Page, number: int, placeholder: str, attribute: str) -> None:
    page.locator(f"#id_campaign_providers-{number}-field_mappings-field-{placeholder}").select_option(attribute)


def add_provider(page: Page) -> None:
    page.get_by_role("button", name="Adicionar provedor").click()


def test_from_the_login_to_the_message_and_its_reason(world: World, ana: Person) -> None:
    load(world.vendor().url)
    page = ana.page
    sign_in(ana)
    expect(page).to_have_url(f"{ana.address}/admin/")

    page.get_by_role("link", name="Campanhas").first.click()
    ana.open(ADD)
    page.get_by_label("Nome da jornada").fill(JOURNEY)
    page.get_by_label("Descrição").fill("Campanha de Black Friday para clientes elegíveis")
    choose(page, 0, "Sandbox WhatsApp", "tpl_bf_offer")
    for placeholder, attribute in (
        ("name", "first_name"),
        ("creditvalue", "max_offer_value_formatted"),
        ("credittax", "credit_tax"),
    ):
        map_field(page, 0, placeholder, attribute)
    add_provider(page)
    choose(page, 1, "Sandbox E-mail", "tpl_credit_approved_email")
    for select in page.locator("select[name^='campaign_providers-1-field_mappings-field-']").all():
        if not select.input_value():
            select.select_option("first_name")
    # The message as it will read, before anything is saved.
    expect(card(page, 0).locator("[data-preview-pane]").get_by_text("R$ 50.000,00")).to_be_visible()
    page.get_by_role("button", name="Salvar", exact=True).click()
    expect(page).to_have_url(f"{ana.address}{reverse('admin:campaigns_campaign_changelist')}")
    expect(page.get_by_text(JOURNEY).first).to_be_visible()

    world.consumer()
    good, bad = trigger(JOURNEY), trigger(JOURNEY, phone_number=phone(400))
    world.publish(good, bad)
    world.wait_for_status(good["correlation_id"], "SENT", "SENT")
    world.wait_for_status(bad["correlation_id"], "FAILED", "SENT")

    find(ana, good["correlation_id"])
    expect(page.locator("#result_list tbody tr", has_text="Enviado")).to_have_count(2)
    find(ana, bad["correlation_id"])
    page.locator("#result_list tbody tr", has_text="Falhou").locator("th a, td a").first.click()
    # What was said, and why it did not arrive, in words.
    expect(page.get_by_text("Olá João").first).to_be_visible()
    expect(page.get_by_text("CONTENT_REJECTED").first).to_be_visible()


def find(person: Person, correlation_id: str) -> None:
    """Through the search of the list, as people do it."""
    person.open(reverse("admin:dispatching_dispatch_changelist"))
    search = person.page.locator("#searchbar")
    search.fill(correlation_id)
    search.press("Enter")
    expect(person.page.locator("#result_list tbody tr")).to_have_count(2)


def test_a_placeholder_without_a_field_is_told_beside_it(ana: Person) -> None:
    admit(ana, load())
    ana.open(ADD)
    page = ana.page
    page.get_by_label("Nome da jornada").fill(JOURNEY)
    choose(page, 0, "Sandbox WhatsApp", "tpl_bf_offer")
    map_field(page, 0, "name", "first_name")
    map_field(page, 0, "creditvalue", "")
    map_field(page, 0, "credittax", "credit_tax")
    page.get_by_role("button", name="Salvar", exact=True).click()
    expect(page).to_have_url(f"{ana.address}{ADD}")
    expect(card(page, 0).get_by_role("alert")).to_contain_text("creditvalue")
    # What was chosen is still there.
    expect(page.locator("#id_campaign_providers-0-field_mappings-field-name")).to_have_value("first_name")
    assert not Campaign.objects.exists()


def test_dates_the_wrong_way_round_are_told_beside_them(ana: Person) -> None:
    admit(ana, load())
    ana.open(ADD)
    page = ana.page
    page.get_by_label("Nome da jornada").fill(JOURNEY)
    page.locator("#id_start_date").fill("30/11/2026")
    page.locator("#id_end_date").fill("20/11/2026")
    choose(page, 0, "Sandbox WhatsApp", "tpl_bf_offer")
    page.get_by_role("button", name="Salvar", exact=True).click()
    expect(page).to_have_url(f"{ana.address}{ADD}")
    row = page.locator(".form-row", has=page.locator("#id_end_date"))
    expect(row.locator(".errorlist, [id$=_error], .errors, .text-red-600").first).to_be_visible()
    assert not Campaign.objects.exists()
