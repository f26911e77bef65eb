"""One worker process's delivery engine: its row, its threads, and what joins them (decision 13).

    planner (the caller's thread) ──plan──▶ accept ──released──▶ wire thread ──outcomes──▶ recorder thread
                                              └────ahead──▶ lanes ◀──free slots, next releases──┘

Every thread owns one database connection. Any thread's death is the engine's failure, and the process must end
non-zero; nothing is lost by that, because whatever was released is in the database.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Sequence

import psycopg
import structlog
from django.conf import settings

from dispatching import metrics, workers
from dispatching.lanes import Lanes
from dispatching.parcels import Batch
from dispatching.planning import Plan, Planner, abandon_plan, plan_batch
from dispatching.reaping import Reaper
from dispatching.recorder import Recorder
from dispatching.sending import Sender
from dispatching.snapshot import SnapshotHolder
from dispatching.triggers import Trigger
from providers.wire import Wire

LEASE_SHARE = 0.6
"""A released batch must be on the wire in this share of the time after which a silent worker is taken for dead."""
STOP_TICK_S = 0.05

log = structlog.get_logger("prism.dispatching")


class Engine:
    """Start it, hand it plans, stop it."""

    def __init__(self, kind: str) -> None:
        self.worker_id = workers.register(kind)
        self._died: BaseException | None = None
        self.lanes = Lanes()
        self.snapshots = SnapshotHolder()
        self.lease_s = settings.WORKER_DEAD_AFTER_SECONDS * LEASE_SHARE
        self._planner = Planner(
            worker_id=self.worker_id, snapshots=self.snapshots, lanes=self.lanes, lease_s=self.lease_s
        )
        self._recorder = Recorder(self.worker_id, self.lanes, self.snapshots, self.lease_s)
        self._sender = Sender(
            Wire(allow_private=settings.OUTBOUND_ALLOW_PRIVATE, min_tls=settings.OUTBOUND_MIN_TLS), self._recorder.put
        )
        self._recorder.sender = self._sender
        self._heartbeat = workers.Heartbeat(
            self.worker_id,
            self._detail,
            Reaper(self.worker_id, settings.WORKER_DEAD_AFTER_SECONDS),
            every_s=workers.beat_every(settings.WORKER_DEAD_AFTER_SECONDS),
        )
        self._threads = {
            name: threading.Thread(target=self._guard, args=(name, run), name=name, daemon=True)
            for name, run in (
                ("heartbeat", self._heartbeat.run),
                ("wire", self._sender.run),
                ("recorder", self._recorder.run),
            )
        }

    @property
    def failed(self) -> BaseException | None:
        """Why the process must end: the first thread's death, or batches that were taken away from it."""
        return self._died or self._recorder.lost

    def start(self) -> None:
        # Before anything is planned: a provider in trouble is known as such from the beginning.
        self._recorder.look_at_circuits()
        for thread in self._threads.values():
            thread.start()
        log.info("worker_started", result="success", metadata={"worker": self.worker_id})

    def plan(self, cursor: psycopg.Cursor, triggers: Sequence[Trigger], now: dt.datetime) -> Plan:
        """In the caller's transaction. Afterwards `accept` (committed) or `abandon` (rolled back) the plan."""
        return plan_batch(cursor, self._planner, triggers, now)

    def accept(self, plan: Plan) -> None:
        """The plan is committed: what it released goes to the wire, what it holds waits for slots."""
        self.lanes.queue(plan.ahead)
        self._sender.put(plan.released)
        for (status, provider), count in plan.counts.items():
            if status not in ("PENDING", "SCHEDULED"):
                metrics.DISPATCHES.labels(status=status, provider=provider).inc(count)
        if plan.ahead:
            self._recorder.put([])

    def abandon(self, plan: Plan) -> None:
        """The plan was rolled back: its slots are free again."""
        abandon_plan(self._planner, plan)

    def accept_claimed(self, batches: list[Batch]) -> None:
        """Released batches of a committed claim go to the wire; their slots are taken already."""
        self._sender.put(batches)

    def wait_for_room(self, timeout: float) -> bool:
        return self.lanes.wait_for_room(timeout)

    def stop(self, drain_seconds: float) -> bool:
        """Hand back what is planned, finish what is on the wire, record, leave. False where time ran out."""
        deadline = time.monotonic() + drain_seconds
        self._recorder.releasing = False
        while self.lanes.in_flight() and not self.failed and time.monotonic() < deadline:
            time.sleep(STOP_TICK_S)
        self._sender.stop()
        self._join("wire", deadline)
        self._recorder.stop()
        self._join("recorder", deadline)
        drained = not self._threads["wire"].is_alive() and not self._threads["recorder"].is_alive()
        try:
            if drained and not self._recorder.lost:
                self._recorder.hand_back_ahead()
        finally:
            # A worker that is heard of but does nothing would keep its batches for ever.
            self._heartbeat.stop()
            self._join("heartbeat", deadline)
        if drained and not self.failed:
            workers.retire(self.worker_id)
        log.info("worker_stopped", result="success" if drained else "failure", metadata={"worker": self.worker_id})
        return drained

    def _join(self, name: str, deadline: float) -> None:
        thread = self._threads[name]
        if thread.ident is not None:
            thread.join(max(0.1, deadline - time.monotonic()))

    def _detail(self) -> dict[str, object]:
        view = self.lanes.view()
        metrics.show_lanes(view)
        return {"lanes": view}

    def _guard(self, name: str, run: Callable[[], None]) -> None:
        try:
            run()
        except BaseException as error:
            log.exception("thread_died", result="failure", metadata={"thread": name})
            self._died = self._died or error
