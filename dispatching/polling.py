"""Who follows taken messages until their vendors have reported: looks through the history behind the senders, asks
vendors that report only when asked, and marks what is overdue.

Claim, commit, network, record: no transaction is open while a vendor is asked. A runner that dies in between leaves a
row that is looked at again after a while; a report that is recorded twice says nothing new.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections import defaultdict
from typing import Any

import msgspec
import psycopg
import structlog
from django.conf import settings

from dispatching import awaiting, metrics
from dispatching.awaiting import Question
from dispatching.database import connect
from dispatching.draining import sender_alive
from dispatching.owing import Watch, after_asking, watches_of
from dispatching.receiving import apply_receipts
from dispatching.snapshot import SnapshotHolder
from dispatching.vendor_reports import receipts_of
from providers.loading import ProviderState
from providers.messages import WireAnswer
from providers.reporting import Meaning, VendorReport
from providers.settings import ProviderSettings
from providers.transports import Polled
from providers.wire import Wire, boottime

POLL_S = 1.0
RETRY_S = 2.0
WATCH_EVERY_S = 15.0
AT_ONCE = 2
"""Requests to one provider: it has its messages to send too."""
START_WITHIN_S = 60.0
JOB_SECONDS = 40.0
LEAST_FOR_ALARM = 20
SHARE_FOR_ALARM = 0.2

log = structlog.get_logger("prism.dispatching")


class Asked(msgspec.Struct, frozen=True, eq=False):
    """The ticket of a request on the wire."""

    transport: Polled
    settings: ProviderSettings
    questions: list[Question]

    @property
    def message_ids(self) -> list[str]:
        return [question.message_id for question in self.questions]


class Follower:
    """Owned by the thread that runs it, with a connection and a wire of its own."""

    def __init__(self, snapshots: SnapshotHolder | None = None) -> None:
        self._wire = Wire(allow_private=settings.OUTBOUND_ALLOW_PRIVATE, min_tls=settings.OUTBOUND_MIN_TLS)
        self._snapshots = snapshots or SnapshotHolder()
        self._connection: psycopg.Connection | None = None
        self._providers: dict[str, ProviderState] = {}
        self._watches: dict[str, Watch | None] = {}
        self._next_watch = 0.0
        self._open_requests = 0
        self.reported = 0

    def run(self, stop: threading.Event) -> None:
        """Until told to stop. Trouble never ends it: a report is not worth a sender."""
        try:
            while not stop.is_set():
                try:
                    self._turn(POLL_S)
                except psycopg.Error as error:
                    log.warning("following_failed", result="failure", error=str(error))
                    self._disconnect()
                    stop.wait(RETRY_S)
                except Exception:
                    log.exception("following_failed", result="failure")
                    stop.wait(RETRY_S)
        finally:
            self._close()

    def run_until_empty(self, max_seconds: float) -> int:
        """Everything that is due now, once. Returns how many reports were learnt by asking."""
        until = time.monotonic() + max_seconds
        try:
            while time.monotonic() < until and (self._turn(0.2) or self._open_requests):
                pass
        finally:
            self._close()
        return self.reported

    def _turn(self, timeout: float) -> bool:
        """Walk a chunk, look at a chunk, ask, record what has come. Whether there is more to do at once."""
        connection = self._open()
        now = _database_time(connection)
        self._watch(connection, now)
        walked = awaiting.walk(connection, self._watches, now)
        if walked:
            metrics.FOLLOWED.labels(provider=walked[0]).inc(walked[1])
        looked = awaiting.look(connection, self._watches, now)
        for provider_id, count in looked.late.items():
            metrics.OVERDUE.labels(provider=provider_id).inc(count)
        self._ask(looked.questions)
        has_more = walked is not None or looked.taken > 0
        for ticket, answer in self._wire.poll(0.0 if has_more else timeout):
            assert isinstance(ticket, Asked)
            self._record(connection, ticket, answer)
        return has_more

    def _watch(self, connection: psycopg.Connection, now: dt.datetime) -> None:
        if time.monotonic() < self._next_watch:
            return
        self._next_watch = time.monotonic() + WATCH_EVERY_S
        with connection.cursor() as cursor:
            self._providers = self._snapshots.current(cursor).providers
        self._watches = watches_of(self._providers.values())
        awaiting.watch(connection, self._watches, now)
        for provider_id, overdue, followed in awaiting.raise_alarms(
            connection, least=LEAST_FOR_ALARM, share=SHARE_FOR_ALARM
        ):
            metadata = {"provider": provider_id, "overdue": overdue, "followed": followed}
            log.error("deliveries_overdue", result="failure", metadata=metadata)

    def _ask(self, questions: list[Question]) -> None:
        by_provider: defaultdict[str, list[Question]] = defaultdict(list)
        for question in questions:
            by_provider[question.owed.provider_id].append(question)
        for provider_id, asked in by_provider.items():
            provider = self._providers[provider_id]
            transport, own = _polled(provider.transport), provider.settings
            assert transport is not None and own is not None, "else it would not be watched"
            for start in range(0, len(asked), transport.poll_size):
                self._submit(Asked(transport, own, asked[start : start + transport.poll_size]))

    def _submit(self, asked: Asked) -> None:
        own = asked.settings
        try:
            request = asked.transport.poll_request(own, asked.message_ids)
        except Exception:
            # Their rows come back by themselves, and are given up in the end.
            log.exception("poll_failed", result="failure", metadata={"provider": own.provider_id})
            return
        self._open_requests += 1
        self._wire.submit(asked, f"reports:{own.provider_id}", AT_ONCE, request, boottime() + START_WITHIN_S)

    def _record(self, connection: psycopg.Connection, asked: Asked, answer: WireAnswer) -> None:
        self._open_requests -= 1
        now = _database_time(connection)
        reports = _read(asked, answer)
        own = asked.settings
        by_message = {question.message_id: question.owed for question in asked.questions}
        mine = [
            msgspec.structs.replace(report, dispatch_id=by_message[report.message_id].dispatch_id)
            for report in reports or ()
            if report.message_id in by_message
        ]
        known = {report.dispatch_id for report in mine if report.meaning not in (Meaning.ACCEPTED, Meaning.ENGAGED)}
        others = [question.owed for question in asked.questions if question.owed.dispatch_id not in known]
        later = [after_asking(owed, now, was_answered=reports is not None) for owed in others]
        receipts = receipts_of(tenant_id=own.tenant_id, provider_id=own.provider_id, reports=mine, received_at=now)
        with connection.transaction(), connection.cursor() as cursor:
            applied = apply_receipts(cursor, receipts, now, self._snapshots)
            awaiting.answered(cursor, sorted(known), later)
        applied.tell()
        self.reported += len(known)

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect("prism:reports")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _close(self) -> None:
        self._wire.close()
        self._disconnect()


def follow_reports(*, max_seconds: float = JOB_SECONDS, only_if_no_sender: bool = True) -> int:
    """The minute job's work where no resident sender lives. Returns how many reports were learnt by asking."""
    with connect("prism:reports:look") as connection:
        if only_if_no_sender and sender_alive(connection):
            return 0
    return Follower().run_until_empty(max_seconds)


def _read(asked: Asked, answer: WireAnswer) -> list[VendorReport] | None:
    if not answer.complete:
        return None
    try:
        return asked.transport.read_poll(asked.settings, asked.message_ids, answer)
    except Exception:
        log.exception("poll_failed", result="failure", metadata={"provider": asked.settings.provider_id})
        return None


def _polled(transport: Any) -> Polled | None:
    return transport if isinstance(transport, Polled) else None


def _database_time(connection: psycopg.Connection) -> dt.datetime:
    """Ids are minted by this clock."""
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    found: dt.datetime = row[0]
    return found
