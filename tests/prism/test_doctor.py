"""Doctor finds nothing where all is well, and each trouble where it is made."""

from __future__ import annotations

import datetime as dt
import json
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone, translation
from pytest_django import Settings

from dispatching.ids import mint_ids
from dispatching.models import Dispatch, DueDispatch, SendBatch, Worker
from dispatching.partitions import partition_name, week_of
from ingestion.models import ConsumerPosition
from outbox.models import OutboxEvent, OutboxRelay
from prism import offsets, readiness
from prism.doctor import clocks
from prism.doctor.checks import CHECKS, ask_all
from prism.doctor.vendors import problem_of_host
from prism.models import JobState
from providers.circuits import ProviderCircuit
from providers.models import Provider, ProviderSecret
from tenants.models import Tenant
from tests.databases import at_database
from tests.factories import ProviderFactory, ProviderSecretFactory

pytestmark = pytest.mark.django_db

CHECKOUT = Path(__file__).resolve().parents[2]
NOW = dt.datetime.now(dt.UTC)
Make = Callable[[], object]


@pytest.fixture(autouse=True)
def healthy(db: None, settings: Settings, topic: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deployment in which everybody is at work."""
    settings.KAFKA_TRIGGERS_TOPIC = topic("triggers", partitions=1)
    settings.KAFKA_DISPATCH_EVENTS_TOPIC = topic("facts", partitions=1)
    settings.OUTBOUND_ALLOW_PRIVATE = True
    here = at_database(os.environ["WEB_DATABASE_URL"], connection.settings_dict["NAME"])
    monkeypatch.setenv("WEB_DATABASE_URL", here)
    for kind in ("consumer", "sender"):
        Worker.objects.create(kind=kind, host="here", pid=1)
    OutboxRelay.objects.create(name="relay-1")
    JobState.objects.create(name="heartbeat", started_at=timezone.now(), finished_at=timezone.now())
    readiness._migrated.clear()
    with translation.override("en"):
        yield
    readiness._migrated.clear()


def findings() -> dict[str, list[str]]:
    """Check → what it found; checks that were not asked are told as such."""
    return {
        answer.name: ["not asked"] if answer.findings is None else [f"{one.what} → {one.do}" for one in answer.findings]
        for answer in ask_all()
        if not answer.healthy
    }


def hints() -> list[str]:
    return [one.what for answer in ask_all() for one in answer.findings or () if one.is_hint]


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def gateway(url: str, **fields: Any) -> Provider:
    made: Provider = ProviderFactory.create(
        provider_name="Gateway one", configuration={"provider_vendor": "gateway", "api_url": url, **fields}
    )
    return made


def left_alone(**fields: str) -> None:
    provider = ProviderFactory.create(provider_name="Gateway one", configuration={"provider_vendor": "console"})
    ProviderCircuit.objects.create(provider=provider, tenant=provider.tenant, since=NOW, probe_at=NOW, **fields)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def due(seconds: float) -> None:
    provider = ProviderFactory.create(provider_name="Gateway one", is_active=False)
    moment = timezone.now() - dt.timedelta(seconds=seconds)
    DueDispatch.objects.create(
        dispatch_id=uuid.uuid4(), provider_id=provider.pk, lane_class=2, due_at=moment, not_after=timezone.now()
    )


def fact(**fields: Any) -> None:
    OutboxEvent.objects.create(shard=0, topic="dispatch", key="k", headers={}, payload="{}", **fields)


def unknown(count: int) -> None:
    for identifier in mint_ids(NOW, count):
        Dispatch.objects.create(
            id=identifier,
            tenant_id=1,
            trigger_id=identifier,
            correlation_id="c",
            channel="SMS",
            dispatch_mode="SYNC",
            status="UNKNOWN",
            triggered_at=NOW,
            received_at=NOW,
            created_at=NOW,
        )


def batch_of_nobody() -> None:
    SendBatch.objects.create(
        id=uuid.uuid4(), owner=987, provider_id=uuid.uuid4(), lane_class=1, dispatch_ids=[], versions=[], created_at=NOW
    )


def lost_key() -> None:
    secret: ProviderSecret = ProviderSecretFactory.create(name="token", provider__is_active=False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE provider_secrets SET value = 'gAAAAA' WHERE id = %s", [secret.pk])


def with_fields(model: type[Any], pk_filter: dict[str, Any], **fields: Any) -> Make:
    return lambda: model.objects.filter(**pk_filter).update(**fields)


def long_ago() -> dt.datetime:
    return timezone.now() - dt.timedelta(minutes=5)


def this_week(table: str) -> str:
    return partition_name(table, week_of(NOW))


TROUBLES: dict[str, tuple[str, Make, str]] = {
    "a web role that is the owner's member": (
        "web_role",
        lambda: execute(
            "GRANT CREATE ON SCHEMA public TO prism_web; SET ROLE prism_web; CREATE TABLE mine (); RESET ROLE"
        ),
        "owns tables",
    ),
    "a right that was added": ("web_rights", lambda: execute("GRANT SELECT ON workers TO prism_web"), "workers"),
    "a right that is gone": ("web_rights", lambda: execute("REVOKE ALL ON segments FROM prism_web"), "segments"),
    "a migration that waits": (
        "migrations",
        lambda: execute("DELETE FROM django_migrations WHERE app = 'prism'"),
        "prism.0001_gauges",
    ),
    "no partition for this week": (
        "partitions",
        lambda: execute(f"DROP TABLE {this_week('attempts')}"),
        "Nothing can be planned",
    ),
    "no partition for next week": (
        "partitions",
        lambda: execute(f"DROP TABLE {partition_name('attempts', week_of(NOW) + dt.timedelta(weeks=1))}"),
        "next weeks",
    ),
    "a default tenant switched off": (
        "tenants",
        with_fields(Tenant, {"slug": "default"}, is_active=False),
        "create_tenant default",
    ),
    "no consumer": ("workers", lambda: Worker.objects.filter(kind="consumer").delete(), "manage.py consume_triggers"),
    "no sender": ("workers", with_fields(Worker, {"kind": "sender"}, state="stopped"), "manage.py run_sender"),
    "a dead worker": (
        "dead_workers",
        lambda: Worker.objects.create(kind="sender", host="elsewhere", pid=7, state="dead"),
        "elsewhere (process 7) died",
    ),
    "a silent worker that nobody recovers": (
        "silent_workers",
        lambda: Worker.objects.create(kind="drain", host="elsewhere", pid=8, heartbeat_at=long_ago()),
        "manage.py reap_workers",
    ),
    "batches of nobody": ("silent_workers", batch_of_nobody, "1 batches belong to workers that are no longer there"),
    "no relay": ("relay", with_fields(OutboxRelay, {}, seen_at=NOW - dt.timedelta(hours=1)), "manage.py relay_outbox"),
    "no job": ("jobs", lambda: JobState.objects.all().delete(), "manage.py run_worker"),
    "a job that failed": (
        "jobs",
        lambda: JobState.objects.create(name="clean_ledger", error="Traceback\nOSError: disk full"),
        "clean_ledger failed: OSError: disk full",
    ),
    "a stalled queue": (
        "queue",
        lambda: due(181),
        "1 dispatches of provider “Gateway one” (Bulk) are due, the first for 3",
    ),
    "an outbox that stands still": ("outbox", lambda: fact(created_at=long_ago()), "1 facts wait for Kafka"),
    "a parked fact": ("outbox", lambda: fact(parked_at=NOW), "Kafka refused 1 facts for good"),
    "many unknown": ("unknown", lambda: unknown(51), "51 of the newest"),
    "a secret whose key is gone": ("secrets", lost_key, "token"),
    "a variable that is not set": (
        "providers",
        lambda: gateway("http://127.0.0.1:9/", authentication={"type": "bearer_token", "token_env_var": "PRISM_UNSET"}),
        "Gateway one",
    ),
    "a provider that is paused": (
        "provider_circuits",
        lambda: left_alone(state="paused", reason="UNAUTHORIZED"),
        "“Gateway one” is not used since",
    ),
    "a provider that does not answer": (
        "provider_hosts",
        lambda: gateway(f"http://127.0.0.1:{closed_port()}/", authentication={"type": "none"}),
        "“Gateway one”, cannot be reached: Connection refused",
    ),
    "a partition that stopped": (
        "positions",
        lambda: position(next_offset=0, stopped_reason="the database went back in time"),
        "the database went back in time",
    ),
    "a position beyond its topic": ("positions", lambda: position(next_offset=5), "manage.py recover_position"),
}


def position(**fields: Any) -> ConsumerPosition:
    from django.conf import settings

    return ConsumerPosition.objects.create(
        consumer_group=settings.KAFKA_CONSUMER_GROUP, topic=settings.KAFKA_TRIGGERS_TOPIC, partition=0, **fields
    )


def test_where_all_is_well_nothing_is_found(listening: int) -> None:
    gateway(f"http://127.0.0.1:{listening}/", authentication={"type": "none"})
    position(next_offset=0)
    due(60)
    fact()
    assert findings() == {}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_each_trouble_is_found_with_what_to_do(trouble: str, settings: Settings) -> None:
    settings.PROVIDER_ENV_ALLOW_LIST = ["PRISM_*"]
    name, make, told = TROUBLES[trouble]
    make()
    found = findings()
    assert told in " ".join(found.pop(name)), found
    # What depends on it is not asked; apart from that nothing else is wrong.
    assert {tuple(texts) for texts in found.values()} <= {("not asked",)}, found


def test_a_topic_that_is_missing_is_told(settings: Settings) -> None:
    settings.KAFKA_DISPATCH_EVENTS_TOPIC = f"nobody-made-{uuid.uuid4()}"
    assert settings.KAFKA_DISPATCH_EVENTS_TOPIC in findings()["topics"][0]


def test_kafka_that_does_not_answer_is_told_and_not_asked_further(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offsets, "LIMIT_S", 0.5)
    settings.KAFKA_BOOTSTRAP_SERVERS = f"127.0.0.1:{closed_port()}"
    found = findings()
    assert "KAFKA_BOOTSTRAP_SERVERS" in found["kafka"][0]
    assert found["topics"] == found["positions"] == ["not asked"]


def test_a_web_role_that_does_not_get_in_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_DATABASE_URL", os.environ["WEB_DATABASE_URL"].replace("prism_web:", "prism_web:hunter22"))
    (told,) = findings()["web_sign_in"]
    assert "WEB_DATABASE_URL" in told
    assert "hunter22" not in told


def test_two_addresses_of_two_databases_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_DATABASE_URL", at_database(os.environ["WEB_DATABASE_URL"], "postgres"))
    assert "not the same database" in findings()["web_sign_in"][0]


@pytest.mark.parametrize(("skew", "told"), [(3.5, "3.5 seconds ahead of"), (-60.0, "60.0 seconds behind")])
def test_clocks_that_differ_are_told(monkeypatch: pytest.MonkeyPatch, skew: float, told: str) -> None:
    monkeypatch.setattr(clocks, "measured_skew", lambda: skew)
    assert told in findings()["clocks"][0]


def test_this_hosts_clock_is_measured() -> None:
    assert abs(clocks.measured_skew()) < 1


def test_a_worker_that_died_and_was_replaced_is_history() -> None:
    Worker.objects.create(id=0, kind="sender", host="here", pid=7, state="dead")
    assert "dead_workers" not in findings()


def test_the_guard_of_the_wire_holds_for_doctor_too(listening: int) -> None:
    assert problem_of_host(f"127.0.0.1:{listening}", allow_private=True) == ""
    assert "loopback" in problem_of_host(f"127.0.0.1:{listening}", allow_private=False)
    assert problem_of_host("nobody.invalid:443", allow_private=True) == "dns"


def test_vendors_without_an_address_to_report_to_are_told(
    listening: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PUBLIC_URL, settings.PROVIDER_ENV_ALLOW_LIST = "", ["PRISM_*"]
    monkeypatch.setenv("PRISM_PROVIDER_KEY", "k" * 32)
    here = f"http://127.0.0.1:{listening}"
    provider = gateway(here, authentication={"type": "none"})
    bot = {"bot_token_env_var": "PRISM_PROVIDER_KEY", "api_url": here, "webhook_url": "https://p.example/webhooks/x"}
    ProviderFactory.create(provider_type="TELEGRAM", provider_name="Bot", configuration=bot)
    (hint,) = hints()
    assert "Should the vendor of “Gateway one” report anything" in hint
    assert findings() == {}, "nothing needs it"
    provider.configuration["webhook"] = {"signing_key_env_var": "PRISM_PROVIDER_KEY"}
    provider.save()
    (found,) = findings()["provider_reports"]
    assert "messages by “Gateway one” stays unknown" in found
    assert "Set PUBLIC_URL" in found
    settings.PUBLIC_URL = "https://prism.example.com"
    assert (findings(), hints()) == ({}, [])


def test_a_hint_is_shown_and_all_is_well_all_the_same(listening: int, settings: Settings) -> None:
    settings.PUBLIC_URL = ""
    gateway(f"http://127.0.0.1:{listening}/", authentication={"type": "none"})
    out = StringIO()
    call_command("doctor", "--language", "en", stdout=out)
    assert "··  Providers' reports: Should the vendor" in out.getvalue()
    assert out.getvalue().endswith("All is well.\n")


def test_a_check_that_fails_itself_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    execute("ALTER TABLE outbox_relays RENAME TO gone")
    found = findings()
    assert "could not be found out" in found["relay"][0]
    assert found["queue"] == found["outbox"] or "queue" not in found


def test_the_command_tells_in_two_languages_and_as_json() -> None:
    Worker.objects.filter(kind="sender").delete()
    outputs = {}
    for arguments in (["--language", "en"], ["--language", "pt-br"], ["--json"]):
        out = StringIO()
        with pytest.raises(SystemExit) as exited:
            call_command("doctor", *arguments, stdout=out)
        assert exited.value.code == 1
        outputs[arguments[-1]] = out.getvalue()
    assert "No sender is alive" in outputs["en"]
    assert "manage.py run_sender" in outputs["pt-br"]
    assert "No sender is alive" not in outputs["pt-br"]
    report = json.loads(outputs["--json"])
    assert not report["healthy"]
    assert [one["name"] for one in report["checks"]] == [check.name for check in CHECKS]
    assert [len(one["findings"]) for one in report["checks"] if one["name"] == "workers"] == [1]


def test_the_command_is_content_where_all_is_well() -> None:
    out = StringIO()
    call_command("doctor", "--language", "en", stdout=out)
    assert out.getvalue().endswith("All is well.\n")


def test_without_a_database_it_says_so_and_ends_with_one() -> None:
    lost = {
        **os.environ,
        "DATABASE_URL": "postgres://prism_owner:hunter22@127.0.0.1:1/prism",
        "WEB_DATABASE_URL": "postgres://prism_web:hunter22@127.0.0.1:1/prism",
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{closed_port()}",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", "--language", "en"],
        env=lost,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        check=False,
    )
    assert done.returncode == 1
    assert "127.0.0.1:1/prism does not answer" in done.stdout
    assert "DATABASE_URL" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "hunter22" not in done.stdout + done.stderr


def test_every_check_has_its_trouble_above() -> None:
    elsewhere = {"provider_reports", "database", "web_sign_in", "clocks", "kafka", "topics"}
    assert {name for name, _make, _told in TROUBLES.values()} | elsewhere == {check.name for check in CHECKS}
