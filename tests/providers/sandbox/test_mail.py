"""The sandbox's mail server: its commands, its login, its behaviours and what it counts."""

from __future__ import annotations

import base64
import json
import smtplib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.sandbox import smtp
from providers.sandbox.behaviours import TABLE, Behaviour
from providers.sandbox.ledger import Ledger
from providers.sandbox.mail import PostOffice
from providers.sandbox.replies import After, Reply
from providers.sandbox.vendor import Vendor
from tests.providers.sandbox.simulator import Simulator
from tests.providers.sandbox.vendor_process import SandboxVendor
from tests.providers.wire.certificates import Certificate

KEY = "0198f3a0-0000-7000-8000-000000000001"
MAIL = f"From: a@brand.com\r\nMessage-ID: <{KEY}@brand.com>\r\n\r\nOl\u00e1\r\n..dots\r\n"
NOT_SAID = {"opted-out", "failed-in-200"}
"""What SMTP has no words for is taken."""


class Desk:
    """One connection, without a socket."""

    def __init__(self, told: str = "", *, echo: bool = False, can_encrypt: bool = False) -> None:
        self.ledger = Ledger(None)
        vendor = Vendor(self.ledger, idempotent=False, clock=lambda: 0.0, told={"smtp": told}, echo=echo)
        self.session = PostOffice(vendor).open(can_encrypt=can_encrypt)

    def say(self, *lines: str) -> Reply:
        """The reply to the last."""
        reply: Reply | None = None
        for line in lines:
            data = line.encode() + b"\r\n"
            reply, size = self.session.take(data)
            assert size == len(data)
        assert reply is not None
        return reply

    def send(self, to: str) -> Reply:
        """As far as it gets."""
        reply = self.say("EHLO x", "MAIL FROM:<a@brand.com>", f"RCPT TO:<{to}>")
        if reply.data.startswith(b"250"):
            reply = self.say("DATA")
        return self.say(MAIL + ".") if reply.data.startswith(b"354") else reply


def code(reply: Reply) -> int:
    return int(reply.data[:3])


@pytest.mark.parametrize("behaviour", [each for each in TABLE if not each.name.endswith("-once")], ids=lambda b: b.name)
def test_what_a_behaviour_says_it_accepts_is_what_is_counted(behaviour: Behaviour) -> None:
    name, accepts = behaviour.name, behaviour.accepts
    desk = Desk()
    desk.send(f"ana+sandbox-{name}@example.com")
    assert desk.ledger.total == int(accepts or name in NOT_SAID)
    assert desk.ledger.accepted(KEY) == desk.ledger.total
    assert desk.ledger.behaviours == {name: 1}


@pytest.mark.parametrize(("name", "refusal"), [("429-once", 450), ("500-once", 451), ("401-once", 535)])
def test_what_fails_once_is_taken_afterwards(name: str, refusal: int) -> None:
    desk = Desk()
    assert [code(desk.send(f"sandbox-{name}@example.com")) for _ in range(3)] == [refusal, 250, 250]


def test_a_login_is_checked_both_ways_and_demanded() -> None:
    plain = base64.b64encode(b"\0ana\0se:cret").decode()
    name, word = (base64.b64encode(each).decode() for each in (b"ana", b"se:cret"))
    for lines in ([f"AUTH PLAIN {plain}"], ["AUTH PLAIN", plain], ["AUTH LOGIN", name, word]):
        for told, expected, mail in (("ana:se:cret", 235, 250), ("ana:another", 535, 530)):
            desk = Desk(told)
            assert code(desk.say("EHLO x", "MAIL FROM:<a@b.com>")) == 530
            assert code(desk.say(*lines)) == expected
            assert code(desk.say("MAIL FROM:<a@b.com>")) == mail
    assert code(Desk("a:b").say("AUTH PLAIN", "*")) == 501
    assert code(Desk("a:b").say("AUTH CRAM-MD5")) == 504


def test_no_login_before_encryption_where_it_is_offered_and_nothing_smuggled_in_before_it() -> None:
    desk = Desk(can_encrypt=True)
    assert b"AUTH" not in desk.say("EHLO x").data
    assert code(desk.say("AUTH PLAIN AGEAYg==")) == 538
    both = b"STARTTLS\r\nMAIL FROM:<evil@example.com>\r\n"
    reply, size = desk.session.take(both)
    assert reply is not None
    assert (reply.after, size) == (After.ENCRYPT, len(both))
    assert b"AUTH PLAIN LOGIN" in desk.say("EHLO x").data


def test_commands_out_of_order_or_out_of_form_are_refused() -> None:
    desk = Desk()
    for line, expected in (
        ("RCPT TO:<a@b.com>", 503),
        ("DATA", 503),
        ("MAIL FROM:a@b.com", 501),
        (f"MAIL FROM:<a@b.com> SIZE={smtp.MAX_MESSAGE + 1}", 552),
        ("MAIL FROM:<a@b.com> SIZE=5 BODY=8BITMIME", 250),
        ("MAIL FROM:<a@b.com>", 503),
        ("RCPT TO:nobody", 501),
        ("RSET", 250),
        ("RCPT TO:<a@b.com>", 503),
        ("NOOP", 250),
        ("STARTTLS", 502),
        ("WHAT", 500),
        ("QUIT", 221),
    ):
        assert code(desk.say(line)) == expected, line
    assert b"PIPELINING" not in desk.say("EHLO x").data
    assert Desk().session.take(b"x" * (smtp.MAX_LINE + 1))[0] is not None


def test_a_message_that_is_too_long_is_swallowed_and_refused() -> None:
    desk = Desk()
    desk.say("MAIL FROM:<a@b.com>", "RCPT TO:<b@b.com>", "DATA")
    inbox, reply, taken = b"", None, 0
    for chunk in [b"x" * 70 + b"\r\n"] * (smtp.MAX_MESSAGE // 72 + 2000) + [b".\r\n"]:
        inbox += chunk
        if len(inbox) > smtp.MAX_MESSAGE or chunk == b".\r\n":
            reply, taken = desk.session.take(inbox)
            inbox = inbox[taken:]
    assert reply is not None
    assert (code(reply), inbox, desk.ledger.total) == (552, b"", 0)
    assert code(desk.say("NOOP")) == 250


def test_a_refusal_repeats_what_was_heard_where_it_is_told_to() -> None:
    desk = Desk(echo=True)
    desk.say("EHLO x", "AUTH PLAIN AGFuYQBzZWNyZXQ=")
    said = desk.send("sandbox-reject@example.com").data
    assert said.startswith(b"554-5.7.1 ")
    assert b"ana:secret" in said
    assert b"AGFuYQBzZWNyZXQ=" in said


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, "mx.example.com")


@pytest.fixture
def simulator(certificate: Certificate) -> Iterator[Simulator]:
    with Simulator({"smtp": "ana:secret"}, mail_certificate=certificate.both_file) as simulator:
        yield simulator


def test_pythons_client_sends_over_starttls(simulator: Simulator, certificate: Certificate) -> None:
    host, _, port = simulator.mail_url.removeprefix("smtp://").partition(":")
    with smtplib.SMTP(host, int(port), timeout=10) as client:
        client.starttls(context=ssl.create_default_context(cafile=str(certificate.file)))
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("ana", "wrong")
        client.login("ana", "secret")
        for to in ("ana@example.com", "bia@example.com"):
            assert client.sendmail("a@brand.com", [to], MAIL.encode()) == {}
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            client.sendmail("a@brand.com", ["ana+sandbox-invalid@example.com"], MAIL.encode())
        assert refused.value.recipients["ana+sandbox-invalid@example.com"][0] == 550
    assert [taken.item.to for taken in simulator.taken] == ["ana@example.com", "bia@example.com"]
    assert {taken.item.key for taken in simulator.taken} == {KEY}


def test_commands_sent_in_pieces_and_together_are_answered_in_order(simulator: Simulator) -> None:
    host, _, port = simulator.mail_url.removeprefix("smtp://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        data = b"EHLO x\r\nNOOP\r\nWHAT\r\nQUIT\r\n"
        for index in range(0, len(data), 5):
            connection.sendall(data[index : index + 5])
        received = b""
        while chunk := connection.recv(65_536):
            received += chunk
    assert [line[:3] for line in received.split(b"\r\n") if line[3:4] == b" "] == [
        b"220",
        b"250",
        b"250",
        b"500",
        b"221",
    ]


def test_the_command_takes_mail_into_the_same_log(tmp_path: Path) -> None:
    log = tmp_path / "accepted.jsonl"
    with SandboxVendor("--log", str(log), "--mail-port", "0") as vendor:
        assert vendor.process.stdout is not None
        at = vendor.process.stdout.readline().split()[-1].removeprefix("smtp://")
        with smtplib.SMTP(at, timeout=10) as client:
            client.sendmail("a@brand.com", ["ana@example.com"], MAIL.encode())
            assert json.loads(log.read_text())["idempotency_key"] == KEY
        assert vendor.summary()["accepted"] == 1
