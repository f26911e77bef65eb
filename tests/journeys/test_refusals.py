"""What becomes no message: each has its coded reason, and nothing waits for it."""

from __future__ import annotations

import json
from decimal import Decimal

from campaigns.control import bucket, in_control
from tests.journeys import campaigns
from tests.journeys.events import trigger
from tests.journeys.world import World


def test_what_cannot_be_taken_is_rejected_with_its_place_and_the_rest_goes_on(world: World) -> None:
    vendor = world.vendor()
    campaigns.sends(campaigns.campaign("open"), campaigns.provider(vendor.url))
    campaigns.sends(campaigns.campaign("paused", is_active=False), campaigns.provider(vendor.url))
    good, other = trigger("open"), trigger("open")
    changed = {**good, "contact_attributes": {**good["contact_attributes"], "first_name": "Maria"}}
    nameless = {name: value for name, value in trigger("open").items() if name != "journey_name"}
    bad = {
        "MALFORMED_JSON": b'{"journey_name": ',
        "MISSING_FIELD": json.dumps(nameless).encode(),
        "WRONG_TYPE": json.dumps({**trigger("open"), "contact_attributes": "none"}).encode(),
        "INVALID_UTF8": b'{"journey_name": "\xff"}',
        "UNKNOWN_JOURNEY": json.dumps(trigger("nobody_made_this")).encode(),
        "CAMPAIGN_INACTIVE": json.dumps(trigger("paused")).encode(),
    }
    world.consumer()
    world.relay()
    world.publish(good)
    world.wait_for_status(good["correlation_id"], "SENT")
    landed = world.publish(*bad.values(), good, changed, other)
    world.wait_for_status(other["correlation_id"], "SENT")
    expected = sorted([*bad, "DUPLICATE_OTHER_PAYLOAD"])
    world.wait_for_rows("SELECT code FROM rejected_triggers", done=lambda rows: len(rows) >= len(expected))
    rows = world.rows('SELECT code, "partition", "offset", raw FROM rejected_triggers')
    assert sorted(row[0] for row in rows) == expected
    told = {code: (partition, offset, bytes(raw)) for code, partition, offset, raw in rows}
    for (code, raw), record in zip(bad.items(), landed, strict=False):
        assert told[code] == (record.partition, record.offset, raw)
    assert {fact.correlation_id for fact in world.facts.wait_for(2)} == {
        good["correlation_id"],
        other["correlation_id"],
    }
    assert sorted(vendor.counts().values()) == [1, 1]


def test_an_unknown_journey_is_sent_by_a_replay_once_its_campaign_exists(world: World) -> None:
    vendor = world.vendor()
    sends_by = campaigns.provider(vendor.url)
    world.consumer()
    world.relay()
    event = trigger("too_early")
    world.publish(event)
    world.wait_for_rows("SELECT code FROM rejected_triggers", done=lambda rows: rows == [("UNKNOWN_JOURNEY",)])
    campaigns.sends(campaigns.campaign("too_early"), sends_by)
    world.rows("UPDATE rejected_triggers SET state = 'replay_requested' RETURNING 1")
    fact = world.facts.wait_for_status(event["correlation_id"], "SENT")
    assert fact.body["journey_name"] == "too_early"
    world.wait_for_rows("SELECT state FROM rejected_triggers", done=lambda rows: rows == [("replayed",)])
    # The same bytes once more in Kafka are a repeat by now.
    follower = trigger("too_early")
    world.publish(event, follower)
    world.wait_for_status(follower["correlation_id"], "SENT")
    assert sorted(vendor.counts().values()) == [1, 1]


def test_the_control_group_gets_nothing_and_one_fact_for_all_its_providers(world: World) -> None:
    vendor = world.vendor()
    made = campaigns.campaign("measured", control_group_rate=Decimal(50))
    campaigns.sends(made, campaigns.provider(vendor.url), campaigns.provider(vendor.url, kind="EMAIL"))
    people = [f"{number:014}" for number in range(1, 21)]
    kept = {person for person in people if in_control(bucket(made.control_salt.bytes, person), Decimal(50))}
    assert 0 < len(kept) < len(people)
    events = {person: trigger("measured", tax_identification=person) for person in people}
    world.consumer()
    world.relay()
    world.publish(*events.values())
    expected = len(kept) + 2 * (len(people) - len(kept))
    facts = world.facts.wait_for(expected)
    assert len(facts) == expected
    assert {fact.body["contact_tax_id"] for fact in facts if fact.status == "CONTROL_GROUP"} == kept
    assert {fact.body["channel"] for fact in facts if fact.status == "CONTROL_GROUP"} == {"WHATSAPP"}
    assert len(vendor.accepted()) == 2 * (len(people) - len(kept))


def test_a_missing_attribute_or_address_refuses_one_provider_and_not_the_other(world: World) -> None:
    vendor = world.vendor()
    made = campaigns.campaign("two_ways")
    campaigns.sends(made, campaigns.provider(vendor.url), campaigns.provider(vendor.url, kind="EMAIL"))
    no_phone, no_offer = trigger("two_ways", phone_number=None), trigger("two_ways", max_offer_value_formatted=None)
    world.consumer()
    world.relay()
    world.publish(no_phone, no_offer)
    world.wait_for_status(no_phone["correlation_id"], "REFUSED", "SENT")
    world.wait_for_status(no_offer["correlation_id"], "REFUSED", "REFUSED")
    assert sorted(world.statuses(no_phone["correlation_id"])) == [("REFUSED", "NO_ADDRESS"), ("SENT", "")]
    assert world.statuses(no_offer["correlation_id"]) == [("REFUSED", "MISSING_ATTRIBUTE")] * 2
    facts = world.facts.wait_for(4)
    told = [fact.body["error_message"] for fact in facts if fact.correlation_id == no_offer["correlation_id"]]
    assert all("max_offer_value_formatted" in text for text in told)
