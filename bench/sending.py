"""How fast each vendor's messages are made, sent and read: build → wire → parse in one process, to the simulator.

Pace, database and outbox are left out: what is measured is what a vendor's own file and the wire cost, and what batches
gain. The simulator is another process on the same machine, and busy too.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.by_vendor import ENVIRONMENT, Rate
from bench.processes import CHECKOUT, PATIENCE, BenchError
from providers.messages import Message, WireRequest
from providers.outcomes import Kind
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings
from providers.transports import Asking, Known, Transport
from providers.wire import Wire, boottime
from tests.providers import declarations, makers  # how each vendor is pointed at the simulator
from tests.providers.wire.certificates import Certificate

CONNECTIONS = 64
MESSAGES = 4000
BATCHES = {"expo": (100,), "sendgrid": (100, 1000)}
"""Messages per request, for vendors that take several, beside one."""


def measure(seconds: float) -> Iterator[Rate]:
    """Each vendor with one message per request, then those that take more with more."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = Certificate(Path(folder), "mx.example.com")
        with _simulator(certificate) as (web, mail):
            for vendor in sorted(set(TRANSPORTS) - declarations.SENDS_NOTHING):
                url = mail if declarations.of(vendor).goes_by_mail else web
                for batch in (1, *BATCHES.get(vendor, ())):
                    yield Rate(vendor, batch, _Sending(vendor, url, batch, certificate).run(seconds))


class _Sending:
    """One vendor, as many requests at once as a worker has connections."""

    def __init__(self, vendor: str, url: str, batch: int, certificate: Certificate) -> None:
        declared = declarations.of(vendor)
        self.transport: Transport = declared.transport
        self.settings: ProviderSettings = declared.settings(url)
        self.wire = Wire(allow_private=True, ca_file=str(certificate.file))
        self.known: dict[str, str] = {}
        address = declared.address("accept")
        fields = {"to": address, "channel": declared.provider_type, "subject": "Oferta", "body": "x" * 110}
        made = [makers.message(dispatch_id=str(uuid.uuid4()), **fields) for _ in range(MESSAGES)]
        self.requests = itertools.cycle([made[start : start + batch] for start in range(0, len(made), batch)])

    def run(self, seconds: float) -> float:
        """Messages per second, after a tenth of the time that is not counted."""
        try:
            self._send(seconds / 10)
            begun = time.perf_counter()
            sent = self._send(seconds)
            return sent / (time.perf_counter() - begun)
        finally:
            self.wire.close()

    def _send(self, seconds: float) -> int:
        end = time.perf_counter() + seconds
        sent = under_way = 0
        while True:
            while under_way < 2 * CONNECTIONS and time.perf_counter() < end:
                messages = next(self.requests)
                self.wire.submit(messages, "bench", CONNECTIONS, self._build(messages), boottime() + 60)
                under_way += 1
            if not under_way:
                return sent
            for ticket, answer in self.wire.poll(1.0):
                assert isinstance(ticket, list)
                outcomes = self.transport.parse(self.settings, ticket, answer)
                if not answer.complete or any(outcome.kind is not Kind.ACCEPTED for outcome in outcomes):
                    raise BenchError(f"{self.settings.vendor}: the simulator did not take a message: {outcomes[:1]}")
                sent += len(outcomes)
                under_way -= 1

    def _build(self, messages: list[Message]) -> WireRequest:
        if not isinstance(self.transport, Asking):
            return self.transport.build(self.settings, messages)
        for question in self.transport.questions(self.settings, messages):
            if question.key not in self.known:
                self.wire.submit(question, "asked", 1, question.request, boottime() + 60)
                ((_ticket, answer),) = self.wire.poll(PATIENCE)
                found = self.transport.read_answer(self.settings, question, answer)
                assert isinstance(found, Known)
                self.known[question.key] = found.value
        return self.transport.build_knowing(self.settings, messages, self.known)


@contextmanager
def _simulator(certificate: Certificate) -> Iterator[tuple[str, str]]:
    """Where it takes requests, and where mail."""
    command = [sys.executable, "-m", "bench.simulator", str(certificate.both_file)]
    process = subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, **ENVIRONMENT}, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        web, mail = process.stdout.readline().split()
        yield web, mail
    finally:
        process.terminate()
        process.wait(PATIENCE)
        process.stdout.close()


if __name__ == "__main__":
    for found in measure(float(sys.argv[1])):
        sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
        sys.stdout.flush()
