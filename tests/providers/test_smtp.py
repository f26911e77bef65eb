"""SMTP: the e-mail that goes out for every key of its configuration."""

from __future__ import annotations

import email
import email.policy
import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.messages import WireRequest
from providers.outcomes import Kind
from providers.registry import TRANSPORTS, transport_for
from providers.schemas import validate_configuration
from providers.transports import Checkable, Unsendable
from providers.wire import Wire
from tests.providers import makers
from tests.providers.makers import message, settings
from tests.providers.wire.certificates import Certificate
from tests.providers.wire.hostile import exchange
from tests.providers.wire.mail import PASSWORD, USERNAME, Office, office

TRANSPORT = TRANSPORTS["smtp"]
SEED: dict[str, Any] = json.loads(
    """{
    "sender": {"email": "noreply@ifood.com.br", "name": "iFood Growth Team"},
    "smtp": {"host": "smtp.sendgrid.net", "port": 587, "username": "apikey", "password_env_var": "SENDGRID_PASSWORD"},
    "tracking": {"enabled": true, "click_tracking": true, "open_tracking": true}
}"""
)
PLAIN: dict[str, Any] = {
    "sender": {"email": "no-reply@brand.com"},
    "smtp": {"host": "mx.brand.com", "username": "prism", "password_env_var": "SENDGRID_PASSWORD"},
}
ID = makers.PLAIN.dispatch_id
DATE = rb"Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n"


def build(configuration: dict[str, Any] = PLAIN, **fields: Any) -> WireRequest:
    given = {"to": "ana@example.com", "subject": "Oferta", "body": "Olá Ana", **fields}
    return TRANSPORT.build(settings(configuration, "EMAIL"), [message(**given)])


def read(request: WireRequest) -> EmailMessage:
    parsed = email.message_from_bytes(request.body, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    assert not parsed.defects
    return parsed


def text_in(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def problems_of(configuration: dict[str, Any], *, inside: bool = False) -> dict[str, str]:
    found = validate_configuration("EMAIL", configuration, allow_list=makers.ALLOW_LIST, allow_private=inside)
    return dict(found)


def with_server(**changes: Any) -> dict[str, Any]:
    return {**PLAIN, "smtp": {**PLAIN["smtp"], **changes}}


def test_the_sender_s_domain_cannot_change_the_address_of_the_server() -> None:
    request = build({**PLAIN, "sender": {"email": "a@x/../y?z#w.com"}})
    assert request.url == "smtp://mx.brand.com:587/x%2F..%2Fy%3Fz%23w.com"


def test_the_seeds_example_is_taken_as_it_stands() -> None:
    assert problems_of(SEED) == {}
    assert transport_for("EMAIL", SEED) is TRANSPORT
    assert TRANSPORT.example == SEED


def test_the_seeds_example_makes_this_e_mail() -> None:
    request = build(SEED, body="Olá Ana")
    assert (request.url, request.headers) == ("smtp://smtp.sendgrid.net:587/ifood.com.br", ())
    envelope = request.envelope
    assert envelope is not None
    assert (envelope.sender, envelope.recipient) == ("noreply@ifood.com.br", "ana@example.com")
    assert (envelope.username, envelope.password, envelope.starttls) == ("apikey", makers.CANARY, True)
    assert re.sub(DATE, b"Date: now\r\n", request.body) == (
        b"From: iFood Growth Team <noreply@ifood.com.br>\r\n"
        b"To: ana@example.com\r\n"
        b"Subject: Oferta\r\n"
        b"Date: now\r\n"
        b"Message-ID: <0198f3a0-0000-7000-8000-000000000001@ifood.com.br>\r\n"
        b'X-SMTPAPI: {"unique_args":{"dispatch":"0198f3a0-0000-7000-8000-000000000001"},'
        b'"filters":{"clicktrack":{"settings":{"enable":1}},"opentrack":{"settings":{"enable":1}}}}\r\n'
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n"
        b"\r\n"
        b"Ol=C3=A1 Ana\r\n"
    )


def test_html_goes_with_a_text() -> None:
    body = "<p>Olá, <b>Ana</b>!</p>\n<p>" + "muito texto " * 50 + "</p>"
    parsed = read(build(body=body))
    assert parsed.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
    assert text_in(parsed, "html") == body + "\n"
    assert text_in(parsed, "plain").startswith("Olá, Ana!\n\nmuito texto")
    assert max(map(len, build(body=body).body.split(b"\r\n"))) <= 78


def test_html_is_what_the_configuration_says() -> None:
    assert read(build({**PLAIN, "html": False}, body="<b>x</b>")).get_content_type() == "text/plain"
    assert read(build({**PLAIN, "html": True}, body="x")).get_content_type() == "multipart/alternative"


def test_a_media_file_is_linked() -> None:
    parsed = read(build(body="Oi", media_url="https://cdn.example.com/a.pdf"))
    assert text_in(parsed, "plain") == "Oi\n\nhttps://cdn.example.com/a.pdf\n"


def test_the_same_message_is_the_same_at_every_try() -> None:
    assert build(body="<p>x</p>") == build(body="<p>x</p>")
    assert build(dispatch_id="0198f3a0-0000-7000-8000-000000000002") != build()


@pytest.mark.parametrize(
    ("tracking", "clicks", "opens"),
    [
        ({}, 1, 1),
        ({"enabled": False}, 0, 0),
        ({"enabled": False, "click_tracking": True}, 0, 0),
        ({"click_tracking": False}, 0, 1),
        ({"enabled": True, "open_tracking": False}, 1, 0),
    ],
)
def test_tracking_is_told_to_sendgrid(tracking: dict[str, bool], clicks: int, opens: int) -> None:
    told = json.loads(read(build({**SEED, "tracking": tracking}))["X-SMTPAPI"])
    assert told["filters"]["clicktrack"]["settings"]["enable"] == clicks
    assert told["filters"]["opentrack"]["settings"]["enable"] == opens
    without = {key: value for key, value in SEED.items() if key != "tracking"}
    assert json.loads(read(build(without))["X-SMTPAPI"]) == {"unique_args": {"dispatch": ID}}


@pytest.mark.parametrize("key", ["tracking", "event_webhook"])
def test_what_only_sendgrid_can_do_is_refused_elsewhere(key: str) -> None:
    assert key in problems_of({**PLAIN, key: {}})
    assert read(build(PLAIN))["X-SMTPAPI"] is None


def test_answers_go_where_the_configuration_says() -> None:
    parsed = read(build({**PLAIN, "reply_to": {"email": "sac@brand.com", "name": "Atenção, SAC"}}))
    assert parsed["Reply-To"].addresses[0].addr_spec == "sac@brand.com"
    assert parsed["Reply-To"].addresses[0].display_name == "Atenção, SAC"


def test_unsubscribing_takes_one_click() -> None:
    block = {"url": "https://brand.com/u/{{dispatch_id}}?e={{email}}&n={{name}}", "mailto": "sair@brand.com"}
    assert problems_of({**PLAIN, "list_unsubscribe": block}) == {}
    parsed = read(build({**PLAIN, "list_unsubscribe": block}, to="ana@example.com", variables={}))
    assert parsed["List-Unsubscribe"] == (
        f"<mailto:sair@brand.com?subject=unsubscribe>, <https://brand.com/u/{ID}?e=ana%40example.com&n=>"
    )
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    by_mail = read(build({**PLAIN, "list_unsubscribe": {"mailto": "sair@brand.com"}}))
    assert by_mail["List-Unsubscribe-Post"] is None
    with pytest.raises(Unsendable, match="CONTENT_TOO_LONG"):
        build({**PLAIN, "list_unsubscribe": block}, variables={"name": "x" * 1000})


def test_bounces_come_back_with_the_dispatch() -> None:
    envelope = build({**PLAIN, "bounce_domain": "bounces.brand.com"}).envelope
    assert envelope is not None
    assert envelope.sender == f"bounce+{ID}@bounces.brand.com"


@pytest.mark.parametrize(
    ("server", "url", "starttls"),
    [
        ({}, "smtp://mx.brand.com:587/brand.com", True),
        ({"port": 2525}, "smtp://mx.brand.com:2525/brand.com", True),
        ({"port": 465}, "smtps://mx.brand.com:465/brand.com", False),
        ({"port": 2465, "security": "tls"}, "smtps://mx.brand.com:2465/brand.com", False),
        ({"security": "starttls"}, "smtp://mx.brand.com:587/brand.com", True),
        ({"helo": "prism.brand.com"}, "smtp://mx.brand.com:587/prism.brand.com", True),
    ],
)
def test_port_security_and_greeting_make_the_address(server: dict[str, Any], url: str, starttls: bool) -> None:
    configuration = with_server(**server)
    assert problems_of(configuration) == {}
    request = build(configuration)
    assert request.envelope is not None
    assert (request.url, request.envelope.starttls) == (url, starttls)


def test_a_relay_inside_needs_no_encryption_and_no_login() -> None:
    for host in ("localhost", "mailhog", "relay.svc", "10.0.0.1"):
        configuration = {**PLAIN, "smtp": {"host": host, "port": 25, "security": "none"}}
        assert problems_of(configuration, inside=True) == {}, host
    literal = {**PLAIN, "smtp": {"host": "10.0.0.1", "security": "none"}}
    assert list(problems_of(literal)) == ["smtp.host"], "a private address, where none may be reached"
    request = build({**PLAIN, "smtp": {"host": "relay", "port": 25, "security": "none"}})
    assert request.envelope is not None
    assert (request.url, request.envelope.starttls) == ("smtp://relay:25/brand.com", False)
    assert (request.envelope.username, request.envelope.password) == ("", "")


@pytest.mark.parametrize(
    ("configuration", "path"),
    [
        (with_server(security="none"), "smtp.security"),
        ({**PLAIN, "smtp": {"host": "mx.brand.com", "security": "none"}}, "smtp.security"),
        (with_server(port=465, security="starttls"), "smtp.security"),
        (with_server(host="mx.brand.com/x"), "smtp.host"),
        (with_server(password="secret"), "smtp.password"),
        (with_server(password_secret="also"), "smtp.password_secret"),
        ({**PLAIN, "smtp": {"host": "mx.brand.com", "username": "x"}}, "smtp.password_env_var"),
        ({**PLAIN, "smtp": {"host": "mx.brand.com", "password_env_var": "SENDGRID_PASSWORD"}}, "smtp.username"),
        ({**PLAIN, "sender": {"email": "não@brand.com"}}, "sender.email"),
        ({**PLAIN, "reply_to": {"email": "não@brand.com"}}, "reply_to.email"),
        ({**PLAIN, "list_unsubscribe": {}}, "list_unsubscribe"),
        ({**PLAIN, "idempotent": True}, "idempotent"),
        ({**SEED, "event_webhook": {"public_key": "x" * 90}}, "event_webhook.public_key"),
    ],
)
def test_what_contradicts_itself_is_told_by_its_path(configuration: dict[str, Any], path: str) -> None:
    assert list(problems_of(configuration)) == [path]


def test_time_outs_are_the_configurations() -> None:
    request = build({**PLAIN, "timeout_ms": 20_000, "connect_timeout_ms": 7_000})
    assert (request.timeout_ms, request.connect_timeout_ms) == (20_000, 7_000)


def test_addresses_in_other_scripts_are_spelled_in_ascii_or_refused() -> None:
    request = build({**PLAIN, "sender": {"email": "oi@ação.com.br"}}, to="ana@coração.com.br")
    assert request.envelope is not None
    assert request.envelope.recipient == "ana@xn--corao-dra1a.com.br"
    assert read(request)["Message-ID"] == f"<{ID}@xn--ao-siap.com.br>"
    with pytest.raises(Unsendable, match="INVALID_EMAIL"):
        build(to="aña@example.com")


@pytest.mark.parametrize("fields", [{"subject": None}, {"subject": " \n"}, {"body": ""}, {"body": " \n "}])
def test_an_e_mail_without_subject_or_text_is_refused_without_a_request(fields: dict[str, Any]) -> None:
    with pytest.raises(Unsendable) as refusal:
        build(**fields)
    assert refusal.value.kind is Kind.REJECTED


@pytest.mark.parametrize("to", ["", "nobody", "@", "a@b", "a@b.com\r\nBcc: x@y.com", "a@b.com, c@d.com", "<a@b.com>"])
def test_what_is_no_address_is_refused_without_a_request(to: str) -> None:
    with pytest.raises(Unsendable) as refusal:
        build(to=to)
    assert (refusal.value.kind, refusal.value.reason) == (Kind.RECIPIENT_INVALID, "INVALID_EMAIL")


@given(
    subject=st.text(min_size=1, max_size=200),
    body=st.text(min_size=1, max_size=300),
    name=st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60),
    media_url=st.none() | st.text(max_size=40),
)
def test_no_text_can_add_a_header_or_break_the_message(
    subject: str, body: str, name: str, media_url: str | None
) -> None:
    configuration = {**SEED, "sender": {"email": "no-reply@brand.com", "name": name}}
    try:
        request = build(configuration, subject=subject, body=body, media_url=media_url)
    except Unsendable:
        return
    head, _, rest = request.body.partition(b"\r\n\r\n")
    assert request.body.replace(b"\r\n", b"").isascii()
    assert b"\n" not in request.body.replace(b"\r\n", b"")
    assert b"\r" not in request.body.replace(b"\r\n", b"")
    assert max(map(len, request.body.split(b"\r\n"))) <= 998
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if line[:1] not in b" \t"]
    expected = [b"From", b"To", b"Subject", b"Date", b"Message-ID", b"X-SMTPAPI", b"MIME-Version", b"Content-Type"]
    assert names in (expected, [*expected, b"Content-Transfer-Encoding"])
    assert rest


@given(st.lists(st.sampled_from(["ação", "oferta", "João", "🙈", "x" * 70, "50%", "é" * 50]), min_size=1, max_size=30))
def test_a_subject_is_read_as_it_was_written(words: list[str]) -> None:
    subject = " ".join(words)
    assert read(build(subject=subject))["Subject"] == subject[:900].strip()


@given(body=st.text(alphabet=st.sampled_from("aé.= \n\t🙈-F"), min_size=1, max_size=400).filter(str.strip))
def test_a_body_is_read_as_it_was_written(body: str) -> None:
    got = text_in(read(build({**PLAIN, "html": False}, body=body)), "plain")
    assert got == body + ("" if body.endswith("\n") else "\n")


def test_what_python_makes_of_the_same_message_reads_the_same() -> None:
    theirs = EmailMessage(policy=email.policy.SMTP)
    theirs["From"], theirs["To"], theirs["Subject"] = "no-reply@brand.com", "ana@example.com", "Ação: 50% é já"
    theirs.set_content("Olá\n\nhttps://x.example\n")
    again = email.message_from_bytes(theirs.as_bytes(), policy=email.policy.default)
    assert isinstance(again, EmailMessage)
    ours = read(build(subject="Ação: 50% é já", body="Olá\n\nhttps://x.example\n"))
    for name in ("From", "To", "Subject", "MIME-Version"):
        assert ours[name] == again[name]
    assert text_in(ours, "plain") == text_in(again, "plain")


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, "mx.brand.com")


@pytest.fixture
def wire(certificate: Certificate) -> Iterator[Wire]:
    wire = Wire(allow_private=True, ca_file=str(certificate.file), resolve=lambda _host: ["127.0.0.1"])
    yield wire
    wire.close()


def test_a_real_mail_server_takes_it_and_its_health_is_asked(wire: Wire, certificate: Certificate) -> None:
    body = "<p>Olá!</p>\n.\n<p>.ponto</p>"
    with office(post := Office(), tls=certificate.server_context()) as port:
        configuration = with_server(port=port, username=USERNAME)
        own = settings(configuration, "EMAIL")
        own = msgspec.structs.replace(own, credentials={"smtp.password": PASSWORD})
        given = message(to="ana@example.com", subject="Oferta já", body=body)
        request = TRANSPORT.build(own, [given])
        (outcome,) = TRANSPORT.parse(own, [given], exchange(wire, request))
        assert (outcome.kind, outcome.message_id) == (Kind.ACCEPTED, f"<{ID}@brand.com>")
        assert isinstance(TRANSPORT, Checkable)
        health = TRANSPORT.health_request(own)
        assert health is not None
        assert TRANSPORT.read_health(own, exchange(wire, health)).ok
        wrong = msgspec.structs.replace(own, credentials={"smtp.password": "not-the-one"})
        health = TRANSPORT.health_request(wrong)
        assert health is not None
        assert TRANSPORT.read_health(wrong, exchange(wire, health)).code == "UNAUTHORIZED"
        (outcome,) = TRANSPORT.parse(wrong, [given], exchange(wire, TRANSPORT.build(wrong, [given])))
        assert (outcome.kind, outcome.reason) == (Kind.CONFIGURATION, "UNAUTHORIZED")
    (envelope,) = post.received
    assert envelope.content == request.body
