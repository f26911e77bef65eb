"""What the sandbox vendor decides and counts, without sockets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox.behaviours import TABLE
from providers.sandbox.ledger import Ledger
from providers.sandbox.messages import Request
from providers.sandbox.replies import After, Reply
from providers.sandbox.vendor import Vendor


class Desk:
    def __init__(self, path: Path | None = None, *, idempotent: bool = False) -> None:
        self.ledger = Ledger(path)
        self.vendor = Vendor(self.ledger, idempotent=idempotent, clock=lambda: 1_700_000_000.25)

    def post(self, body: Any, key: str = "", path: str = "/mcp/whatsapp/send") -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.vendor.reply_to(Request(b"POST", path, key, data, 0))

    def get(self, target: str) -> Any:
        head, _, body = self.vendor.reply_to(Request(b"GET", target, "", b"", 0)).data.partition(b"\r\n\r\n")
        return json.loads(body) if b"application/json" in head else body.decode()


def status_of(reply: Reply) -> int:
    return int(reply.data.split()[1])


def body_of(reply: Reply) -> Any:
    return json.loads(reply.data.partition(b"\r\n\r\n")[2])


def test_a_message_is_accepted_and_counted_by_its_key() -> None:
    desk = Desk()
    reply = desk.post({"to": "+5511988887777", "message": "olá"}, "k-1")
    assert (status_of(reply), body_of(reply)) == (200, {"messageId": "sandbox-k-1", "status": "sent", "error": None})
    assert desk.get("/log?key=k-1") == {"idempotency_key": "k-1", "accepted": 1}
    assert desk.get("/log?key=k-2") == {"idempotency_key": "k-2", "accepted": 0}


def test_a_key_that_comes_twice_is_accepted_twice_and_that_is_told() -> None:
    desk = Desk()
    ids = [body_of(desk.post({"to": "x"}, key))["messageId"] for key in ("k-1", "k-2", "k-1")]
    assert len(set(ids)) == 3
    summary = desk.get("/log/summary")
    assert (summary["accepted"], summary["distinct_keys"], summary["accepted_more_than_once"]) == (3, 2, 1)
    assert summary["keys_accepted_more_than_once"] == {"k-1": 2}
    assert summary["repeated"] == 0


@pytest.mark.parametrize(("to", "idempotent"), [("x", True), ("+551100000208", False)])
def test_a_vendor_that_knows_keys_gives_the_first_id_again(to: str, idempotent: bool) -> None:
    desk = Desk(idempotent=idempotent)
    ids = {body_of(desk.post({"to": to}, "k-1"))["messageId"] for _ in range(3)}
    assert len(ids) == 1
    summary = desk.get("/log/summary")
    assert (summary["accepted"], summary["repeated"], summary["accepted_more_than_once"]) == (1, 2, 0)


def test_messages_without_a_key_are_counted_apart() -> None:
    desk = Desk(idempotent=True)
    assert body_of(desk.post({"to": "x"}))["messageId"] != body_of(desk.post({"to": "x"}))["messageId"]
    summary = desk.get("/log/summary")
    assert (summary["accepted"], summary["without_key"], summary["distinct_keys"]) == (2, 2, 0)


@pytest.mark.parametrize("behaviour", [each for each in TABLE if not each.name.endswith("-once")], ids=lambda b: b.name)
def test_what_a_behaviour_says_it_accepts_is_what_is_counted(behaviour: Any) -> None:
    for to in (f"sandbox-{behaviour.name}", f"+55110000{behaviour.phone_code}"):
        desk = Desk()
        desk.post({"to": to}, "k")
        assert desk.ledger.total == int(behaviour.accepts)
        assert desk.ledger.behaviours == {behaviour.name: 1}


@pytest.mark.parametrize("name", ["429-once", "500-once"])
def test_what_fails_once_is_accepted_afterwards_per_key(name: str) -> None:
    desk = Desk()
    statuses = [status_of(desk.post({"to": f"sandbox-{name}"}, key)) for key in ("a", "a", "b", "b")]
    failed = int(name[:3])
    assert statuses == [failed, 200, failed, 200]
    assert desk.ledger.total == 2


@pytest.mark.parametrize(
    ("name", "after"),
    [("hang-before", After.HANG), ("hang-after", After.HANG), ("close", After.CLOSE), ("reset", After.RESET)],
)
def test_silence_comes_in_four_kinds(name: str, after: After) -> None:
    assert Desk().post({"to": f"sandbox-{name}"}, "k") == Reply(b"", after)


def test_a_batch_is_answered_in_order() -> None:
    desk = Desk()
    messages = [{"to": "x", "idempotencyKey": "a"}, {"to": "sandbox-invalid"}, {"to": "sandbox-slow-30"}]
    reply = desk.post({"messages": messages}, path="/mcp/whatsapp/send-batch")
    assert [result["status"] for result in body_of(reply)] == ["sent", "failed", "sent"]
    assert (status_of(reply), reply.delay_ms) == (200, 30)
    assert (desk.ledger.total, desk.ledger.accepted("a")) == (2, 1)


@pytest.mark.parametrize(("name", "accepted"), [("429", 0), ("hang-after", 2), ("hang-before", 0)])
def test_one_message_can_decide_for_its_whole_batch(name: str, accepted: int) -> None:
    desk = Desk()
    messages = [{"to": "x", "idempotencyKey": "a"}, {"to": f"sandbox-{name}", "idempotencyKey": "b"}]
    desk.post({"messages": messages}, path="/mcp/whatsapp/send-batch")
    assert desk.ledger.total == accepted


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"to":5}', b'{"message":"no to"}', b"\xff"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    desk = Desk()
    assert status_of(desk.post(body, "k")) == 400
    assert status_of(desk.post(body, path="/mcp/x/send-batch")) == 400
    assert desk.ledger.total == 0


def test_a_batch_has_its_bounds() -> None:
    assert status_of(Desk().post({"messages": []}, path="/x-batch")) == 413
    assert status_of(Desk().post({"messages": [{"to": "x"}] * 101}, path="/x-batch")) == 413


def test_the_log_has_one_line_per_accepted_message_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "accepted.jsonl"
    first = Desk(path)
    for key in ("a", "b", "a"):
        first.post({"to": "+551"}, key)
    first.ledger.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {
        "idempotency_key": "a",
        "to": "+551",
        "received_at": "2023-11-14T22:13:20.250+00:00",
        "count": 1,
    }
    assert [(line["idempotency_key"], line["count"]) for line in lines] == [("a", 1), ("b", 1), ("a", 2)]
    with path.open("ab") as torn:
        torn.write(b'{"idempotency_key":"c","to"')
    second = Desk(path)
    assert second.get("/log/summary")["accepted"] == 3
    assert second.get("/log?key=a")["accepted"] == 2
    second.ledger.close()


def test_the_page_shows_what_was_accepted_and_cannot_be_scripted() -> None:
    desk = Desk()
    desk.post({"to": "<script>alert(1)</script>@example.com"}, "<b>k</b>")
    page = desk.get("/")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "0000429" in page
    assert [line["to"] for line in desk.get("/log")] == ["<script>alert(1)</script>@example.com"]


def test_health_and_what_is_not_there() -> None:
    desk = Desk(idempotent=True)
    assert desk.get("/mcp/whatsapp/health")["idempotent"] is True
    assert status_of(desk.vendor.reply_to(Request(b"GET", "/nowhere", "", b"", 0))) == 404
    assert status_of(desk.vendor.reply_to(Request(b"DELETE", "/log", "", b"", 0))) == 405
