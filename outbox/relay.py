"""The relay: reads its shards in order, publishes, deletes what Kafka has acknowledged (architecture, decision 16).

One thread, one database connection, one producer. What may be repeated, and what never happens, is in docs/facts.md.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import psycopg
import structlog

from outbox import metrics, waiting
from outbox.courier import Courier, pause_before
from outbox.horizon import Horizon
from outbox.leases import LEASE_SECONDS, Leases, boottime, relay_name
from outbox.models import SHARDS
from outbox.publishing import Publisher
from outbox.waiting import Claim, Connection, Fact
from tenants.database import connect

log = structlog.get_logger("prism.outbox")

IDLE_WAIT = 0.05
BUSY_WAIT = 0.01
DELETED_AT_ONCE = 500
SWEEP_SECONDS = 1.0
DRAIN_SECONDS = 5.0
GIVEN_UP_SECONDS = 60.0


class BrokerSilentError(Exception):
    """A relay that is to leave when idle cannot become idle: the broker is away."""


@dataclass(frozen=True)
class Options:
    """`idle_exit`: seconds without work after which the relay leaves; 0 as soon as nothing waits; None never."""

    lease_seconds: float = LEASE_SECONDS
    rows: int = 1000
    idle_exit: float | None = None


class Relay:
    """`run` returns when `stopping` says so, or when idle for long enough; it raises what it cannot mend."""

    def __init__(self, options: Options, *, stopping: Callable[[], bool], publisher: Publisher | None = None) -> None:
        self.leases = Leases(relay_name(), shards=SHARDS, seconds=options.lease_seconds)
        self._courier = Courier(publisher or Publisher())
        self._progress = self._courier.progress
        self._horizon = Horizon()
        self._options = options
        self._stopping = stopping
        self._connection: Connection | None = None
        self._failures = 0
        self._renew_at = self._reconnect_at = 0.0
        self._started_at = self._worked_at = boottime()
        self._sweep_every = SWEEP_SECONDS

    def run(self) -> None:
        log.info("relay_started", relay=self.leases.name)
        try:
            while not self._stopping() and not self._is_done():
                try:
                    self._turn()
                except psycopg.Error as error:
                    self._lose_database(error)
        finally:
            self._leave()
        log.info("relay_stopped", relay=self.leases.name)

    def _turn(self) -> None:
        """One round: leases, Kafka's answers into the database, new facts to Kafka, wait for answers."""
        self._drop_lost()
        if (wait := self._reconnect_at - boottime()) > 0:
            self._courier.listen(min(IDLE_WAIT, wait))
            return
        connection = self._connect()
        if boottime() >= self._renew_at:
            self._renew(connection)
        self._write(connection)
        if self._courier.may_send():
            self._feed(connection)
        self._courier.listen(BUSY_WAIT if self._progress.under_way() else IDLE_WAIT)

    # Leases

    def _renew(self, connection: Connection) -> None:
        before = set(self.leases.held)
        self.leases.renew(connection, busy=self._progress.busy())
        held = set(self.leases.held)
        for shard in held - before:
            self._progress.of(shard).start_over()
        if held != before:
            log.info("shards_changed", relay=self.leases.name, shards=sorted(held))
        metrics.SHARDS.set(len(held))
        in_order = self.leases.complete and not self.leases.unwanted
        self._renew_at = boottime() + self._options.lease_seconds / (3 if in_order else 20)

    def _drop_lost(self) -> None:
        """Where the time ran out, or another relay took the shard, nothing more may leave this process."""
        open_shards = self._progress.open_shards()
        lost = self.leases.lost() | (open_shards - set(self.leases.held))
        if not lost:
            return
        log.warning("shards_lost", relay=self.leases.name, shards=sorted(lost), under_way=bool(lost & open_shards))
        self.leases.drop(lost)
        self._renew_at = 0.0
        if lost & open_shards:
            self._courier.start_anew("lease")

    # Rows to Kafka

    def _feed(self, connection: Connection) -> None:
        """Read every idle shard that is held, and hand its facts over."""
        idle = [shard for shard in self.leases.held if self._may_read(shard)]
        swept = next((shard for shard in idle if self._is_sweep_due(shard)), None)
        found = {} if swept is None else self._sweep(connection, swept)
        known = [shard for shard in idle if shard != swept and self._progress.of(shard).swept_at]
        if known:
            self._look(connection)
            found |= self._read(connection, [(shard, self._progress.of(shard).floor) for shard in known])
            for shard in set(known) - set(found):
                self._progress.of(shard).floor = self._horizon.settled
        for shard, facts in found.items():
            self._worked_at = boottime()
            if self._courier.may_send():
                is_held = partial(self.leases.holds, shard)
                self._courier.hand_over(facts, settled=self._horizon.settled, is_held=is_held)

    def _look(self, connection: Connection) -> None:
        last_id, xmin, xmax = waiting.look(connection)
        self._horizon.look(last_id=last_id, xmin=xmin, xmax=xmax)

    def _may_read(self, shard: int) -> bool:
        return self._progress.of(shard).is_idle and shard not in self.leases.unwanted and self.leases.holds(shard)

    def _is_sweep_due(self, shard: int) -> bool:
        return boottime() - self._progress.of(shard).swept_at >= self._sweep_every

    def _sweep(self, connection: Connection, shard: int) -> dict[int, list[Fact]]:
        """Read one shard from its start, where facts are that were parked and put back; at most a tenth of all time."""
        started = self._progress.of(shard).swept_at = boottime()
        try:
            return self._read(connection, [(shard, 0)])
        finally:
            self._sweep_every = max(SWEEP_SECONDS, 10 * SHARDS * (boottime() - started))

    def _read(self, connection: Connection, places: list[tuple[int, int]]) -> dict[int, list[Fact]]:
        claims = [Claim(shard, self.leases.held[shard].epoch, floor) for shard, floor in places]
        return waiting.read(connection, owner=self.leases.name, claims=claims, rows=self._options.rows)

    # Answers to the database

    def _write(self, connection: Connection) -> None:
        """Tell the database what Kafka said. Safe to repeat when the answer is lost."""
        progress = self._progress
        if progress.acknowledged and (progress.finished_shards() or len(progress.acknowledged) >= DELETED_AT_ONCE):
            facts = list(progress.acknowledged)
            waiting.delete(connection, [fact.id for fact in facts])
            del progress.acknowledged[: len(facts)]
            self._count(facts)
            progress.written(facts)
        while progress.refused:
            fact, problem = progress.refused[0]
            waiting.park(connection, fact_id=fact.id, problem=problem)
            progress.refused.pop(0)
            progress.written([fact])
            metrics.PARKED.labels(problem).inc()
            log.error("fact_parked", outbox_id=fact.id, topic=fact.topic, problem=problem, headers=fact.headers)

    def _count(self, facts: list[Fact]) -> None:
        for topic, count in Counter(fact.topic for fact in facts).items():
            metrics.PUBLISHED.labels(topic).inc(count)
        for shard in self._progress.finished_shards():
            metrics.LATENCY.observe(max(0.0, time.time() - self._progress.of(shard).oldest_made_at))

    # The database comes and goes

    def _connect(self) -> Connection:
        if self._connection is None:
            lease = self._options.lease_seconds
            self._connection = connect(
                "prism-relay",
                statement_timeout=lease / 2,
                lock_timeout=lease / 5,
                idle_in_transaction_timeout=lease,
                # A delete that a crash forgets is a fact published twice, which its id tells; waiting for each is dear.
                synchronous_commit="off",
                # Few statements, each with its index; the statistics of a table that empties itself mislead.
                enable_seqscan="off",
                enable_bitmapscan="off",
                jit="off",
            )
            self._failures = 0
            self._renew_at = 0.0
            # Another server, or an older state of this one, gives out its own ids.
            self._horizon = Horizon()
            self._progress.forget_floors()
        return self._connection

    def _lose_database(self, error: psycopg.Error) -> None:
        """Try again after a while. What is a defect and no outage is raised."""
        connection, self._connection = self._connection, None
        lost = connection is None or connection.closed
        if connection is not None:
            connection.close()
        if not lost and not isinstance(error, psycopg.OperationalError):
            raise error
        self._failures += 1
        pause = pause_before(self._failures)
        self._reconnect_at = boottime() + pause
        log.warning("database_lost", error=str(error).strip(), retry_in=round(pause, 2))

    # Coming to an end

    def _is_done(self) -> bool:
        """Idle for long enough, everything looked at since, and no shard still to come from a dead relay."""
        idle_exit = self._options.idle_exit
        if idle_exit is None:
            return False
        now = boottime()
        swept = all(self._progress.of(shard).swept_at > self._worked_at for shard in self.leases.held)
        complete = self.leases.complete or now - self._started_at > self._options.lease_seconds + 1
        idle = not self._progress.busy() and now - self._worked_at >= idle_exit
        if idle and swept and complete and self._renew_at:
            return True
        if self._courier.silent_for() > GIVEN_UP_SECONDS:
            raise BrokerSilentError(f"Kafka has not answered for {GIVEN_UP_SECONDS:.0f} seconds")
        return False

    def _leave(self) -> None:
        """Take the answers that are still to come, write them, hand the shards over."""
        until = boottime() + min(DRAIN_SECONDS, self._options.lease_seconds * 0.6)
        while self._progress.under_way() and boottime() < until:
            self._courier.listen(BUSY_WAIT)
        self._courier.finish()
        try:
            connection = self._connect()
            self._write(connection)
            self.leases.give_all_back(connection)
            connection.close()
        except psycopg.Error as error:
            log.warning("left_without_database", error=str(error).strip())
