"""What is kept of a vendor's answer fits jsonb, Kafka and a screen, whatever the vendor sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.messages import NO_HEADERS, WireAnswer
from providers.outcomes import (
    MAX_RESPONSE_BYTES,
    Kind,
    bounded_response,
    bounded_text,
    outcome_of_incomplete,
    read_response,
)


def incomplete(*, left: bool, error: str | None = "timeout", detail: str = "", body: bytes = b"") -> WireAnswer:
    return WireAnswer(0, NO_HEADERS, body, left, complete=False, error=error, detail=detail, elapsed_ms=1.0)


def test_nothing_left_means_not_sent_and_something_left_means_unknown() -> None:
    assert outcome_of_incomplete(incomplete(left=False)).kind is Kind.NOT_SENT
    assert outcome_of_incomplete(incomplete(left=True)).kind is Kind.UNKNOWN


def test_an_incomplete_answer_tells_its_code_and_what_came() -> None:
    outcome = outcome_of_incomplete(incomplete(left=True, error="partial", detail="half", body=b"<ht"))
    assert (outcome.reason, outcome.error, outcome.message_id) == ("PARTIAL", "half", None)
    assert outcome.response == {"truncated": False, "text": "<ht"}
    assert outcome_of_incomplete(incomplete(left=True, error=None)).reason == "INCOMPLETE"


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", None),
        (b'{"messageId":"m"}', {"messageId": "m"}),
        (b"[1,2]", [1, 2]),
        (b"<html>", {"truncated": False, "text": "<html>"}),
        (b"\xff\xfe", {"truncated": False, "text": "\ufffd\ufffd"}),
        (b'{"a":"b\\u0000c"}', {"a": "b\ufffdc"}),
        (b'{"\\u0000":[{"x":"\\u0000"}]}', {"\ufffd": [{"x": "\ufffd"}]}),
        (b'{"a":"\\ud800"}', {"truncated": False, "text": '{"a":"\\ud800"}'}),
        (b"1e999", {"truncated": False, "text": "1e999"}),
        (b"nul\x00l", {"truncated": False, "text": "nul\ufffdl"}),
    ],
)
def test_answers_are_kept_as_json_that_the_database_takes(body: bytes, kept: Any) -> None:
    assert bounded_response(body) == kept


def test_what_is_too_long_or_too_deep_is_cut_and_marked() -> None:
    long = bounded_response(b'{"a":"' + b"x" * MAX_RESPONSE_BYTES + b'"}')
    assert long["truncated"] is True
    assert len(long["text"]) <= 1024
    deep = bounded_response(b"[" * 1_000 + b"]" * 1_000)
    assert deep["text"].startswith("[[[")
    flat = bounded_response(b"[" + b",".join([b"{}"] * 100) + b"]")
    assert flat == [{}] * 100


def test_a_long_answer_can_still_be_judged() -> None:
    value, kept = read_response(b'{"id":"m","a":"' + b"x" * MAX_RESPONSE_BYTES + b'"}')
    assert value["id"] == "m"
    assert kept["truncated"] is True


@given(st.binary(max_size=2_000) | st.text(max_size=500).map(lambda text: json.dumps({text: text}).encode()))
def test_anything_a_vendor_sends_is_bounded_and_encodable(body: bytes) -> None:
    text = json.dumps(bounded_response(body), ensure_ascii=False, allow_nan=False)
    assert "\\u0000" not in text
    assert len(text.encode()) <= 8 * MAX_RESPONSE_BYTES


@given(st.text(st.characters(), max_size=1_200))
def test_text_is_bounded_and_storable(text: str) -> None:
    bounded = bounded_text(text)
    assert len(bounded) <= 500
    assert "\x00" not in bounded
    bounded.encode()
    if len(text) <= 500 and text.isascii() and "\x00" not in text:
        assert bounded == text
