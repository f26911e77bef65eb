"""For any bytes: decoding never raises, names every fault it finds, and what it lets through PostgreSQL takes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dispatching.triggers import Trigger
from ingestion import reasons
from ingestion.decoding import decode
from ingestion.records import Fault
from tests.ingestion.events import MAX_BYTES, SEED_EVENT, event, record

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "campaign_triggers.schema.json"

_numerals = st.from_regex(r"\A-?(0|[1-9][0-9]{0,22})(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,12})?\Z")
_scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.text(st.characters(), max_size=5)
)
_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
_known = st.sampled_from(["tax_identification", "first_name", "average_ticket", "email", "note"])
_attributes = st.dictionaries(_known | st.text(max_size=8), _values, max_size=6)
_events = st.fixed_dictionaries(
    {},
    optional={
        "journey_name": st.one_of(st.text(max_size=210), _values),
        "correlation_id": st.one_of(st.text(max_size=210), _values),
        "trace_id": st.one_of(st.text(max_size=20), _values),
        "triggered_at": st.one_of(st.datetimes().map(str), _values),
        "contact_attributes": _attributes | _values,
        "extra": _values,
    },
)


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """The seed's event with some bytes replaced, dropped or added: closer to valid than pure noise."""
    value = bytearray(SEED_EVENT)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(value) - 1))
        value[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=6) | st.just(b"\\u0000"))
    return bytes(value)


def _with_literal(literal: str) -> bytes:
    return json.dumps(event(contact_attributes={"x": "HERE"})).replace('"HERE"', literal).encode()


def _check(value: bytes) -> Trigger | Fault:
    decoded = decode(record(value), 1, MAX_BYTES)
    if isinstance(decoded, Fault):
        assert decoded.code
        assert decoded.path.startswith("$")
        assert decoded.message
        for text in (decoded.path, decoded.message, decoded.journey_name, decoded.correlation_id):
            assert "\0" not in text
            text.encode()
    return decoded


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(value: bytes) -> None:
    assert isinstance(_check(value), Fault)


@given(_mutated())
def test_a_damaged_event_never_raises(value: bytes) -> None:
    _check(value)


@given(st.integers(1, 1200), st.sampled_from([b"extra", b"contact_attributes", b"journey_name"]))
def test_any_depth_anywhere_is_taken_or_told(depth: int, field: bytes) -> None:
    nested = b'"' + field + b'":' + b"[" * depth + b"]" * depth
    decoded = _check(b'{"journey_name":"j","correlation_id":"c","contact_attributes":{},' + nested + b"}")
    if field != b"extra":
        assert isinstance(decoded, Fault)
        assert decoded.code in (reasons.WRONG_TYPE, reasons.TOO_DEEP)
    elif isinstance(decoded, Fault):
        assert decoded.code == reasons.TOO_DEEP


@given(_events)
def test_a_fault_in_valid_json_is_never_called_malformed(whole: dict[str, Any]) -> None:
    decoded = _check(json.dumps(whole).encode())
    if isinstance(decoded, Fault):
        assert decoded.code != reasons.MALFORMED_JSON


@given(_events)
def test_the_published_schema_and_the_decoder_agree(whole: dict[str, Any]) -> None:
    """Where they may differ is what JSON Schema cannot say: text that is not Unicode, NUL, and the form of a time."""
    decoded = _check(json.dumps(whole).encode())
    beyond = (reasons.NUL_CHARACTER, reasons.LONE_SURROGATE, reasons.NOT_A_NUMBER, reasons.INVALID_TIME)
    if isinstance(decoded, Fault) and decoded.code in beyond:
        return
    valid = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text())).is_valid(whole)
    assert valid == isinstance(decoded, Trigger), decoded


@pytest.mark.django_db
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        _mutated(),
        _numerals.map(_with_literal),
        _attributes.map(lambda values: json.dumps(event(contact_attributes=values)).encode()),
        st.lists(_numerals, min_size=2, max_size=2).map(lambda pair: _with_literal(f'{pair[0]}, "x": {pair[1]}')),
    )
)
@example(_with_literal("1e-16384"))
@example(_with_literal("0e9999999999"))
@example(_with_literal("-0.0E+99999999999999999999"))
@example(_with_literal("0." + "0" * 17_000 + "1"))
@example(_with_literal('"\\u0000", "x": 1'))
@example(_with_literal("1.7976931348623157e308"))
@example(_with_literal("5e-324"))
@example(_with_literal('"\\ud83d\\ude00\\uffff\x7f"'))
@example(SEED_EVENT)
def test_whatever_decodes_can_be_copied_and_comes_back_the_same(value: bytes) -> None:
    trigger = _check(value)
    if isinstance(trigger, Fault):
        return
    assert _copied(trigger) == (
        trigger.journey_name,
        trigger.correlation_id,
        trigger.trace_id,
        trigger.triggered_at,
        trigger.payload_digest,
        trigger.key,
        _numbers_as_floats(trigger.attributes),
    )


def _numbers_as_floats(value: Any) -> Any:
    """jsonb writes 1e300 as a whole number of 301 digits."""
    if isinstance(value, dict):
        return {key: _numbers_as_floats(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbers_as_floats(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _copied(trigger: Trigger) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE copied (j text, c text, t text, at timestamptz, d bigint, k uuid, a jsonb)"
        )
        with cursor.copy("COPY copied FROM STDIN") as copy:
            copy.write_row(
                (
                    trigger.journey_name,
                    trigger.correlation_id,
                    trigger.trace_id,
                    trigger.triggered_at,
                    trigger.payload_digest,
                    trigger.key,
                    trigger.attributes_json,
                )
            )
        cursor.execute("SELECT j, c, t, at, d, k, a::text FROM copied")
        row = cursor.fetchone()
        cursor.execute("DROP TABLE copied")
    return (*row[:-1], _numbers_as_floats(msgspec.json.decode(row[-1])))
