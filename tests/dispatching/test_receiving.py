"""What vendors report, in any order, repeated, early or late: kept once, forward only, one fact per change."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from dispatching import operating
from dispatching.advancing import Applied
from dispatching.database import connect
from dispatching.models import Attempt, DeliveryReceipt, Dispatch, WaitingReceipt
from dispatching.receiving import apply_receipts, apply_waiting_receipts
from dispatching.reports import MAX_PAYLOAD_BYTES, Receipt
from dispatching.statuses import Status
from outbox.models import OutboxEvent
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from tenants.scope import tenant_scope
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import DEFERRED, UNKNOWN, Hands, campaign_with

NOW = dt.datetime.now(dt.UTC)
MakeReceipt = Callable[..., Receipt]


@pytest.fixture
def plan(connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger) -> Callable[..., Provider]:
    """Messages on the wire, of one campaign with one provider."""

    def plan_some(count: int = 1, **fields: Any) -> Provider:
        campaign, (provider, *_) = campaign_with(**fields)
        hands.plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(count)))
        return provider

    return plan_some


@pytest.fixture
def sent(plan: Callable[..., Provider], hands: Hands) -> Provider:
    """One message that the vendor took under the id `m-1`."""
    provider = plan()
    hands.answer(Outcome(Kind.ACCEPTED, message_id="m-1"))
    return provider


def receipt(provider: Provider, status: Status | None, minute: int = 0, **fields: Any) -> Receipt:
    given = {
        "tenant_id": provider.tenant_id,
        "provider_id": str(provider.pk),
        "message_id": "m-1",
        "kind": str(status).lower(),
        "status": status,
        "received_at": NOW,
        "occurred_at": NOW + dt.timedelta(minutes=minute),
        "payload": b"{}",
    }
    return Receipt(**{**given, **fields})


def apply(connection: psycopg.Connection, *receipts: Receipt) -> Applied:
    with connection.transaction(), connection.cursor() as cursor:
        applied = apply_receipts(cursor, receipts, dt.datetime.now(dt.UTC))
    applied.tell()
    return applied


def told() -> list[str]:
    return [json.loads(event.payload)["status"] for event in OutboxEvent.objects.order_by("id")]


def state() -> tuple[str, str]:
    dispatch = Dispatch.objects.get(predecessor_id=None)
    return dispatch.status, dispatch.reason


def statuses_of(receipts: Iterable[DeliveryReceipt]) -> list[str]:
    return sorted(one.status for one in receipts)


def test_a_message_is_delivered_then_read_with_a_fact_each_and_its_receipts_are_kept(
    connection: psycopg.Connection, sent: Provider
) -> None:
    raw = b'{"event": "delivered", "id": "m-1"}'
    apply(connection, receipt(sent, Status.DELIVERED, 1, kind="delivrd", payload=raw))
    kept = DeliveryReceipt.objects.get()
    assert (kept.kind, kept.status, bytes(kept.payload), kept.payload_size) == ("delivrd", "DELIVERED", raw, len(raw))
    assert (kept.tenant_id, kept.provider_id, kept.occurred_at) == (
        sent.tenant_id,
        sent.pk,
        NOW + dt.timedelta(minutes=1),
    )
    apply(connection, receipt(sent, Status.READ, 2))
    dispatch = Dispatch.objects.get()
    assert kept.dispatch_id == dispatch.pk
    assert (dispatch.status, dispatch.version, dispatch.attempts) == ("READ", 4, 1)
    assert told() == ["SENT", "DELIVERED", "READ"]
    versions = [event.headers["version"] for event in OutboxEvent.objects.order_by("id")]
    assert versions == [2, 3, 4]


@pytest.mark.parametrize("order", list(itertools.permutations([Status.SENT, Status.DELIVERED, Status.READ])))
def test_in_any_order_a_message_ends_read_and_never_goes_back(
    connection: psycopg.Connection, sent: Provider, order: tuple[Status, ...]
) -> None:
    for status in order:
        apply(connection, receipt(sent, status))
    assert state() == ("READ", "")
    forward = [status for status in order if status is not Status.SENT]
    assert told() == ["SENT", *(["DELIVERED", "READ"] if forward == [Status.DELIVERED, Status.READ] else ["READ"])]
    assert statuses_of(DeliveryReceipt.objects.all()) == ["DELIVERED", "READ", "SENT"]


def test_receipts_that_come_together_are_one_change(connection: psycopg.Connection, sent: Provider) -> None:
    apply(connection, receipt(sent, Status.READ, 2), receipt(sent, Status.SENT, 0), receipt(sent, Status.DELIVERED, 1))
    assert told() == ["SENT", "READ"]
    assert DeliveryReceipt.objects.count() == 3


def test_a_receipt_that_is_repeated_is_kept_once_and_tells_nothing(
    connection: psycopg.Connection, sent: Provider
) -> None:
    one = receipt(sent, Status.DELIVERED)
    apply(connection, one, one)
    apply(connection, one)
    assert (DeliveryReceipt.objects.count(), told()) == (1, ["SENT", "DELIVERED"])
    other = [receipt(sent, None, kind="open", event_id=number, payload=b"x" + number.encode()) for number in "121"]
    apply(connection, *other)
    assert DeliveryReceipt.objects.count() == 3, "its own id says which report it is"


def test_an_open_or_a_click_moves_no_status(connection: psycopg.Connection, sent: Provider) -> None:
    apply(connection, receipt(sent, None, kind="click"))
    assert (state(), told()) == (("SENT", ""), ["SENT"])
    assert DeliveryReceipt.objects.get().status == ""


def test_what_could_not_be_delivered_is_a_dead_letter_with_its_alarm(
    connection: psycopg.Connection, sent: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    apply(connection, receipt(sent, Status.FAILED, reason="MAILBOX_FULL", error="552 mailbox is full"))
    assert state() == ("FAILED", "MAILBOX_FULL")
    assert told() == ["SENT", "FAILED"]
    assert "552 mailbox is full" in json.loads(OutboxEvent.objects.latest("id").payload)["error_message"]
    assert "dead_letters" in caplog.text


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (Status.FAILED, Status.DELIVERED),
        (Status.DELIVERED, Status.FAILED),
        (Status.READ, Status.FAILED),
        (Status.READ, Status.SENT),
    ],
)
def test_what_is_settled_stays(connection: psycopg.Connection, sent: Provider, first: Status, then: Status) -> None:
    apply(connection, receipt(sent, first, 1))
    apply(connection, receipt(sent, then, 2))
    assert (state()[0], told()) == (first, ["SENT", first])
    together = [receipt(sent, then, 3), receipt(sent, first, 4)]
    apply(connection, *together)
    assert state()[0] == first


@pytest.mark.parametrize("status", [Status.SENT, Status.DELIVERED, Status.READ, Status.FAILED])
def test_any_definite_report_settles_an_unknown_and_the_unanswered_try_is_kept(
    connection: psycopg.Connection, plan: Callable[..., Provider], hands: Hands, status: Status
) -> None:
    provider = plan()
    hands.answer(UNKNOWN)
    ours = str(Dispatch.objects.get().pk)
    apply(connection, receipt(provider, status, message_id="never seen", dispatch_id=ours))
    assert (state()[0], told()) == (status, ["UNKNOWN", status])
    kept = Attempt.objects.get()
    assert (kept.outcome, kept.reason, kept.error_message, kept.number) == ("UNKNOWN", "TIMEOUT", "no answer", 1)


def test_a_receipt_that_overtakes_the_answer_waits_for_it(
    connection: psycopg.Connection, plan: Callable[..., Provider], hands: Hands
) -> None:
    provider = plan()
    ours = str(Dispatch.objects.get().pk)
    early = [receipt(provider, Status.DELIVERED), receipt(provider, Status.READ, message_id="", dispatch_id=ours)]
    assert len(apply(connection, *early).waiting) == 2
    apply(connection, *early)
    assert (WaitingReceipt.objects.count(), told()) == (2, [])
    assert apply_waiting_receipts() == 0
    hands.answer(Outcome(Kind.ACCEPTED, message_id="m-1"))
    assert apply_waiting_receipts() == 0, "they were looked for a moment ago"
    WaitingReceipt.objects.update(look_at=NOW)
    assert apply_waiting_receipts() == 2
    assert (state()[0], told()) == ("READ", ["SENT", "READ"])
    assert statuses_of(DeliveryReceipt.objects.all()) == ["DELIVERED", "READ"]
    assert not WaitingReceipt.objects.exists()


def test_what_waits_to_be_tried_again_takes_no_receipt(
    connection: psycopg.Connection, plan: Callable[..., Provider], hands: Hands
) -> None:
    provider = plan()
    hands.answer(DEFERRED)
    ours = str(Dispatch.objects.get().pk)
    assert apply(connection, receipt(provider, Status.FAILED, dispatch_id=ours)).waiting
    assert (state()[0], told()) == ("PENDING", [])


def test_ids_that_nobody_knows_are_tried_more_and_more_seldom_and_then_given_up(
    connection: psycopg.Connection, sent: Provider, caplog: pytest.LogCaptureFixture
) -> None:
    apply(connection, *(receipt(sent, Status.DELIVERED, message_id=f"other-{number}") for number in range(3)))
    moment, looks = dt.datetime.now(dt.UTC), []
    for _ in range(9):
        assert apply_waiting_receipts(moment) == 0
        (look,) = set(WaitingReceipt.objects.values_list("look_at", flat=True))
        looks.append(round((look - moment).total_seconds() / 60))
        moment = look
    assert looks == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    apply_waiting_receipts(NOW + dt.timedelta(days=3, minutes=1))
    assert not WaitingReceipt.objects.exists()
    assert "receipts_given_up" in caplog.text
    assert told() == ["SENT"]
    call_command("apply_receipts", verbosity=0)


def test_a_tenants_receipt_never_reaches_another_tenants_dispatch(
    connection: psycopg.Connection, plan: Callable[..., Provider], hands: Hands
) -> None:
    mine, theirs = plan(), plan()
    hands.answer(Outcome(Kind.ACCEPTED, message_id="m-1"))
    victim = Dispatch.objects.get(tenant=theirs.tenant)
    foreign = [
        receipt(theirs, Status.FAILED, tenant_id=mine.tenant_id),
        receipt(mine, Status.FAILED, message_id="", dispatch_id=str(victim.pk)),
        receipt(theirs, Status.FAILED, message_id="", dispatch_id=str(victim.pk), tenant_id=mine.tenant_id),
    ]
    assert len(apply(connection, *foreign).waiting) == 3
    assert not DeliveryReceipt.objects.exists()
    apply(connection, receipt(mine, Status.READ))
    assert Dispatch.objects.get(tenant=mine.tenant).status == "READ"
    victim.refresh_from_db()
    assert (victim.status, victim.version) == ("SENT", 2)
    assert {one.tenant_id for one in DeliveryReceipt.objects.all()} == {mine.tenant_id}


def test_a_late_failure_of_an_earlier_try_says_nothing_of_the_one_after_it(
    connection: psycopg.Connection, sent: Provider, hands: Hands
) -> None:
    failure = receipt(sent, Status.FAILED)
    apply(connection, failure)
    with tenant_scope(sent.tenant_id, operator=True):
        assert operating.replay(list(Dispatch.objects.values_list("pk", flat=True)))
    hands.claim()
    hands.answer(Outcome(Kind.ACCEPTED, message_id="m-2"))
    apply(connection, failure)
    apply(connection, receipt(sent, Status.FAILED, 5, kind="bounced again"))
    assert (state()[0], told()) == ("SENT", ["SENT", "FAILED", "SENT"])
    apply(connection, receipt(sent, Status.DELIVERED, 6))
    assert state()[0] == "DELIVERED", "whichever try it was, the contact has it"


@pytest.mark.parametrize("outcome", [Outcome(Kind.ACCEPTED, message_id="m-1"), UNKNOWN])
def test_a_reported_failure_goes_on_to_the_next_provider(
    connection: psycopg.Connection, plan: Callable[..., Provider], hands: Hands, outcome: Outcome
) -> None:
    provider = plan(providers=[{}, {}], strategy="fallback")
    hands.answer(outcome)
    first = Dispatch.objects.get()
    failure = receipt(provider, Status.FAILED, dispatch_id=str(first.pk))
    apply(connection, failure)
    apply(connection, failure)
    successor = Dispatch.objects.get(predecessor_id=first.pk)
    assert (successor.status, successor.trigger_id) == ("PENDING", first.trigger_id)


@pytest.mark.parametrize("text", ["\x00", "\ud800", 'a"b\\c{},NULL', "é" * 5000])
def test_whatever_a_vendor_writes_is_kept_within_bounds(
    connection: psycopg.Connection, sent: Provider, text: str
) -> None:
    payload = b"\x00\xff" * 50_000
    apply(
        connection,
        receipt(sent, Status.FAILED, kind=text, reason=text, error=text, event_id=text, payload=payload),
        receipt(sent, Status.READ, message_id=text, dispatch_id=text),
    )
    kept = DeliveryReceipt.objects.get()
    assert len(kept.kind) <= 100
    assert (len(kept.payload), kept.payload_size) == (MAX_PAYLOAD_BYTES, len(payload))
    assert WaitingReceipt.objects.count() == 1
    assert state()[0] == "FAILED"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_no_calendar_here_holds_keeps_no_receipt_from_being_tried_again(
    moment: str, connection: psycopg.Connection, sent: Provider
) -> None:
    odd = dt.datetime.fromisoformat(moment)
    apply(connection, receipt(sent, Status.DELIVERED, message_id="unknown", occurred_at=odd))
    apply(connection, receipt(sent, Status.DELIVERED, occurred_at=odd))
    assert state()[0] == "DELIVERED"
    later = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    assert apply_waiting_receipts(later) == 0
    assert WaitingReceipt.objects.get().tries == 1
    assert [kept.occurred_at for kept in DeliveryReceipt.objects.all()] == [None]


def test_two_processes_with_the_same_receipts_tell_them_once(
    connection: psycopg.Connection, plan: Callable[..., Provider], hands: Hands
) -> None:
    provider = plan(40)
    numbers = itertools.count()
    hands.answer(lambda _: Outcome(Kind.ACCEPTED, message_id=f"m-{next(numbers)}"))
    receipts = [
        receipt(provider, status, message_id=f"m-{number}")
        for number in range(40)
        for status in (Status.DELIVERED, Status.READ)
    ]

    def work(mine: list[Receipt]) -> int:
        with connect("prism:test-receipts") as own:
            return sum(len(apply(own, *mine[start : start + 20]).waiting) for start in range(0, len(mine), 20))

    with ThreadPoolExecutor() as pool:
        assert list(pool.map(work, [receipts, receipts[::-1], receipts[40:]], timeout=60)) == [0, 0, 0]
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"READ"}
    assert DeliveryReceipt.objects.count() == 80
    versions = [(event.headers["dispatch_id"], event.headers["version"]) for event in OutboxEvent.objects.all()]
    assert len(set(versions)) == len(versions) == 40 + sum(Dispatch.objects.values_list("version", flat=True)) - 80


def test_nothing_is_kept_or_told_of_a_transaction_that_failed(connection: psycopg.Connection, sent: Provider) -> None:
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        apply_receipts(cursor, [receipt(sent, Status.READ), receipt(sent, Status.READ, message_id="?")], NOW)
    assert (state()[0], told()) == ("SENT", ["SENT"])
    assert not DeliveryReceipt.objects.exists()
    assert not WaitingReceipt.objects.exists()
    assert apply(connection).moves == []


def test_an_id_that_is_no_dispatch_waits(connection: psycopg.Connection, sent: Provider) -> None:
    for nobodys in (str(uuid.uuid4()), "no uuid"):
        applied = apply(connection, receipt(sent, Status.READ, message_id="", dispatch_id=nobodys))
        assert len(applied.waiting) == 1
