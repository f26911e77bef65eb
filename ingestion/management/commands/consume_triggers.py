"""`manage.py consume_triggers`: take triggers from Kafka, plan them, send what is due at once. Any number may run."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.database import connect
from dispatching.draining import DRAIN_S
from dispatching.engine import Engine
from dispatching.workers import application_name
from ingestion.batches import summary_of
from ingestion.consuming import EngineFailedError, Limits, TriggerConsumer
from tenants.residents import resident_starts

MAX_BATCH = 5_000


class Command(BaseCommand):
    help = str(_("Consume campaign triggers until stopped (SIGTERM drains)."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--max-events", type=int, default=None, help="Stop after so many events.")
        parser.add_argument(
            "--idle-exit", type=float, default=None, metavar="SECONDS", help="Stop after so long without an event."
        )
        parser.add_argument("--batch-size", type=int, default=500, help="At most so many events per transaction.")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = _limits(options)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        resident_starts()
        engine = Engine("consumer")
        engine.start()
        drained = False
        consumer = TriggerConsumer(engine, lambda: connect(application_name(engine.worker_id, "planner")), limits)
        try:
            consumer.run(stop)
        except EngineFailedError as error:
            raise CommandError(f"This consumer cannot go on: {error}. Start it again; nothing is lost.") from error
        finally:
            drained = engine.stop(DRAIN_S)
            self.stdout.write(summary_of(consumer.counts))
        if engine.failed:
            raise CommandError(f"A thread of this consumer died: {engine.failed!r}. Start it again; nothing is lost.")
        for (topic, partition), reason in sorted(consumer.stopped.items()):
            self.stderr.write(f"{topic}[{partition}] is stopped: {reason}")
        if consumer.stopped and not stop.is_set():
            raise CommandError("Not everything could be consumed.")
        if not drained:
            raise CommandError("Stopped before everything on the wire was answered; the rest becomes UNKNOWN.")


def _limits(options: dict[str, Any]) -> Limits:
    if not 1 <= options["batch_size"] <= MAX_BATCH:
        raise CommandError(f"--batch-size must be between 1 and {MAX_BATCH}.")
    if options["max_events"] is not None and options["max_events"] < 1:
        raise CommandError("--max-events must be at least 1.")
    if options["idle_exit"] is not None and options["idle_exit"] <= 0:
        raise CommandError("--idle-exit must be more than 0 seconds.")
    return Limits(batch_size=options["batch_size"], max_events=options["max_events"], idle_exit=options["idle_exit"])
