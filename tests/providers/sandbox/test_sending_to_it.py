"""Gateway transport, wire and sandbox vendor together: every behaviour ends in the outcome that it should."""

from __future__ import annotations

import json
import signal
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.messages import Message, WireAnswer
from providers.outcomes import Kind, Outcome, outcome_of_incomplete
from providers.registry import TRANSPORTS
from providers.settings import ProviderSettings
from providers.wire import Wire, boottime
from tests.providers import makers
from tests.providers.sandbox.vendor_process import SandboxVendor, start
from tests.providers.wire.hostile import collect, exchange

TRANSPORT = TRANSPORTS["gateway"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sandbox") / "accepted.jsonl"


@pytest.fixture(scope="module")
def vendor(log: Path) -> Iterator[SandboxVendor]:
    with SandboxVendor("--log", str(log)) as vendor:
        yield vendor


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire(allow_private=True)
    yield wire
    wire.close()


def settings_for(vendor: SandboxVendor, **knobs: object) -> ProviderSettings:
    return makers.settings({**makers.GATEWAY, "api_url": vendor.url, "timeout_ms": 700, **knobs})


def outcome_of(settings: ProviderSettings, messages: list[Message], answer: WireAnswer) -> list[Outcome]:
    if not answer.complete:
        return [outcome_of_incomplete(answer)] * len(messages)
    return TRANSPORT.parse(settings, messages, answer)


def send(wire: Wire, vendor: SandboxVendor, to: str, dispatch_id: str | None = None) -> tuple[Outcome, str]:
    message = makers.message(to=to, dispatch_id=dispatch_id or str(uuid.uuid4()))
    settings = settings_for(vendor)
    answer = exchange(wire, TRANSPORT.build(settings, [message]))
    return outcome_of(settings, [message], answer)[0], message.dispatch_id


@pytest.mark.parametrize(
    ("behaviour", "kind", "reason", "accepted"),
    [
        ("accept", Kind.ACCEPTED, "", 1),
        ("slow-300", Kind.ACCEPTED, "", 1),
        ("reject", Kind.REJECTED, "CONTENT_REJECTED", 0),
        ("unauthorized", Kind.CONFIGURATION, "UNAUTHORIZED", 0),
        ("invalid", Kind.RECIPIENT_INVALID, "RECIPIENT_INVALID", 0),
        ("opted-out", Kind.OPTED_OUT, "OPTED_OUT", 0),
        ("failed-in-200", Kind.REJECTED, "VENDOR_ERROR", 0),
        ("429", Kind.DEFERRED, "RATE_LIMITED", 0),
        ("500", Kind.DEFERRED, "HTTP_500", 0),
        ("502", Kind.UNKNOWN, "BAD_GATEWAY", 0),
        ("503", Kind.DEFERRED, "UNAVAILABLE", 0),
        ("html", Kind.DEFERRED, "HTTP_500", 0),
        ("no-id", Kind.UNKNOWN, "NO_MESSAGE_ID", 1),
        ("hang-before", Kind.UNKNOWN, "TIMEOUT", 0),
        ("hang-after", Kind.UNKNOWN, "TIMEOUT", 1),
        ("slow-5000", Kind.UNKNOWN, "TIMEOUT", 1),
        ("close", Kind.UNKNOWN, "EMPTY", 1),
        ("reset", Kind.UNKNOWN, "RESET", 0),
    ],
)
def test_every_behaviour_has_its_outcome(
    wire: Wire, vendor: SandboxVendor, behaviour: str, kind: Kind, reason: str, accepted: int
) -> None:
    outcome, key = send(wire, vendor, f"ana+sandbox-{behaviour}@example.com")
    assert (outcome.kind, outcome.reason) == (kind, reason)
    assert vendor.get(f"/log?key={key}")["accepted"] == accepted


def test_a_deferred_message_is_told_how_long_to_wait(wire: Wire, vendor: SandboxVendor) -> None:
    assert send(wire, vendor, "+551190000429")[0].retry_after == 1.0


@pytest.mark.parametrize(("behaviour", "reason"), [("429-once", "RATE_LIMITED"), ("500-once", "HTTP_500")])
def test_what_fails_once_is_accepted_at_the_second_try(
    wire: Wire, vendor: SandboxVendor, behaviour: str, reason: str
) -> None:
    first, key = send(wire, vendor, f"sandbox-{behaviour}")
    second, _ = send(wire, vendor, f"sandbox-{behaviour}", key)
    assert (first.kind, first.reason, second.kind) == (Kind.DEFERRED, reason, Kind.ACCEPTED)
    assert vendor.get(f"/log?key={key}")["accepted"] == 1


def test_a_sent_message_is_in_the_log_before_its_answer(wire: Wire, vendor: SandboxVendor, log: Path) -> None:
    for _ in range(20):
        _, key = send(wire, vendor, "+5511988887777")
        assert json.loads(log.read_text().splitlines()[-1])["idempotency_key"] == key


def test_batches_go_through(wire: Wire, vendor: SandboxVendor) -> None:
    settings = settings_for(vendor, batch={"max_messages": 10})
    messages = [makers.message(to=to, dispatch_id=str(uuid.uuid4())) for to in ("+551", "sandbox-invalid", "+552")]
    answer = exchange(wire, TRANSPORT.build(settings, messages))
    kinds = [outcome.kind for outcome in outcome_of(settings, messages, answer)]
    assert kinds == [Kind.ACCEPTED, Kind.RECIPIENT_INVALID, Kind.ACCEPTED]


def test_ill_behaved_recipients_do_not_disturb_the_others(wire: Wire, vendor: SandboxVendor) -> None:
    settings = settings_for(vendor)
    before = vendor.summary()["accepted"]
    recipients = ["+5511988887777", "sandbox-close", "sandbox-reset", "sandbox-slow-50", "sandbox-429"] * 60
    for to in recipients:
        message = makers.message(to=to, dispatch_id=str(uuid.uuid4()))
        wire.submit(message, "lane", 16, TRANSPORT.build(settings, [message]), boottime() + 60)
    kinds: dict[str, set[Kind]] = {}
    for token, answer in collect(wire, len(recipients)):
        assert isinstance(token, Message)
        kinds.setdefault(token.to, set()).add(outcome_of(settings, [token], answer)[0].kind)
    assert kinds == {
        "+5511988887777": {Kind.ACCEPTED},
        "sandbox-close": {Kind.UNKNOWN},
        "sandbox-reset": {Kind.UNKNOWN},
        "sandbox-slow-50": {Kind.ACCEPTED},
        "sandbox-429": {Kind.DEFERRED},
    }
    summary = vendor.summary()
    assert summary["accepted"] - before == 180
    assert summary["accepted_more_than_once"] == 0


def test_requests_in_pieces_and_several_at_once_are_answered_in_order(vendor: SandboxVendor) -> None:
    host, _, port = vendor.url.removeprefix("http://").partition(":")
    one = b'POST /x HTTP/1.1\r\nContent-Length: 24\r\n\r\n{"to":"sandbox-slow-90"}'
    two = b'POST /x HTTP/1.1\r\nContent-Length: 10\r\n\r\n{"to":"x"}'
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        data = one + two
        for index in range(0, len(data), 7):
            connection.sendall(data[index : index + 7])
        received = b""
        while received.count(b'"status":"sent"') < 2:
            chunk = connection.recv(65_536)
            assert chunk, received
            received += chunk
    assert received.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_vendor_leaves_cleanly_and_keeps_its_log(tmp_path: Path, wire: Wire, number: int) -> None:
    log = tmp_path / "accepted.jsonl"
    vendor = SandboxVendor("--log", str(log), "--idempotent")
    _, key = send(wire, vendor, "+551")
    assert send(wire, vendor, "+551", key)[0].kind is Kind.ACCEPTED
    assert vendor.summary()["repeated"] == 1
    assert vendor.stop(number) == 0
    assert [json.loads(line)["idempotency_key"] for line in log.read_text().splitlines()] == [key]
    with SandboxVendor("--log", str(log)) as again:
        assert again.summary()["accepted"] == 1


def test_wrong_options_are_told_in_one_line(tmp_path: Path, vendor: SandboxVendor) -> None:
    taken = vendor.url.rpartition(":")[2]
    for options in (["--quiet", "--log", str(tmp_path / "x")], ["--port", taken], ["--port", "99999"]):
        process = start(*options)
        printed, _ = process.communicate(timeout=20)
        assert (process.returncode, printed) == (1, "")
