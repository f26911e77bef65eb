"""What vendors say of people and addresses is kept with the outcome or report that said it, once each."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import psycopg
import pytest

from audiences.models import SuppressionSign
from audiences.signs import AddressKind, NewSign, normalised, record_signs
from dispatching.models import DeliveryReceipt, Dispatch, WaitingReceipt
from dispatching.receiving import apply_receipts, apply_waiting_receipts
from dispatching.vendor_reports import receipts_of
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from providers.reporting import Meaning, Sign, VendorReport
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import REJECTED, Hands, campaign_with
from tests.factories import ProviderFactory

NOW = dt.datetime.now(dt.UTC)
LATER = NOW + dt.timedelta(minutes=1)
INVALID = Outcome(Kind.RECIPIENT_INVALID, reason="NOT_ON_WHATSAPP", error="no account")
OPTED_OUT = Outcome(Kind.OPTED_OUT, reason="OPTED_OUT", error="stop")
TAKEN = Outcome(Kind.ACCEPTED, message_id="m-1")


def send(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger, *outcomes: Outcome, **provider: Any
) -> Provider:
    campaign, (made, *_) = campaign_with([provider])
    hands.plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in outcomes))
    given = iter(outcomes)
    hands.answer(lambda _parcel: next(given))
    return made


def tell(connection: psycopg.Connection, provider: Provider, *reports: VendorReport) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        apply_receipts(
            cursor,
            receipts_of(tenant_id=provider.tenant_id, provider_id=str(provider.pk), reports=reports, received_at=NOW),
            NOW,
        )


def report(meaning: Meaning, sign: Sign | None, **fields: Any) -> VendorReport:
    return VendorReport(**{"kind": meaning.value, "meaning": meaning, "message_id": "m-1", "sign": sign, **fields})


def kept() -> list[tuple[str, str, str, str]]:
    rows = SuppressionSign.objects.order_by("id")
    return [(row.kind, row.address_kind, row.address, row.reason) for row in rows]


def test_a_refusal_that_is_about_the_recipient_is_a_sign_and_no_other_is(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    provider = send(connection, hands, make_trigger, INVALID, REJECTED, OPTED_OUT, TAKEN)
    assert sorted(kept()) == [
        ("address_dead", "phone", "5511999999999", "NOT_ON_WHATSAPP"),
        ("opted_out", "phone", "5511999999999", "OPTED_OUT"),
    ]
    sign = SuppressionSign.objects.get(kind="opted_out")
    dispatch = Dispatch.objects.get(reason="OPTED_OUT")
    assert (sign.tenant_id, sign.provider_id, sign.dispatch_id) == (provider.tenant_id, provider.pk, dispatch.pk)
    assert (sign.contact_tax_id, sign.occurred_at) == ("12345678000190", dispatch.returned_at)


@pytest.mark.parametrize(
    ("kind", "address_kind", "address"),
    [
        ("EMAIL", "email", "joao@example.com"),
        ("SMS", "phone", "5511999999999"),
        ("WHATSAPP", "phone", "5511999999999"),
    ],
)
def test_the_address_is_the_one_it_was_sent_to_in_the_form_of_its_kind(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger, kind: str, address_kind: str, address: str
) -> None:
    send(connection, hands, make_trigger, INVALID, provider_type=kind)
    assert kept() == [("address_dead", address_kind, address, "NOT_ON_WHATSAPP")]


def test_a_report_leaves_its_sign_once_however_often_it_comes(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    provider = send(connection, hands, make_trigger, TAKEN)
    spam = report(Meaning.ENGAGED, Sign.COMPLAINED, reason="SPAM_REPORT", event_id="e1", occurred_at=NOW)
    for _ in range(3):
        tell(connection, provider, spam, spam)
    assert kept() == [("complained", "phone", "5511999999999", "SPAM_REPORT")]
    assert DeliveryReceipt.objects.get().sign == "complained"
    assert Dispatch.objects.get().status == "SENT"
    tell(connection, provider, report(Meaning.FAILED, Sign.ADDRESS_DEAD, address="+55 (11) 98888-7777", reason="X"))
    assert kept()[1:] == [("address_dead", "phone", "5511988887777", "X")], "the vendor's own word for the address"


def test_a_report_that_is_early_leaves_its_sign_when_its_dispatch_is_there(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    campaign, (provider, *_) = campaign_with()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    tell(connection, provider, report(Meaning.FAILED, Sign.OPTED_OUT, reason="STOP"))
    assert (kept(), WaitingReceipt.objects.get().sign) == ([], "opted_out")
    hands.answer(TAKEN)
    assert apply_waiting_receipts(dt.datetime.now(dt.UTC)) == 1
    assert kept() == [("opted_out", "phone", "5511999999999", "STOP")]
    assert not WaitingReceipt.objects.exists()


def test_a_sign_of_an_address_alone_needs_no_message(connection: psycopg.Connection, transactional_db: None) -> None:
    provider = ProviderFactory.create(provider_type="TELEGRAM")
    left = report(
        Meaning.ENGAGED,
        Sign.OPTED_OUT,
        message_id="",
        address=" 4711 ",
        event_id="u1",
        reason="KICKED",
        occurred_at=NOW,
    )
    back = report(Meaning.ENGAGED, Sign.OPTED_IN, message_id="", address="4711", event_id="u2", occurred_at=LATER)
    for _ in range(2):
        tell(connection, provider, left, back, report(Meaning.ENGAGED, None, message_id="", address="4712"))
    assert kept() == [("opted_out", "chat_id", "4711", "KICKED"), ("opted_in", "chat_id", "4711", "")]
    assert not DeliveryReceipt.objects.exists()
    assert not WaitingReceipt.objects.exists()


def test_a_sign_of_a_message_that_nobody_here_sent_counts_by_its_address_in_the_end(
    connection: psycopg.Connection, transactional_db: None
) -> None:
    provider = ProviderFactory.create(provider_type="EMAIL")
    tell(connection, provider, report(Meaning.ENGAGED, Sign.OPTED_OUT, address="Ana@Example.com", event_id="u1"))
    assert kept() == []
    WaitingReceipt.objects.update(received_at=NOW - dt.timedelta(days=4))
    apply_waiting_receipts(dt.datetime.now(dt.UTC))
    assert kept() == [("opted_out", "email", "ana@example.com", "")]


def test_a_vendor_tells_nothing_of_other_peoples_messages(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    send(connection, hands, make_trigger, TAKEN)
    stranger = ProviderFactory.create()
    dispatch = Dispatch.objects.get()
    tell(connection, stranger, report(Meaning.FAILED, Sign.OPTED_OUT, dispatch_id=str(dispatch.pk)))
    assert (kept(), DeliveryReceipt.objects.count()) == ([], 0)


def test_whatever_a_vendor_writes_can_be_kept(connection: psycopg.Connection, transactional_db: None) -> None:
    odd = NewSign(
        tenant_id=1,
        kind=Sign.ADDRESS_DEAD,
        attribute="carrier_pigeon",
        address="a\x00b\ud800" + "x" * 900,
        provider_id=str(uuid.uuid4()),
        occurred_at=NOW,
        source="s",
        reason="R" * 90,
    )
    with connection.transaction(), connection.cursor() as cursor:
        assert record_signs(cursor, [odd, odd]) == 1
        assert record_signs(cursor, [odd]) == 0
        assert record_signs(cursor, []) == 0
    ((kind, address_kind, address, reason),) = kept()
    assert (kind, address_kind, len(address), len(reason)) == ("address_dead", "other", 500, 50)


@pytest.mark.parametrize(
    ("kind", "written", "compared"),
    [
        (AddressKind.PHONE, "whatsapp:+55 11 99999-9999", "5511999999999"),
        (AddressKind.PHONE, "11 99999-9999", "5511999999999"),
        (AddressKind.PHONE, "not a number", "not a number"),
        (AddressKind.EMAIL, " Ana@Example.COM ", "ana@example.com"),
        (AddressKind.PUSH_TOKEN, "ExponentPushToken[aB]", "ExponentPushToken[aB]"),
    ],
)
def test_addresses_are_compared_in_one_form(kind: AddressKind, written: str, compared: str) -> None:
    assert normalised(kind, written) == compared
