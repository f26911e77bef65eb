"""SQL statements per event: the server logs every one of a small round's database, and the lines are counted.

BEGIN, COMMIT, COPY and what the workers do beside (heartbeats, leases, looking for due rows) count like the rest.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from psycopg import sql

from bench import databases, events, topics
from bench.laboratory import Bench, Laboratory, SideName
from bench.processes import BenchError, stopping
from bench.throughput import watch


def measure(laboratory: Laboratory, side: SideName, count: int) -> float:
    """Statements of consumer and relay together, from their start to the last fact, divided by events."""
    with laboratory.bench() as bench:
        topics.fill(bench.bootstrap, bench.triggers, events.encoded(count))
        log = laboratory.root / "postgres.log"
        begun = log.stat().st_size
        log_everything(bench)
        processes = [bench.start(side, "consumer"), bench.start(side, "relay")]
        with stopping(processes):
            watch(bench, count, processes)
            # The server's log is written by each backend itself; give the last lines a moment.
            time.sleep(0.2)
            ended = log.stat().st_size
        return count_statements(log, begun, ended, bench.name) / count


def log_everything(bench: Bench) -> None:
    """For sessions that connect from now on."""
    with databases.administrator(bench.laboratory.services) as connection:
        for setting, value in (("log_statement", "all"), ("log_parameter_max_length", "0")):
            change = sql.SQL("ALTER DATABASE {} SET {} = {}")
            connection.execute(change.format(sql.Identifier(bench.name), sql.SQL(setting), sql.Literal(value)))


def count_statements(log: Path, begun: int, ended: int, database: str) -> int:
    """Lines that tell a statement of this database."""
    with log.open("rb") as lines:
        lines.seek(begun)
        text = lines.read(ended - begun)
    line = re.compile(rb"^.*@%s LOG:  (?:statement: |execute |fastpath )" % database.encode(), re.MULTILINE)
    found = len(line.findall(text))
    if not found:
        raise BenchError(f"the server's log {log} tells no statement of {database}")
    return found
