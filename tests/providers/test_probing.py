"""A check of a connection goes over the real wire, tells the truth in a code, and survives whoever runs it."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from providers import checking
from providers.models import CheckState, Health, Provider, ProviderCheck
from providers.probe_rows import MOST_TRIES
from providers.probing import Prober, check_providers
from providers.retention import clean_provider_checks
from tests.factories import ProviderFactory, ProviderSecretFactory
from tests.providers.makers import CANARY, VARIABLE
from tests.providers.servers import unused_port, vendor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def private_network(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.PROVIDER_ENV_ALLOW_LIST = ["PRISM_PROVIDER_*"]
    monkeypatch.setenv(VARIABLE, CANARY)


def gateway(url: str, **more: Any) -> Provider:
    token = {"type": "bearer_token", "token_env_var": VARIABLE}
    configuration = {"provider_vendor": "gateway", "api_url": url, "authentication": token, **more}
    made: Provider = ProviderFactory.create(configuration=configuration)
    return made


def checked(provider: Provider) -> ProviderCheck:
    check = checking.request_check(provider, by="ana")
    assert check_providers(max_seconds=20) == 1
    check.refresh_from_db()
    provider.refresh_from_db()
    assert check.state == CheckState.DONE
    assert check.finished_at is not None
    assert provider.health_checked_at is not None
    assert provider.health == (Health.HEALTHY if check.ok else Health.FAILING)
    return check


def version() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT version FROM config_version")
        (found,) = cursor.fetchone()
    return int(found)


def test_a_server_that_answers_is_reachable_and_gets_no_message() -> None:
    with vendor(404) as server:
        check = checked(gateway(f"{server.url}/deep/path"))
    assert (check.ok, check.code, check.message) == (True, "REACHABLE", "HTTP 404")
    ((method, path, headers),) = server.asked
    assert (method, path) == ("HEAD", "/")
    assert headers["Authorization"] == f"Bearer {CANARY}"


def test_a_health_address_that_says_yes_proves_the_credential() -> None:
    with vendor(200, b'{"ok": true}') as server:
        check = checked(gateway(server.url, health_url=f"{server.url}/health?deep=1"))
    assert (check.ok, check.code) == (True, "OK")
    assert [(method, path) for method, path, _headers in server.asked] == [("GET", "/health?deep=1")]


@pytest.mark.parametrize(
    ("status", "code"), [(401, "UNAUTHORIZED"), (403, "FORBIDDEN"), (503, "VENDOR_ERROR"), (302, "UNEXPECTED")]
)
def test_a_health_address_that_says_no_is_told_with_its_words(status: int, code: str) -> None:
    with vendor(status, b'{"error": "bad token ' + CANARY.encode() + b'"}') as server:
        provider = gateway(server.url, health_url=f"{server.url}/health")
        check = checked(provider)
    assert (check.ok, check.code) == (False, code)
    assert check.message == f'HTTP {status}: {{"error": "bad token [redacted]"}}'
    assert provider.health_message == f"{code}: {check.message}"


@pytest.mark.parametrize(("status", "ok"), [(200, True), (405, True), (501, True), (401, False), (500, False)])
def test_without_a_health_address_only_refusal_and_trouble_are_failures(status: int, ok: bool) -> None:
    with vendor(status) as server:
        assert checked(gateway(server.url)).ok is ok


def test_a_port_that_nobody_listens_at_is_told() -> None:
    check = checked(gateway(f"http://127.0.0.1:{unused_port()}"))
    assert (check.ok, check.code) == (False, "CONNECT")


def test_a_name_that_nobody_has_is_told() -> None:
    assert checked(gateway("https://no-such-host.invalid")).code == "DNS"


def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    with vendor(200, tls=tmp_path) as server:
        check = checked(gateway(server.url.replace("http://", "https://")))
    assert (check.ok, check.code) == (False, "TLS")
    assert server.asked == []


def test_a_server_that_hangs_is_given_up_in_time() -> None:
    with vendor(200, hanging=True) as server:
        began = time.monotonic()
        check = checked(gateway(server.url, timeout_ms=700, connect_timeout_ms=500))
        assert time.monotonic() - began < 5
    assert (check.ok, check.code) == (False, "TIMEOUT")


def test_a_hanging_vendor_holds_up_nobody_else() -> None:
    with vendor(200, hanging=True) as slow, vendor(200) as fast:
        slow_check = checking.request_check(gateway(slow.url, timeout_ms=3_000), by="ana")
        fast_check = checking.request_check(gateway(fast.url), by="ana")
        stop = threading.Event()
        thread = threading.Thread(target=Prober().run, args=(stop,))
        thread.start()
        try:
            until = time.monotonic() + 2.5
            while time.monotonic() < until and fast_check.state != CheckState.DONE:
                time.sleep(0.05)
                fast_check.refresh_from_db()
            slow_check.refresh_from_db()
        finally:
            stop.set()
            thread.join()
    assert (fast_check.state, slow_check.state) == (CheckState.DONE, CheckState.RUNNING)


def test_an_address_inside_the_deployment_is_refused(settings: Settings) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = False
    with vendor(200) as server:
        assert checked(gateway(server.url)).code == "REFUSED_ADDRESS"
    assert server.asked == []


def test_a_variable_that_is_not_set_is_told_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    check = checked(gateway("http://127.0.0.1:9"))
    assert check.code == "CONFIGURATION"
    assert VARIABLE in check.message


def test_a_credential_that_is_none_of_the_vendors_is_told_without_a_request() -> None:
    configuration = {"provider_vendor": "fcm", "service_account_env_var": VARIABLE}
    check = checked(ProviderFactory.create(provider_type="PUSH", configuration=configuration))
    assert (check.ok, check.code) == (False, "CONFIGURATION")
    assert check.message == "The credential is not the JSON file of a service account."


def test_a_stored_secret_is_used_and_kept_out_of_rows_and_logs(caplog: pytest.LogCaptureFixture) -> None:
    with vendor(401, f"no {CANARY}".encode()) as server:
        provider = gateway(server.url, health_url=f"{server.url}/health")
        provider.configuration["authentication"] = {"type": "header", "header_name": "X-Key", "token_secret": "key"}
        provider.save()
        hosts = [f"127.0.0.1:{server.server_port}"]
        ProviderSecretFactory.create(provider=provider, name="key", value=CANARY, hosts=hosts)
        checked(provider)
    assert server.asked[0][2]["X-Key"] == CANARY
    with connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT string_agg(c::text, '') FROM provider_checks c) || p::text FROM providers p")
        (rows,) = cursor.fetchone()
    assert "[redacted]" in rows
    assert CANARY not in rows + caplog.text


def test_a_vendor_without_a_connection_has_nothing_to_check() -> None:
    check = checked(ProviderFactory.create(configuration={"provider_vendor": "console"}))
    assert (check.ok, check.code) == (True, "NOTHING_TO_CHECK")


def test_what_a_check_finds_out_makes_no_worker_read_its_configuration_again() -> None:
    with vendor(200) as server:
        provider = gateway(server.url)
        before = version()
        checked(provider)
        assert version() == before
    provider.max_messages_per_minute = 5
    provider.save(update_fields=["max_messages_per_minute"])
    assert version() == before + 1


def test_active_providers_are_checked_by_the_clock_and_only_news_is_kept() -> None:
    with vendor(200) as server:
        provider = gateway(server.url)
        off = gateway(server.url)
        Provider.objects.filter(pk=off.pk).update(is_active=False)
        assert check_providers() == 1
        assert check_providers() == 0
        ((first,),) = [list(ProviderCheck.objects.all())]
        assert (first.provider_id, first.requested_by, first.ok) == (provider.pk, "", True)
        long_ago = timezone.now() - dt.timedelta(minutes=6)
        Provider.objects.update(health_checked_at=long_ago)
        assert check_providers() == 1
        assert ProviderCheck.objects.count() == 1, "the same as before is no news"
        server.status = 500
        Provider.objects.update(health_checked_at=long_ago)
        assert check_providers() == 1
    assert [check.ok for check in checking.recent_checks(provider)] == [False, True]


def test_since_when_a_provider_is_connected_is_kept_until_it_connects_again() -> None:
    with vendor(200) as server:
        provider = gateway(server.url)
        checked(provider)
        first = provider.connected_at
        assert first is not None
        checked(provider)
        assert provider.connected_at == first, "still the same connection"
        server.status = 500
        checked(provider)
        assert provider.connected_at == first, "when it was last connected is known while it fails"
        server.status = 200
        checked(provider)
        assert provider.connected_at > first


def test_a_vendor_that_stays_away_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    provider = gateway(f"http://127.0.0.1:{unused_port()}")
    for _ in range(2):
        checked(provider)
    told = [record.levelname for record in caplog.records if "provider_checked" in record.getMessage()]
    assert told == ["WARNING", "INFO"]


def test_asking_twice_is_asking_once() -> None:
    provider = gateway("http://127.0.0.1:9")
    assert checking.request_check(provider, by="ana") == checking.request_check(provider, by="bea")


def test_a_change_during_a_check_is_not_judged_by_the_old_configuration() -> None:
    with vendor(200) as server:
        provider = gateway(server.url)
        checking.request_check(provider, by="ana")
        prober = Prober()
        prober._turn(0)
        provider.configuration["api_url"] = "http://127.0.0.1:9"
        provider.save()
        prober.run_until_empty(5)
    provider.refresh_from_db()
    assert provider.health == Health.UNKNOWN
    assert checking.recent_checks(provider)[-1].ok is True


def test_a_worker_that_is_killed_in_the_middle_leaves_a_row_that_is_taken_again(
    process_environment: dict[str, str],
) -> None:
    with vendor(200, hanging=True) as server:
        provider = gateway(server.url)
        check = checking.request_check(provider, by="ana")
        environment = {**process_environment, "OUTBOUND_ALLOW_PRIVATE": "on", VARIABLE: CANARY}
        environment["PROVIDER_ENV_ALLOW_LIST"] = "PRISM_PROVIDER_*"
        process = subprocess.Popen([sys.executable, "manage.py", "check_providers"], env=environment)
        try:
            until = time.monotonic() + 30
            while not server.asked and time.monotonic() < until:
                time.sleep(0.05)
        finally:
            process.kill()
            process.wait()
        check.refresh_from_db()
        assert (check.state, check.tries) == (CheckState.RUNNING, 1)
        server.is_hanging = False
        assert check_providers() == 0, "not while its worker may live"
        half_a_minute_ago = timezone.now() - dt.timedelta(seconds=31)
        ProviderCheck.objects.update(started_at=half_a_minute_ago)
        assert check_providers() == 1
    check.refresh_from_db()
    assert (check.state, check.ok, check.tries) == (CheckState.DONE, True, 2)


def test_an_answer_that_comes_after_somebody_else_took_the_check_is_dropped() -> None:
    with vendor(200) as server:
        provider = gateway(server.url)
        check = checking.request_check(provider, by="ana")
        prober = Prober()
        prober._turn(0)
        ProviderCheck.objects.update(tries=2)
        assert prober.run_until_empty(3) == 0
    check.refresh_from_db()
    provider.refresh_from_db()
    assert (check.state, provider.health) == (CheckState.RUNNING, Health.UNKNOWN)


def test_a_check_that_kills_its_workers_is_given_up() -> None:
    check = checking.request_check(gateway("http://127.0.0.1:9"), by="ana")
    ProviderCheck.objects.update(tries=MOST_TRIES)
    assert check_providers() == 1
    check.refresh_from_db()
    assert (check.ok, check.code) == (False, "GIVEN_UP")


def test_a_fault_of_a_transport_is_told_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.transports.health.knock", lambda *_: 1 / 0)
    assert checked(gateway("http://127.0.0.1:9")).code == "INTERNAL"


def test_a_resident_sender_answers_within_about_a_second(process_environment: dict[str, str]) -> None:
    with vendor(200) as server:
        provider = gateway(server.url)
        environment = {**process_environment, "OUTBOUND_ALLOW_PRIVATE": "on", VARIABLE: CANARY}
        environment["PROVIDER_ENV_ALLOW_LIST"] = "PRISM_PROVIDER_*"
        process = subprocess.Popen([sys.executable, "manage.py", "run_sender"], env=environment)
        try:
            until = time.monotonic() + 60
            while not server.asked and time.monotonic() < until:  # the clock's own check: it is up
                time.sleep(0.05)
            time.sleep(0.5)
            began = time.monotonic()
            check = checking.request_check(provider, by="ana")
            while check.state != CheckState.DONE and time.monotonic() < began + 10:
                time.sleep(0.05)
                check.refresh_from_db()
            took = time.monotonic() - began
        finally:
            process.terminate()
            assert process.wait(40) == 0
    assert check.state == CheckState.DONE
    assert took < 3, "about a second, on a busy machine"


def test_old_checks_go() -> None:
    provider = gateway("http://127.0.0.1:9")
    check = checking.request_check(provider, by="ana")
    ProviderCheck.objects.update(
        state=CheckState.DONE,
        finished_at=timezone.now() - dt.timedelta(days=31),
    )
    checking.request_check(provider, by="ana")
    assert clean_provider_checks() == 1
    assert not ProviderCheck.objects.filter(pk=check.pk).exists()
