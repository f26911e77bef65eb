"""ASYNC: a trigger waits for its moment and is sent then by a resident sender, or too late and is not."""

from __future__ import annotations

import datetime as dt

from campaigns.models import Campaign
from tests.journeys import campaigns
from tests.journeys.events import trigger
from tests.journeys.vendor import Vendor
from tests.journeys.world import World

EVERY_DAY = "1,2,3,4,5,6,7"
SOON = dt.timedelta(seconds=4)


def scheduled(name: str, vendor: Vendor) -> tuple[Campaign, dt.datetime]:
    """A campaign of every day, and its moment a few seconds from now. (Across midnight that is the next day's.)"""
    moment = (dt.datetime.now(dt.UTC) + SOON).replace(microsecond=0)
    made = campaigns.campaign(
        name, dispatch_mode="ASYNC", trigger_time=moment.time(), week_days=EVERY_DAY, timezone="UTC"
    )
    campaigns.sends(made, campaigns.provider(vendor.url))
    return made, moment


def test_a_scheduled_trigger_is_sent_at_its_time_and_not_before(world: World) -> None:
    vendor = world.vendor()
    world.sender()
    world.relay()
    world.consumer().wait_for_output("assigned")
    _, moment = scheduled("evening", vendor)
    event = trigger("evening")
    world.publish(event)
    world.wait_for_rows(
        "SELECT d.status, s.status, d.scheduled_for = %s, d.scheduled_local"
        " FROM dispatches d JOIN scheduled_dispatches s ON s.dispatch_id = d.id",
        moment,
        done=lambda rows: bool(rows) and rows[0][:3] == ("SCHEDULED", "PENDING", True) and "[UTC]" in rows[0][3],
    )
    assert vendor.accepted() == []
    fact = world.facts.wait_for_status(event["correlation_id"], "SENT")
    assert len(world.facts.seen) == 1
    dispatched_at = dt.datetime.fromisoformat(fact.body["dispatched_at"])
    assert dt.timedelta() <= dispatched_at - moment < dt.timedelta(seconds=5)
    # From the moment it was due, not from the trigger.
    assert 0 <= fact.body["processing_time_ms"] < 5000
    assert world.rows("SELECT status FROM scheduled_dispatches") == [("COMPLETED",)]


def test_without_a_resident_sender_one_pass_of_the_command_sends_what_is_due(world: World) -> None:
    vendor = world.vendor()
    world.consumer("--max-events", "1").wait_for_output("assigned")
    scheduled("by_cron", vendor)
    event = trigger("by_cron")
    world.publish(event)
    world.wait_for_status(event["correlation_id"], "SCHEDULED")
    world.wait_for_rows(
        "SELECT 1 FROM due_dispatches WHERE due_at <= clock_timestamp()", done=lambda rows: len(rows) == 1
    )
    assert world.start("send_due_dispatches").wait() == 0
    assert world.start("relay_outbox", "--once").wait() == 0
    assert world.facts.wait_for(1)[0].status == "SENT"
    assert [line.count for line in vendor.accepted()] == [1]


def test_what_is_too_late_expires_and_is_never_sent(world: World) -> None:
    """The campaign ends while its dispatch waits: the row that fires is checked again."""
    vendor = world.vendor()
    world.relay()
    world.consumer().wait_for_output("assigned")
    made, moment = scheduled("ended", vendor)
    event = trigger("ended")
    world.publish(event)
    world.wait_for_status(event["correlation_id"], "SCHEDULED")
    Campaign.objects.filter(pk=made.pk).update(end_date=(moment - dt.timedelta(days=1)).date())
    world.sender()
    fact = world.facts.wait_for_status(event["correlation_id"], "EXPIRED")
    assert "CAMPAIGN_ENDED" in fact.body["error_message"]
    assert world.statuses(event["correlation_id"]) == [("EXPIRED", "CAMPAIGN_ENDED")]
    assert vendor.accepted() == []
