"""What an operator relies on: a pause takes hold, a pace is kept, a slow vendor stays alone, SIGTERM drains."""

from __future__ import annotations

import datetime as dt

from campaigns.models import Campaign
from providers.models import Provider
from tests.journeys import campaigns
from tests.journeys.events import trigger
from tests.journeys.vendor import Vendor
from tests.journeys.world import World

BATCH = 64
"""The most dispatches that travel together (architecture, decision 11)."""


def test_a_pause_takes_hold_within_one_batch(world: World) -> None:
    vendor = world.vendor()
    slow = campaigns.provider(vendor.url, kind="EMAIL", concurrency=8)
    made = campaigns.campaign("paused_midway")
    campaigns.sends(made, slow)
    events = [trigger("paused_midway", email="ana+sandbox-slow-400@example.com") for _ in range(300)]
    world.consumer()
    world.publish(*events)
    world.wait_for_rows("SELECT count(*) FROM dispatches", done=lambda rows: rows[0][0] == len(events))
    while not vendor.accepted():
        pass
    Campaign.objects.filter(pk=made.pk).update(is_active=False)
    world.sender()
    world.relay()
    world.wait_for_rows(
        "SELECT count(*) FROM dispatches WHERE status = 'PENDING'", done=lambda rows: rows == [(0,)], seconds=60
    )
    found = dict(world.rows("SELECT status, count(*) FROM dispatches GROUP BY status"))
    # 8 connections give 32 slots: what was released when the pause came still goes out, and nothing after it.
    assert found["SENT"] <= 2 * BATCH
    assert found["SENT"] + found["REFUSED"] == len(events)
    assert world.rows("SELECT DISTINCT reason FROM dispatches WHERE status = 'REFUSED'") == [("CAMPAIGN_INACTIVE",)]
    assert len(vendor.accepted()) == found["SENT"]


def test_a_pace_is_kept_by_all_processes_together(world: World) -> None:
    vendor = world.vendor()
    campaigns.sends(campaigns.campaign("paced"), campaigns.provider(vendor.url, per_minute=300))
    world.consumer()
    world.consumer()
    world.sender()
    world.sender()
    events = [trigger("paced", tax_identification=f"{number:014}") for number in range(40)]
    world.publish(*events)
    world.wait_for_rows(
        "SELECT count(*) FROM dispatches WHERE status = 'SENT'", done=lambda rows: rows == [(40,)], seconds=60
    )
    times = sorted(dt.datetime.fromisoformat(line.received_at) for line in vendor.accepted())
    assert len(times) == 40
    # 5 a second. A second's worth may leave at once, so a window of n seconds holds at most 5 x (n + 1).
    for first, begun in enumerate(times):
        for seconds in (1, 2, 4):
            inside = sum(1 for moment in times[first:] if moment - begun < dt.timedelta(seconds=seconds))
            assert inside <= 5 * (seconds + 1), f"{inside} messages within {seconds} s"


def test_a_slow_vendor_slows_only_itself(world: World) -> None:
    slow, quick = world.vendor(name="slow"), world.vendor(name="quick")
    campaigns.sends(campaigns.campaign("slow"), campaigns.provider(slow.url, kind="EMAIL", concurrency=2))
    campaigns.sends(campaigns.campaign("quick"), campaigns.provider(quick.url))
    world.consumer("--batch-size", "100")
    world.relay()
    sluggish = [trigger("slow", email="ana+sandbox-slow-2000@example.com") for _ in range(400)]
    swift = [trigger("quick") for _ in range(50)]
    world.publish(*sluggish, *swift)
    world.facts.wait_until(
        lambda facts: sum(1 for fact in facts if fact.body["journey_name"] == "quick") >= 50, seconds=30
    )
    assert sorted(quick.counts().values()) == [1] * 50
    assert len(slow.accepted()) < 100, "the slow vendor was not slow: this proves nothing"


def test_sigterm_drains_what_is_on_the_wire_and_leaves_with_zero(world: World) -> None:
    vendor = world.vendor()
    campaigns.sends(campaigns.campaign("draining"), campaigns.provider(vendor.url, kind="EMAIL", concurrency=4))
    consumer = world.consumer()
    sender, relay = world.sender(), world.relay()
    events = [trigger("draining", email="ana+sandbox-slow-800@example.com") for _ in range(40)]
    world.publish(*events)
    wait_until_taken(vendor, 4)
    # What it has not planned stays in Kafka for the next consumer; here it is about what is on its way.
    world.wait_for_rows("SELECT count(*) FROM dispatches", done=lambda rows: rows == [(len(events),)])
    assert consumer.terminate() == 0
    assert world.rows("SELECT count(*) FROM dispatches WHERE status = 'UNKNOWN'") == [(0,)]
    # The consumer's own batches are answered and recorded; what it had not released, the sender has now.
    assert world.rows(
        "SELECT count(*) FROM send_batches b JOIN workers w ON w.id = b.owner WHERE w.kind = 'consumer'"
    ) == [(0,)]
    world.wait_for_rows(
        "SELECT status, count(*) FROM dispatches GROUP BY status",
        done=lambda rows: rows == [("SENT", len(events))],
        seconds=60,
    )
    world.facts.wait_for(len(events))
    assert sender.terminate() == 0
    assert relay.terminate() == 0
    assert sorted(world.rows("SELECT kind, state FROM workers")) == [("consumer", "stopped"), ("sender", "stopped")]
    assert sorted(vendor.counts().values()) == [1] * len(events)


def test_a_process_whose_setting_is_wrong_says_so_in_one_line_and_leaves_with_one(world: World) -> None:
    for command in ("consume_triggers", "run_sender", "relay_outbox"):
        worker = world.start(command, WORKER_DEAD_AFTER_SECONDS="soon")
        assert worker.wait() == 1
        assert worker.output().strip() == (
            "prism: WORKER_DEAD_AFTER_SECONDS: 'soon' is not a whole number. Set it between 3 and 300"
        )


def test_a_switched_off_provider_is_a_coded_reason(world: World) -> None:
    vendor = world.vendor()
    off, on = campaigns.provider(vendor.url), campaigns.provider(vendor.url, kind="EMAIL")
    campaigns.sends(campaigns.campaign("half"), off, on)
    Provider.objects.filter(pk=off.pk).update(is_active=False)
    event = trigger("half")
    world.consumer("--max-events", "1")
    world.publish(event)
    world.wait_for_status(event["correlation_id"], "REFUSED", "SENT")
    assert sorted(world.statuses(event["correlation_id"])) == [("REFUSED", "PROVIDER_INACTIVE"), ("SENT", "")]


def wait_until_taken(vendor: Vendor, count: int) -> None:
    while len(vendor.accepted()) < count:
        assert vendor.worker.exit_code is None
