"""The floor's third thread: outcomes with their facts in one statement, next releases beside it."""

from __future__ import annotations

import contextlib
import queue
import time
from hashlib import blake2b
from typing import Any

import msgspec
from psycopg import Connection

from bench.events import CHANNEL
from bench.floor import statements as sql
from bench.floor.lane import SLOTS, Lane
from bench.floor.records import Answer, Fact, Sent, array, iso, quoted
from bench.steps import Steps

MICRO_BATCH, MICRO_WAIT = 64, 0.02


class Recorder:
    def __init__(self, lane: Lane, connection: Connection[Any], owner: int) -> None:
        self.lane, self.connection, self.owner, self.steps = lane, connection, owner, Steps()

    def run(self) -> None:
        while not self.lane.stopping.is_set():
            # An empty round is the tick that releases what was planned while nothing was on the wire.
            sent = self._gather()
            self.steps.begin()
            self._record(sent)

    def _gather(self) -> list[Sent]:
        """By size or 20 ms, whatever comes first, and then all that is there."""
        waiting = self.lane.to_record
        try:
            sent = [waiting.get(timeout=0.2)]
        except queue.Empty:
            return []
        until = time.monotonic() + MICRO_WAIT
        with contextlib.suppress(queue.Empty):
            while len(sent) < MICRO_BATCH:
                sent.append(waiting.get(timeout=max(0.0, until - time.monotonic())))
            while len(sent) < SLOTS:
                sent.append(waiting.get_nowait())
        return sent

    def _record(self, sent: list[Sent]) -> None:
        outcomes = [outcome(one) for one in sent]
        finished = self._finished(sent)
        self.steps.mark("facts")
        chosen = self.lane.give_back(len(sent))
        if not sent and not chosen:
            return
        with self.connection.pipeline():
            self.connection.execute("BEGIN")
            moved = self.connection.execute(sql.RECORD, columns(outcomes)) if outcomes else None
            if finished:
                self.connection.execute(sql.FINISH_BATCHES, (array(finished), self.owner))
            if chosen:
                self.connection.execute(sql.RELEASE, (array([batch.id for batch in chosen]), self.owner))
            self.connection.execute("COMMIT")
        if moved and moved.rowcount != len(sent):
            raise SystemExit(f"floor: {len(sent)} outcomes moved {moved.rowcount} dispatches")
        self.steps.mark("statements, commit", len(sent))
        self.lane.send(chosen)

    @staticmethod
    def _finished(sent: list[Sent]) -> list[str]:
        finished = []
        for one in sent:
            batch = one.job.batch
            assert batch
            batch.left -= 1
            if not batch.left:
                finished.append(batch.id)
        return finished


def outcome(sent: Sent) -> tuple[str, ...]:
    """One row of RECORD."""
    job, event = sent.job, sent.job.event
    answer = msgspec.json.decode(sent.body, type=Answer)
    status = "SENT" if sent.status == 200 and answer.message_id else "FAILED"
    began, triggered = iso(sent.began), event.triggered_at.timestamp()
    fact = Fact(
        journey_name=event.journey_name,
        correlation_id=event.correlation_id,
        trace_id=event.trace_id,
        channel=CHANNEL,
        status=status,
        contact_tax_id=job.tax_id,
        triggered_at=iso(triggered),
        dispatched_at=began,
        processing_time_ms=int((sent.began - triggered) * 1000),
        provider_response=msgspec.Raw(sent.body),
        error_message=answer.error,
    )
    headers = (
        f'{{"fact_id":"{job.id}:2","dispatch_id":"{job.id}","version":2,"tenant":"default",'
        '"provider":"Bench gateway","label":"Bench","schema_version":1}'
    )
    shard = str(blake2b(job.tax_id.encode(), digest_size=1).digest()[0] & 7)
    body, payload = sent.body.decode(), msgspec.json.encode(fact).decode()
    return job.id, status, answer.message_id, body, began, iso(sent.ended), shard, job.tax_id, headers, payload


def columns(outcomes: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The arrays of RECORD, and the ids' bounds that choose the partition."""
    ids, statuses, message_ids, bodies, began, ended, shards, keys, headers, payloads = map(
        list, zip(*outcomes, strict=True)
    )
    return (
        *(array(ids), array(statuses), quoted(message_ids), quoted(bodies), array(began), array(ended), array(shards)),
        *(quoted(keys), quoted(headers), quoted(payloads), min(ids), max(ids)),
    )
