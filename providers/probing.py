"""The worker's side of checks: takes what waits, asks the vendor over the real wire, and records what came back.

Claim, commit, network, record: no transaction is open while a vendor is asked. A worker that dies in between leaves a
running row, which is taken again after a while; a row that was begun too often is given up.
"""

from __future__ import annotations

import threading
import time
import uuid
from typing import Any

import msgspec
import psycopg
import structlog
from django.conf import settings

from providers import verdicts
from providers.loading import ProviderState, load_provider
from providers.messages import WireAnswer, WireRequest
from providers.models import Purpose
from providers.outcomes import bounded_text
from providers.probe_rows import Claimed, Probes
from providers.settings import ProviderSettings
from providers.transports import Checkable, Registering, Transport, Unsendable
from providers.verdicts import Verdict
from providers.wire import Wire, boottime
from tenants.database import connect

POLL_S = 1.0
RETRY_S = 2.0
PLAN_EVERY_S = 15.0
AT_ONCE = 32
LEAVE_WITHIN_S = 12.0
"""Longer than any check may take (providers/transports/health.py)."""
JOB_SECONDS = 40.0

log = structlog.get_logger("prism.providers")


class Prober:
    """Owned by the thread that runs it, with a connection and a wire of its own."""

    def __init__(self) -> None:
        self._wire = Wire(allow_private=settings.OUTBOUND_ALLOW_PRIVATE, min_tls=settings.OUTBOUND_MIN_TLS)
        self._connection: psycopg.Connection | None = None
        self._asked: dict[uuid.UUID, tuple[Claimed, ProviderState]] = {}
        self._next_plan = 0.0
        self.recorded = 0

    def run(self, stop: threading.Event) -> None:
        """Until told to stop. Trouble never ends it: a check is not worth a sender."""
        try:
            while not stop.is_set():
                try:
                    self._turn(POLL_S)
                except psycopg.Error as error:
                    log.warning("checking_failed", result="failure", error=str(error))
                    self._disconnect()
                    stop.wait(RETRY_S)
                except Exception:
                    log.exception("checking_failed", result="failure")
                    stop.wait(RETRY_S)
        finally:
            self._close()

    def run_until_empty(self, max_seconds: float) -> int:
        """Everything that waits or is due now, once. Returns how many checks ended here."""
        until = time.monotonic() + max_seconds
        try:
            while time.monotonic() < until and (self._turn(0.2) or self._asked):
                pass
        finally:
            self._close()
        return self.recorded

    def _turn(self, timeout: float) -> int:
        """Plan, claim, ask, record what has come. Returns how many were claimed."""
        probes = Probes(self._open())
        if time.monotonic() >= self._next_plan:
            self._next_plan = time.monotonic() + PLAN_EVERY_S
            probes.plan()
        room = AT_ONCE - len(self._asked)
        claimed = probes.claim(room) if room > 0 else []
        for check in claimed:
            self._begin(probes, check)
        for token, answer in self._wire.poll(timeout):
            self._end(probes, token, answer)
        return len(claimed)

    def _begin(self, probes: Probes, check: Claimed) -> None:
        state = load_provider(probes.cursor(), check.provider_id)
        if state is None:
            return  # deleted meanwhile, and its checks with it
        found = _without_asking(check, state)
        if isinstance(found, Verdict):
            self._record(probes, check, found, 0)
            return
        self._asked[check.id] = check, state
        self._wire.submit(check.id, f"check:{check.provider_id}", 1, found, boottime() + LEAVE_WITHIN_S)

    def _end(self, probes: Probes, token: Any, answer: WireAnswer) -> None:
        check, state = self._asked.pop(token)
        self._record(probes, check, _judge(check, state, answer), round(answer.elapsed_ms))

    def _record(self, probes: Probes, check: Claimed, verdict: Verdict, elapsed_ms: int) -> None:
        verdict = msgspec.structs.replace(verdict, detail=bounded_text(verdict.detail))
        changed = probes.record(check, verdict, elapsed_ms)
        if changed is None:
            return  # somebody else has taken it again: this answer came too late
        self.recorded += 1
        # A vendor that stays away is told once, not every five minutes.
        tell = log.warning if changed and not verdict.ok else log.info
        tell(
            "provider_checked",
            result="success" if verdict.ok else "failure",
            duration=elapsed_ms,
            metadata={"provider": check.provider_id, "purpose": check.purpose, "code": verdict.code},
        )

    def _open(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect("prism:checks")
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _close(self) -> None:
        self._wire.close()
        self._disconnect()


def check_providers(*, max_seconds: float = JOB_SECONDS) -> int:
    """The minute job: plans what is due and does what waits, beside or instead of resident senders."""
    return Prober().run_until_empty(max_seconds)


def _without_asking(check: Claimed, state: ProviderState) -> WireRequest | Verdict:
    """The request to make, or what is known without one."""
    if check.is_given_up:
        return Verdict(ok=False, code=verdicts.GIVEN_UP)
    if state.settings is None or state.transport is None:
        return Verdict(ok=False, code=verdicts.CONFIGURATION, detail=state.problem or "")
    try:
        return _request(check, state.transport, state.settings)
    except Unsendable as refusal:
        return Verdict(ok=False, code=verdicts.CONFIGURATION, detail=refusal.error)
    except Exception:
        log.exception("health_request_failed", metadata={"provider": check.provider_id, "purpose": check.purpose})
        return Verdict(ok=False, code=verdicts.INTERNAL)


def _request(check: Claimed, transport: Transport, settings: ProviderSettings) -> WireRequest | Verdict:
    if check.purpose == Purpose.REGISTER:
        if not settings.webhook_url:
            return Verdict(ok=False, code=verdicts.NO_PUBLIC_URL)
        asked = transport.register_request(settings) if isinstance(transport, Registering) else None
        return asked or Verdict(ok=True, code=verdicts.NOTHING_TO_REGISTER)
    asked = transport.health_request(settings) if isinstance(transport, Checkable) else None
    return asked or Verdict(ok=True, code=verdicts.NOTHING_TO_CHECK)


def _judge(check: Claimed, state: ProviderState, answer: WireAnswer) -> Verdict:
    if not answer.complete:
        return Verdict(ok=False, code=(answer.error or "incomplete").upper(), detail=answer.detail)
    transport: Any = state.transport
    assert state.settings is not None
    try:
        if check.purpose == Purpose.REGISTER:
            return _registered(transport.read_registration(state.settings, answer))
        verdict: Verdict = transport.read_health(state.settings, answer)
    except Exception:
        log.exception("read_health_failed", metadata={"provider": state.id, "purpose": check.purpose})
        return Verdict(ok=False, code=verdicts.INTERNAL)
    return verdict


def _registered(verdict: Verdict) -> Verdict:
    """A plain yes, in the words for what was asked."""
    return msgspec.structs.replace(verdict, code=verdicts.REGISTERED) if verdict.code == verdicts.OK else verdict
