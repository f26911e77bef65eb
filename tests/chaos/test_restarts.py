"""PostgreSQL and Kafka die and come back under load: workers wait, mend their connections, and repeat nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pytest_django import DjangoDbBlocker

from prism.embedded import Services, ensure_topics
from prism.embedded.services import ServerName
from tests.chaos.clusters import django_at
from tests.chaos.storm import Storm, storm
from tests.clusters import Cluster
from tests.databases import CHECKOUT, at_database
from tests.journeys.processes import MANAGE
from tests.journeys.world import World

LEASE_S = 10
"""Longer than an outage of the database takes here: nobody is to be taken for dead because it was away."""
SERVERS: tuple[ServerName, ServerName] = ("postgres", "kafka")


@pytest.fixture
def world(
    private_services: Cluster, tmp_path: Path, django_db_blocker: DjangoDbBlocker, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A world on servers that may be killed."""
    name = request.node.name
    environment = {**private_services.environment(), **_new_database(private_services.services, name)}
    subprocess.run([*MANAGE, "migrate", "--verbosity", "0"], env=environment, cwd=CHECKOUT, check=True)
    names = {role: f"{name}.{role}" for role in ("triggers", "facts", "group")}
    ensure_topics(environment["KAFKA_BOOTSTRAP_SERVERS"], {names["triggers"]: 6, names["facts"]: 6})
    with django_db_blocker.unblock(), django_at(environment["DATABASE_URL"]):
        opened = World(environment, tmp_path, **names, lease_s=LEASE_S)
        yield opened
        opened.end()


def _new_database(services: Services, name: str) -> dict[str, str]:
    """An empty database of this test's own: the addresses of both roles."""
    with psycopg.connect(services.database_url, autocommit=True) as owner:
        owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return {
        "DATABASE_URL": at_database(services.database_url, name),
        "WEB_DATABASE_URL": at_database(services.web_database_url, name),
    }


def restart(begun: Storm, cluster: Cluster, name: ServerName, *, kill: bool) -> None:
    begun.wait(0.5, 2.5)
    begun.note(f"{'kill -9' if kill else 'restart'} {name}")
    cluster.restart(name, kill=kill)
    begun.note(f"{name} is back; {len(begun.load.published)} events published, {begun.load.taken} taken")


def test_both_servers_killed_under_load_cost_nothing(world: World, private_services: Cluster) -> None:
    with storm(world) as begun:
        for name in begun.luck.sample(SERVERS, 2):
            restart(begun, private_services, name, kill=True)
        begun.wait(1.0, 2.0)
        assert begun.fallen() == [], world.logs()
        begun.account()


@pytest.mark.long
def test_twenty_restarts_of_both_servers(world: World, private_services: Cluster) -> None:
    with storm(world) as begun:
        for number in range(20):
            restart(begun, private_services, SERVERS[number % 2], kill=begun.luck.random() < 0.5)
        begun.wait(1.0, 2.0)
        assert begun.fallen() == [], world.logs()
        begun.account()
