"""How fast the wire is beside a bare pycurl loop, in one run against one sink:

    python -m bench.wire URL [--requests N] [--connections C] [--rounds R]

URL must answer every POST with 200 (`python -m bench.sink`, or `manage.py run_sandbox_vendor --quiet`).
Each round runs in a process of its own; medians are printed.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import uuid
from typing import Any

import pycurl

from providers.messages import WireRequest
from providers.wire import Wire, boottime

BODY = json.dumps({"to": "+5511999999999", "message": "x" * 110, "templateId": "tpl_offer"}).encode()


def headers() -> tuple[str, ...]:
    dispatch_id = str(uuid.uuid4())
    return (
        "Content-Type: application/json",
        "User-Agent: prism/0",
        "Authorization: Bearer 0123456789abcdef",
        f"Idempotency-Key: {dispatch_id}",
        f"X-Correlation-Id: {dispatch_id}",
    )


def run_wire(url: str, total: int, connections: int) -> int:
    wire = Wire(allow_private=True)
    deadline = boottime() + 3600
    sent = done = 0
    while done < total:
        while sent < total and wire.queued + wire.in_flight < 4 * connections:
            request = WireRequest("POST", url, headers(), BODY, 15_000, 5_000)
            wire.submit(sent, "measured", connections, request, deadline)
            sent += 1
        for _token, answer in wire.poll(1.0):
            assert answer.status == 200, answer
            done += 1
    wire.close()
    return done


def run_bare(url: str, total: int, connections: int) -> int:
    """The least that sends the same requests: perform() and select(), no guard, no limits, no queue."""
    multi: Any = pycurl.CurlMulti()
    multi.setopt(pycurl.M_MAXCONNECTS, 2 * connections)
    idle: list[Any] = []
    for _ in range(connections):
        curl: Any = pycurl.Curl()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.POST, 1)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.POSTFIELDSIZE, len(BODY))
        curl.setopt(pycurl.READFUNCTION, lambda _size: BODY)
        curl.setopt(pycurl.WRITEFUNCTION, list[bytes]().append)
        idle.append(curl)
    sent = done = 0
    while done < total:
        while idle and sent < total:
            curl = idle.pop()
            curl.setopt(pycurl.HTTPHEADER, [*headers(), "Expect:"])
            multi.add_handle(curl)
            sent += 1
        multi.perform()
        more = 1
        while more:
            more, finished, failed = multi.info_read()
            assert not failed, failed
            for curl in finished:
                assert curl.getinfo(pycurl.RESPONSE_CODE) == 200
                multi.remove_handle(curl)
                idle.append(curl)
                done += 1
        if not idle:
            multi.select(1.0)
    return done


def measure(name: str, url: str, total: int, connections: int) -> None:
    run = {"wire": run_wire, "bare": run_bare}[name]
    run(url, 2 * connections, connections)
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    run(url, total, connections)
    after, elapsed = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - start
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"rate": total / elapsed, "cpu_us": 1e6 * cpu / total}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--requests", type=int, default=60_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["wire", "bare"])
    options = parser.parse_args()
    if options.only:
        measure(options.only, options.url, options.requests, options.connections)
        return
    results: dict[str, list[dict[str, float]]] = {"bare": [], "wire": []}
    for _ in range(options.rounds):
        for name, rows in results.items():
            command = [sys.executable, "-m", "bench.wire", options.url, "--only", name]
            command += ["--requests", str(options.requests), "--connections", str(options.connections)]
            rows.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    for name, rows in results.items():
        rate, cpu = (statistics.median(row[key] for row in rows) for key in ("rate", "cpu_us"))
        print(f"{name}: {rate:,.0f} requests/s, {cpu:.1f} µs of CPU each")


if __name__ == "__main__":
    main()
