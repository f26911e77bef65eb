"""The floor's second thread: libcurl's multi interface over keep-alive connections."""

from __future__ import annotations

import contextlib
import os
import select
import time
from io import BytesIO

import pycurl

from bench.floor.lane import Lane
from bench.floor.records import Job, Sent
from bench.steps import Steps

CONNECTIONS = 64
HEADERS = ["Content-Type: application/json", "Expect:"]


class Wire:
    def __init__(self, lane: Lane, url: str) -> None:
        self.lane, self.steps = lane, Steps()
        self.multi = pycurl.CurlMulti()
        self.multi.setopt(pycurl.M_MAXCONNECTS, 2 * CONNECTIONS)
        self.idle = [handle(url) for _ in range(CONNECTIONS)]
        self.flying: dict[pycurl.Curl, tuple[Job, list[bytes], float]] = {}

    def run(self) -> None:
        while not self.lane.stopping.is_set():
            self.steps.begin()
            while self.idle and self.lane.to_wire:
                self._start(self.lane.to_wire.popleft())
            self.steps.mark("start")
            self.multi.perform()
            self.steps.mark("perform")
            self.steps.mark("finish", self._finish())
            if not (self.idle and self.lane.to_wire):
                self._wait(0.2)
                self.steps.mark("wait")

    def _start(self, job: Job) -> None:
        curl, pieces = self.idle.pop(), list[bytes]()
        curl.setopt(pycurl.HTTPHEADER, [*HEADERS, f"Idempotency-Key: {job.id}"])
        curl.setopt(pycurl.POSTFIELDSIZE, len(job.body))
        # Through READFUNCTION libcurl cannot send a body a second time on a connection that died.
        curl.setopt(pycurl.READFUNCTION, BytesIO(job.body).read)
        curl.setopt(pycurl.WRITEFUNCTION, pieces.append)
        self.flying[curl] = job, pieces, time.time()
        self.multi.add_handle(curl)

    def _finish(self) -> int:
        """Hand every complete answer to the recorder; returns how many."""
        done, more = 0, 1
        while more:
            more, good, bad = self.multi.info_read()
            if bad:
                raise SystemExit(f"floor: the sink did not answer: {bad[0][1:]}")
            now = time.time()
            for curl in good:
                self.multi.remove_handle(curl)
                job, pieces, began = self.flying.pop(curl)
                self.lane.to_record.put(Sent(job, curl.getinfo(pycurl.RESPONSE_CODE), b"".join(pieces), began, now))
                self.idle.append(curl)
                done += 1
        return done

    def _wait(self, timeout: float) -> None:
        reads, writes, _errors = self.multi.fdset()
        soon = self.multi.timeout()
        if 0 <= soon < timeout * 1000:
            timeout = soon / 1000
        select.select([*reads, self.lane.bell], writes, [], timeout)
        with contextlib.suppress(BlockingIOError):
            os.read(self.lane.bell, 4096)


def handle(url: str) -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.TIMEOUT_MS, 15_000)
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, 5_000)
    return curl
