"""Which partitions are this process's own: Kafka assigns them, the database says where each goes on (decision 5).

Callbacks only note what Kafka wants. Positions are taken between polls, where the database may be slow or away without
costing the group membership; until then nothing of a partition is fetched. Pausing is the same as holding nothing:
`assign([])` keeps the membership, drops what was prefetched, and leaves no state behind (a pause would [run]).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg
import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from ingestion import metrics, positions
from ingestion.batches import Held
from ingestion.kafka import views_of
from ingestion.positions import Move, Partition
from ingestion.witness import KafkaView, problem_of

KAFKA_TIMEOUT_S = 5.0
LOCK_TIMEOUT = "1s"
RETRY_S = 0.5
RECHECK_S = 5.0
_NEVER = float("inf")

log = structlog.get_logger("prism.ingestion")


class Assignment:
    """Owned by the consuming thread, as is the consumer."""

    def __init__(self, consumer: Consumer, *, group: str, retake_after: float) -> None:
        self._consumer = consumer
        self._group = group
        self._retake_after = retake_after
        self.held: dict[Partition, Held] = {}
        """Taken and running: these, and only these, are fetched."""
        self.stopped: dict[Partition, str] = {}
        """Ours by Kafka's word, but waiting for an operator, with the reason."""
        self._wanted: dict[Partition, float] = {}
        """Ours by Kafka's word and not taken yet, with the moment from which to try."""
        self._recheck_at = _NEVER
        self.changed = False
        """Something was given, taken away or fenced since the last `settle`: what was fetched before is void."""

    def subscribe(self, topics: Sequence[str]) -> None:
        self._consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )

    def settle(self, connection: psycopg.Connection) -> None:
        """Take what is due to be taken and let it be fetched. Raises psycopg.Error when the database is away."""
        self._recheck_stopped(connection)
        now = time.monotonic()
        due = sorted(partition for partition, moment in self._wanted.items() if moment <= now)
        if due:
            self._take_all(connection, due)
        if self.changed:
            self.changed = False
            self.resume()

    def suspend(self) -> None:
        """Fetch nothing, stay in the group."""
        self._consumer.assign([])

    def resume(self) -> None:
        """Fetch from the stored positions, whatever was fetched before."""
        self._consumer.assign([TopicPartition(*key, held.next_offset) for key, held in self.held.items()])

    def lose(self, partitions: Sequence[Partition]) -> None:
        """Another process has these now. Kafka tells within a heartbeat; where it does not, they are taken again."""
        for partition in partitions:
            self.held.pop(partition, None)
            self._wanted[partition] = time.monotonic() + self._retake_after
        self.changed = True
        log.warning("fenced", result="failure", metadata={"partitions": [list(partition) for partition in partitions]})

    def stop(self, connection: psycopg.Connection, partition: Partition, reason: str) -> None:
        """Consume nothing more of it until `manage.py recover_position`; the others go on."""
        held = self.held.pop(partition, None)
        if held is not None:
            self._write_stop(connection, partition, held.epoch, reason)
            self._note_stopped(partition, reason)
            self.changed = True

    def commit_witness(self, moves: Sequence[Move]) -> None:
        """Tell Kafka, which is only the witness: after the database, and without waiting."""
        offsets = [TopicPartition(move.topic, move.partition, move.next_offset) for move in moves]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.debug("witness_not_told", result="failure", error=str(error))

    def refetch_needed(self, record_partition: Partition, offset: int) -> bool:
        """Whether a fetched record is not what its stored position expects."""
        held = self.held.get(record_partition)
        return held is None or offset < held.next_offset

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._replace([(partition.topic, partition.partition) for partition in partitions])
        self._consumer.assign([])
        log.info("assigned", result="success", metadata={"partitions": sorted(self._wanted)})

    def _on_revoke(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        # The eager protocol takes everything away and gives anew.
        log.info("revoked", result="success", metadata={"partitions": sorted(self.held)})
        self._replace([])
        # Not assign([]): librdkafka rejoins only after the revoked partitions were given back [run].
        self._consumer.unassign()

    def _replace(self, partitions: Sequence[Partition]) -> None:
        for topic, partition in self.stopped:
            metrics.STOPPED.labels(topic=topic, partition=str(partition)).set(0)
        for topic, partition in self.held:
            metrics.LAG.labels(topic=topic, partition=str(partition)).set(0)
        self.held.clear()
        self.stopped.clear()
        self._wanted = dict.fromkeys(partitions, 0.0)
        self._recheck_at = _NEVER
        self.changed = True

    def _take_all(self, connection: psycopg.Connection, due: list[Partition]) -> None:
        try:
            # Before the rows: a commit between the two would look as if Kafka were ahead.
            views = views_of(self._consumer, due, KAFKA_TIMEOUT_S)
        except KafkaException as error:
            log.warning("kafka_not_asked", result="failure", error=str(error))
            self._wanted.update(dict.fromkeys(due, time.monotonic() + RETRY_S))
            return
        for partition in due:
            self._take(connection, partition, views[partition])

    def _take(self, connection: psycopg.Connection, partition: Partition, view: KafkaView) -> None:
        topic, number = partition
        try:
            with connection.transaction(), connection.cursor() as cursor:
                # Its last owner may be frozen in the middle of a transaction: the others do not wait for that.
                cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                position = positions.take(cursor, group=self._group, topic=topic, partition=number, earliest=view.low)
        except psycopg.errors.LockNotAvailable:
            log.warning("position_locked", result="failure", metadata={"topic": topic, "partition": number})
            self._wanted[partition] = time.monotonic() + RETRY_S
            return
        del self._wanted[partition]
        self.changed = True
        reason = problem_of(position, view)
        if not reason:
            self.held[partition] = Held(position.epoch, position.next_offset)
            return
        if not position.stopped_reason:
            self._write_stop(connection, partition, position.epoch, reason)
        self._note_stopped(partition, reason)

    def _write_stop(self, connection: psycopg.Connection, partition: Partition, epoch: int, reason: str) -> None:
        topic, number = partition
        with connection.cursor() as cursor:
            positions.stop(cursor, group=self._group, topic=topic, partition=number, epoch=epoch, reason=reason)

    def _note_stopped(self, partition: Partition, reason: str) -> None:
        topic, number = partition
        self.stopped[partition] = reason
        self._recheck_at = min(self._recheck_at, time.monotonic() + RECHECK_S)
        metrics.STOPPED.labels(topic=topic, partition=str(number)).set(1)
        log.error("partition_stopped", result="failure", error=reason, metadata={"topic": topic, "partition": number})

    def _recheck_stopped(self, connection: psycopg.Connection) -> None:
        """An operator may have recovered them: then they are taken again."""
        if not self.stopped or time.monotonic() < self._recheck_at:
            return
        with connection.cursor() as cursor:
            still = positions.stopped(cursor, group=self._group)
        for topic, number in [partition for partition in self.stopped if partition not in still]:
            del self.stopped[topic, number]
            metrics.STOPPED.labels(topic=topic, partition=str(number)).set(0)
            self._wanted[topic, number] = 0.0
        self._recheck_at = time.monotonic() + RECHECK_S if self.stopped else _NEVER

    def show_lag(self) -> None:
        """From what was fetched last, without asking Kafka; nothing of a partition that nothing was fetched of."""
        for (topic, number), held in self.held.items():
            _low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
            if high >= 0:
                metrics.LAG.labels(topic=topic, partition=str(number)).set(max(0, high - held.next_offset))
