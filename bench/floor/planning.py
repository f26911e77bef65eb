"""The floor's first thread: Kafka to committed dispatches and batches, one transaction per poll."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition
from psycopg import Connection

from bench import events
from bench.events import CHANNEL, TEMPLATE_CODE
from bench.floor import statements as sql
from bench.floor.lane import BATCH, Lane
from bench.floor.records import Batch, Event, Job, Keyed, array, mint, quoted
from bench.steps import Steps

POLL = 256
TENANT, LANE_CLASS = 1, 1
CAMPAIGN, LINK, PROVIDER, TEMPLATE, VERSION = (f"00000000-0000-4000-8000-{n:012d}" for n in range(1, 6))
TEXT = events.BODY.replace("%", "%%").replace("{{", "%(").replace("}}", ")s")


class Planner:
    def __init__(self, lane: Lane, connection: Connection[Any], *, bootstrap: str, topic: str, group: str) -> None:
        self.lane, self.connection, self.topic, self.group = lane, connection, topic, group
        self.steps = Steps()
        self.owner = connection.info.backend_pid
        self.epochs: dict[int, int] = {}
        self.consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": group,
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "session.timeout.ms": 6000,
                "heartbeat.interval.ms": 200,
                "queued.max.messages.kbytes": 8192,
                "max.partition.fetch.bytes": 65536,
            }
        )
        self.consumer.subscribe([topic], on_assign=self._take)
        self.decode = msgspec.json.Decoder(Event).decode

    def _take(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for partition in partitions:
            row = self.connection.execute(
                sql.TAKE_POSITION, (self.group, partition.topic, partition.partition)
            ).fetchone()
            assert row
            self.epochs[partition.partition], partition.offset = row
        consumer.assign(partitions)

    def run(self) -> None:
        while not self.lane.stopping.is_set():
            if self.lane.wait_for_room(0.2):
                self._round()
        self.consumer.close()

    def _round(self) -> None:
        self.steps.begin()
        first = self.consumer.poll(0.2)
        if first is None:
            return
        records = [first, *self.consumer.consume(POLL - 1, 0)]
        self.steps.mark("poll")
        offsets, read = self._read(records)
        self.steps.mark("decode")
        self._plan(self._key(read), offsets)
        witness = [TopicPartition(self.topic, partition, offset) for partition, offset in offsets.items()]
        self.consumer.commit(offsets=witness, asynchronous=True)
        self.steps.mark("witness", len(read))

    def _read(self, records: list[Message]) -> tuple[dict[int, int], list[Event]]:
        offsets: dict[int, int] = {}
        read = []
        for record in records:
            if error := record.error():
                raise SystemExit(f"floor: {error}")
            offsets[record.partition()] = record.offset() + 1  # type: ignore[index, operator]  # consumed: never None
            read.append(self.decode(record.value()))  # type: ignore[arg-type]  # bench events have a value
        return offsets, read

    @staticmethod
    def _key(read: list[Event]) -> list[Keyed]:
        """Deduplicated and sorted by key, so that two batches cannot lock each other."""
        keyed = {}
        for event in read:
            key = blake2b(f"{TENANT}\x1ftriggers\x1f{event.correlation_id}".encode(), digest_size=16).hexdigest()
            attributes = msgspec.json.encode(event.contact_attributes)
            digest = blake2b(event.journey_name.encode() + attributes, digest_size=8).digest()
            keyed[key] = Keyed(key, event, attributes.decode(), int.from_bytes(digest, "big", signed=True))
        return [keyed[key] for key in sorted(keyed)]

    def _plan(self, keyed: list[Keyed], offsets: dict[int, int]) -> None:
        connection, steps, count = self.connection, self.steps, len(keyed)
        steps.mark("keys")
        partitions = list(offsets)
        held = [self.epochs[partition] for partition in partitions]
        with connection.pipeline():
            connection.execute("BEGIN")
            clock = connection.execute(sql.CLOCK)
            moved = connection.execute(
                sql.MOVE_POSITION, (partitions, held, list(offsets.values()), self.group, self.topic)
            )
        row = clock.fetchone()
        if not row or moved.rowcount != len(partitions):
            raise SystemExit("floor: another worker took the partition")
        now = row[0]
        steps.mark("begin, position")
        ids = mint(now, 2 * count + count // BATCH + 1)
        ledger = (array([one.key for one in keyed]), array(ids[:count]), array([str(one.digest) for one in keyed]))
        new = {key.replace("-", "") for (key,) in connection.execute(sql.LEDGER, (TENANT, now, *ledger)).fetchall()}
        steps.mark("ledger")
        triples = zip(keyed, ids, ids[count:], strict=False)
        jobs, rows = make_jobs([triple for triple in triples if triple[0].key in new], str(now))
        steps.mark("render, rows")
        with connection.cursor().copy(sql.COPY_DISPATCHES) as copy:
            copy.write(rows)
        steps.mark("copy")
        batches = make_batches(jobs, ids[2 * count :])
        released = self.lane.reserve(batches)
        with connection.pipeline():
            given = (self.owner, PROVIDER, LANE_CLASS, CAMPAIGN, now, *columns(batches, released))
            connection.execute(sql.ADD_BATCHES, given)
            connection.execute("COMMIT")
        steps.mark("batches, commit")
        self.lane.queue(batches[released:])
        self.lane.send(batches[:released])


def make_jobs(triples: list[tuple[Keyed, str, str]], now: str) -> tuple[list[Job], str]:
    """From (event, trigger id, dispatch id): what goes to the wire, and the text of the COPY."""
    jobs, rows = [], []
    ours = f"\t{CAMPAIGN}\t{LINK}\t{PROVIDER}\t{TEMPLATE}\t{VERSION}\t"
    for keyed, trigger_id, dispatch_id in triples:
        event = keyed.event
        attributes = event.contact_attributes
        variables = {name: str(attributes[field]) for name, field in events.MAPPINGS.items()}
        content = TEXT % variables
        to, tax_id = str(attributes["phone_number"]), str(attributes["tax_identification"])
        message = {"to": to, "message": content, "templateId": TEMPLATE_CODE, "variables": variables}
        theirs = (
            f"{event.correlation_id}\t{event.trace_id}\t{tax_id}\t{keyed.attributes}\t{to}\t{CHANNEL}\tSYNC\t"
            f"{content}\t{msgspec.json.encode(variables).decode()}\tPENDING\t"
        ).replace("\\", "\\\\")
        rows.append(f"{dispatch_id}\t{TENANT}\t{trigger_id}{ours}{theirs}{event.triggered_at}\t{now}\t{now}\n")
        jobs.append(Job(dispatch_id, event, tax_id, msgspec.json.encode(message)))
    return jobs, "".join(rows)


def make_batches(jobs: list[Job], ids: list[str]) -> list[Batch]:
    batches = []
    for batch_id, start in zip(ids, range(0, len(jobs), BATCH), strict=False):
        mine = jobs[start : start + BATCH]
        batches.append(batch := Batch(batch_id, mine, len(mine)))
        for job in mine:
            job.batch = batch
    return batches


def columns(batches: list[Batch], released: int) -> tuple[str, ...]:
    """The arrays of ADD_BATCHES."""
    return (
        array([batch.id for batch in batches]),
        quoted([array([job.id for job in batch.jobs]) for batch in batches]),
        quoted([array(["1"] * batch.left) for batch in batches]),
        array(["t" if number < released else "f" for number in range(len(batches))]),
    )
