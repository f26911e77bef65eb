"""What is read the same way from every vendor's answer over HTTP."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from providers.outcomes import Kind, Outcome
from providers.transports import answers
from providers.transports.redaction import redacted
from tests.providers import makers
from tests.providers.makers import answer, settings


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (("abc",), "abc"),
        (("  abc\n",), "abc"),
        ((42,), "42"),
        ((None, "", "second"), "second"),
        ((True, "x"), "x"),
        (("a" * 255,), "a" * 255),
        (("a" * 256,), None),
        (("a\x00b",), None),
        (("a\nb",), None),
        (("\ud800",), None),
        (({"id": 1}, ["x"], 1.5), None),
        ((), None),
    ],
)
def test_a_message_id_is_stripped_bounded_and_the_first_that_can_be_one(given: tuple[Any, ...], kept: Any) -> None:
    assert answers.message_id(*given) == kept


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (5, 5.0),
        ("2.5", 2.5),
        (0, 0.0),
        (-1, None),
        ("soon", None),
        (None, None),
        ([], None),
        (math.nan, None),
        (math.inf, 86400.0),
        (10**400, None),
        (999_999, 86400.0),
    ],
)
def test_seconds_are_never_negative_and_at_most_a_day(value: Any, seconds: float | None) -> None:
    assert answers.seconds(value) == seconds


def test_a_header_says_how_long_to_wait_before_the_body_does() -> None:
    assert answers.retry_after(answer(429, b"", {"retry-after": "7"}), 3) == 7
    assert answers.retry_after(answer(429), "soon", 3) == 3
    assert answers.retry_after(answer(429)) is None


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (301, Kind.CONFIGURATION, "HTTP_301"),
        (400, Kind.REJECTED, "HTTP_400"),
        (401, Kind.CONFIGURATION, "UNAUTHORIZED"),
        (403, Kind.CONFIGURATION, "FORBIDDEN"),
        (408, Kind.DEFERRED, "REQUEST_TIMEOUT"),
        (425, Kind.DEFERRED, "TOO_EARLY"),
        (429, Kind.DEFERRED, "RATE_LIMITED"),
        (500, Kind.UNKNOWN, "HTTP_500"),
        (502, Kind.UNKNOWN, "BAD_GATEWAY"),
        (503, Kind.DEFERRED, "UNAVAILABLE"),
        (504, Kind.UNKNOWN, "GATEWAY_TIMEOUT"),
        (100, Kind.UNKNOWN, "HTTP_100"),
    ],
)
def test_a_status_of_which_a_vendor_says_nothing_means_the_same_everywhere(
    status: int, kind: Kind, reason: str
) -> None:
    assert answers.by_status(status) == (kind, reason)


def test_a_vendor_s_own_rows_come_first() -> None:
    own = {404: (Kind.CONFIGURATION, "NO_SUCH_INSTANCE"), 503: (Kind.UNKNOWN, "UNAVAILABLE")}
    assert answers.by_status(404, own) == own[404]
    assert answers.by_status(503, own) == own[503]
    assert answers.by_status(500, own, server_error=Kind.DEFERRED) == (Kind.DEFERRED, "HTTP_500")


def test_only_what_is_deferred_says_how_long_to_wait() -> None:
    waiting = answer(429, b"", {"retry-after": "7"})
    assert answers.failed_by_status(waiting) == Outcome(
        Kind.DEFERRED, reason="RATE_LIMITED", error="HTTP 429", retry_after=7
    )
    refused = answers.failed(answer(400, b"", {"retry-after": "7"}), Kind.REJECTED, "A" * 60, error="no\x00" * 400)
    assert (refused.retry_after, len(refused.reason), len(refused.error or "")) == (None, 50, 500)
    assert "\x00" not in (refused.error or "")


def test_a_success_without_a_message_id_is_unknown() -> None:
    assert answers.accepted("m-1", 200) == Outcome(Kind.ACCEPTED, message_id="m-1")
    nameless = answers.accepted(None, 202)
    assert (nameless.kind, nameless.reason) == (Kind.UNKNOWN, answers.NO_MESSAGE_ID)


@pytest.mark.parametrize(
    ("path", "value"),
    [("a", {"b": [1, {"c": 2}]}), ("a.b.0", 1), ("a.b.1.c", 2), ("a.b.7", None), ("a.b.99999999", None), ("x.y", None)],
)
def test_a_dotted_path_leads_through_objects_and_lists(path: str, value: Any) -> None:
    assert answers.field({"a": {"b": [1, {"c": 2}]}}, path) == value


def test_what_is_read_holds_no_credential() -> None:
    value, kept = answers.read_json(settings(), answer(200, f'{{"id":"{makers.CANARY}"}}'.encode()))
    assert (value, kept) == ({"id": "[redacted]"}, {"id": "[redacted]"})
    assert answers.read_json(settings(), answer(502, b"<html>"))[0] is None


def test_codes_are_spelled_one_way() -> None:
    assert answers.vendor_reason("twilio", 30999) == "TWILIO_30999"
    assert answers.spell("invalid number") == answers.spell("Invalid-Number") == "INVALID_NUMBER"
    assert len(answers.vendor_reason("http", "x" * 300)) == 50


def test_the_secret_parts_of_a_json_credential_are_taken_out_too() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nMIIE/x\n-----END PRIVATE KEY-----\n"
    document = json.dumps({"private_key": key, "project_id": "my-app-prod", "private_key_id": "0f3a9c"})
    for form in (key, json.dumps(key)[1:-1], key.replace("/", "\\/"), "0f3a9c"):
        assert redacted(f"bad: {form}".encode(), [document]) == b"bad: [redacted]"
    for form in (document, json.dumps(document)[1:-1]):
        shown = redacted(f"bad: {form}".encode(), [document])
        assert shown.count(b"[redacted]") == 2
        assert not any(part in shown for part in (b"MIIE", b"0f3a9c"))
    assert redacted(b"projects/my-app-prod/messages/1", [document]) == b"projects/my-app-prod/messages/1"
    assert redacted(b"{1}", ["{broken"]) == b"{1}"
