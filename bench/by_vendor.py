"""The rows by vendor: starts `bench.sending`, which needs Django's settings, in a process of its own and reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import msgspec

from bench.processes import CHECKOUT, BenchError

ENVIRONMENT = {"DJANGO_SETTINGS_MODULE": "tests.checked_settings"}
"""Settings over made-up addresses: neither a database nor a broker is asked for anything."""


class Rate(msgspec.Struct, frozen=True):
    """`batch`: messages per request."""

    vendor: str
    batch: int
    per_second: float


def measure(seconds: float) -> Iterator[Rate]:
    """Each as soon as it is known. Raises BenchError where one could not be measured."""
    command = [sys.executable, "-m", "bench.sending", str(seconds)]
    environment = {**os.environ, **ENVIRONMENT}
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield msgspec.json.decode(line, type=Rate)
    if process.returncode:
        raise BenchError(f"bench.sending ended with {process.returncode}")
