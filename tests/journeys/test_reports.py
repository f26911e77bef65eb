"""What vendors report: from a message that they took, over HTTP to the website and on to its fact in Kafka."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from providers.models import Provider
from providers.registry import TRANSPORTS
from tenants.keys import SCOPES, mint_key
from tests.factories import ProviderFactory, TemplateFactory
from tests.journeys import campaigns
from tests.journeys.events import trigger
from tests.journeys.vendor import phone
from tests.journeys.web import WebProcess, free_port
from tests.journeys.world import World

pytestmark = pytest.mark.django_db(transaction=True)

WORD, VARIABLE = "a-word-that-only-the-vendor-knows", "PRISM_PROVIDER_WORD"
VARIABLES = {"name": "Ana", "creditvalue": "R$ 10", "credittax": "1%"}
# Recipient's code, and where its message ends.
STORIES = {"000": "READ", "901": "FAILED", "902": "READ", "903": "READ", "906": "SENT", "907": "SENT", "908": "SENT"}

EARLY = "905"


def gateway(url: str) -> Provider:
    return campaigns.provider(url, webhook={"signing_key_env_var": VARIABLE})


def meta(url: str) -> Provider:
    hooks = {"app_secret_env_var": VARIABLE, "verify_token_env_var": VARIABLE}
    example = {key: part for key, part in TRANSPORTS["meta"].example.items() if key != "template"}
    return of(url, "WHATSAPP", {**example, "authentication": {"token_env_var": VARIABLE}, "webhook": hooks})


def twilio(url: str) -> Provider:
    account = {"account_sid": "AC" + "0" * 32, "auth_token_env_var": VARIABLE, "sender_id": "+15005550006"}
    return of(f"{url}/2010-04-01", "SMS", {"provider_vendor": "twilio", **account})


def of(url: str, kind: str, configuration: dict[str, Any]) -> Provider:
    made: Provider = ProviderFactory.create(
        tenant=campaigns.tenant(), provider_type=kind, configuration={**configuration, "api_url": url}
    )
    return made


@pytest.mark.parametrize(("name", "make"), [("gateway", gateway), ("meta", meta), ("twilio", twilio)])
def test_reports_reach_the_message_its_history_and_its_facts(
    world: World, name: str, make: Callable[[str], Provider]
) -> None:
    web_port, vendor_port = free_port(), free_port()
    world.environment |= {VARIABLE: WORD, "PROVIDER_ENV_ALLOW_LIST": "PRISM_PROVIDER_*"}
    world.environment["PUBLIC_URL"] = f"http://127.0.0.1:{web_port}"
    provider = make(f"http://127.0.0.1:{vendor_port}/{name}".removesuffix("/gateway"))
    TemplateFactory.create(tenant=provider.tenant, template_code="offer", channel=provider.provider_type)
    key = mint_key(tenant_id=provider.tenant_id, name="crm", scopes=list(SCOPES))[1]
    address = f"{name}={world.environment['PUBLIC_URL']}/webhooks/{provider.pk}/status"
    world.vendor("--callback", address, "--callback-secret", f"{name}={WORD}", port=vendor_port)
    world.sender().wait_for_output("started")
    world.relay()
    web = WebProcess(world.environment, world.place / "web.log", port=web_port)
    world.workers.append(web)
    # Twilio's calls name our dispatch in their address: whatever id they tell, it is that message.
    stories = {**STORIES, "908": "READ"} if name == "twilio" else STORIES
    if name == "twilio":  # and of an SMS nobody learns that it was read
        stories = {code: status.replace("READ", "DELIVERED") for code, status in stories.items()}
    for code in (*stories, EARLY):
        asked = {"provider_type": provider.provider_type, "template_code": "offer", "variables": VARIABLES}
        answer = web.post("dispatches", {**asked, "to": phone(int(code)), "correlation_id": code}, key)
        assert answer.status == 202, answer
    for code, status in stories.items():
        world.wait_for_status(code, status, seconds=60)
        assert world.facts.wait_for_status(code, status).body["correlation_id"] == code
    for code, status in stories.items():
        assert [found for found, _reason in world.statuses(code)] == [status], code
    waiting = "SELECT count(*) FROM webhook_calls WHERE state <> 'done'"
    assert world.wait_for_rows(waiting, done=lambda rows: rows == [(0,)])
    # What came before our own commit waits for the minute job, which is begun here as cron would.
    world.wait_for_rows(
        "SELECT status FROM dispatches WHERE correlation_id = %s", EARLY, done=lambda rows: rows[0][0] != "PENDING"
    )
    assert world.start("apply_receipts").wait() == 0
    world.wait_for_status(EARLY, stories["000"])
    assert world.facts.wait_for_status(EARLY, stories["000"]).body["correlation_id"] == EARLY
    if name != "twilio":
        strangers = "SELECT count(*) FROM waiting_receipts WHERE message_id = 'sandbox-nobody-sent-this'"
        assert world.wait_for_rows(strangers, done=lambda rows: rows[0][0] > 0)
    repeated = (
        "SELECT count(*) FROM delivery_receipts r JOIN dispatches d ON d.id = r.dispatch_id WHERE correlation_id = %s"
    )
    assert world.rows(repeated, "902") == [(2 if name == "twilio" else 3,)]
    assert WORD not in world.logs()


def test_a_trigger_in_kafka_ends_as_a_delivery_in_kafka(world: World) -> None:
    """The facts of one event, in their order: the seed's body, one correlation id, a version more each time."""
    web_port, vendor_port = free_port(), free_port()
    world.environment |= {VARIABLE: WORD, "PROVIDER_ENV_ALLOW_LIST": "PRISM_PROVIDER_*"}
    world.environment["PUBLIC_URL"] = f"http://127.0.0.1:{web_port}"
    provider = gateway(f"http://127.0.0.1:{vendor_port}")
    campaigns.sends(campaigns.campaign("welcome"), provider)
    address = f"gateway={world.environment['PUBLIC_URL']}/webhooks/{provider.pk}/status"
    world.vendor("--callback", address, "--callback-secret", f"gateway={WORD}", port=vendor_port)
    world.consumer()
    world.sender().wait_for_output("started")
    world.relay()
    world.workers.append(WebProcess(world.environment, world.place / "web.log", port=web_port))
    event = trigger("welcome", phone_number=phone(0))
    world.publish(event)
    read = world.facts.wait_for_status(event["correlation_id"], "READ")
    facts = [fact for fact in world.facts.seen if fact.dispatch_id == read.dispatch_id]
    assert facts[0].status == "SENT"
    assert {fact.status for fact in facts} <= {"SENT", "DELIVERED", "READ"}
    assert [fact.version for fact in facts] == sorted({fact.version for fact in facts})
    for fact in facts:
        assert fact.body.keys() == facts[0].body.keys()
        assert (fact.body["correlation_id"], fact.body["trace_id"]) == (event["correlation_id"], event["trace_id"])
        assert (fact.body["journey_name"], fact.key) == ("welcome", "12345678000190")
