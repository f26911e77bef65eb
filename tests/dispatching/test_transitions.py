"""Everything that moves a dispatch, in any order: two workers, the reaper, operators, a campaign that changes.

After each step the rows are held against what was true before it. One example is one history.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from itertools import count

import psycopg
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from campaigns.models import Campaign
from dispatching import operating
from dispatching.counting import fold_counts
from dispatching.parcels import Batch, Parcel
from dispatching.reaping import reap
from dispatching.receiving import apply_receipts, apply_waiting_receipts
from dispatching.releasing import OwnershipLostError
from dispatching.reports import Receipt
from dispatching.statuses import Status
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from tenants.scope import tenant_scope
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, DEFERRED, LATE, NOT_SENT, REJECTED, UNKNOWN, Hands, campaign_with, silence

WAITING = ("PENDING", "SCHEDULED")
FINAL = ("READ", "REFUSED", "EXPIRED", "CANCELLED", "CONTROL_GROUP")
OUTCOMES = st.sampled_from([ACCEPTED, ACCEPTED, DEFERRED, NOT_SENT, LATE, REJECTED, UNKNOWN])
REPORTED = st.lists(
    st.sampled_from([Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED]), min_size=1, max_size=3
)
AFTER = {"SENT": ("DELIVERED", "READ", "FAILED"), "DELIVERED": ("READ",)}
NOW = dt.datetime.now(dt.UTC)
WHO = st.integers(0, 1)
_EMPTY = (
    "attempts", "delivery_receipts", "waiting_receipts", "provider_messages", "dispatch_counts", "outbox_events",
    "send_batches", "due_dispatches", "dispatches", "trigger_receipts", "workers",
)  # fmt: skip
_ROWS = """
SELECT d.id::text, d.status, d.version,
  (SELECT count(*) FROM due_dispatches q WHERE q.dispatch_id = d.id),
  (SELECT count(*) FROM send_batches b, unnest(b.dispatch_ids, b.versions) AS held (id, version)
   WHERE held.id = d.id AND held.version = d.version)
FROM dispatches d
"""
_FACTS = """
SELECT headers ->> 'dispatch_id', (headers ->> 'version')::int, payload::json ->> 'status' FROM outbox_events
"""
_COUNTS = "SELECT status, sum(changes)::int FROM dispatch_counts GROUP BY status"
Ticket = tuple[Batch, Parcel]


class Histories(RuleBasedStateMachine):
    """`workers` are alive; those that were taken for dead keep what they had on the wire, and may still hear of it."""

    connection: psycopg.Connection
    make_trigger: MakeTrigger
    campaigns: list[Campaign]

    def __init__(self) -> None:
        super().__init__()
        for table in _EMPTY:
            self.connection.execute(f"DELETE FROM {table}")
        Campaign.objects.update(is_active=True)
        Provider.objects.update(is_active=True)
        self.workers = [Hands("consumer"), Hands("sender")]
        self.dead: list[Hands] = []
        self.wires: dict[Hands, list[Ticket]] = {worker: [] for worker in self.workers}
        self.seen: dict[str, tuple[str, int]] = {}
        self.replayed: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.numbers = count()

    def teardown(self) -> None:
        try:
            self._come_to_rest()
        finally:
            for worker in (*self.workers, *self.dead):
                worker.close()

    @rule(which=st.integers(0, 2), many=st.integers(1, 6))
    def plan(self, which: int, many: int) -> None:
        campaign = self.campaigns[which]
        triggers = [self.make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(many)]
        self.workers[0].plan(self.connection, *triggers)

    @rule(who=WHO)
    def claim(self, who: int) -> None:
        self.connection.execute("UPDATE due_dispatches SET due_at = now() - interval '1 hour'")
        self._open_lanes(self.workers[who])
        self.workers[who].claim()

    @rule(who=WHO, outcome=OUTCOMES, many=st.integers(1, 5))
    def answer(self, who: int, outcome: Outcome, many: int) -> None:
        self._answer(self.workers[who], outcome, many)

    @precondition(lambda self: self.dead)
    @rule(outcome=OUTCOMES, many=st.integers(1, 5))
    def answer_late(self, outcome: Outcome, many: int) -> None:
        self._answer(self.dead[-1], outcome, many)

    @rule(who=WHO, old=st.booleans())
    def turn(self, who: int, old: bool) -> None:
        """A tick of the recorder; what it holds may have been planned a while ago."""
        self._open_lanes(self.workers[who])
        for lane in self.workers[who].lanes._lanes.values():
            for batch in lane.ahead:
                batch.planned_at -= 2 if old else 0
        self.workers[who].turn()

    @rule(who=WHO)
    def die(self, who: int) -> None:
        """Silent for too long: another process takes over, and later hears what the vendor had said."""
        worker = self.workers[who]
        silence(self.connection, worker.worker_id)
        reap(self.connection, dead_after_s=15)
        self.dead.append(worker)
        self.workers[who] = Hands(("consumer", "sender")[who])
        self.wires[self.workers[who]] = []

    @precondition(lambda self: self.dead)
    @rule()
    def try_to_release_though_dead(self) -> None:
        worker = self.dead[-1]
        self._open_lanes(worker)
        worker.turn()
        assert worker.wire.batches == [], "what the reaper took never leaves"
        assert worker.engine.failed is None or isinstance(worker.engine.failed, OwnershipLostError)

    @rule()
    def replay(self) -> None:
        self.connection.execute(
            "UPDATE dispatches SET created_at = now() - interval '1 day', dispatched_at = NULL, returned_at = NULL"
            " WHERE status = 'UNKNOWN'"
        )
        with tenant_scope(self.campaigns[0].tenant_id, operator=True):
            for identifier in operating.replay(self._with_status("FAILED", "UNKNOWN")):
                self.replayed[str(identifier)] += 1

    @rule()
    def cancel(self) -> None:
        with tenant_scope(self.campaigns[0].tenant_id, operator=True):
            operating.cancel(self._with_status(*WAITING)[:2])

    @rule(reported=REPORTED, many=st.integers(1, 4), old=st.booleans())
    def report(self, reported: list[Status], many: int, old: bool) -> None:
        """What vendors say of what they took, whatever became of it since; now and then of all that waits, too."""
        for identifier in self._with_status("SENT", "UNKNOWN", "DELIVERED", "READ", "FAILED", "PENDING")[:many]:
            row = self.connection.execute(
                "SELECT tenant_id, provider_id::text FROM dispatches WHERE id = %s AND provider_id IS NOT NULL",
                [identifier],
            ).fetchone()
            receipts = [
                Receipt(
                    row[0],
                    row[1],
                    "m",
                    status,
                    NOW,
                    status,
                    event_id=str(next(self.numbers)),
                    dispatch_id=str(identifier),
                )
                for status in reported
                if row
            ]
            with self.connection.transaction(), self.connection.cursor() as cursor:
                apply_receipts(cursor, receipts, NOW)
        if old:
            self.connection.execute("UPDATE waiting_receipts SET look_at = %s", [NOW])
            apply_waiting_receipts()
        fold_counts()

    @rule(which=st.integers(0, 2), active=st.booleans())
    def pause(self, which: int, active: bool) -> None:
        Campaign.objects.filter(pk=self.campaigns[which].pk).update(is_active=active)

    @rule(active=st.booleans())
    def switch_provider(self, active: bool) -> None:
        Provider.objects.filter(provider_type="EMAIL").update(is_active=active)

    @invariant()
    def rows_move_forward_and_wait_in_one_place(self) -> None:
        for worker in (*self.workers, *self.dead):
            self.wires[worker] += worker.take()
        for identifier, status, version, due, held in self.connection.execute(_ROWS).fetchall():
            before, old = self.seen.get(identifier, ("PENDING", 0))
            assert version >= old
            assert (before == status) or version > old, "a change is a version"
            assert before == status or before not in FINAL, f"{before} became {status}"
            if before in AFTER and status != before:
                assert status in AFTER[before], f"{before} became {status}"
            if before == "FAILED" and status != before:
                assert self.replayed[identifier]
            assert due + held == (status in WAITING), f"{status} in {due} due rows and {held} batches"
            self.seen[identifier] = (status, version)

    @invariant()
    def every_published_state_has_one_fact(self) -> None:
        facts = self.connection.execute(_FACTS).fetchall()
        assert len({(identifier, version) for identifier, version, _ in facts}) == len(facts)
        assert not [status for _, _, status in facts if status in WAITING]
        for identifier, (status, version) in self.seen.items():
            assert ((identifier, version, status) in facts) == (status not in WAITING)
        assert dict(self.connection.execute(_COUNTS).fetchall()) == Counter(status for _, _, status in facts)

    @invariant()
    def slots_are_what_is_on_the_wire(self) -> None:
        for worker, tickets in self.wires.items():
            assert worker.lanes.in_flight() == len(tickets)
            for lane in worker.lanes._lanes.values():
                assert lane.used <= lane.settings.slots

    @invariant()
    def nothing_goes_out_twice_unless_an_operator_says_so(self) -> None:
        out = Counter(parcel.id for tickets in self.wires.values() for _, parcel in tickets)
        for identifier, copies in out.items():
            assert copies <= 1 + self.replayed[identifier]
        for identifier, times in self.accepted.items():
            assert times <= 1 + self.replayed[identifier]

    def _answer(self, worker: Hands, outcome: Outcome, many: int) -> None:
        tickets, self.wires[worker] = self.wires[worker][:many], self.wires[worker][many:]
        if outcome.kind is Kind.ACCEPTED:
            self.accepted.update(parcel.id for _, parcel in tickets)
        worker.record([(batch, parcel, outcome) for batch, parcel in tickets])

    def _open_lanes(self, worker: Hands) -> None:
        for lane in worker.lanes._lanes.values():
            lane.closed_until = 0.0

    def _with_status(self, *statuses: str) -> list[uuid.UUID]:
        query = "SELECT id FROM dispatches WHERE status = ANY(%s) ORDER BY id LIMIT 4"
        return [row[0] for row in self.connection.execute(query, [list(statuses)]).fetchall()]

    def _come_to_rest(self) -> None:
        """Whatever happened: once everything is answered, every row has an end and nothing is left."""
        for _ in range(60):
            for worker in self.wires:
                self._answer(worker, ACCEPTED, 1000)
            for who in (0, 1):
                self.turn(who, old=False)
                self.claim(who)
            self.rows_move_forward_and_wait_in_one_place()
            if not any(status in WAITING for status, _ in self.seen.values()) and not any(self.wires.values()):
                break
        self.every_published_state_has_one_fact()
        self.nothing_goes_out_twice_unless_an_operator_says_so()
        left = "SELECT (SELECT count(*) FROM due_dispatches), (SELECT count(*) FROM send_batches)"
        assert self.connection.execute(left).fetchone() == (0, 0)
        assert all(worker.lanes.held() == 0 for worker in self.workers)


@pytest.fixture
def histories(connection: psycopg.Connection, make_trigger: MakeTrigger) -> type[Histories]:
    narrow = {"knobs": {"concurrency": 1}}
    both = campaign_with([narrow, {"provider_type": "EMAIL"}])[0]
    days = {"dispatch_mode": "ASYNC", "trigger_time": dt.time(9), "week_days": "1,2,3,4,5,6,7"}
    return type(
        "TheseHistories",
        (Histories,),
        {
            "connection": connection,
            "make_trigger": staticmethod(make_trigger),
            "campaigns": [
                both,
                campaign_with([narrow, {"provider_type": "EMAIL"}, narrow], tenant=both.tenant, strategy="fallback")[0],
                campaign_with([narrow], tenant=both.tenant, **days)[0],
            ],
        },
    )


def test_in_any_history_states_move_forward_and_nothing_is_lost_doubled_or_left_behind(
    histories: type[Histories],
) -> None:
    """Without shrinking: to make a history shorter takes minutes, and it says enough as it is."""
    run_state_machine_as_test(
        histories,
        settings=hypothesis_settings(
            max_examples=20,
            stateful_step_count=40,
            phases=(Phase.reuse, Phase.generate),
            suppress_health_check=list(HealthCheck),
        ),
    )
