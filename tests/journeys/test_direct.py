"""Messages without a campaign: a request over HTTP is a message at the vendor and a fact in Kafka, all or nothing."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import random
import threading
import time
from typing import Any

import pytest

from providers.models import Provider
from tenants.keys import SCOPES, mint_key
from tests.factories import TemplateFactory
from tests.journeys import campaigns
from tests.journeys.web import Answer, WebProcess
from tests.journeys.world import World

pytestmark = pytest.mark.django_db(transaction=True)

VARIABLES = {"name": "Ana", "creditvalue": "R$ 10", "credittax": "1%"}


def set_up(url: str) -> tuple[str, Provider]:
    """A provider, a template, and a key that may send by them."""
    provider = campaigns.provider(url)
    TemplateFactory.create(tenant=provider.tenant, template_code="offer")
    return mint_key(tenant_id=provider.tenant_id, name="crm", scopes=list(SCOPES))[1], provider


def message(**fields: Any) -> dict[str, Any]:
    given = {"provider_type": "WHATSAPP", "template_code": "offer", "variables": VARIABLES, "to": "+5511999999999"}
    return {**given, **fields}


def start_web(world: World) -> WebProcess:
    made = WebProcess(world.environment, world.place / f"web-{len(world.workers)}.log")
    world.workers.append(made)
    return made


def test_a_message_is_at_the_vendor_within_moments_and_its_fact_has_no_journey(world: World) -> None:
    vendor = world.vendor()
    key, provider = set_up(vendor.url)
    world.sender().wait_for_output("started")
    world.relay()
    web = start_web(world)
    asked = message(correlation_id="order-1", trace_id="trace-1", contact_tax_id="12345678000190")
    began = time.monotonic()
    answer = web.post("dispatches", asked, key)
    assert answer.status == 202, answer
    world.wait_for_status("order-1", "SENT")
    print(f"from the request to the recorded answer: {time.monotonic() - began:.2f} s")  # noqa: T201 - shown with -s
    fact = world.facts.wait_for_status("order-1", "SENT")
    body = fact.body
    assert (body["journey_name"], body["channel"], body["contact_tax_id"]) == (None, "WHATSAPP", "12345678000190")
    assert (body["trace_id"], body["correlation_id"]) == ("trace-1", "order-1")
    assert 0 <= body["processing_time_ms"] < 10_000
    assert (fact.dispatch_id, fact.key) == (answer.body["id"], "12345678000190")
    assert fact.headers["provider"] == provider.provider_name
    assert "label" not in fact.headers
    (arrived,) = vendor.accepted()
    assert (arrived.idempotency_key, arrived.to) == (answer.body["id"], "+5511999999999")
    again = web.post("dispatches", asked, key)
    assert (again.status, again.body["duplicate"], again.body["id"]) == (200, True, answer.body["id"])


def test_what_is_scheduled_is_sent_at_its_moment_and_what_was_switched_off_meanwhile_is_not(world: World) -> None:
    vendor = world.vendor()
    key, provider = set_up(vendor.url)
    off = TemplateFactory.create(tenant=provider.tenant, template_code="off", body="x")
    world.relay()
    web = start_web(world)
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=6)
    later = {"scheduled_for": moment.isoformat()}
    assert web.post("dispatches", message(correlation_id="goes", **later), key).status == 202
    assert web.post("dispatches", message(correlation_id="stays", template_code="off", **later), key).status == 202
    off.is_active = False
    off.save()
    world.sender()
    world.wait_for_status("goes", "SENT")
    world.wait_for_status("stays", "REFUSED")
    assert world.statuses("stays") == [("REFUSED", "TEMPLATE_INACTIVE")]
    sent = world.facts.wait_for_status("goes", "SENT")
    assert dt.timedelta() <= dt.datetime.fromisoformat(sent.body["dispatched_at"]) - moment < dt.timedelta(seconds=10)
    world.facts.wait_for_status("stays", "REFUSED")
    assert len(vendor.accepted()) == 1


def test_a_web_process_that_is_killed_half_way_leaves_nothing_and_the_request_may_be_sent_again(world: World) -> None:
    """Held where ledger and dispatches are written and due rows are not: kill -9 there takes all of it back."""
    vendor = world.vendor()
    key, _provider = set_up(vendor.url)
    web = start_web(world)
    asked = {"messages": [message(correlation_id=f"order-{number}") for number in range(50)]}
    with world.connection() as other, other.transaction():
        other.execute("LOCK TABLE due_dispatches IN ACCESS EXCLUSIVE MODE")
        thread = threading.Thread(target=_ask, args=(web, asked, key))
        thread.start()
        world.wait_for_rows(
            "SELECT 1 FROM pg_locks WHERE relation = 'due_dispatches'::regclass AND NOT granted", done=bool
        )
        web.kill()
        thread.join()
    _wait_for_web_sessions_to_end(world)
    for table in ("dispatches", "due_dispatches", "trigger_receipts", "idempotency_keys"):
        assert world.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    web = start_web(world)
    assert _ask(web, asked, key).body["accepted"] == 50
    world.sender()
    world.wait_for_rows("SELECT count(*) FROM dispatches WHERE status = 'SENT'", done=lambda rows: rows == [(50,)])
    assert sorted(vendor.counts().values()) == [1] * 50


def test_web_processes_killed_at_any_moment_send_everything_once(world: World) -> None:
    vendor = world.vendor()
    key, _provider = set_up(vendor.url)
    world.sender()
    world.relay()
    web = start_web(world)
    rounds = 3
    for number in range(rounds):
        asked = {"messages": [message(correlation_id=f"{number}-{item}") for item in range(200)]}
        name = f"round-{number}"
        thread = threading.Thread(target=_ask, args=(web, asked, key, name))
        thread.start()
        time.sleep(random.uniform(0.0, 0.4))
        web.kill()
        thread.join()
        web = start_web(world)
        # What was committed is answered again; what was not is done now. Sessions of the dead hold the key a moment.
        while (answer := _ask(web, asked, key, name)).status == 409:
            time.sleep(0.1)
        assert answer.body["accepted"] == 200, answer
    total = rounds * 200
    world.wait_for_rows("SELECT count(*) FROM dispatches WHERE status = 'SENT'", done=lambda rows: rows == [(total,)])
    assert world.rows("SELECT count(*) FROM dispatches") == [(total,)]
    assert sorted(vendor.counts().values()) == [1] * total
    facts = world.facts.wait_for(total)
    assert {fact.status for fact in facts} == {"SENT"}
    assert len({fact.correlation_id for fact in facts}) == total


def _ask(web: WebProcess, asked: Any, key: str, name: str = "k-1") -> Answer:
    with contextlib.suppress(OSError, http.client.HTTPException):
        return web.post("dispatches/batch", asked, key, **{"Idempotency-Key": name})
    return Answer(0, {}, None)


def _wait_for_web_sessions_to_end(world: World) -> None:
    """A server notices that its client is gone when it has something to say."""
    world.wait_for_rows(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'prism-web' AND datname = current_database()",
        done=lambda rows: rows == [(0,)],
    )
