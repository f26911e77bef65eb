"""What this room tells Prometheus."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Sequence

from prometheus_client import Counter, Gauge, Histogram

from dispatching.circuit_rows import Shut
from dispatching.results import Move

DISPATCHES = Counter("prism_dispatches", "Dispatches that reached a state", ["status", "provider"])
ATTEMPTS = Counter("prism_attempts", "Tries by outcome", ["outcome", "provider"])
FOLLOWED = Counter("prism_followed_deliveries", "Taken messages of which a report is awaited", ["provider"])
OVERDUE = Counter("prism_overdue_deliveries", "Of these, those without a report in time", ["provider"])
DATABASE_FAILURES = Counter("prism_database_failures", "Transactions tried again", ["thread"])
REAPED = Counter("prism_reaped_batches", "Batches recovered from dead workers")
TRIGGER_TO_VENDOR = Histogram(
    "prism_trigger_to_vendor_seconds",
    "From the trigger's arrival (or its scheduled moment) to the vendor's definite answer",
    buckets=(0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
LANE_USED = Gauge("prism_lane_slots_used", "Dispatches released and not recorded", ["lane"])
CIRCUIT = Gauge(
    "prism_provider_circuit", "1 for each provider that is held back, left alone or paused", ["provider", "state"]
)
LANE_AHEAD = Gauge("prism_lane_ahead", "Dispatches planned and waiting for slots", ["lane"])


def count_moves(moves: Sequence[Move]) -> None:
    """Once per micro-batch: one increment per distinct label set."""
    for move in moves:
        if move.outcome and move.due_at is None and move.returned_at is not None:
            TRIGGER_TO_VENDOR.observe(max(0.0, (move.returned_at - move.parcel.since).total_seconds()))
    states = Tally((str(move.status), move.lane_provider) for move in moves if not move.due_at)
    for (status, provider), count in states.items():
        DISPATCHES.labels(status=status, provider=provider).inc(count)
    for (outcome, provider), count in Tally(
        (move.outcome, move.lane_provider) for move in moves if move.outcome
    ).items():
        ATTEMPTS.labels(outcome=outcome, provider=provider).inc(count)


def show_lanes(view: Iterable[dict[str, object]]) -> None:
    for lane in view:
        LANE_USED.labels(lane=lane["lane"]).set(int(str(lane["used"])))
        LANE_AHEAD.labels(lane=lane["lane"]).set(int(str(lane["ahead"])))


def show_circuits(found: Sequence[Shut]) -> None:
    """Closed circuits have no line: an alert fires where there is one."""
    CIRCUIT.clear()
    for one in found:
        CIRCUIT.labels(provider=one.provider_id, state=one.state.value).set(1)
