"""`manage.py recover_position`: how a stopped partition goes on. Without a choice it tells what is stopped, and why."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatching.database import connect
from ingestion.models import ConsumerPosition
from ingestion.recovering import Recovery, RecoveryError


class Command(BaseCommand):
    help = str(gettext_lazy("Let a stopped partition go on, or list what is stopped and why."))

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--topic", default=settings.KAFKA_TRIGGERS_TOPIC)
        parser.add_argument("--partition", type=int, help="All stopped ones of the topic unless given.")
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--resend", action="store_true", help="Process what is between again: messages may be sent twice."
        )
        choice.add_argument(
            "--mark-unknown", action="store_true", help="Send nothing of it: one rejection per record instead."
        )
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = self._stopped(options["topic"], options["partition"])
        for row in rows:
            self.stdout.write(f"{row.topic}[{row.partition}] @ {row.next_offset}: {row.stopped_reason}")
        if not rows:
            self.stdout.write(_("Nothing is stopped."))
        elif options["resend"] or options["mark_unknown"]:
            self._recover(rows, options)
        else:
            raise CommandError(_("Choose --resend or --mark-unknown."))

    @staticmethod
    def _stopped(topic: str, partition: int | None) -> list[ConsumerPosition]:
        rows = ConsumerPosition.objects.filter(consumer_group=settings.KAFKA_CONSUMER_GROUP, topic=topic)
        rows = rows.exclude(stopped_reason="")
        if partition is not None:
            rows = rows.filter(partition=partition)
        return list(rows.order_by("topic", "partition"))

    def _recover(self, rows: list[ConsumerPosition], options: dict[str, Any]) -> None:
        if options["resend"]:
            self.stderr.write(_("Warning: whatever the database no longer remembers as sent will be sent again."))
        if not options["yes"] and not (sys.stdin.isatty() and input("Go on? [y/N] ").strip().lower() == "y"):
            raise CommandError(_("Nothing was done. Answer y, or give --yes."))
        with connect("prism:recover") as connection:
            for row in rows:
                recovery = Recovery(connection, group=row.consumer_group, topic=row.topic, partition=row.partition)
                try:
                    self._go_on(recovery, row, resend=options["resend"])
                except RecoveryError as error:
                    raise CommandError(f"{row.topic}[{row.partition}]: {error}") from error

    def _go_on(self, recovery: Recovery, row: ConsumerPosition, *, resend: bool) -> None:
        place = f"{row.topic}[{row.partition}]"
        if resend:
            self.stdout.write(f"{place}: goes on at {recovery.resend()}.")
        else:
            marked = recovery.mark_unknown(lambda done, of: self.stdout.write(f"{place}: {done} of {of} marked."))
            self.stdout.write(f"{place}: {marked} records marked unknown; goes on behind them.")
