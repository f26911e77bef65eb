"""A PostgreSQL and a Kafka of one test module's own, for tests that kill, freeze or restart them."""

from __future__ import annotations

import itertools
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psycopg
import pytest

from prism.embedded import Services, ensure, restart, stop
from prism.embedded.records import Record, load, save
from prism.embedded.services import TEST_ROOT, ServerName
from tests import session

PLACE = TEST_ROOT.parent / "private"
_numbers = itertools.count(1)


class Cluster(msgspec.Struct, frozen=True):
    root: Path
    services: Services

    def restart(self, name: ServerName, *, kill: bool = False) -> None:
        """On the same ports unless somebody takes them in between; `kill`: with kill -9, as an outage would."""
        restart(self.root, name, print, kill=kill)

    def environment(self) -> dict[str, str]:
        """For processes that work on this cluster's empty database `prism`."""
        return {**os.environ, **self.services.environment()}


@pytest.fixture(scope="module")
def private_services() -> Iterator[Cluster]:
    root = private_root()
    _prefer_ports_of_its_own(root)
    yield Cluster(root, ensure(root, durable=False))
    remove(root)


def private_root() -> Path:
    """A new directory that embedded services can live in, recognised as this run's."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    root = PLACE / f"{os.environ[session.RUN]}-{worker}-{next(_numbers)}"
    root.mkdir(parents=True)
    return root


def _prefer_ports_of_its_own(root: Path) -> None:
    """Far from where every other cluster begins to look: one that starts while ours is down must not take its place."""
    base = 20_000 + 10 * secrets.randbelow(1_000)
    save(root / "postgres.json", Record(ports={"main": base}))
    save(root / "kafka.json", Record(ports={"main": base + 1, "controller": base + 2}))


def remove(root: Path) -> None:
    stop(root)
    if outside := load(root / "postgres.json").outside:
        shutil.rmtree(outside)
    shutil.rmtree(root)


def remove_those_of_dead_runs(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Servers left by runs that were killed."""
    for root in PLACE.glob("*-*-*"):
        if session.is_dead(connection, root.name.partition("-")[0]):
            remove(root)
