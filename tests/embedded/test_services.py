"""The embedded services through everything that happens to them on a developer's machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from prism.embedded import EmbeddedError, ensure, ensure_topics, hold, records, services, stop
from prism.embedded.postgres import Postgres
from prism.embedded.processes import Process, identify
from tests.clusters import Cluster, private_root, remove


def pids(root: Path) -> dict[str, int]:
    return {name: process.pid for name, process in services.status(root).items() if process}


def home(root: Path, name: str) -> Path:
    """Where the server's files are; elsewhere if this checkout is closed to the user that runs it."""
    return Path(records.load(root / f"{name}.json").outside or root / name)


def first_message(bootstrap: str, topic: str) -> bytes | None:
    """The oldest message of a topic's first partition; errors of a broker that is only just back are no answer."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "unused"})
    consumer.assign([TopicPartition(topic, 0, 0)])
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message and not message.error():
                return message.value()
        return None
    finally:
        consumer.close()


@pytest.fixture
def root(private_services: Cluster) -> Path:
    """The module's cluster, running, whatever the test before did to it."""
    ensure(private_services.root, durable=False)
    return private_services.root


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is none of ours."""
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        yield process
        process.kill()


def test_the_two_roles_are_what_production_asks_for(root: Path) -> None:
    found = ensure(root, durable=False)
    with psycopg.connect(found.database_url, autocommit=True) as owner:
        assert owner.execute("SELECT rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (
            True,
            False,
        )
        owner.execute("SET ROLE prism_web")
        owner.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute("CREATE ROLE another")
    with psycopg.connect(found.web_database_url, autocommit=True) as web:
        for refused in ("CREATE DATABASE another", "CREATE TABLE another (id int)", "SET ROLE prism_owner"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                web.execute(refused)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(found.database_url.replace(found.database_url.split(":")[2].partition("@")[0], "guessed"))


def test_a_second_start_finds_both_running(root: Path) -> None:
    said: list[str] = []
    before = pids(root)
    assert ensure(root, said.append, durable=False) == ensure(root, said.append, durable=False)
    assert (pids(root), said) == (before, [])


def test_fsync_follows_what_the_caller_asks_for_without_a_restart(root: Path) -> None:
    before = pids(root)
    for durable, expected in ((True, "on"), (False, "off")):
        url = ensure(root, durable=durable).database_url
        with psycopg.connect(url) as connection:
            connection.execute("SELECT pg_sleep(0.2)")
            assert connection.execute("SHOW fsync").fetchone() == (expected,)
    assert pids(root) == before


def test_kill_9_of_both_loses_neither_rows_nor_messages(private_services: Cluster, root: Path) -> None:
    before = ensure(root, durable=False)
    with psycopg.connect(before.database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    ensure_topics(before.kafka_bootstrap, {"kept": 1})
    producer = Producer({"bootstrap.servers": before.kafka_bootstrap, "acks": "all"})
    producer.produce("kept", b"forty-two")
    assert producer.flush(10) == 0

    private_services.restart("postgres", kill=True)
    private_services.restart("kafka", kill=True)

    after = ensure(root, durable=False)
    assert after == before
    with psycopg.connect(after.database_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert first_message(after.kafka_bootstrap, "kept") == b"forty-two"


def test_a_busy_port_is_left_to_its_owner_and_said_so(root: Path) -> None:
    stop(root)
    taken = records.load(root / "postgres.json").ports["main"]
    said: list[str] = []
    with socket.socket() as owner:
        owner.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        owner.bind(("127.0.0.1", taken))
        owner.listen()
        found = ensure(root, said.append, durable=False)
    assert f":{taken}/" not in found.database_url
    assert any(line.startswith(f"Port {taken} is busy: PostgreSQL takes ") for line in said)
    with psycopg.connect(found.database_url) as connection:
        connection.execute("SELECT 1")


def test_clusters_that_start_at_the_same_moment_part_ways() -> None:
    roots = [private_root() for _ in range(4)]
    servers = [Postgres(root, lambda _line: None, durable=False) for root in roots]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda server: server.ensure(), servers))
    assert len({server.record.ports["main"] for server in servers}) == 4
    assert all(server.answers() for server in servers)
    for root in roots:
        remove(root)


def test_a_reused_pid_is_neither_taken_for_ours_nor_stopped(root: Path, bystander: subprocess.Popen[bytes]) -> None:
    stop(root)
    for name in ("postgres", "kafka"):
        record = records.load(root / f"{name}.json")
        record.process = identify(bystander.pid)
        records.save(root / f"{name}.json", record)
    (home(root, "postgres") / "data" / "postmaster.pid").write_text(f"{bystander.pid}\n")
    ensure(root, durable=False)
    assert bystander.pid not in pids(root).values()
    stop(root)
    assert bystander.poll() is None


def test_a_start_cut_short_before_it_wrote_down_the_pid_is_taken_over(root: Path) -> None:
    before = pids(root)
    for name in before:
        record = records.load(root / f"{name}.json")
        record.process = Process(pid=1, born="long ago")
        records.save(root / f"{name}.json", record)
    ensure(root, durable=False)
    assert pids(root) == before


def test_a_start_cut_short_while_it_made_its_files_begins_anew() -> None:
    root = private_root()
    ensure(root, durable=False)
    stop(root)
    for name in ("postgres", "kafka"):
        (home(root, name) / "data").rename(home(root, name) / "data.new")
    found = ensure(root, durable=False)
    with psycopg.connect(found.web_database_url) as connection:
        connection.execute("SELECT 1")
    assert not any((home(root, name) / "data.new").exists() for name in ("postgres", "kafka"))
    remove(root)


def test_a_frozen_server_is_let_go_on(root: Path) -> None:
    before = pids(root)
    os.kill(before["postgres"], signal.SIGSTOP)
    while psutil.Process(before["postgres"]).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    said: list[str] = []
    ensure(root, said.append, durable=False)
    assert (pids(root), said) == (before, ["PostgreSQL was frozen: letting it go on"])


def test_the_last_holder_stops_what_nobody_asked_to_keep(root: Path) -> None:
    with hold(root, durable=False, given={}):
        with hold(root, durable=False, given={}), pytest.raises(EmbeddedError, match="in use by another process"):
            stop(root)
        assert len(pids(root)) == 2
    assert pids(root) == {}

    ensure(root, durable=False)
    services.keep(root)
    with hold(root, durable=False, given={}):
        pass
    assert len(pids(root)) == 2


def test_parallel_starts_end_with_one_of_each(root: Path) -> None:
    stop(root)
    command = [sys.executable, "-m", "prism.embedded", "start", "--root", str(root)]
    starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = {start.communicate(timeout=120)[0] for start in starts}
    assert len(answers) == 1
    assert "export KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:" in answers.pop()
    commands = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    for name in ("postgres", "kafka"):
        assert (
            sum(
                command.partition(" ")[0].startswith("/") and f" {home(root, name)}/" in command for command in commands
            )
            == 1
        )


def test_both_run_in_sessions_of_their_own(root: Path) -> None:
    sessions = {os.getsid(pid) for pid in pids(root).values()}
    assert len(sessions) == 2
    assert os.getsid(0) not in sessions


def test_secrets_are_readable_by_their_owner_only(root: Path) -> None:
    assert {oct((root / f"{name}.json").stat().st_mode & 0o777) for name in ("postgres", "kafka")} == {"0o600"}


def test_production_refuses_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PRISM_ENV", "production")
    with pytest.raises(EmbeddedError, match="PRISM_ENV is production"):
        ensure(tmp_path / "services")
    assert not (tmp_path / "services").exists()


def test_addresses_in_the_environment_replace_them_all_or_not_at_all(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgres://a", "WEB_DATABASE_URL": "postgres://b", "KAFKA_BOOTSTRAP_SERVERS": "c:9092"}
    with hold(tmp_path / "services", given=given) as found:
        assert (found.environment(), found.admin_database_url) == (given, None)
    assert not (tmp_path / "services").exists()
    del given["WEB_DATABASE_URL"]
    with pytest.raises(EmbeddedError, match=r"^WEB_DATABASE_URL not set"), hold(tmp_path / "services", given=given):
        pass


def test_topics_are_made_once_with_their_partitions(kafka_bootstrap: str, group: Callable[[str], str]) -> None:
    name = group("made-once")
    assert ensure_topics(kafka_bootstrap, {name: 2}) == [name]
    assert ensure_topics(kafka_bootstrap, {name: 2}) == []
