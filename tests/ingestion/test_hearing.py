"""What vendors told by calling becomes receipts: once, in any order, whoever is killed, and each tenant's own."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.utils import timezone
from pytest_django import Settings

from dispatching.database import connect
from dispatching.models import DeliveryReceipt, Dispatch, WaitingReceipt
from dispatching.receiving import apply_receipts, apply_waiting_receipts
from ingestion import call_rows, hearing, webhooks
from ingestion.hearing import Hearer, process_webhooks
from ingestion.models import CallState, WebhookCall
from ingestion.retention import clean_webhook_calls
from outbox.models import OutboxEvent
from providers.models import Provider
from providers.registry import TRANSPORTS
from tests.ingestion.callers import call, cannot_read, kept, record, reports, taken, talkative
from tests.ingestion.fake_vendor import Talkative

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def vendor(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    monkeypatch.setitem(TRANSPORTS, "talkative", Talkative())
    settings.PUBLIC_URL = "https://prism.example.com"
    webhooks._listeners._kept.clear()
    yield
    webhooks._listeners._kept.clear()


@pytest.fixture
def provider() -> Provider:
    return talkative()


def status_of(dispatch: Dispatch) -> str:
    dispatch.refresh_from_db()
    return dispatch.status


def states() -> list[tuple[str, int | None]]:
    return [(one.state, one.reports) for one in kept()]


def hear(provider: Provider, *words: str, message_id: str = "m-1") -> None:
    assert call(provider, reports(*({"id": message_id, "word": word} for word in words))).status_code == 204


def all_over_again() -> None:
    """As if the pause after a claim were over."""
    WebhookCall.objects.update(look_at=timezone.now())


def test_a_message_is_delivered_then_read_and_the_calls_are_marked(provider: Provider) -> None:
    dispatch = taken(provider)
    hear(provider, "delivered")
    hear(provider, "read", "delivered")
    assert process_webhooks() == 2
    assert status_of(dispatch) == "READ"
    assert states() == [("done", 1), ("done", 2)]
    assert sorted(one.kind for one in DeliveryReceipt.objects.all()) == ["delivered", "read"]
    assert process_webhooks() == 0


def test_a_provider_whose_row_cannot_be_read_holds_up_nobody_else(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoilt = talkative()
    dispatch = taken(provider)
    hear(spoilt, "delivered", message_id="m-2")
    hear(provider, "delivered")
    cannot_read(monkeypatch, spoilt)
    process_webhooks()
    assert status_of(dispatch) == "DELIVERED"
    first, second = kept()
    assert (first.state, second.state) == (CallState.WAITING, CallState.DONE)
    assert "cannot be read" in first.error
    monkeypatch.undo()
    monkeypatch.setitem(TRANSPORTS, "talkative", Talkative())
    all_over_again()
    process_webhooks()
    assert WebhookCall.objects.get(pk=first.pk).state == CallState.DONE


def test_out_of_order_and_repeated_calls_end_the_same(provider: Provider) -> None:
    dispatch = taken(provider)
    for word in ("read", "sent", "delivered", "read", "delivered"):
        hear(provider, word)
    process_webhooks()
    assert status_of(dispatch) == "READ"
    assert DeliveryReceipt.objects.count() == 3
    assert OutboxEvent.objects.count() == 1


def test_a_report_before_our_own_commit_waits_for_it(provider: Provider) -> None:
    dispatch = taken(provider, known=False)
    hear(provider, "delivered")
    process_webhooks()
    assert (status_of(dispatch), states()) == ("SENT", [("done", 1)])
    assert WaitingReceipt.objects.count() == 1
    record(provider, dispatch, "m-1")
    WaitingReceipt.objects.update(look_at=timezone.now())
    assert apply_waiting_receipts() == 1
    assert status_of(dispatch) == "DELIVERED"


def test_a_dispatch_that_the_vendor_echoes_is_found_without_its_message_id(provider: Provider) -> None:
    dispatch = taken(provider, known=False)
    call(provider, reports({"word": "failed", "dispatch": str(dispatch.pk)}))
    process_webhooks()
    assert status_of(dispatch) == "FAILED"


def test_a_provider_of_one_tenant_reports_nothing_of_another_tenants_messages(provider: Provider) -> None:
    victim = taken(talkative(), "m-victim")
    call(
        provider,
        reports({"id": "m-victim", "word": "failed"}, {"word": "failed", "dispatch": str(victim.pk)}),
    )
    process_webhooks()
    assert status_of(victim) == "SENT"
    assert not DeliveryReceipt.objects.exists()


def test_what_is_no_report_is_kept_and_told_apart(provider: Provider) -> None:
    call(provider, reports({"id": "in-1", "word": "inbound message: oi 👋"}))
    process_webhooks()
    (one,) = kept()
    assert (one.state, one.reports, one.error) == ("done", 0, "")
    assert "oi 👋" in bytes(one.body).decode()


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"no": "list"}', b"\xff\x00", b"[" * 100_000])
def test_a_body_that_cannot_be_read_fails_with_its_reason_and_alone(
    provider: Provider, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    dispatch = taken(provider)
    call(provider, body)
    hear(provider, "delivered")
    process_webhooks()
    broken, good = kept()
    assert (broken.state, good.state, status_of(dispatch)) == ("failed", "done", "DELIVERED")
    assert "no list of reports" in broken.error
    assert "webhook_call_failed" in caplog.text


def test_a_defect_of_the_transport_fails_its_own_call_only(provider: Provider) -> None:
    dispatch = taken(provider)
    hear(provider, "bang")
    hear(provider, "delivered")
    process_webhooks()
    broken, _good = kept()
    assert (broken.state, broken.error) == ("failed", "RuntimeError: a defect of the transport")
    assert status_of(dispatch) == "DELIVERED"


def test_a_vendor_that_no_longer_reports_fails_its_waiting_calls(provider: Provider) -> None:
    hear(provider, "delivered")
    Provider.objects.filter(pk=provider.pk).update(configuration={"provider_vendor": "console"})
    process_webhooks()
    assert "does not report by calls now" in kept()[0].error


def breaking(number: int, error: type[psycopg.Error]) -> Callable[..., Any]:
    """`apply_receipts`, but for what mentions this message."""
    real = apply_receipts

    def applied(cursor: Any, receipts: Any, *rest: Any) -> Any:
        if any(receipt.message_id == f"m-{number}" for receipt in receipts):
            raise error("no")
        return real(cursor, receipts, *rest)

    return applied


def test_one_that_breaks_its_transaction_is_found_among_many_and_given_up_after_three_tries(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatches = [taken(provider, f"m-{number}") for number in range(7)]
    for number in range(7):
        hear(provider, "delivered", message_id=f"m-{number}")
    monkeypatch.setattr(hearing, "apply_receipts", breaking(4, psycopg.errors.DataException))
    assert process_webhooks() == 7
    assert [status_of(one) for one in dispatches] == ["DELIVERED"] * 4 + ["SENT"] + ["DELIVERED"] * 2
    broken = kept()[4]
    assert (broken.state, broken.tries) == ("waiting", 1)
    assert broken.look_at > timezone.now() + dt.timedelta(seconds=5)
    for tries in (2, 3):
        all_over_again()
        assert process_webhooks() == 1
        broken.refresh_from_db()
        assert broken.tries == tries
    assert (broken.state, broken.error) == ("failed", "DataException: no")
    assert process_webhooks() == 0


def test_a_defect_of_ours_over_one_call_takes_no_other_along(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, last = taken(provider, "m-1"), taken(provider, "m-3")
    hear(provider, "delivered", message_id="m-2")
    hear(provider, "delivered", message_id="m-1")
    hear(provider, "delivered", message_id="m-3")

    def stumble(cursor: psycopg.Cursor, receipts: Any, *rest: Any) -> Any:
        if any(receipt.message_id == "m-2" for receipt in receipts):
            raise AssertionError("of our own making")
        return apply_receipts(cursor, receipts, *rest)

    monkeypatch.setattr(hearing, "apply_receipts", stumble)
    process_webhooks()
    assert (status_of(first), status_of(last)) == ("DELIVERED", "DELIVERED")
    for _again in range(call_rows.MOST_TRIES):
        all_over_again()
        process_webhooks()
    assert [state for state, _reports in states()] == ["failed", "done", "done"]
    assert "of our own making" in kept()[0].error


def test_trouble_of_the_database_counts_no_try(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    dispatch = taken(provider, "m-1")
    hear(provider, "delivered")
    with monkeypatch.context() as broken:
        broken.setattr(hearing, "apply_receipts", breaking(1, psycopg.errors.DeadlockDetected))
        hearer = Hearer()
        for _ in range(5):
            with pytest.raises(psycopg.errors.DeadlockDetected):
                hearer.turn()
            hearer._disconnect()
    assert hearer.run_until_empty(5) == 1
    assert (status_of(dispatch), kept()[0].tries) == ("DELIVERED", 1)


def test_a_worker_killed_between_claim_and_record_leaves_a_call_that_is_taken_again(provider: Provider) -> None:
    dispatch = taken(provider)
    hear(provider, "delivered")
    with connect("prism:test-dead") as dead:
        assert len(call_rows.claim(dead, 10)) == 1
    assert process_webhooks() == 0, "not while its worker may live"
    all_over_again()
    assert process_webhooks() == 1
    assert (status_of(dispatch), kept()[0].tries) == ("DELIVERED", 2)


def test_a_worker_that_is_too_late_records_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    dispatch = taken(provider)
    hear(provider, "delivered")
    real = call_rows.claim

    def slow(connection: psycopg.Connection, limit: int) -> Any:
        claimed = real(connection, limit)
        WebhookCall.objects.update(tries=2)
        return claimed

    monkeypatch.setattr(call_rows, "claim", slow)
    hearer = Hearer()
    assert hearer.turn() == 1
    hearer._disconnect()
    assert (status_of(dispatch), states()) == ("SENT", [("waiting", None)])
    assert not DeliveryReceipt.objects.exists()


def test_a_call_that_kills_its_workers_is_given_up(provider: Provider) -> None:
    hear(provider, "delivered")
    WebhookCall.objects.update(tries=call_rows.MOST_TRIES)
    process_webhooks()
    assert "never ended" in kept()[0].error


def test_several_workers_share_the_calls_and_repeat_nothing(provider: Provider) -> None:
    dispatches = [taken(provider, f"m-{number}") for number in range(30)]
    for number in range(30):
        hear(provider, "delivered", "read", message_id=f"m-{number}")
    threads = [threading.Thread(target=process_webhooks) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert {status_of(one) for one in dispatches} == {"READ"}
    assert DeliveryReceipt.objects.count() == 60
    assert {one.state for one in kept()} == {CallState.DONE}


def test_the_door_answers_while_what_it_tells_of_is_locked(provider: Provider) -> None:
    dispatch = taken(provider)
    with connect("prism:test-lock") as slow, slow.transaction():
        slow.execute("SELECT 1 FROM dispatches WHERE id = %s FOR UPDATE", [dispatch.pk])
        slow.execute("SELECT 1 FROM webhook_calls FOR UPDATE")
        began = time.perf_counter()
        hear(provider, "delivered")
        assert time.perf_counter() - began < 1


def test_a_resident_sender_reads_a_call_within_about_a_second(
    provider: Provider, process_environment: dict[str, str], settings: Settings
) -> None:
    """In a process that knows the gateway only: what it says of a vendor without calls is enough to see it read."""
    environment = {**process_environment, "SECRET_KEY": settings.SECRET_KEY}
    process = subprocess.Popen([sys.executable, "manage.py", "run_sender"], env=environment)
    try:
        hear(provider, "delivered")
        until = time.monotonic() + 60
        while kept()[0].state == CallState.WAITING and time.monotonic() < until:
            time.sleep(0.05)
        hear(provider, "delivered")
        began = time.monotonic()
        while kept()[1].state == CallState.WAITING and time.monotonic() < until:
            time.sleep(0.05)
        took = time.monotonic() - began
    finally:
        process.terminate()
        assert process.wait(40) == 0
    assert [one.state for one in kept()] == [CallState.FAILED] * 2
    assert took < 3, "about a second, on a busy machine"


def test_old_calls_go_but_for_those_that_wait(provider: Provider) -> None:
    hear(provider, "delivered")
    process_webhooks()
    hear(provider, "read")
    assert clean_webhook_calls() == 0
    in_two_weeks = timezone.now() + dt.timedelta(days=14, minutes=1)
    assert clean_webhook_calls(in_two_weeks) == 1
    assert states() == [("waiting", None)]
