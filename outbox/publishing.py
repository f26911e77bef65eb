"""Kafka, as the relay uses it: one idempotent producer that never leaves a gap, and never gives up by itself.

Gap-less: when the broker refuses a batch, librdkafka stops the producer instead of sending what comes after, so
that no fact overtakes an earlier one of its contact. The relay then makes a new producer and starts from the rows.
Messages do not time out (a time-out would be such a gap): an outage is waited for, a lost lease purges.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, KafkaException, Producer
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from outbox.refusals import FOR_GOOD, HEADERS_NOT_TEXT, UNKNOWN_TOPIC_NAME, RefusedError
from outbox.waiting import Fact

CONTENT_TYPE = ("content-type", b"application/json")
FIXED: dict[str, Any] = {
    "enable.idempotence": True,
    "enable.gapless.guarantee": True,
    "acks": "all",
    "message.timeout.ms": 0,
}
"""What the order and safety of facts stand on: KAFKA_EXTRA_CONFIG may not change it."""

DEFAULTS: dict[str, Any] = {
    "client.id": "prism-relay",
    "linger.ms": 5,
    "compression.type": "lz4",
    # The hash of Java clients, so that their topics with the same key and count of partitions line up with ours.
    "partitioner": "murmur2_random",
    "queue.buffering.max.messages": 100_000,
    "reconnect.backoff.max.ms": 2_000,
}
SMALLEST_BATCH = 16_384
BATCH_BYTES = 1_000_000

# librdkafka warns that the gap-less guarantee is experimental, at every start; its errors come as outcomes.
LIBRDKAFKA_LOG = logging.getLogger("prism.outbox.librdkafka")
LIBRDKAFKA_LOG.setLevel(logging.ERROR)


class Settled(NamedTuple):
    """What became of one fact: acknowledged (`error` None), or not, with librdkafka's code."""

    fact: Fact
    error: int | None


class ProducerStoppedError(Exception):
    """The producer cannot go on; what was not acknowledged may or may not be in the topic."""


def topics() -> dict[str, str]:
    """The rows' topic names and where each goes."""
    return {"dispatch": settings.KAFKA_DISPATCH_EVENTS_TOPIC}


def producer_config(**changes: Any) -> dict[str, Any]:
    """Defaults, then KAFKA_EXTRA_CONFIG, then what may not be changed. Raises ImproperlyConfigured on a conflict."""
    extra: Mapping[str, Any] = settings.KAFKA_EXTRA_CONFIG
    for name, value in FIXED.items():
        if name in extra and str(extra[name]).lower() not in {str(value).lower(), "-1" if name == "acks" else ""}:
            raise ImproperlyConfigured(
                f"KAFKA_EXTRA_CONFIG: {name} is {extra[name]!r}. Leave it out: only {value!r} keeps facts in order"
            )
    return {"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS, **DEFAULTS, **extra, **FIXED, **changes}


class Publisher:
    """Owned by one thread. `send` hands over, `poll` tells what became of it; `halt` and `resume` start anew."""

    def __init__(self, *, make: Callable[[dict[str, Any]], Producer] | None = None) -> None:
        self._make = make or partial(Producer, logger=LIBRDKAFKA_LOG)
        self._topics = topics()
        self._batch_bytes = int(settings.KAFKA_EXTRA_CONFIG.get("batch.size", BATCH_BYTES))
        self._settled: list[tuple[Fact, KafkaError | None]] = []
        self._producer = self._new()
        self._alone: Producer | None = None

    def send(self, fact: Fact) -> None:
        """Hand one fact over.

        Raises RefusedError (it can never be published), ProducerStoppedError (halt first) or BufferError (poll first).
        """
        self._hand_over(self._producer, fact)

    def send_alone(self, fact: Fact) -> None:
        """Like `send`, in a batch of its own, through a producer that a refusal does not stop."""
        if self._alone is None:
            # Suspects of several shards may be under way here: each still makes a batch by itself.
            config = producer_config(**{"enable.gapless.guarantee": False, "linger.ms": 0, "batch.num.messages": 1})
            self._alone = self._make({**config, "error_cb": _ignore})
        self._hand_over(self._alone, fact)

    def poll(self, timeout: float) -> list[Settled]:
        """Wait up to `timeout` seconds for news. Raises ProducerStoppedError; what came before it is told by `halt`."""
        try:
            if self._alone is not None and len(self._alone):
                self._alone.poll(timeout)
                timeout = 0
            self._producer.poll(timeout)
        except (KafkaException, SystemError) as error:
            # librdkafka's fatal error; a report that arrives with it turns it into Python's SystemError.
            raise ProducerStoppedError(str(error.__cause__ or error)) from error
        return self._take()

    def halt(self) -> list[Settled]:
        """Give up what is under way: nothing is sent after this. Returns what was settled until then."""
        for producer in filter(None, (self._producer, self._alone)):
            _purge(producer)
        return self._take()

    def resume(self) -> None:
        """A new producer after `halt`."""
        self._alone = None
        self._producer = self._new()

    def make_smaller_batches(self) -> None:
        """After a whole batch was refused for its size: this topic takes less than librdkafka's batches."""
        self._batch_bytes = max(SMALLEST_BATCH, self._batch_bytes // 2)

    def _take(self) -> list[Settled]:
        settled, self._settled = self._settled, []
        return [Settled(fact, error.code() if error else None) for fact, error in settled]

    def _new(self) -> Producer:
        return self._make({**producer_config(**{"batch.size": self._batch_bytes}), "error_cb": _ignore})

    def _hand_over(self, producer: Producer, fact: Fact) -> None:
        topic = self._topics.get(fact.topic)
        if topic is None:
            raise RefusedError(UNKNOWN_TOPIC_NAME)
        try:
            producer.produce(
                topic,
                fact.payload,
                fact.key,
                headers=encode_headers(fact.headers),
                on_delivery=partial(self._on_delivery, fact),
            )
        except KafkaException as error:
            code = error.args[0].code()
            if code in FOR_GOOD:
                raise RefusedError(FOR_GOOD[code]) from error
            raise ProducerStoppedError(str(error)) from error

    def _on_delivery(self, fact: Fact, error: KafkaError | None, _message: object) -> None:
        # Nothing of confluent_kafka may be called here: after a fatal error it runs with an exception pending.
        self._settled.append((fact, error))


def encode_headers(headers: Any) -> list[tuple[str, str | bytes | None]]:
    """Kafka headers of a row: text and numbers as UTF-8, absent where null. Raises RefusedError for anything else."""
    if not isinstance(headers, dict):
        raise RefusedError(HEADERS_NOT_TEXT)
    encoded: list[tuple[str, str | bytes | None]] = [CONTENT_TYPE]
    for name, value in headers.items():
        kind = type(value)  # JSON gives exactly these types; isinstance() was a fifth of the relay's time
        if kind is str:
            encoded.append((name, value))
        elif kind is int or kind is float or kind is bool:
            encoded.append((name, str(value)))
        elif value is not None:
            raise RefusedError(HEADERS_NOT_TEXT)
    return encoded


def _purge(producer: Producer) -> None:
    """Drop what is queued, so that nothing leaves after this; reports of what was under way are served."""
    producer.purge()
    for _attempt in range(20):
        try:
            if not producer.flush(0.1):
                return
        except (KafkaException, SystemError):
            continue


def _ignore(_error: KafkaError) -> None:
    """librdkafka reconnects by itself and says so here; the relay watches acknowledgements instead."""
