"""SYNC: a trigger in Kafka is a message at the vendor and a fact in Kafka, by the process that read it."""

from __future__ import annotations

import datetime as dt

from tests.journeys import campaigns
from tests.journeys.events import trigger
from tests.journeys.vendor import phone
from tests.journeys.world import World


def test_one_trigger_reaches_both_providers_and_each_tells_a_fact(world: World) -> None:
    vendor = world.vendor()
    whatsapp, email = campaigns.provider(vendor.url), campaigns.provider(vendor.url, kind="EMAIL")
    campaigns.sends(campaigns.campaign("welcome"), whatsapp, email)
    world.consumer()
    world.relay()
    event = trigger("welcome")
    world.publish(event)
    facts = world.facts.wait_for(2)
    assert {(fact.body["channel"], fact.status) for fact in facts} == {("WHATSAPP", "SENT"), ("EMAIL", "SENT")}
    for fact in facts:
        body, dispatched_at = fact.body, dt.datetime.fromisoformat(fact.body["dispatched_at"])
        assert body["journey_name"] == "welcome"
        assert (body["correlation_id"], body["trace_id"]) == (event["correlation_id"], event["trace_id"])
        assert (body["contact_tax_id"], body["triggered_at"]) == ("12345678000190", event["triggered_at"])
        waited = dispatched_at - dt.datetime.fromisoformat(event["triggered_at"])
        assert body["processing_time_ms"] == waited // dt.timedelta(milliseconds=1)
        assert body["provider_response"]["messageId"] == f"sandbox-{fact.dispatch_id}"
        assert body["error_message"] is None
        assert fact.key == "12345678000190"
        assert fact.headers["tenant"] == "default"
        assert fact.headers["provider"] in (whatsapp.provider_name, email.provider_name)
        assert fact.headers["label"] in ("WHATSAPP 1", "EMAIL 2")
        assert fact.id == f"{fact.dispatch_id}:{fact.version}"
    accepted = {line.idempotency_key: line.to for line in vendor.accepted()}
    assert accepted == {fact.dispatch_id: _address(fact.body["channel"]) for fact in facts}


def test_every_kind_of_answer_ends_as_it_should(world: World) -> None:
    """Retried, refused, unknown: told apart by what left this host and what came back."""
    vendor = world.vendor()
    retry = {"max_attempts": 3, "base_delay_ms": 100, "max_delay_ms": 300}
    campaigns.sends(campaigns.campaign("offer"), campaigns.provider(vendor.url, timeout_ms=1500, retry=retry))
    expected = {
        200: ("SENT", "", 1),
        501: ("SENT", "", 2),
        400: ("FAILED", "CONTENT_REJECTED", 1),
        404: ("FAILED", "RECIPIENT_INVALID", 1),
        410: ("FAILED", "OPTED_OUT", 1),
        500: ("FAILED", "HTTP_500", 3),
        502: ("UNKNOWN", "BAD_GATEWAY", 1),
        801: ("UNKNOWN", "TIMEOUT", 1),
        802: ("UNKNOWN", "TIMEOUT", 1),
        803: ("UNKNOWN", "EMPTY", 1),
        804: ("UNKNOWN", "RESET", 1),
        808: ("UNKNOWN", "NO_MESSAGE_ID", 1),
    }
    events = {code: trigger("offer", phone_number=phone(code)) for code in expected}
    world.consumer()
    world.sender()
    world.relay()
    world.publish(*events.values())
    world.facts.wait_for(len(expected))
    found = {
        code: world.rows(
            "SELECT status, reason, attempts FROM dispatches WHERE correlation_id = %s", event["correlation_id"]
        )
        for code, event in events.items()
    }
    assert found == {code: [outcome] for code, outcome in expected.items()}
    told = {fact.correlation_id: fact for fact in world.facts.seen}
    assert {code: told[event["correlation_id"]].status for code, event in events.items()} == {
        code: outcome[0] for code, outcome in expected.items()
    }
    assert told[events[400]["correlation_id"]].body["error_message"] == "the content is refused"
    # Whatever was taken was taken once: nothing that may have arrived was sent again.
    assert set(vendor.counts().values()) == {1}
    tries = world.rows(
        "SELECT number, outcome FROM attempts WHERE dispatch_id = %s ORDER BY number",
        told[events[500]["correlation_id"]].dispatch_id,
    )
    assert tries == [(1, "DEFERRED"), (2, "DEFERRED"), (3, "DEFERRED")]
    assert len(world.facts.seen) == len(expected)


def test_a_vendor_that_is_down_costs_no_attempt_and_gets_everything_when_it_comes_up(world: World) -> None:
    vendor = world.vendor()
    port = vendor.port
    campaigns.sends(campaigns.campaign("outage"), campaigns.provider(vendor.url))
    assert vendor.worker.terminate() == 0
    world.consumer()
    world.sender()
    world.relay()
    events = [trigger("outage") for _ in range(5)]
    world.publish(*events)
    world.wait_for_rows("SELECT count(*) FROM due_dispatches", done=lambda rows: rows == [(5,)])
    assert world.rows("SELECT DISTINCT status, attempts FROM dispatches") == [("PENDING", 0)]
    assert world.facts.seen == []
    vendor = world.vendor(port=port)
    facts = world.facts.wait_for(5, seconds=45)
    assert {fact.status for fact in facts} == {"SENT"}
    assert world.rows("SELECT DISTINCT status, attempts FROM dispatches") == [("SENT", 1)]
    assert sorted(vendor.counts().values()) == [1] * 5


def test_a_fallback_goes_on_only_after_a_definite_failure(world: World) -> None:
    vendor = world.vendor()
    made = campaigns.campaign("expiring", strategy="fallback")
    first = campaigns.provider(vendor.url, timeout_ms=1500)
    second = campaigns.provider(vendor.url, kind="EMAIL")
    campaigns.sends(made, first, second)
    accepted, refused, unknown, unreachable = (
        trigger("expiring"),
        trigger("expiring", phone_number=phone(400)),
        trigger("expiring", phone_number=phone(802)),
        trigger("expiring", phone_number=None),
    )
    world.consumer()
    world.sender()
    world.relay()
    world.publish(accepted, refused, unknown, unreachable)
    world.wait_for_status(accepted["correlation_id"], "SENT")
    world.wait_for_status(refused["correlation_id"], "FAILED", "SENT")
    world.wait_for_status(unreachable["correlation_id"], "REFUSED", "SENT")
    world.wait_for_status(unknown["correlation_id"], "UNKNOWN")
    facts = world.facts.wait_for(6)
    told = [(fact.correlation_id, fact.body["channel"], fact.status) for fact in facts]
    assert sorted(told) == sorted(
        [
            (accepted["correlation_id"], "WHATSAPP", "SENT"),
            (refused["correlation_id"], "WHATSAPP", "FAILED"),
            (refused["correlation_id"], "EMAIL", "SENT"),
            (unreachable["correlation_id"], "WHATSAPP", "REFUSED"),
            (unreachable["correlation_id"], "EMAIL", "SENT"),
            (unknown["correlation_id"], "WHATSAPP", "UNKNOWN"),
        ]
    )


def _address(channel: str) -> str:
    return "joao@example.com" if channel == "EMAIL" else "+5511999999999"
