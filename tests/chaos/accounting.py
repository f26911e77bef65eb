"""After the storm: every event accounted for, from what others see and from the database at rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tests.chaos.load import BOTH, BROKEN, REFUSED, REPEATED, RETRIED, UNKNOWN_JOURNEY, Published
from tests.journeys.facts import Fact
from tests.journeys.vendor import Vendor
from tests.journeys.world import World

QUIET_S = 120.0
_AT_REST = """
SELECT (SELECT count(*) FROM dispatches WHERE status IN ('PENDING', 'SCHEDULED')),
  (SELECT count(*) FROM due_dispatches),
  (SELECT count(*) FROM send_batches), (SELECT count(*) FROM outbox_events),
  (SELECT COALESCE(sum(next_offset), 0) FROM consumer_positions)::bigint
"""
_DISPATCHES = "SELECT id::text, correlation_id, channel, status, version, reason FROM dispatches"


class Dispatch(msgspec.Struct, frozen=True):
    id: str
    correlation_id: str
    channel: str
    status: str
    version: int
    reason: str


class Report(msgspec.Struct):
    """What a storm cost."""

    events: int
    dispatches: int
    unknown: int
    repeated_facts: int


def settle(world: World, published: Sequence[Published], tend: Callable[[], None]) -> None:
    """Wait until nothing is under way: everything consumed, decided, sent, recorded and told.

    `tend` is called meanwhile: a process may learn only now that it was taken for dead, and leave.
    """
    records = sum(len(entry.records) for entry in published)

    def at_rest(rows: list[tuple[Any, ...]]) -> bool:
        tend()
        return rows == [(0, 0, 0, 0, records)]

    world.wait_for_rows(_AT_REST, done=at_rest, seconds=QUIET_S)


def account(world: World, vendor: Vendor, published: Sequence[Published], *, unknown_at_most: int) -> Report:
    """Raises AssertionError with what does not add up."""
    dispatches = [Dispatch(*row) for row in world.rows(_DISPATCHES)]
    _every_event_became_something(world, dispatches, published)
    _nothing_was_accepted_twice(dispatches, vendor)
    facts = _facts_at_rest(world, len(dispatches))
    _facts_tell_what_the_rows_say(dispatches, facts)
    unknown = sum(1 for dispatch in dispatches if dispatch.status == "UNKNOWN")
    assert unknown <= unknown_at_most, f"{unknown} UNKNOWN, at most {unknown_at_most} may be"
    distinct = len({fact.id for fact in facts})
    return Report(len(published), len(dispatches), unknown, len(facts) - distinct)


def _every_event_became_something(world: World, dispatches: Sequence[Dispatch], published: Sequence[Published]) -> None:
    made: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for dispatch in dispatches:
        made[dispatch.correlation_id].append((dispatch.channel, dispatch.status))
    rejected = Counter(
        (partition, offset, code)
        for partition, offset, code in world.rows('SELECT "partition", "offset", code FROM rejected_triggers')
    )
    wrong = []
    for entry in published:
        found = sorted(made.pop(entry.correlation_id, []))
        if entry.kind in (BROKEN, UNKNOWN_JOURNEY):
            code = "MALFORMED_JSON" if entry.kind == BROKEN else "UNKNOWN_JOURNEY"
            times = rejected.pop((entry.records[0].partition, entry.records[0].offset, code), 0)
            if found or times != 1:
                wrong.append((entry, found, times))
        elif not _is_right(entry.kind, found):
            wrong.append((entry, found, 0))
    assert not wrong, f"{len(wrong)} events are not accounted for: {wrong[:5]}"
    assert not made, f"dispatches of events that nobody sent: {list(made.items())[:5]}"
    assert not rejected, f"rejections of events that were fine, or doubled: {list(rejected.items())[:5]}"
    ledger = world.rows("SELECT count(*) FROM trigger_receipts")[0][0]
    assert ledger == sum(1 for entry in published if entry.kind != BROKEN)


def _is_right(kind: int, found: list[tuple[str, str]]) -> bool:
    sent = {"SENT", "UNKNOWN"}
    channels, statuses = [channel for channel, _ in found], {status for _, status in found}
    if kind in (BOTH, REPEATED):
        return channels == ["EMAIL", "WHATSAPP"] and statuses <= sent
    if kind == RETRIED:
        return channels == ["WHATSAPP"] and statuses <= sent
    assert kind == REFUSED
    return channels == ["WHATSAPP"] and statuses <= {"FAILED", "UNKNOWN"}


def _nothing_was_accepted_twice(dispatches: Sequence[Dispatch], vendor: Vendor) -> None:
    counts = vendor.counts()
    twice = {key: count for key, count in counts.items() if count > 1}
    assert not twice, f"accepted more than once: {list(twice.items())[:5]}"
    statuses = {dispatch.id: dispatch.status for dispatch in dispatches}
    strangers = [key for key in counts if key not in statuses]
    assert not strangers, f"the vendor has messages that no row knows: {strangers[:5]}"
    denied = [key for key in counts if statuses[key] not in ("SENT", "UNKNOWN")]
    assert not denied, f"the vendor has messages that a row denies: {denied[:5]}"
    invented = [dispatch.id for dispatch in dispatches if dispatch.status == "SENT" and not counts[dispatch.id]]
    assert not invented, f"SENT, and the vendor does not have it: {invented[:5]}"


def _facts_at_rest(world: World, at_least: int) -> list[Fact]:
    """Each dispatch of these storms ends in a state that is published."""
    world.facts.wait_until(lambda facts: len({fact.dispatch_id for fact in facts}) >= at_least, QUIET_S)
    world.facts.read(1.0)
    return world.facts.seen


def _facts_tell_what_the_rows_say(dispatches: Sequence[Dispatch], facts: Sequence[Fact]) -> None:
    bodies: dict[str, dict[str, Any]] = {}
    told: dict[str, dict[int, str]] = defaultdict(dict)
    newest: dict[str, int] = {}
    for fact in facts:
        known = bodies.setdefault(fact.id, fact.body)
        assert known == fact.body, f"fact {fact.id} was told in two ways"
        assert fact.id == f"{fact.dispatch_id}:{fact.version}"
        # A repeat may come late; what is new never comes before what is older.
        if fact.version not in told[fact.dispatch_id]:
            assert fact.version > newest.get(fact.dispatch_id, 0), f"{fact.id} was told after a newer one"
            newest[fact.dispatch_id] = fact.version
        told[fact.dispatch_id][fact.version] = fact.status
    wrong = []
    for dispatch in dispatches:
        versions = told.pop(dispatch.id, {})
        # One fact, or two where an answer came after the row had been called unknown.
        resolved = len(versions) == 2 and versions[min(versions)] == "UNKNOWN"
        if versions.get(dispatch.version) != dispatch.status or not (len(versions) == 1 or resolved):
            wrong.append((dispatch, versions))
    assert not wrong, f"{len(wrong)} rows and facts disagree: {wrong[:5]}"
    assert not told, f"facts without a row: {list(told.items())[:5]}"
