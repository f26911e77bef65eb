"""What people wait for: pages of the admin over a long history, through the deployed web process and the web role."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection

import msgspec

from bench.laboratory import Bench, Laboratory, free_port
from bench.processes import BenchError, Process, stopping
from bench.statement_count import count_statements, log_everything

WARM_UP = 4


class Known(msgspec.Struct, frozen=True):
    """What bench.history says of what it wrote."""

    dispatch: str
    correlation_id: str
    contact: str
    campaign: str
    session: str

    def pages(self) -> dict[str, str]:
        """Row name → address: what people open all day, and the worst they can ask of the history."""
        history = "/admin/dispatching/dispatch/"
        return {
            "home": "/admin/",
            "campaigns": "/admin/campaigns/campaign/",
            "dispatches": history,
            "dispatches_everything": f"{history}?made=all",
            "dispatches_of_campaign": f"{history}?campaign__id__exact={self.campaign}",
            "dispatches_failed": f"{history}?status__exact=FAILED",
            "dispatches_cancelled": f"{history}?status__exact=CANCELLED&made=all",
            "dispatches_of_contact": f"{history}?q={self.contact}",
            "dispatch_by_correlation_id": f"{history}?q={self.correlation_id}",
            "one_dispatch": f"{history}{self.dispatch}/change/",
        }


class Page(msgspec.Struct, frozen=True):
    name: str
    p95_ms: float
    statements: int


def measure(laboratory: Laboratory, count: int, tries: int) -> list[Page]:
    """`tries` requests of each page, one after the other, after a few that are not counted."""
    with laboratory.bench() as bench:
        known = _fill(bench, count)
        with _website(bench) as port:
            times = {name: _times(port, path, known.session, tries) for name, path in known.pages().items()}
        log_everything(bench)
        with _website(bench) as port:
            statements = {name: _statements(bench, port, path, known) for name, path in known.pages().items()}
    return [Page(name, _p95(times[name]), statements[name]) for name in times]


def _fill(bench: Bench, count: int) -> Known:
    laboratory = bench.laboratory
    command = [sys.executable, "-m", "bench.history", str(count)]
    process = Process("history", command, laboratory.environment(bench.name), laboratory.logs)
    process.wait(600)
    return msgspec.json.decode(process.log.read_text().splitlines()[-1], type=Known)


@contextmanager
def _website(bench: Bench) -> Iterator[int]:
    laboratory, port = bench.laboratory, free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--blocking-threads", "4", "--no-ws", "--log-level", "warning", "prism.wsgi:application"]
    environment = laboratory.environment(bench.name, PRISM_PROCESS="web", LOG_LEVEL="WARNING")
    website = Process(f"web-{port}", command, environment, laboratory.logs)
    with stopping([website]):
        _wait_until_ready(port, website)
        yield port


def _wait_until_ready(port: int, website: Process) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        website.check()
        try:
            if _get(HTTPConnection("127.0.0.1", port, timeout=5), "/readyz", "")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise BenchError(f"the web process is not ready. The end of {website.log}:\n{website.tail()}")


def _get(connection: HTTPConnection, path: str, cookie: str) -> tuple[int, bytes]:
    connection.request("GET", path, headers={"Cookie": cookie, "Accept-Language": "pt-BR"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def _times(port: int, path: str, cookie: str, tries: int) -> list[float]:
    """Milliseconds from the request to the last byte."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    found = []
    for _ in range(WARM_UP + tries):
        begun = time.perf_counter()
        status, body = _get(connection, path, cookie)
        found.append((time.perf_counter() - begun) * 1000)
        if status != 200 or b"</html>" not in body:
            raise BenchError(f"{path} answered {status}: {body[:300]!r}")
    connection.close()
    return found[WARM_UP:]


def _statements(bench: Bench, port: int, path: str, known: Known) -> int:
    log = bench.laboratory.root / "postgres.log"
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    _get(connection, path, known.session)
    time.sleep(0.1)
    begun = log.stat().st_size
    _get(connection, path, known.session)
    time.sleep(0.2)
    connection.close()
    return count_statements(log, begun, log.stat().st_size, bench.name)


def _p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1))]
