"""The floor's second process: outbox rows in order, published idempotently, deleted after the acknowledgement."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import Any

import msgspec
import psycopg
from confluent_kafka import KafkaError, Message, Producer

from bench.floor import statements as sql
from bench.steps import Steps, tell

LIMIT = 2000
# Between rounds that were not full: fuller rounds cost less per fact.
GATHER = 0.03


def relay(options: argparse.Namespace, stopping: threading.Event, steps: Steps) -> None:
    refused: list[KafkaError] = []
    config = {"enable.idempotence": True, "acks": "all", "linger.ms": 5, "compression.type": "lz4"}
    producer = Producer({"bootstrap.servers": options.bootstrap, **config})

    def acknowledged(error: KafkaError | None, _message: Message) -> None:
        if error:
            refused.append(error)

    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with psycopg.connect(options.database_url, autocommit=True, application_name="floor-relay") as connection:
        connection.execute(sql.LEASE_SHARDS, ("floor", "floor"))
        while not stopping.is_set():
            steps.begin()
            rows = connection.execute(sql.READ_FACTS, (list(range(8)), LIMIT)).fetchall()
            steps.mark("read")
            for _id, key, headers, payload in rows:
                told: list[tuple[str, str | bytes | None]] = [
                    (name, str(text)) for name, text in decode(headers).items()
                ]
                producer.produce(options.topic, payload, key, headers=told, on_delivery=acknowledged)
            steps.mark("produce")
            if rows:
                if producer.flush(30) or refused:
                    raise SystemExit(f"floor: facts were not acknowledged: {refused[:1]}")
                steps.mark("acknowledge")
                connection.execute(sql.DELETE_FACTS, ("{" + ",".join([str(row[0]) for row in rows]) + "}",))
                steps.mark("delete", len(rows))
            if len(rows) < LIMIT:
                stopping.wait(GATHER)
                steps.mark("gather")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--database-url", "--bootstrap", "--topic"):
        parser.add_argument(name, required=True)
    options, steps, stopping = parser.parse_args(), Steps(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    relay(options, stopping, steps)
    tell(relay=steps)


if __name__ == "__main__":
    main()
