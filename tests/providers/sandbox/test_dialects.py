"""How the sandbox speaks as each vendor: what it takes, how it says no, which credential it wants. Without sockets."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from providers.sandbox.behaviours import TABLE
from providers.sandbox.dialects import DIALECTS, fcm
from providers.sandbox.ledger import Ledger
from providers.sandbox.messages import Request
from providers.sandbox.replies import After, Reply
from providers.sandbox.vendor import Taken, Vendor

NOW = 1_760_000_000.0
KEY = "0198f3a0-0000-7000-8000-000000000001"
BEARER = ("Authorization: Bearer t",)
BASIC = (f"Authorization: Basic {base64.b64encode(b'AC1:secret').decode()}",)
JSON = ("Content-Type: application/json",)
ADDRESSES = {"sendgrid": "ana+sandbox-{}@example.com", "expo": "ExponentPushToken[sandbox-{}]", "fcm": "sandbox-{}"}


class Desk:
    def __init__(self, **options: Any) -> None:
        self.ledger = Ledger(None)
        self.taken: list[Taken] = []
        self.vendor = Vendor(self.ledger, idempotent=False, clock=lambda: NOW, on_taken=self.taken.append, **options)

    def ask(self, target: str, body: Any = b"", *headers: str, method: str = "POST") -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = "\r\n".join((f"{method} {target} HTTP/1.1", "Host: x", *headers)).encode()
        return self.vendor.reply_to(Request(method.encode(), target, "", data, 0, head))

    def send(self, dialect: str, to: str) -> Reply:
        return self.ask(*send_of(dialect, to))


def send_of(dialect: str, *to: str) -> tuple[Any, ...]:
    """What a send looks like: target, body and headers."""
    one = to[0]
    token = fcm.token_until(NOW + 60)
    account = "AC" + "0" * 32
    callback = f"https://prism.example/webhooks/1/?dispatch={KEY}"
    sms = {"Action": "Publish", "PhoneNumber": one, "Message": "olá"}
    form = urlencode({"To": one, "From": "+15005550006", "Body": "olá", "StatusCallback": callback}).encode()
    mail = {
        "personalizations": [{"to": [{"email": each}], "custom_args": {"dispatch": KEY}} for each in to],
        "from": {"email": "no-reply@example.com"},
        "subject": "Olá",
        "content": [{"type": "text/plain", "value": "olá"}],
    }
    cloud = {"messaging_product": "whatsapp", "to": one, "text": {"body": "olá"}, "biz_opaque_callback_data": KEY}
    lime = {"id": KEY, "to": f"{one}@wa.gw.msging.net", "type": "text/plain", "content": "olá"}
    return {
        "aws_sns": ("/aws_sns/", urlencode(sms).encode(), "Authorization: AWS4-HMAC-SHA256 x"),
        "blip": ("/blip/messages", lime, "Authorization: Key t"),
        "evolution": ("/evolution/message/sendText/one", {"number": one, "text": "olá"}, "apikey: t"),
        "expo": ("/expo/--/api/v2/push/send", [{"to": each, "body": "olá", "data": {"d": KEY}} for each in to]),
        "fcm": (
            "/fcm/v1/projects/p/messages:send",
            {"message": {"token": one, "data": {"dispatch": KEY}}},
            f"Authorization: Bearer {token}",
        ),
        "gateway": ("/mcp/whatsapp/send", {"to": one}),
        "http": ("/http/send", {"number": one, "ref": KEY}, *JSON),
        "meta": ("/meta/v25.0/106/messages", cloud, *BEARER),
        "sendgrid": ("/sendgrid/v3/mail/send", mail, *BEARER),
        "telegram": ("/telegram/bott/sendMessage", {"chat_id": one, "text": "olá"}),
        "twilio": (f"/twilio/2010-04-01/Accounts/{account}/Messages.json", form, *BASIC),
    }[dialect]


def address(dialect: str, behaviour: str) -> str:
    if dialect in ADDRESSES:
        return ADDRESSES[dialect].format(behaviour)
    (code,) = [each.phone_code for each in TABLE if each.name == behaviour]
    return f"5511970000{code}"


def status_of(reply: Reply) -> int:
    return int(reply.data.split()[1])


def body_of(reply: Reply) -> Any:
    return json.loads(reply.data.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_message_is_taken_with_an_id_and_our_own_id_where_the_vendor_knows_one(dialect: str) -> None:
    desk = Desk()
    reply = desk.send(dialect, address(dialect, "accept"))
    assert status_of(reply) in (200, 201, 202)
    (taken,) = desk.taken
    assert taken.message_id
    assert (taken.dialect, taken.behaviour) == (dialect, "accept")
    assert taken.item.key == ("" if dialect in ("aws_sns", "evolution", "gateway", "telegram") else KEY)
    assert desk.ledger.total == 1


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("behaviour", TABLE, ids=lambda each: each.name)
def test_every_vendor_shows_every_behaviour_or_takes_the_message(dialect: str, behaviour: Any) -> None:
    desk = Desk()
    reply = desk.send(dialect, address(dialect, behaviour.name))
    says_no = behaviour.name in {**DIALECTS[dialect].refusals, **DIALECTS[dialect].failures}
    if behaviour.name.endswith("-once"):
        assert status_of(reply) >= 400
        reply = desk.send(dialect, address(dialect, behaviour.name))
        assert status_of(reply) < 300
    elif behaviour.accepts or not (says_no or status_is_common(behaviour.name)):
        assert desk.ledger.total == 1, reply
    else:
        assert desk.ledger.total == 0, reply
    assert reply.data or reply.after is not After.KEEP


def status_is_common(name: str) -> bool:
    return name in ("502", "504", "html", "redirect", "hang-before", "reset")


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"expo", "gateway", "http"}))
def test_a_request_without_a_credential_is_refused(dialect: str) -> None:
    target, body, *_headers = send_of(dialect, address(dialect, "accept"))
    desk = Desk()
    assert status_of(desk.ask(target.replace("/bott/", "/bot/"), body)) in (401, 403)
    assert desk.ledger.total == 0


TOLD = {"blip": "t", "evolution": "t", "expo": "t", "gateway": "t", "http": "t", "meta": "t", "sendgrid": "t"}
TOLD |= {"telegram": "t", "twilio": "AC1:secret"}


@pytest.mark.parametrize("dialect", TOLD)
def test_a_credential_other_than_the_one_it_was_told_is_refused(dialect: str) -> None:
    target, body, *headers = send_of(dialect, address(dialect, "accept"))
    headers = headers if dialect not in ("expo", "gateway", "http") else [*JSON, *BEARER]
    assert status_of(Desk(told=TOLD).ask(target, body, *headers)) < 300
    others = {dialect: TOLD[dialect] + "-other"}
    assert status_of(Desk(told=others).ask(target, body, *headers)) == 401


def test_a_token_of_fcm_ends() -> None:
    target, body, *_ = send_of("fcm", "sandbox-accept")
    for token in (fcm.token_until(NOW - 1), "ya29.sandbox-9999999999-forged", "something"):
        assert status_of(Desk().ask(target, body, f"Authorization: Bearer {token}")) == 401


def test_blip_resolves_identities_and_says_which_do_not_exist() -> None:
    def resolve(number: str) -> Any:
        uri = f"lime://wa.gw.msging.net/accounts/{number}"
        command = {"id": "1", "to": "postmaster@wa.gw.msging.net", "method": "get", "uri": uri}
        return body_of(Desk().ask("/blip/commands", command, "Authorization: Key t"))

    assert resolve("+5511988887777")["resource"]["alternativeAccount"] == "5511988887777@wa.gw.msging.net"
    assert resolve("+551190000404")["status"] == "failure"
    assert resolve("551190000404")["status"] == "success"  # the leading + is what makes Blip look


def test_evolution_answers_201_also_for_what_the_graph_refused() -> None:
    reply = Desk().send("evolution", address("evolution", "opted-out"))
    assert status_of(reply) == 201
    assert body_of(reply)["code"] == 131050
    assert "key" not in body_of(reply)
    missing = Desk().ask("/evolution/message/sendText/missing", {"number": "55", "text": "x"}, "apikey: t")
    assert status_of(missing) == 404
    closed = Desk().ask("/evolution/instance/connectionState/closed", b"", "apikey: t", method="GET")
    assert body_of(closed)["instance"]["state"] == "close"


def test_expo_answers_item_by_item_and_gives_receipts_later() -> None:
    desk = Desk()
    names = ("accept", "invalid", "report-failed", "report-none")
    tickets = body_of(desk.ask(*send_of("expo", *(address("expo", name) for name in names))))["data"]
    assert [ticket["status"] for ticket in tickets] == ["ok", "error", "ok", "ok"]
    assert tickets[1]["details"]["error"] == "DeviceNotRegistered"
    ids = [ticket["id"] for ticket in tickets if "id" in ticket]
    receipts = body_of(desk.ask("/expo/--/api/v2/push/getReceipts", {"ids": [*ids, "stranger"]}))["data"]
    assert receipts == {
        ids[0]: {"status": "ok"},
        ids[1]: {
            "status": "error",
            "message": "the device cannot receive notifications anymore",
            "details": {"error": "DeviceNotRegistered"},
        },
    }
    many = [{"to": "ExponentPushToken[x]"}] * 101
    assert body_of(desk.ask("/expo/--/api/v2/push/send", many))["errors"][0]["code"] == "PUSH_TOO_MANY_NOTIFICATIONS"


def test_one_bad_address_refuses_a_whole_mail() -> None:
    desk = Desk()
    names = ("accept", "invalid")
    reply = desk.ask(*send_of("sendgrid", *(address("sendgrid", name) for name in names)))
    assert (status_of(reply), desk.ledger.total) == (400, 0)
    reply = desk.ask(*send_of("sendgrid", "a@example.com", "b@example.com"))
    assert (status_of(reply), desk.ledger.total) == (202, 2)
    assert b"\r\nX-Message-Id: " in reply.data


@pytest.mark.parametrize("dialect", sorted(set(DIALECTS) - {"expo"}))
def test_an_error_can_repeat_the_whole_request(dialect: str) -> None:
    desk = Desk(echo=True)
    reply = desk.send(dialect, address(dialect, "429"))
    assert b"HTTP/1.1" in reply.data.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"{}", b'{"to":5}', b"\xff\xfe", b"[" * 5000])
def test_what_is_no_message_is_refused(dialect: str, body: bytes) -> None:
    target, _body, *headers = send_of(dialect, address(dialect, "accept"))
    desk = Desk()
    reply = desk.ask(target, body, *headers)
    if dialect == "http" and body in (b"{}", b"[]", b'{"to":5}'):
        return  # "send" or 5 is as good a recipient as any
    assert status_of(reply) == 400
    assert desk.ledger.total == 0


@pytest.mark.parametrize(
    ("host", "target", "dialect"),
    [("graph.facebook.com", "/v25.0/1", "meta"), ("telegram.localhost:8999", "/bott/getMe", "telegram")],
)
def test_a_vendor_is_also_chosen_by_the_name_of_its_server(host: str, target: str, dialect: str) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer t".encode()
    reply = Desk().vendor.reply_to(Request(b"GET", target, "", b"", 0, head))
    assert status_of(reply) == 200, dialect


@pytest.mark.parametrize("dialect", [each for each in DIALECTS if DIALECTS[each].paths])
def test_a_vendor_is_also_known_by_its_paths(dialect: str) -> None:
    target, body, *headers = send_of(dialect, address(dialect, "accept"))
    desk = Desk()
    assert status_of(desk.ask(target.removeprefix(f"/{dialect}"), body, *headers)) < 300
    assert desk.taken[0].dialect == dialect
