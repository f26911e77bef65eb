"""What becomes of an event's bytes: a trigger with everything the planner needs, or one code with an exact path."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from dispatching.triggers import Trigger, ledger_key
from ingestion import reasons
from ingestion.decoding import Decoder
from ingestion.records import Fault
from tests.ingestion.events import (
    MAX_BYTES,
    NOW,
    SEED_EVENT,
    attributes,
    event,
    fault_of,
    record,
    trigger_of,
    without,
)


def test_the_seeds_own_event_becomes_a_trigger() -> None:
    trigger = trigger_of(SEED_EVENT)
    assert trigger.journey_name == "black_friday_credit_2024"
    assert trigger.correlation_id == "550e8400-e29b-41d4-a716-446655440000"
    assert trigger.trace_id == "trace-123-456"
    assert trigger.triggered_at == dt.datetime(2024, 10, 20, 14, 30, tzinfo=dt.UTC)
    assert trigger.received_at == NOW
    assert trigger.attributes["first_name"] == "João"
    assert trigger.attributes["total_transactions"] == 42
    assert trigger.key == ledger_key(1, "triggers", trigger.correlation_id)


def test_the_producers_own_numerals_are_kept() -> None:
    assert '"max_offer_value": 50000.00,' in trigger_of(SEED_EVENT).attributes_json


@pytest.mark.parametrize(
    ("value", "code", "path"),
    [
        (None, reasons.NO_VALUE, "$"),
        (b"", reasons.NO_VALUE, "$"),
        (b'{"journey_name": ', reasons.MALFORMED_JSON, "$"),
        (b"\0\0\0\0\x01{}", reasons.MALFORMED_JSON, "$"),
        (b'{"journey_name": "\xff"}', reasons.INVALID_UTF8, "$"),
        ("{}".encode("utf-16"), reasons.INVALID_UTF8, "$"),
        (b"[]", reasons.NOT_AN_OBJECT, "$"),
        (b"null", reasons.NOT_AN_OBJECT, "$"),
        (b'"text"', reasons.NOT_AN_OBJECT, "$"),
        (b"[" * 100_000, reasons.TOO_DEEP, "$"),
        (b"x" * (MAX_BYTES + 1), reasons.TOO_LARGE, "$"),
        (without("journey_name"), reasons.MISSING_FIELD, "$.journey_name"),
        (without("correlation_id"), reasons.MISSING_FIELD, "$.correlation_id"),
        (without("contact_attributes"), reasons.MISSING_FIELD, "$.contact_attributes"),
        (event(journey_name=5), reasons.WRONG_TYPE, "$.journey_name"),
        (event(journey_name=None), reasons.WRONG_TYPE, "$.journey_name"),
        (event(journey_name=""), reasons.EMPTY_TEXT, "$.journey_name"),
        (event(journey_name="x" * 201), reasons.TEXT_TOO_LONG, "$.journey_name"),
        (event(correlation_id=["a"]), reasons.WRONG_TYPE, "$.correlation_id"),
        (event(correlation_id="a\0b"), reasons.NUL_CHARACTER, "$.correlation_id"),
        (event(correlation_id="é" * 201), reasons.TEXT_TOO_LONG, "$.correlation_id"),
        (event(trace_id=""), reasons.EMPTY_TEXT, "$.trace_id"),
        (event(trace_id={"id": 1}), reasons.WRONG_TYPE, "$.trace_id"),
        (event(triggered_at="yesterday"), reasons.INVALID_TIME, "$.triggered_at"),
        (event(triggered_at="2024-10-20"), reasons.INVALID_TIME, "$.triggered_at"),
        (event(triggered_at=1729434600), reasons.WRONG_TYPE, "$.triggered_at"),
        (event(triggered_at="0001-01-01T00:00:00+14:00"), reasons.INVALID_TIME, "$.triggered_at"),
        (event(triggered_at="9999-12-31T23:59:59-14:00"), reasons.INVALID_TIME, "$.triggered_at"),
        (event(contact_attributes=[]), reasons.WRONG_TYPE, "$.contact_attributes"),
        (event(contact_attributes=None), reasons.WRONG_TYPE, "$.contact_attributes"),
        (event(contact_attributes="{}"), reasons.WRONG_TYPE, "$.contact_attributes"),
        (attributes(first_name=5), reasons.WRONG_TYPE, "$.contact_attributes.first_name"),
        (attributes(tax_identification=12345678000190), reasons.WRONG_TYPE, "$.contact_attributes.tax_identification"),
        (attributes(tax_identification="1" * 51), reasons.TEXT_TOO_LONG, "$.contact_attributes.tax_identification"),
        (attributes(average_ticket="1500"), reasons.WRONG_TYPE, "$.contact_attributes.average_ticket"),
        (attributes(average_ticket=True), reasons.WRONG_TYPE, "$.contact_attributes.average_ticket"),
        (attributes(email={"home": "a@b.c"}), reasons.WRONG_TYPE, "$.contact_attributes.email"),
        (attributes(first_name="a\0"), reasons.NUL_CHARACTER, "$.contact_attributes.first_name"),
        (attributes(plan={"a": ["b\0"]}), reasons.NUL_CHARACTER, "$.contact_attributes.plan.a[0]"),
        (attributes(**{"a\0": 1}), reasons.NUL_CHARACTER, '$.contact_attributes["a\ufffd"]'),
        (attributes(note="x" * 10_001), reasons.TEXT_TOO_LONG, "$.contact_attributes.note"),
        (attributes(**{"": 1}), reasons.INVALID_KEY, '$.contact_attributes[""]'),
        (attributes(**{"k" * 101: 1}), reasons.INVALID_KEY, f"$.contact_attributes.{'k' * 101}"),
        (attributes(**{f"k{n}": n for n in range(201)}), reasons.TOO_MANY_ITEMS, "$.contact_attributes"),
        (attributes(items=list(range(1001))), reasons.TOO_MANY_ITEMS, "$.contact_attributes.items"),
        (attributes(a={"b": {"c": {"d": {}}}}), reasons.TOO_DEEP, "$.contact_attributes.a.b.c.d"),
        (attributes(big=2**63), reasons.NUMBER_OUT_OF_RANGE, "$.contact_attributes.big"),
        (attributes(big=10**400), reasons.NUMBER_OUT_OF_RANGE, "$.contact_attributes.big"),
        (attributes(lifetime_value=float("nan")), reasons.NOT_A_NUMBER, "$.contact_attributes.lifetime_value"),
        (event(extra=[float("-inf")]), reasons.NOT_A_NUMBER, "$.extra[0]"),
    ],
)
def test_each_fault_has_its_code_and_its_exact_path(value: Any, code: str, path: str) -> None:
    fault = fault_of(value)
    assert (fault.code, fault.path) == (code, path)
    assert fault.message


@pytest.mark.parametrize(
    ("literal", "code"),
    [
        ('"\\ud800"', reasons.LONE_SURROGATE),
        ('"\\udc00 tail"', reasons.LONE_SURROGATE),
        ("1e400", reasons.NUMBER_OUT_OF_RANGE),
        ("-1e999999999", reasons.NUMBER_OUT_OF_RANGE),
        ("9" * 5000, reasons.NUMBER_OUT_OF_RANGE),
        ('"\x01"', reasons.MALFORMED_JSON),
        ("01", reasons.MALFORMED_JSON),
        ("NaN", reasons.NOT_A_NUMBER),
    ],
)
def test_literals_that_only_bytes_can_hold_are_refused(literal: str, code: str) -> None:
    whole = json.dumps(attributes(x="HERE")).replace('"HERE"', literal)
    assert fault_of(whole.encode()).code == code


def test_a_fault_names_its_event_where_that_can_still_be_read() -> None:
    fault = fault_of(attributes(first_name=5))
    assert (fault.journey_name, fault.correlation_id) == ("welcome", "c-1")
    cut = json.dumps(event()).encode()[:-4]
    assert (fault_of(cut).journey_name, fault_of(cut).correlation_id) == ("welcome", "c-1")
    assert fault_of(event(journey_name="a\0b", correlation_id="x" * 300)).correlation_id == "x" * 200
    assert fault_of(event(journey_name="a\0b")).journey_name == "a\ufffdb"


def test_what_is_harmless_is_taken() -> None:
    assert trigger_of(event(campaign_owner="growth", nested={"a": [1]})).correlation_id == "c-1"
    assert trigger_of(b"\xef\xbb\xbf" + SEED_EVENT).attributes["last_name"] == "Silva"
    assert trigger_of(attributes(first_name=None, anything=None, flag=True, tags=["a", 1, None])).attributes["flag"]
    assert trigger_of(event(contact_attributes={})).attributes == {}
    assert trigger_of(attributes(a={"b": {"c": [1]}})).attributes == {"a": {"b": {"c": [1]}}}


def test_a_backslash_before_u0000_is_text_and_not_nul() -> None:
    assert trigger_of(attributes(path="C:\\u0000")).attributes == {"path": "C:\\u0000"}
    assert trigger_of(event(extra="\0")).correlation_id == "c-1"


def test_of_doubled_keys_the_last_counts_in_every_form() -> None:
    text = json.dumps(attributes(x="HERE")).replace('"HERE"', '"hidden \\u0000 1e-99999", "x": "last"')
    trigger = trigger_of(text.encode())
    assert trigger.attributes == {"x": "last"}
    assert json.loads(trigger.attributes_json) == {"x": "last"}
    assert "u0000" not in trigger.attributes_json


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-10-20T14:30:00", dt.datetime(2024, 10, 20, 14, 30, tzinfo=dt.UTC)),
        ("2024-10-20T14:30:00.123456-03:00", dt.datetime(2024, 10, 20, 17, 30, 0, 123456, tzinfo=dt.UTC)),
        ("2024-10-20 14:30:00.123+0000", dt.datetime(2024, 10, 20, 14, 30, 0, 123000, tzinfo=dt.UTC)),
        (None, NOW - dt.timedelta(seconds=1)),
    ],
)
def test_times_are_utc_unless_they_say_otherwise_and_kafkas_where_there_is_none(
    text: str | None, moment: dt.datetime
) -> None:
    assert trigger_of(event(triggered_at=text)).triggered_at == moment


def test_an_event_without_time_in_a_record_without_time_happened_when_it_was_received() -> None:
    assert trigger_of(without("triggered_at"), record_at=None).triggered_at == NOW


def test_the_payload_is_the_same_in_another_order_and_spacing_and_differs_with_any_value() -> None:
    one = trigger_of(b'{"journey_name":"j","correlation_id":"c","contact_attributes":{"a":1.50,"b":"x"}}')
    two = trigger_of(b'{"contact_attributes": {"b": "x", "a": 1.5}, "correlation_id": "d", "journey_name": "j"}')
    other = trigger_of(b'{"journey_name":"j","correlation_id":"c","contact_attributes":{"a":1.5,"b":"y"}}')
    renamed = trigger_of(b'{"journey_name":"k","correlation_id":"c","contact_attributes":{"a":1.5,"b":"x"}}')
    assert one.payload_digest == two.payload_digest
    assert one.payload_digest not in (other.payload_digest, renamed.payload_digest)
    assert one.key != two.key
    assert -(2**63) <= one.payload_digest < 2**63


def test_the_payload_digest_stays_what_the_ledger_already_holds() -> None:
    """A changed digest would call every re-sent event a conflict, for as long as the ledger reaches back."""
    assert trigger_of(SEED_EVENT).payload_digest == -7546379621818216387


def test_a_record_older_than_the_ledger_is_stale_and_one_without_time_is_not() -> None:
    decoder = Decoder(tenant_of=lambda _record: 1, max_bytes=MAX_BYTES, retention=dt.timedelta(days=97))
    old = decoder.decode(record(event(), record_at=NOW - dt.timedelta(days=97, seconds=1)))
    assert isinstance(old, Fault)
    assert (old.code, old.tenant_id, old.correlation_id) == (reasons.STALE, 1, "c-1")
    assert isinstance(decoder.decode(record(event(), record_at=NOW - dt.timedelta(days=97))), Trigger)
    assert isinstance(decoder.decode(record(event(), record_at=None)), Trigger)


def test_a_tenant_that_is_not_found_is_told_with_the_events_names() -> None:
    def nobody(_record: object) -> Fault:
        return Fault(reasons.UNKNOWN_TENANT, "headers.tenant", "No tenant.")

    fault = Decoder(tenant_of=nobody, max_bytes=MAX_BYTES, retention=dt.timedelta(days=97)).decode(record(event()))
    assert isinstance(fault, Fault)
    assert (fault.code, fault.tenant_id, fault.journey_name) == (reasons.UNKNOWN_TENANT, None, "welcome")


def test_every_code_says_what_happened_and_what_to_do() -> None:
    codes = [value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)]
    assert len(codes) >= 20
    for code in codes:
        assert reasons.explanation(code), code
        assert reasons.what_to_do(code), code
