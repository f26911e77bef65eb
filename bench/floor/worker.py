"""The floor's worker process: plan, wire and record, a thread and a database connection each. Runs until SIGTERM."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import psycopg

from bench.floor.lane import Lane
from bench.floor.planning import Planner
from bench.floor.recording import Recorder
from bench.floor.wire import Wire
from bench.steps import tell


def guard(work: Callable[[], None]) -> None:
    """A thread that fails ends the process at once, as in Prism."""
    try:
        work()
    except BaseException:  # noqa: BLE001 - SystemExit of a thread would otherwise pass in silence
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--database-url", "--bootstrap", "--topic", "--group", "--sink"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()

    def connect() -> psycopg.Connection[Any]:
        return psycopg.connect(options.database_url, autocommit=True, application_name="floor")

    # The threads inherit the mask, so the signals stay for the main thread.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    lane = Lane()
    planner = Planner(lane, connect(), bootstrap=options.bootstrap, topic=options.topic, group=options.group)
    wire, recorder = Wire(lane, options.sink), Recorder(lane, connect(), planner.owner)
    threads = [threading.Thread(target=guard, args=(work,)) for work in (planner.run, wire.run, recorder.run)]
    for thread in threads:
        thread.start()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    lane.stopping.set()
    for thread in threads:
        thread.join(10)
    tell(plan=planner.steps, wire=wire.steps, record=recorder.steps)


if __name__ == "__main__":
    main()
