"""The wire's thread outlives any configuration, transport and answer: each message gets its own outcome."""

from __future__ import annotations

import time
from typing import Any
from unittest.mock import Mock

import pytest

from dispatching.parcels import EMPTY_MESSAGE, Batch, LaneKey, Parcel
from dispatching.results import Sent
from dispatching.sending import Sender
from providers.messages import WireAnswer, WireRequest
from providers.outcomes import Kind
from providers.registry import TRANSPORTS
from providers.wire import answers
from tests.dispatching.test_lanes import settings

URL = "http://127.0.0.1:9/"


class StillWire:
    """Takes requests, and hands out what the test says."""

    def __init__(self) -> None:
        self.taken: list[tuple[Any, WireRequest]] = []

    def submit(self, token: object, lane: str, concurrency: int, request: WireRequest, deadline: float) -> None:
        self.taken.append((token, request))


def batch(size: int, **configuration: Any) -> Batch:
    parcel = Parcel("x", 1, None, None, 1, 0, 3, asynchronous=False, not_after=None, since=None, message=EMPTY_MESSAGE)  # type: ignore[arg-type]  # no calendar here
    made = Batch("b", LaneKey("p", 1), None, [parcel] * size, time.monotonic())
    made.settings = settings()
    made.settings.configuration.update({"api_url": URL, "authentication": {"type": "none"}, **configuration})
    made.left = size
    return made


def sender_with(wire: StillWire) -> Sender:
    return Sender(wire, lambda _sents: None)  # type: ignore[arg-type]  # what these tests need of a wire


def answered(body: bytes, status: int = 200) -> WireAnswer:
    return WireAnswer(status, {}, body, left=True, complete=True, error=None, detail="", elapsed_ms=1.0)


@pytest.mark.parametrize(
    "configuration", [{"batch": {"path": "/all"}}, {"batch": {"max_messages": "many"}}, {"api_url": None}]
)
def test_a_configuration_that_no_form_would_let_through_ends_its_own_messages(configuration: dict[str, Any]) -> None:
    wire = StillWire()
    refused = sender_with(wire)._submit(batch(3, **configuration))
    assert [sent.outcome.kind for sent in refused] == [Kind.REJECTED] * 3
    assert wire.taken == []


def test_an_answer_that_breaks_its_transport_is_unknown_for_each_of_its_messages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = StillWire()
    sender = sender_with(wire)
    assert sender._submit(batch(5, batch={"max_messages": 2})) == []
    assert len(wire.taken) == 3
    for parse in (Mock(return_value=[]), Mock(return_value=[None] * 6), Mock(side_effect=ZeroDivisionError)):
        monkeypatch.setattr(TRANSPORTS["gateway"], "parse", parse, raising=False)
        back: list[Sent] = sender._returned([(token, answered(b"{}")) for token, _request in wire.taken])
        assert [sent.outcome.kind for sent in back] == [Kind.UNKNOWN] * 5


def test_a_request_that_no_wire_can_make_ends_its_message_and_closes_no_lane() -> None:
    """Tried again it would be as impossible, and its lane would back off for it until its last moment."""
    wire = StillWire()
    sender = sender_with(wire)
    sender._submit(batch(1))
    ((token, _request),) = wire.taken
    (sent,) = sender._returned([(token, answers.invalid("the address is not a URL"))])
    assert (sent.outcome.kind, sent.dispatched_at) == (Kind.REJECTED, None)
    assert sent.outcome.error == "the address is not a URL"
    (sent,) = sender._returned([(token, answers.late())])
    assert sent.outcome.kind is Kind.NOT_SENT


def test_an_answer_that_was_cut_short_keeps_no_credential() -> None:
    """No transport reads it, so none takes our credentials out of it."""
    wire = StillWire()
    sender = sender_with(wire)
    given = batch(1)
    assert given.settings is not None
    given.settings.credentials["token"] = "canary-token-1"
    sender._submit(given)
    ((ticket, _request),) = wire.taken
    half = WireAnswer(
        0, {}, b"bad token canary-token-1 of", left=True, complete=False, error="partial", detail="cut", elapsed_ms=1.0
    )
    (sent,) = sender._returned([(ticket, half)])
    assert sent.outcome.kind is Kind.UNKNOWN
    assert "canary" not in repr(sent.outcome)


def test_a_defect_that_repeats_a_credential_is_kept_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a dispatch keeps as its error is shown and published."""
    given = batch(2)
    assert given.settings is not None
    given.settings.credentials["token"] = "canary-token-1"
    wire = StillWire()
    sender = sender_with(wire)
    defect = Mock(side_effect=ValueError("cannot write 'canary-token-1' there"))
    sender._submit(given)
    monkeypatch.setattr(TRANSPORTS["gateway"], "parse", defect, raising=False)
    back = sender._returned([(token, answered(b"{}")) for token, _request in wire.taken])
    monkeypatch.setattr(TRANSPORTS["gateway"], "build", defect, raising=False)
    back += sender._submit(given)
    assert len(back) == 4
    for sent in back:
        assert "there" in (sent.outcome.error or "")
        assert "canary" not in repr(sent.outcome)
