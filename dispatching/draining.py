"""Send what is due: the resident sender's loop, and the one pass of cron and of the minute job (decisions 13, 19)."""

from __future__ import annotations

import datetime as dt
import threading
import time

import psycopg
import structlog

from dispatching import metrics
from dispatching.circuit_rows import drop_probe, take_probe
from dispatching.claiming import Claimed, claim_due, count_due, lanes_with_due
from dispatching.commits import transaction_id, was_committed
from dispatching.database import connect, is_passing
from dispatching.engine import Engine
from dispatching.handing_on import BEGINNING, Place, hand_on
from dispatching.pacing import give_back_tokens, take_tokens
from dispatching.parcels import Batch, LaneKey
from dispatching.workers import application_name
from providers.circuits import UNAVAILABLE

POLL_S = 0.5
LIMIT = 256
RETRY_S = 0.5
DRAIN_S = 25.0
DOUBT_S = 5.0
ALIVE_S = 15
JOB_SECONDS = 40.0
SOON_S = 5.0
"""A single pass waits for a hold no longer."""
PROBE_MORE_S = 5.0

log = structlog.get_logger("prism.dispatching")


class DueDrainer:
    """Claims due rows into the engine's free slots. Owns one database connection, in the thread that runs it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: psycopg.Connection | None = None
        self._doubt: tuple[str, list[Batch]] | None = None
        """A claim whose COMMIT was not answered: its transaction, and what it would release."""
        self._places: dict[LaneKey, Place] = {}
        """How far the due rows of closed lanes were looked at."""
        self.taken = 0

    def run(self, stop: threading.Event, *, max_seconds: float | None = None, until_empty: bool = False) -> None:
        """Until told to stop; or for some seconds; or until nothing is due and nothing is in flight."""
        deadline = None if max_seconds is None else time.monotonic() + max_seconds
        while not stop.is_set() and self._engine.failed is None and (deadline is None or time.monotonic() < deadline):
            lanes, taken = self._pass()
            self.taken += taken
            if until_empty and not lanes and not self._engine.lanes.in_flight():
                break
            if not taken:
                self._engine.lanes.wait_for_change(0.02 if until_empty and not lanes else POLL_S)
        self._end_doubt()
        if self._connection is not None:
            self._connection.close()

    def _pass(self) -> tuple[int, int]:
        """Every lane with due rows once. Returns (lanes with due rows, rows taken)."""
        try:
            connection = self._open()
            if not self._settle(connection):
                time.sleep(RETRY_S)
                return 1, 0
            with connection.cursor() as cursor:
                lanes = lanes_with_due(cursor)
            taken = sum(self._take(connection, lane) for lane in lanes)
            return sum(self._may_go_on(lane) for lane in lanes), taken
        except psycopg.Error as error:
            if not is_passing(error):
                raise
            log.warning("claiming_failed", result="failure", error=str(error))
            metrics.DATABASE_FAILURES.labels(thread="planner").inc()
            if self._connection is not None:
                self._connection.close()
            time.sleep(RETRY_S)
            return 1, 0

    def _take(self, connection: psycopg.Connection, key: LaneKey) -> int:
        lanes = self._engine.lanes
        if lanes.is_probe_due(key.provider_id) and self._probe(connection, key):
            return 1
        limit, tokens = self._room(connection, key)
        if limit > 0:
            claimed = self._claim(connection, key, limit)
            if tokens:
                give_back_tokens(connection, key.provider_id, tokens, claimed.delayed)
            return claimed.taken
        return self._hand_on(connection, key) if lanes.state_of(key.provider_id) in UNAVAILABLE else 0

    def _may_go_on(self, key: LaneKey) -> bool:
        """Whether this pass may have left something that the next ones send before long."""
        lanes = self._engine.lanes
        if lanes.state_of(key.provider_id) in UNAVAILABLE:
            return self._places.get(key, BEGINNING) != BEGINNING
        return lanes.wait_of(key.provider_id) < SOON_S

    def _probe(self, connection: psycopg.Connection, key: LaneKey) -> bool:
        """Let one message through to a provider in trouble, if no other process does."""
        engine = self._engine
        with connection.cursor() as cursor:
            state = engine.snapshots.current(cursor).providers.get(key.provider_id)
        if state is None or state.settings is None or not state.is_active:
            return False
        # As long as a batch may take to its answer, and some more.
        lease_s = engine.lease_s + (state.settings.timeout_ms + state.settings.connect_timeout_ms) / 1000 + PROBE_MORE_S
        if not take_probe(connection, key.provider_id, engine.worker_id, lease_s):
            return False
        claimed = self._claim(connection, key, 1, is_probe=True)
        if not claimed.batches:
            drop_probe(connection, key.provider_id, engine.worker_id)
        return True

    def _hand_on(self, connection: psycopg.Connection, key: LaneKey) -> int:
        """What waits for a provider that is left alone goes to the next one, or ends when its time is over."""
        with connection.transaction(), connection.cursor() as cursor:
            done = hand_on(
                cursor,
                key,
                self._engine.snapshots.current(cursor),
                self._engine.lanes.unavailable(),
                dt.datetime.now(dt.UTC),
                self._places.get(key, BEGINNING),
            )
        self._places[key] = done.place
        metrics.count_moves(done.moves)
        return done.taken

    def _claim(self, connection: psycopg.Connection, key: LaneKey, limit: int, *, is_probe: bool = False) -> Claimed:
        engine = self._engine
        with connection.transaction(), connection.cursor() as cursor:
            claimed = claim_due(
                cursor,
                key,
                limit=limit,
                worker_id=engine.worker_id,
                snapshots=engine.snapshots,
                now=dt.datetime.now(dt.UTC),
                lease_s=engine.lease_s,
                unavailable=engine.lanes.unavailable(),
                is_probe=is_probe,
            )
            self._doubt = transaction_id(cursor), claimed.batches
        self._doubt = None
        self._accept(claimed.batches)
        metrics.count_moves(claimed.ended)
        return claimed

    def _accept(self, batches: list[Batch]) -> None:
        for batch in batches:
            assert batch.settings is not None
            lane = self._engine.lanes.lane(batch.lane, batch.settings)
            self._engine.lanes.take(lane, len(batch.parcels))
        self._engine.accept_claimed(batches)

    def _settle(self, connection: psycopg.Connection) -> bool:
        """After a COMMIT whose answer was lost: what it released goes out, unless the reaper has it by now. False while
        nobody can tell."""
        if self._doubt is None:
            return True
        transaction, batches = self._doubt
        committed = was_committed(connection, transaction)
        if committed is None:
            return False
        found = connection.execute(
            "SELECT id::text FROM send_batches WHERE id = ANY(%s::uuid[]) AND owner = %s",
            [[batch.id for batch in batches], self._engine.worker_id],
        ).fetchall()
        self._doubt = None
        self._accept([batch for batch in batches if committed and (batch.id,) in found])
        return True

    def _end_doubt(self) -> None:
        """Leaving with a claim in doubt would leave it to the reaper, who can only call it unknown."""
        until = time.monotonic() + DOUBT_S
        while self._doubt is not None and time.monotonic() < until:
            try:
                if self._settle(self._open()):
                    return
            except psycopg.OperationalError as error:
                log.warning("claiming_failed", result="failure", error=str(error))
            time.sleep(RETRY_S)

    def _room(self, connection: psycopg.Connection, key: LaneKey) -> tuple[int, int]:
        """How many rows may be claimed: free slots, a worthwhile number of them, and tokens where paced; and the pace
        that tokens were taken for, 0 where there is none."""
        with connection.cursor() as cursor:
            state = self._engine.snapshots.current(cursor).providers.get(key.provider_id)
        if state is None or state.settings is None or not state.is_active:
            # Nothing will be sent: the recheck ends these rows with their reason.
            return LIMIT, 0
        lane = self._engine.lanes.lane(key, state.settings)
        free = self._engine.lanes.free_slots(lane)
        if free < lane.batch_size:
            return 0, 0
        limit = min(free, max(LIMIT, lane.batch_size))
        if state.settings.per_minute:
            with connection.cursor() as cursor:
                wanted = count_due(cursor, key, limit)
            # No more than is due: tokens that nobody uses are lost to the other processes.
            rate = state.settings.per_minute
            return take_tokens(connection, key.provider_id, rate, wanted), rate
        return limit, 0

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(application_name(self._engine.worker_id, "planner"))
        return self._connection


def sender_alive(connection: psycopg.Connection) -> bool:
    """Whether a resident sender gave a heartbeat lately."""
    row = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM workers WHERE kind = 'sender' AND state = 'running'"
        " AND heartbeat_at > clock_timestamp() - make_interval(secs => %s))",
        [ALIVE_S],
    ).fetchone()
    return bool(row and row[0])


def drain_due(*, max_seconds: float = JOB_SECONDS, only_if_no_sender: bool = True, kind: str = "drain") -> int:
    """Send what is due now, once. The minute job's work where no resident sender lives. Returns rows taken."""
    with connect("prism:drain:look") as connection:
        if only_if_no_sender and sender_alive(connection):
            return 0
        with connection.cursor() as cursor:
            if not lanes_with_due(cursor):
                return 0
    engine = Engine(kind)
    engine.start()
    drainer = DueDrainer(engine)
    try:
        drainer.run(threading.Event(), max_seconds=max_seconds, until_empty=True)
    finally:
        engine.stop(DRAIN_S)
    if engine.failed:
        raise engine.failed
    return drainer.taken
