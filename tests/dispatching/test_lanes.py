"""Slots bound what may become unknown; a slow or closed lane holds nobody else up."""

from __future__ import annotations

import datetime as dt
import time

import msgspec

from dispatching.lanes import Lane, Lanes
from dispatching.parcels import EMPTY_MESSAGE, Batch, LaneKey, Parcel
from providers.settings import ProviderSettings


def settings(slots: int = 8, per_minute: int | None = None, *, idempotent: bool = False) -> ProviderSettings:
    return ProviderSettings(
        provider_id="p",
        tenant_id=1,
        provider_type="SMS",
        vendor="gateway",
        configuration={},
        credentials={},
        slots=slots,
        per_minute=per_minute,
        idempotent=idempotent,
    )


def batch(lane: Lane, size: int) -> Batch:
    now = dt.datetime.now(dt.UTC)
    parcel = Parcel("x", 1, None, None, 1, 0, 3, asynchronous=False, not_after=now, since=now, message=EMPTY_MESSAGE)
    return Batch("b", lane.key, None, [parcel] * size, time.monotonic())


def lane_of(lanes: Lanes, name: str = "p", slots: int = 8, per_minute: int | None = None) -> Lane:
    return lanes.lane(LaneKey(name, 1), settings(slots, per_minute))


def test_slots_are_taken_until_none_is_left() -> None:
    lanes = Lanes()
    lane = lane_of(lanes)
    assert lanes.reserve(lane, 5)
    assert not lanes.reserve(lane, 4)
    assert lanes.reserve(lane, 3)
    lanes.give_back({lane.key: 8})
    assert lanes.free_slots(lane) == 8


def test_waiting_batches_go_first_and_in_order() -> None:
    lanes = Lanes()
    lane = lane_of(lanes)
    lanes.reserve(lane, 8)
    first, second = batch(lane, 4), batch(lane, 4)
    lanes.queue([first, second])
    assert not lanes.reserve(lane, 1), "nothing overtakes what waits"
    assert lanes.next_batches({}) == []
    lanes.give_back({lane.key: 8})
    assert lanes.next_batches({}) == [first, second]
    assert lanes.in_flight() == 8


def test_slots_freed_by_a_recording_pass_to_its_own_releases_and_to_nobody_else_before_commit() -> None:
    lanes = Lanes()
    lane = lane_of(lanes)
    lanes.reserve(lane, 8)
    waiting = batch(lane, 4)
    lanes.queue([waiting])
    assert lanes.next_batches({lane.key: 4}) == [waiting]
    assert lanes.free_slots(lane) < 0, "until the commit both are counted"
    lanes.give_back({lane.key: 4})
    assert lanes.in_flight() == 8


def test_a_lane_that_gives_no_room_is_slow_and_holds_the_planner_up_only_once() -> None:
    lanes = Lanes()
    stuck, moving = lane_of(lanes, "stuck"), lane_of(lanes, "moving")
    lanes.reserve(stuck, 8)
    lanes.queue([batch(stuck, 8), batch(stuck, 8)])
    started = time.monotonic()
    assert not lanes.wait_for_room(0.1)
    assert lanes.wait_for_room(5)
    assert time.monotonic() - started < 1
    assert lanes.room_ahead(stuck) == 0
    assert lanes.room_ahead(moving) == moving.ahead_limit


def test_a_slow_lane_takes_plans_again_when_half_of_what_it_holds_is_gone() -> None:
    lanes = Lanes()
    lane = lane_of(lanes)
    lanes.reserve(lane, 8)
    lanes.queue([batch(lane, 8), batch(lane, 8), batch(lane, 8)])
    lanes.wait_for_room(0.01)
    lanes.give_back({lane.key: 8})
    lanes.next_batches({})
    assert lanes.room_ahead(lane) == lane.ahead_limit - 16


def test_nothing_goes_to_a_lane_that_backs_off_and_what_waited_is_handed_back() -> None:
    lanes = Lanes()
    lane = lane_of(lanes)
    lanes.queue([batch(lane, 2)])
    assert lanes.back_off(lane.key) >= 1
    assert lanes.back_off(lane.key) <= 1.1, "one failure per back-off, however many parcels failed"
    assert not lanes.reserve(lane, 1)
    assert lanes.next_batches({}) == []
    assert len(lanes.drain_closed()) == 1


def test_a_paced_lane_sends_what_its_tokens_allow() -> None:
    lanes = Lanes()
    lane = lane_of(lanes, per_minute=120)
    assert lane.batch_size == 2
    assert not lanes.reserve(lane, 1), "a paced lane releases only what has tokens"
    lanes.queue([batch(lane, 2), batch(lane, 2)])
    assert lanes.paced_waiting() == [(lane, 2)]
    assert lanes.next_batches({}) == []
    lanes.add_tokens(lane, 3)
    assert len(lanes.next_batches({})) == 1
    assert lanes.paced_waiting() == [(lane, 1)]


def test_a_batch_fills_a_request_but_never_takes_more_than_a_second_of_the_pace() -> None:
    taking = msgspec.structs.replace(settings(slots=400), batch_size=100)
    assert Lane(LaneKey("p", 1), taking).batch_size == 100
    paced = msgspec.structs.replace(taking, per_minute=3_000)
    assert Lane(LaneKey("p", 1), paced).batch_size == 50
    assert lane_of(Lanes(), slots=400).batch_size == 64


def test_a_batch_larger_than_the_slots_of_a_lowered_limit_still_goes() -> None:
    lanes = Lanes()
    waiting = batch(lane_of(lanes, slots=64), 16)
    lanes.queue([waiting])
    lane_of(lanes, slots=4)
    assert lanes.next_batches({}) == [waiting]


def test_a_slow_lane_that_backed_off_takes_plans_again_when_it_is_open() -> None:
    lanes = Lanes()
    lane = lane_of(lanes)
    lanes.reserve(lane, 8)
    lanes.queue([batch(lane, 8), batch(lane, 8)])
    assert not lanes.wait_for_room(0.01)
    lanes.back_off(lane.key)
    assert len(lanes.drain_closed()) == 2
    lane.closed_until = 0.0
    assert lanes.room_ahead(lane) == lane.ahead_limit


def test_batches_that_a_lowered_pace_would_never_let_go_are_handed_back() -> None:
    """They were cut before the provider had this pace, or so few slots: tokens for one come a few at a time."""
    lanes = Lanes()
    wide = lane_of(lanes, slots=256, per_minute=6000)
    lanes.queue([batch(wide, 64), batch(wide, 4)])
    lane = lane_of(lanes, slots=16, per_minute=6000)
    assert [len(returned.parcels) for returned in lanes.drain_closed()] == [64]
    assert lanes.paced_waiting() == [(lane, 4)]
    lanes.add_tokens(lane, 4)
    assert len(lanes.next_batches({})) == 1
    assert lanes.held() == 4
