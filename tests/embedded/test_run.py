"""What the test run itself promises: databases, topics and the network of one run never touch another's."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", [1, 2])
def test_a_committing_test_leaves_nothing_behind_and_keeps_what_migrations_made(turn: int) -> None:
    from tenants.models import Tenant

    assert list(Tenant.objects.values_list("slug", flat=True)) == ["default"]
    Tenant.objects.all().update(slug=f"changed-{turn}")


def test_a_process_started_by_a_test_sees_its_database(process_environment: dict[str, str]) -> None:
    from tenants.models import Tenant

    Tenant.objects.create(slug="seen-from-outside", name="Seen")
    with psycopg.connect(process_environment["WEB_DATABASE_URL"]) as connection:
        found = connection.execute("SELECT current_database(), current_user").fetchone()
    assert found == (process_environment["DATABASE_URL"].rpartition("/")[2], "prism_web")


def test_a_topic_is_new_and_has_the_partitions_asked_for(kafka_bootstrap: str, topic: Callable[..., str]) -> None:
    name = topic("triggers", partitions=3)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    producer.produce(name, b"hello")
    assert producer.flush(10) == 0
    found = AdminClient({"bootstrap.servers": kafka_bootstrap}).list_topics(timeout=10).topics[name]
    assert len(found.partitions) == 3


def test_the_outside_world_is_closed() -> None:
    with socket.socket() as outside, pytest.raises(AssertionError, match="only this machine"):
        outside.connect(("192.0.2.1", 80))


def test_mypy_reads_models_through_settings_that_need_no_environment() -> None:
    bare = {"PATH": os.environ["PATH"]}
    command = "import tests.checked_settings as s; print(s.DATABASES['default']['NAME'])"
    assert subprocess.check_output([sys.executable, "-c", command], env=bare, text=True) == "prism\n"
