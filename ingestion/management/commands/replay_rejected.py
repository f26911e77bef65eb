"""`manage.py replay_rejected`: decide dead letters again. Consumers do it by themselves for those asked for."""

from __future__ import annotations

import signal
import threading
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext_lazy as _

from dispatching.database import connect
from dispatching.draining import DRAIN_S
from dispatching.engine import Engine
from dispatching.workers import application_name
from ingestion.replaying import ask_for_replay, replay_all


class Command(BaseCommand):
    help = str(_("Decide rejected triggers again: those that people asked for, and open ones that you name here."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--code", help="Ask for all open ones with this code, such as UNKNOWN_JOURNEY.")
        parser.add_argument("--journey", help="Ask for all open ones of this journey.")
        parser.add_argument("--id", type=uuid.UUID, help="Ask for this one.")

    def handle(self, *args: Any, **options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        engine = Engine("replay")
        engine.start()
        replayed = 0
        try:
            with connect(application_name(engine.worker_id, "planner")) as connection:
                if options["code"] or options["journey"] or options["id"]:
                    asked = ask_for_replay(
                        connection, code=options["code"], journey=options["journey"], only=options["id"]
                    )
                    self.stdout.write(f"{asked} asked for.")
                replayed = replay_all(engine, connection, stop)
        finally:
            drained = engine.stop(DRAIN_S)
        self.stdout.write(f"{replayed} decided again.")
        if engine.failed or not drained:
            raise CommandError("Stopped before everything was answered; what was on the wire becomes UNKNOWN.")
