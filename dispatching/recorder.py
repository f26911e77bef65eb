"""The thread that writes outcomes in micro-batches and releases what comes next, in one transaction (decision 13)."""

from __future__ import annotations

import datetime as dt
import queue
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import psycopg
import structlog

from dispatching import metrics
from dispatching.alarms import tell_dead_letters
from dispatching.breakers import Breakers, Trouble
from dispatching.circuits import RATE_LIMITED
from dispatching.commits import transaction_id, was_committed
from dispatching.database import connect, is_passing
from dispatching.fallback import add_successors
from dispatching.handing_on import fail_where_another_takes_over
from dispatching.holding import delay
from dispatching.lanes import Lanes
from dispatching.pacing import take_tokens
from dispatching.parcels import Batch, LaneKey
from dispatching.recording import record_moves
from dispatching.releasing import OwnershipLostError, Release, check_owner, hand_back, postpone, release_batches
from dispatching.results import Move, Pause, Sent, move_of
from dispatching.sending import Sender
from dispatching.snapshot import SnapshotHolder
from dispatching.workers import application_name
from providers.outcomes import Kind

MICRO_BATCH = 256
GATHER_S = 0.02
TICK_S = 0.5
PACE_TICK_S = 0.1
RETRY_S = 0.5

log = structlog.get_logger("prism.dispatching")

T = TypeVar("T")

_FINISHED = "DELETE FROM send_batches WHERE id = ANY(%s::uuid[])"


class Recorder:
    """Owns one database connection. What it was given it writes, however often it must try."""

    def __init__(self, worker_id: int, lanes: Lanes, snapshots: SnapshotHolder, lease_s: float) -> None:
        self._worker_id = worker_id
        self._lanes = lanes
        self._snapshots = snapshots
        self._lease_s = lease_s
        self._inbox: queue.SimpleQueue[list[Sent]] = queue.SimpleQueue()
        self._breakers = Breakers(worker_id, lanes, snapshots)
        self._stopping = False
        self._connection: psycopg.Connection | None = None
        self._doubt: tuple[str, Release] | None = None
        """A release that left something behind, and its transaction, while its COMMIT is not answered."""
        self.sender: Sender | None = None
        self.releasing = True
        """Off when the process leaves, or when the reaper took it for dead: record, release nothing more."""
        self.lost: OwnershipLostError | None = None
        """Why this process must stop: its batches are not its own any more."""

    def put(self, sents: list[Sent]) -> None:
        """Outcomes to record; an empty list only wakes the thread, because something may be released."""
        self._inbox.put(sents)

    def stop(self) -> None:
        self._stopping = True
        self._inbox.put([])

    def run(self) -> None:
        try:
            while not (self._stopping and self._inbox.empty()):
                sents = self._gather()
                self.look_at_circuits()
                self._take_tokens()
                self._return_closed()
                self._work(sents)
        finally:
            if self._connection is not None:
                self._connection.close()

    def look_at_circuits(self) -> None:
        """At most twice a second: which providers are not to be used now."""
        if self._breakers.is_due:
            self._until_committed(lambda: self._breakers.look(self._open()))

    def _gather(self) -> list[Sent]:
        """The first outcome, then whatever comes within 20 ms, up to a micro-batch or to all that is on the wire."""
        try:
            sents = self._inbox.get(timeout=PACE_TICK_S if self._lanes.paced_waiting() else TICK_S)
        except queue.Empty:
            return []
        until = time.monotonic() + GATHER_S
        while len(sents) < min(MICRO_BATCH, self._lanes.in_flight()):
            try:
                sents = sents + self._inbox.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
        return sents

    def _work(self, sents: list[Sent]) -> None:
        for trouble in self._breakers.note(sents):
            self._until_committed(partial(self._tell, trouble))
        now = dt.datetime.now(dt.UTC)
        freed = Counter(sent.batch.lane for sent in sents)
        moves = [self._move(sent, now) for sent in sents]
        finished = _finish(sents)
        batches = self._lanes.next_batches(freed) if self.releasing else []
        if not (moves or batches):
            return
        freed.update(_held_by(batches))
        release = self._record_and_release(moves, finished, batches)
        released = release.apply() if release else []
        metrics.count_moves(moves + release.moves if release else moves)
        tell_dead_letters(moves)
        freed.subtract(_held_by(released))
        self._lanes.give_back(freed)
        for held in release.delayed if release else ():
            self._lanes.return_tokens(held.lane, 1)
        if self.sender is not None:
            self.sender.put(released)

    def _record_and_release(self, moves: list[Move], finished: list[str], batches: list[Batch]) -> Release | None:
        self._doubt = None
        try:
            return self._until_committed(partial(self._transaction, moves, finished, batches))
        except OwnershipLostError as error:
            # The reaper has our batches; what the vendor answered is still true, and is recorded before we stop.
            self.lost, self.releasing = error, False
            log.exception("batches_taken_away", result="failure", metadata={"worker": self._worker_id})
            return self._record_and_release(moves, finished, [])
        except (psycopg.DataError, UnicodeError):
            # The decoders let nothing through that PostgreSQL refuses; should one slip, the state counts more.
            log.exception("outcome_text_refused", result="failure")
            if not sum(map(_reduce, moves)):
                raise
            return self._record_and_release(moves, finished, batches)

    def _transaction(self, moves: list[Move], finished: list[str], batches: list[Batch]) -> Release | None:
        connection = self._open()
        if (known := self._settled(connection)) is not None:
            return known
        # Asked anew with each try: what may still go is judged by the time of its release, not of the outage before it.
        now = dt.datetime.now(dt.UTC)
        with connection.transaction(), connection.cursor() as cursor:
            release = None
            ended = moves
            if batches:
                release = release_batches(
                    cursor,
                    batches,
                    worker_id=self._worker_id,
                    snapshots=self._snapshots,
                    now=now,
                    lease_s=self._lease_s,
                )
                postpone(cursor, release.postponed)
                delay(cursor, release.delayed)
                ended = moves + release.moves
            if any(move.is_paused for move in moves):
                fail_where_another_takes_over(cursor, self._snapshots.current(cursor), moves, self._lanes.unavailable())
            moved = record_moves(cursor, ended, now)
            if any(move.status in ("FAILED", "REFUSED") for move in ended):
                failed = [move for move in ended if move.parcel.id in moved]
                add_successors(cursor, self._snapshots.current(cursor), failed, now, self._lanes.unavailable())
            if finished:
                cursor.execute(_FINISHED, [finished])
            if release is not None and release.leaves_some:
                self._doubt = transaction_id(cursor), release
        return release

    def _settled(self, connection: psycopg.Connection) -> Release | None:
        """What the try before released, where its COMMIT came through without an answer: what it put into the queue is
        there for everybody, and must neither go there again nor be released here."""
        if self._doubt is None:
            return None
        transaction, release = self._doubt
        committed = was_committed(connection, transaction)
        if committed is None:
            raise psycopg.OperationalError("the COMMIT before is still under way")
        if committed:
            check_owner(connection, release, self._worker_id)
        self._doubt = None
        return release if committed else None

    def _move(self, sent: Sent, now: dt.datetime) -> Move:
        settings = sent.batch.settings
        assert settings is not None
        wait = 0.0
        if sent.outcome.kind is Kind.NOT_SENT:
            # A deadline that passed in our own queue says nothing about the vendor.
            wait = self._lanes.back_off(sent.batch.lane) if sent.outcome.reason != "DEADLINE" else 0.0
        elif sent.outcome.kind is not Kind.UNKNOWN and sent.dispatched_at is not None:
            self._lanes.recovered(sent.batch.lane)
        return move_of(sent, settings, now, wait, self._pause_for(sent))

    def _pause_for(self, sent: Sent) -> Pause | None:
        """Where the trouble is the provider's, and none of the message."""
        provider_id, outcome = sent.batch.lane.provider_id, sent.outcome
        if outcome.kind is Kind.CONFIGURATION:
            own = sent.dispatched_at is not None and not sent.batch.is_probe
            return None if own and self._breakers.takes_others(provider_id) else Pause()
        if outcome.kind is Kind.DEFERRED and outcome.reason == RATE_LIMITED and self._breakers.is_crowded(provider_id):
            return Pause(self._lanes.wait_of(provider_id))
        return None

    def _tell(self, trouble: Trouble) -> None:
        self._breakers.tell(self._open(), trouble)

    def _take_tokens(self) -> None:
        for lane, wanted in self._lanes.paced_waiting() if self.releasing else ():
            rate = lane.settings.per_minute
            if rate and wanted > 0:
                take = partial(self._take, lane.key.provider_id, rate, wanted)
                self._lanes.add_tokens(lane, self._until_committed(take))

    def _take(self, provider_id: str, per_minute: int, wanted: int) -> int:
        return take_tokens(self._open(), provider_id, per_minute, wanted)

    def _return_closed(self) -> None:
        """What waits for a lane that backs off becomes due rows, where the back-off and `not_after` watch over it."""
        if batches := self._lanes.drain_closed():
            due_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
            self._until_committed(lambda: self._hand_back(batches, due_at))

    def hand_back_ahead(self) -> None:
        """The process leaves: what it planned and did not release goes to whoever has slots. Call after `stop`."""
        if batches := self._lanes.drain_ahead():
            connection = connect(application_name(self._worker_id, "handback"))
            with connection, connection.transaction(), connection.cursor() as cursor:
                hand_back(cursor, batches, worker_id=self._worker_id, due_at=dt.datetime.now(dt.UTC))

    def _hand_back(self, batches: list[Batch], due_at: dt.datetime) -> None:
        connection = self._open()
        with connection.transaction(), connection.cursor() as cursor:
            hand_back(cursor, batches, worker_id=self._worker_id, due_at=due_at)

    def _until_committed(self, work: Callable[[], T]) -> T:
        """Run a transaction until it is through: what it writes is guarded, so that a repeat changes nothing twice."""
        while True:
            try:
                return work()
            except psycopg.Error as error:
                if not is_passing(error):
                    raise
                log.warning("recording_failed", result="failure", error=str(error))
                metrics.DATABASE_FAILURES.labels(thread="recorder").inc()
                if self._connection is not None and self._connection.broken:
                    self._connection.close()
                    self._connection = None
                time.sleep(RETRY_S)

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(application_name(self._worker_id, "recorder"))
        return self._connection


def _finish(sents: list[Sent]) -> list[str]:
    """Batches whose last parcel came back."""
    finished = []
    for sent in sents:
        sent.batch.left -= 1
        if sent.batch.left == 0:
            finished.append(sent.batch.id)
    return finished


def _reduce(move: Move) -> bool:
    """Keep of an outcome only what any database takes. False where there was nothing to leave out."""
    kept = (None, move.error and _plain(move.error), _plain(move.message_id))
    changed = kept != (move.response, move.error, move.message_id)
    move.response, move.error, move.message_id = kept
    return changed


def _plain(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode().replace("\x00", "")


def _held_by(batches: list[Batch]) -> Counter[LaneKey]:
    held: Counter[LaneKey] = Counter()
    for batch in batches:
        held[batch.lane] += len(batch.parcels)
    return held
