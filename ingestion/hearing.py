"""Reads what vendors told by calling, and hands their reports on: a loop beside the senders, and a job without them.

Claim, commit, read, apply. What a call says is applied by the transaction that marks it read, so a worker that dies in
between leaves a call that is taken again after a while, and nothing happens twice. A call that breaks its chunk is
found by halving; one that fails three times is left to a person.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import parse_qsl

import msgspec
import psycopg
import structlog
from django.conf import settings

from dispatching.database import connect, is_passing
from dispatching.receiving import apply_receipts
from dispatching.reports import Receipt
from dispatching.snapshot import SnapshotHolder
from dispatching.vendor_reports import receipts_of
from ingestion import call_rows, metrics
from ingestion.call_rows import MOST_TRIES, StoredCall
from providers.listeners import Listener, Listeners, UnreadableProvider
from providers.probe_rows import ask_for_checks
from providers.reporting import Call
from providers.transports import Hinting

POLL_S = 0.5
RETRY_S = 2.0
AT_ONCE = 64
MOST_RECEIPTS = 500
"""Reports of one transaction, but for a single call with more."""
JOB_SECONDS = 40.0

log = structlog.get_logger("prism.ingestion")


class Read(msgspec.Struct, frozen=True):
    """A call and what it reports."""

    call: StoredCall
    vendor: str
    receipts: list[Receipt]
    hint: bool = False
    """It is a reason to look at the provider's health."""


class Unreadable(Exception):  # noqa: N818 - reads as what it says
    """Why a call cannot be read, for a person; trying again would change nothing."""


class Hearer:
    """Owned by the thread that runs it, with a connection of its own."""

    def __init__(self) -> None:
        self._connection: psycopg.Connection | None = None
        self._listeners = Listeners()
        self._snapshots = SnapshotHolder()
        self._owed: Sequence[StoredCall] = ()
        """Claimed when the database went away: to be given back as they were."""

    def run(self, stop: threading.Event) -> None:
        """Until told to stop. Trouble never ends it: reports wait, and messages go out meanwhile."""
        try:
            while not stop.is_set():
                try:
                    pause = 0.0 if self.turn() else POLL_S
                except psycopg.Error as error:
                    log.warning("hearing_failed", result="failure", error=str(error))
                    self._disconnect()
                    pause = RETRY_S
                except Exception:
                    log.exception("hearing_failed", result="failure")
                    pause = RETRY_S
                stop.wait(pause)
        finally:
            self._disconnect()

    def run_until_empty(self, max_seconds: float) -> int:
        """All that waits now. Returns how many calls were taken."""
        until = time.monotonic() + max_seconds
        taken = 0
        try:
            while time.monotonic() < until and (some := self.turn()):
                taken += some
        finally:
            self._disconnect()
        return taken

    def turn(self) -> int:
        """Claim some, read and apply them. Returns how many were claimed."""
        connection = self._open()
        if self._owed:
            call_rows.give_back(connection, self._owed)
            self._owed = ()
        claimed = call_rows.claim(connection, AT_ONCE)
        try:
            for group in groups_of(self._readable(connection, claimed)):
                self._apply(connection, group)
        except psycopg.Error:
            self._owed = claimed
            raise
        return len(claimed)

    def _readable(self, connection: psycopg.Connection, claimed: Iterable[StoredCall]) -> Iterator[Read]:
        """Those that can be read; the others are put off or given up here."""
        for call in claimed:
            if call.tries > MOST_TRIES:
                _put_off(connection, call, "it was begun several times and never ended", final=True)
                continue
            try:
                with connection.cursor() as cursor:
                    listener = self._listeners.find(cursor, call.provider_id)
            except UnreadableProvider as problem:
                _put_off(connection, call, str(problem), final=False)
                continue
            try:
                yield _read(call, listener)
            except Unreadable as problem:
                _put_off(connection, call, str(problem), final=True)

    def _apply(self, connection: psycopg.Connection, readings: Sequence[Read]) -> None:
        """All of them in one transaction; halved where one of them breaks it."""
        try:
            self._apply_together(connection, readings)
        except Exception as error:
            if isinstance(error, psycopg.Error):
                if is_passing(error):
                    raise
            else:
                log.exception("webhook_call_not_applied", result="failure")
            if len(readings) > 1:
                half = len(readings) // 2
                self._apply(connection, readings[:half])
                self._apply(connection, readings[half:])
            else:
                _put_off(connection, readings[0].call, f"{type(error).__name__}: {error}", final=False)

    def _apply_together(self, connection: psycopg.Connection, readings: Sequence[Read]) -> None:
        now = dt.datetime.now(dt.UTC)
        counts = [len(one.receipts) for one in readings]
        applied = None
        with connection.transaction(), connection.cursor() as cursor:
            if call_rows.settle(cursor, [one.call for one in readings], counts):
                receipts = [receipt for one in readings for receipt in one.receipts]
                applied = apply_receipts(cursor, receipts, now, self._snapshots)
                ask_for_checks(cursor, {one.call.provider_id for one in readings if one.hint})
            else:
                # We were slow, and somebody took one of them again: what is still ours comes again too.
                raise psycopg.Rollback
        if applied is not None:
            applied.tell()
            _count(readings, now)

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect("prism:webhooks")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()


def process_webhooks(*, max_seconds: float = JOB_SECONDS) -> int:
    """The minute job: all that waits, beside or instead of resident senders. Returns how many calls were taken."""
    return Hearer().run_until_empty(max_seconds)


def groups_of(readings: Iterable[Read]) -> Iterator[list[Read]]:
    """What is applied together: of a bounded size, and what failed before by itself, so that it takes none along."""
    group: list[Read] = []
    for one in readings:
        if one.call.tries > 1:
            yield [one]
            continue
        if group and sum(len(other.receipts) for other in [*group, one]) > MOST_RECEIPTS:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _read(call: StoredCall, listener: Listener | None) -> Read:
    if listener is None:
        raise Unreadable("the provider's vendor does not report by calls now")
    try:
        heard = _as_call(call)
        reports = listener.transport.read_reports(listener.settings, heard)
        hint = isinstance(listener.transport, Hinting) and listener.transport.hints(listener.settings, heard)
        receipts = receipts_of(
            tenant_id=call.tenant_id, provider_id=call.provider_id, reports=reports, received_at=call.received_at
        )
    except ValueError as problem:
        raise Unreadable(str(problem) or "its body cannot be read") from problem
    except Exception as fault:
        log.exception("webhook_call_not_read", result="failure", metadata={"call": call.id})
        raise Unreadable(f"{type(fault).__name__}: {fault}") from fault
    return Read(call, listener.settings.vendor, receipts, hint)


def _as_call(call: StoredCall) -> Call:
    """As it was verified, but for the headers and secrets that were not kept."""
    return Call(
        method=call.method,
        url=f"{settings.PUBLIC_URL}/webhooks/{call.provider_id}/{call.path}" + (f"?{call.query}" if call.query else ""),
        path=call.path,
        query=dict(reversed(parse_qsl(call.query, keep_blank_values=True))),
        headers=call.headers,
        body=call.body,
        received_at=call.received_at,
    )


def _put_off(connection: psycopg.Connection, call: StoredCall, error: str, *, final: bool) -> None:
    if call_rows.put_off(connection, call, error, final=final):
        metrics.WEBHOOK_READ.labels(vendor="none", result="failed").inc()
        # Without the error: it may repeat what the vendor wrote of a person. The page shows it.
        log.warning("webhook_call_failed", result="failure", metadata={"call": call.id, "provider": call.provider_id})


def _count(readings: Sequence[Read], now: dt.datetime) -> None:
    for one in readings:
        metrics.WEBHOOK_READ.labels(vendor=one.vendor, result="reports" if one.receipts else "other").inc()
        metrics.WEBHOOK_REPORTS.labels(vendor=one.vendor).inc(len(one.receipts))
        metrics.WEBHOOK_SECONDS.observe(max(0.0, (now - one.call.received_at).total_seconds()))
