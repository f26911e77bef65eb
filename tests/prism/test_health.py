"""What probes and Prometheus are told, over the web role's own connection."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django import Settings
from structlog.contextvars import get_contextvars

from dispatching.partitions import partition_name, week_of
from prism import metrics, probe, readiness
from prism.gauges import read_gauges
from prism.metrics import MetricsPortError, start_metrics_server
from tests.prism.tenancies import Filled
from tests.web import as_owner, as_web_process

pytestmark = pytest.mark.django_db(transaction=True)

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client() -> Iterator[Client]:
    readiness._migrated.clear()
    with as_web_process():
        # As a probe comes: no name that this deployment knows, and no TLS.
        yield Client(headers={"host": "10.1.2.3:8000"})
    readiness._migrated.clear()


@pytest.fixture
def lost_database() -> Iterator[None]:
    port = connection.settings_dict["PORT"]
    connection.close()
    connection.settings_dict["PORT"] = "1"
    yield
    connection.close()
    connection.settings_dict["PORT"] = port


def test_alive_is_told_without_a_database(client: Client, lost_database: None) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


def test_probes_pass_where_pages_are_sent_to_tls(client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/healthz").status_code == 200
    assert client.get("/admin/", headers={"host": "localhost"}).status_code == 301


def test_only_reading_is_answered(client: Client) -> None:
    assert client.post("/readyz").status_code == 405


def test_a_complete_deployment_is_ready(client: Client) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"ready": True})


def test_a_lost_database_is_told_in_words_without_the_password(client: Client, lost_database: None) -> None:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "does not answer" in response.json()["problems"][0]
    assert connection.settings_dict["PASSWORD"] not in response.content.decode()


def test_a_migration_that_waits_is_told(client: Client) -> None:
    with as_owner():
        call_command("migrate", "prism", "zero", verbosity=0)
    (problem,) = client.get("/readyz").json()["problems"]
    assert "prism.0001_gauges" in problem
    assert "manage.py migrate" in problem


def test_a_missing_partition_is_told(client: Client) -> None:
    week = week_of(dt.datetime.now(dt.UTC))
    with as_owner():
        execute(f"DROP TABLE {partition_name('attempts', week)}")
    (problem,) = client.get("/readyz").json()["problems"]
    assert "attempts_p" in problem
    assert "ensure_partitions" in problem


def test_metrics_are_for_this_host_by_default(client: Client) -> None:
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.9.9.9").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="nonsense").status_code == 403
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client.get("/metrics", headers={name: "127.0.0.1"}).status_code == 403


def test_a_token_replaces_the_addresses(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "let me in"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer let me out"}).status_code == 403
    right = {"Authorization": "Bearer let me in", "X-Forwarded-For": "10.9.9.9"}
    assert client.get("/metrics", headers=right).status_code == 200


def test_the_numbers_of_database_and_kafka_are_told(
    two: tuple[Filled, Filled], client: Client, topic: Callable[..., str]
) -> None:
    name = topic("triggers", partitions=1)
    with as_owner():
        execute("UPDATE consumer_positions SET topic = %s, next_offset = 0", name)
    text = fresh_metrics(client)
    assert "prism_database_up 1.0" in text
    assert "prism_kafka_up 1.0" in text
    assert "prism_outbox_parked_facts 2.0" in text
    assert 'prism_workers_alive{kind="sender"} 3.0' in text
    assert f'prism_position_lag{{group="prism",partition="0",topic="{name}"}} 0.0' in text
    assert text.count("prism_due_now{") == 2
    assert "Acmeum" not in text


def test_a_lost_database_is_a_number_too(client: Client, lost_database: None) -> None:
    assert "prism_database_up 0.0" in fresh_metrics(client)


def test_the_look_is_taken_in_a_short_transaction_that_leaves_nothing_behind(two: tuple[Filled, Filled]) -> None:
    with as_web_process():
        assert read_gauges()
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('prism.system', true), current_setting('statement_timeout')")
            system, timeout = cursor.fetchone() or ("", "")
        assert (system or "", timeout) in (("", "0"), ("", "30s"))


def test_a_worker_serves_its_numbers_at_its_port(two: tuple[Filled, Filled], settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.METRICS_PORT = free.getsockname()[1]
    assert start_metrics_server() == settings.METRICS_PORT
    connection_to = HTTPConnection("127.0.0.1", settings.METRICS_PORT, timeout=20)
    connection_to.request("GET", "/metrics")
    text = connection_to.getresponse().read().decode()
    connection_to.close()
    assert "python_info" in text
    assert "prism_database_up 1.0" in text
    assert "prism_outbox_parked_facts 2.0" in text


@pytest.fixture
def worker_port(settings: Settings) -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.METRICS_PORT = free.getsockname()[1]
    return start_metrics_server()


def test_a_worker_answers_the_probes_at_its_port(two: tuple[Filled, Filled], worker_port: int) -> None:
    assert probe.ask(f"http://127.0.0.1:{worker_port}/healthz") == (True, "ok")
    assert probe.ask(f"http://127.0.0.1:{worker_port}/readyz") == (True, '{"ready": true}')


def test_a_worker_that_lacks_something_says_what(worker_port: int, lost_database: None) -> None:
    assert probe.ask(f"http://127.0.0.1:{worker_port}/healthz") == (True, "ok")
    healthy, told = probe.ask(f"http://127.0.0.1:{worker_port}/readyz")
    assert not healthy
    assert "the database does not answer" in told


def test_a_probe_says_that_nobody_is_there() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        healthy, told = probe.ask(f"http://127.0.0.1:{port}/healthz")
    assert not healthy
    assert "does not answer" in told


def test_web_processes_of_one_host_tell_the_numbers_of_all(process_environment: dict[str, str], tmp_path: Path) -> None:
    several = {
        **process_environment,
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "prism.settings",
    }
    count = "from prism.request_log import REQUESTS; REQUESTS.labels(method='GET', status='200').inc()"
    show = "from prism.metrics import exposition; print(exposition().decode())"
    told = [
        subprocess.run(
            [sys.executable, "-c", f"import django; django.setup(); {script}"],
            env=several,
            capture_output=True,
            text=True,
            cwd=CHECKOUT,
            check=True,
        ).stdout
        for script in (count, count, show)
    ][-1]
    assert 'prism_http_requests_total{method="GET",status="200"} 2.0' in told
    assert "prism_database_up 1.0" in told


def test_port_zero_is_off(settings: Settings) -> None:
    settings.METRICS_PORT = 0
    assert start_metrics_server() == 0


def test_a_busy_port_is_told_with_what_to_do(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings.METRICS_PORT = taken.getsockname()[1]
        with pytest.raises(MetricsPortError, match=r"METRICS_PORT: 127\.0\.0\.1:\d+ .* port of its own"):
            start_metrics_server()


def test_every_answer_carries_the_correlation_id_of_its_request(client: Client) -> None:
    given = client.get("/admin/login/", headers={"host": "localhost", "X-Correlation-ID": "order-7"})
    assert given.headers["X-Correlation-ID"] == "order-7"
    minted = client.get("/admin/login/", headers={"host": "localhost", "X-Correlation-ID": "<script>"})
    assert len(minted.headers["X-Correlation-ID"]) == 32
    assert get_contextvars() == {}


def fresh_metrics(client: Client) -> str:
    for collector in list(metrics._gauges._collector_to_names):
        collector._at = 0.0  # type: ignore[attr-defined]  # forget what an earlier test saw
    return client.get("/metrics").content.decode()


def execute(statement: str, *parameters: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
