"""What every round needs: services, sink, a template database with the sample, and the two sides' commands."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import secrets
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec
import psycopg

from bench import databases, topics
from bench.processes import BenchError, Process, stopping
from prism.embedded import Services, hold

Tell = Callable[[str], None]
SideName = Literal["floor", "prism"]


@dataclass(frozen=True)
class Laboratory:
    services: Services
    root: Path
    run: str
    sink_port: int
    tell: Tell
    keys: dict[str, str]
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def template(self) -> str:
        return f"{databases.PREFIX}{self.run}_template"

    @property
    def sink(self) -> str:
        return f"http://127.0.0.1:{self.sink_port}/messages"

    def accepted(self) -> int:
        """What the sink has accepted since it started."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.sink_port}/accepted", timeout=10) as answer:
            return int(msgspec.json.decode(answer.read())["accepted"])

    def environment(self, database: str, **more: str) -> dict[str, str]:
        """Only what Prism reads, so that the caller's shell changes nothing."""
        return {
            "PATH": os.environ.get("PATH", ""),
            "PRISM_ENV": "development",
            "DATABASE_URL": databases.at(self.services.database_url, database),
            "WEB_DATABASE_URL": databases.at(self.services.web_database_url, database),
            "KAFKA_BOOTSTRAP_SERVERS": self.services.kafka_bootstrap,
            "OUTBOUND_ALLOW_PRIVATE": "true",
            **self.keys,
            **more,
        }

    @contextlib.contextmanager
    def bench(self, template: str | None = None) -> Iterator[Bench]:
        """A fresh database and fresh topics for one round, removed afterwards."""
        name = f"{databases.PREFIX}{self.run}_{next(self.numbers)}"
        triggers, facts = f"{name}.triggers", f"{name}.facts"
        with databases.clone(self.services, name, template or self.template) as connection:
            topics.make(self.services.kafka_bootstrap, triggers, facts)
            try:
                yield Bench(self, name, connection, triggers, facts)
            finally:
                topics.remove(self.services.kafka_bootstrap, triggers, facts)


@dataclass(frozen=True)
class Bench:
    """The place of one round."""

    laboratory: Laboratory
    name: str
    connection: psycopg.Connection[Any]
    triggers: str
    facts: str

    @property
    def bootstrap(self) -> str:
        return self.laboratory.services.kafka_bootstrap

    def start(self, side: SideName, role: str) -> Process:
        """One process of a side: role consumer, sender or relay."""
        command = self._floor(role) if side == "floor" else self._prism(role)
        environment = self.laboratory.environment(
            self.name,
            KAFKA_TRIGGERS_TOPIC=self.triggers,
            KAFKA_DISPATCH_EVENTS_TOPIC=self.facts,
            KAFKA_CONSUMER_GROUP=self.name,
            # A second consumer gets its share at once, not at the first one's next heartbeat three seconds later.
            KAFKA_EXTRA_CONFIG='{"heartbeat.interval.ms": 200}',
        )
        return Process(f"{side}-{role}-{next(self.laboratory.numbers)}", command, environment, self.laboratory.logs)

    def _prism(self, role: str) -> list[str]:
        commands = {"consumer": "consume_triggers", "sender": "run_sender", "relay": "relay_outbox"}
        return [sys.executable, "manage.py", commands[role]]

    def _floor(self, role: str) -> list[str]:
        url = databases.at(self.laboratory.services.database_url, self.name)
        shared = ["--database-url", url, "--bootstrap", self.bootstrap]
        if role == "relay":
            return [sys.executable, "-m", "bench.floor.relay", *shared, "--topic", self.facts]
        more = ["--topic", self.triggers, "--group", self.name, "--sink", self.laboratory.sink]
        return [sys.executable, "-m", "bench.floor.worker", *shared, *more]


@contextlib.contextmanager
def open_laboratory(root: Path, tell: Tell) -> Iterator[Laboratory]:
    """Starts everything; stops what it started, and only that."""
    root.mkdir(parents=True, exist_ok=True)
    with _alone(root), hold(root, tell, durable=True, given={}) as services:
        databases.drop_leftovers(services)
        (root / "logs").mkdir(exist_ok=True)
        sink = Process(
            "sink", [sys.executable, "-m", "bench.sink"], {"PATH": os.environ.get("PATH", "")}, root / "logs"
        )
        with stopping([sink]):
            keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "FERNET_KEYS")}
            laboratory = Laboratory(services, root, secrets.token_hex(3), _port(sink), tell, keys)
            with _template(laboratory):
                yield laboratory


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    with (root / "bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BenchError(f"Another benchmark uses {root}: two at once would measure each other.") from None
        yield


@contextlib.contextmanager
def _template(laboratory: Laboratory) -> Iterator[None]:
    laboratory.tell("Migrating a database and loading the sample campaign")
    databases.create(laboratory.services, laboratory.template)
    try:
        environment = laboratory.environment(laboratory.template)
        for name, arguments in (
            ("migrate", ["manage.py", "migrate", "--verbosity", "0"]),
            ("sample", ["-m", "bench.sample", laboratory.sink]),
        ):
            Process(name, [sys.executable, *arguments], environment, laboratory.logs).wait(120)
        yield
    finally:
        databases.drop(laboratory.services, laboratory.template)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _port(sink: Process) -> int:
    """The sink prints its port on its first line."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        sink.check()
        if (text := sink.log.read_text()).endswith("\n"):
            return int(text)
        time.sleep(0.02)
    raise BenchError("the sink did not say its port")
