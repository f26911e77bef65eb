"""SendGrid's event webhook: whose call it is, and what each event says."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from providers.reporting import Call, Meaning, Sign, VendorReport
from providers.schemas import validate_configuration
from providers.settings import ProviderSettings, resolve
from providers.transports import sendgrid
from providers.transports.sendgrid import events
from tests.providers import makers

TRANSPORT = sendgrid.transport
KEY = ec.generate_private_key(ec.SECP256R1())
NOW = dt.datetime(2026, 10, 20, 22, 0, tzinfo=dt.UTC)
DISPATCH = "0198f3a0-0000-7000-8000-000000000001"
# What SendGrid publishes for the tests of its own helper libraries (sendgrid-python, sendgrid-nodejs: eventwebhook).
VENDORS_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eN"
    "Ec6wEA3F+g=="
)
VENDORS_SIGNATURE = "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM="
VENDORS_BODY = (
    b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    b'"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    b'"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    b'"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n'
)
VENDORS_STAMP = 1600112502


def shown(key: ec.EllipticCurvePrivateKey = KEY, encoding: Encoding = Encoding.DER) -> str:
    """The public key as SendGrid shows it, or as PEM."""
    raw = key.public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(raw).decode() if encoding is Encoding.DER else raw.decode()


def settings(public_key: str | None = None) -> ProviderSettings:
    webhook = {} if public_key is None else {"event_webhook": {"public_key": public_key}}
    made = makers.settings({**TRANSPORT.example, **webhook}, "EMAIL")
    return msgspec.structs.replace(made, webhook_url="https://prism.example.com/webhooks/1")


def call(
    body: bytes,
    *,
    signature: str | None = None,
    at: dt.datetime = NOW,
    stamp: str | None = None,
    key: ec.EllipticCurvePrivateKey = KEY,
) -> Call:
    stamp = str(int(at.timestamp())) if stamp is None else stamp
    if signature is None:
        signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(SHA256()))).decode()
    headers = {events.SIGNATURE: signature, events.TIMESTAMP: stamp}
    return Call("POST", "https://prism.example.com/webhooks/1/events", "events", {}, headers, body, NOW)


def event(kind: str, **fields: Any) -> dict[str, Any]:
    usual = {
        "email": "ana@example.com",
        "timestamp": 1792533600,
        "event": kind,
        "sg_event_id": "e-1",
        "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.recvd-5b5b6cb5c8-abcde-1-5F5FC76C-9.0",
        "dispatch": DISPATCH,
    }
    return {key: value for key, value in {**usual, **fields}.items() if value is not None}


def read(*given: Any) -> list[VendorReport]:
    return TRANSPORT.read_reports(settings(), call(json.dumps(given).encode()))


@pytest.mark.parametrize("body", [b"[]", '[{"note":"olá 🙈 \\u00e9"}]'.encode(), b"\xff\xfe", b""])
def test_a_call_that_sendgrid_signed_is_taken(body: bytes) -> None:
    assert TRANSPORT.verify(settings(shown()), call(body))


def test_the_vendors_own_published_signature_is_taken() -> None:
    received = dt.datetime.fromtimestamp(VENDORS_STAMP + 3, dt.UTC)
    theirs = call(VENDORS_BODY, signature=VENDORS_SIGNATURE, stamp=str(VENDORS_STAMP))
    theirs = msgspec.structs.replace(theirs, received_at=received)
    assert TRANSPORT.verify(settings(VENDORS_KEY), theirs)
    assert not TRANSPORT.verify(settings(VENDORS_KEY), msgspec.structs.replace(theirs, body=VENDORS_BODY.rstrip()))
    (report,) = TRANSPORT.read_reports(settings(VENDORS_KEY), theirs)
    assert (report.message_id, report.sign) == ("LRzXl_NHStOGhQ4kofSm_A", Sign.ADDRESS_DEAD)


@pytest.mark.parametrize("text", [shown(encoding=Encoding.PEM), shown(encoding=Encoding.PEM).replace("\n", " ")])
def test_the_key_may_be_pem(text: str) -> None:
    assert TRANSPORT.verify(settings(text), call(b"[]"))


@pytest.mark.parametrize("text", [shown(), shown(encoding=Encoding.PEM)])
def test_the_key_may_stand_in_a_variable(text: str) -> None:
    configuration = {**TRANSPORT.example, "event_webhook": {"key_env_var": "SENDGRID_WEBHOOK_KEY"}}
    made = resolve(
        provider_id="p",
        tenant_id=1,
        provider_type="EMAIL",
        configuration=configuration,
        secrets={},
        allow_list=makers.ALLOW_LIST,
        environment={"SENDGRID_WEBHOOK_KEY": text, "SENDGRID_API_KEY": makers.CANARY},
    )
    assert made.problem is None
    assert TRANSPORT.verify(made, call(b"[]"))


def test_a_public_key_is_no_secret_and_may_be_saved_with_its_lines() -> None:
    webhook = {"event_webhook": {"public_key": shown(encoding=Encoding.PEM)}}
    assert validate_configuration("EMAIL", {**TRANSPORT.example, **webhook}, allow_list=makers.ALLOW_LIST) == []


@pytest.mark.parametrize(
    "wrong",
    [
        call(b"[]", key=ec.generate_private_key(ec.SECP256R1())),
        call(b"[]", signature=""),
        call(b"[]", signature="no base64!"),
        call(b"[]", signature=base64.b64encode(b"no signature").decode()),
        msgspec.structs.replace(call(b"[1]"), body=b"[2]"),
        msgspec.structs.replace(call(b"[]"), headers={}),
        call(b"[]", at=NOW - dt.timedelta(hours=26)),
        call(b"[]", at=NOW + dt.timedelta(minutes=6)),
        call(b"[]", stamp=""),
        call(b"[]", stamp="-1"),
        call(b"[]", stamp="٣"),
        call(b"[]", stamp="9" * 30),
    ],
)
def test_any_other_call_is_refused(wrong: Call) -> None:
    assert not TRANSPORT.verify(settings(shown()), wrong)


@pytest.mark.parametrize(
    "text",
    [None, "", "nonsense", shown()[:-8], shown(ec.generate_private_key(ec.SECP384R1()))],
)
def test_without_a_key_nothing_is_taken(text: str | None) -> None:
    assert not TRANSPORT.verify(settings(text), call(b"[]"))
    assert not TRANSPORT.awaits_reports(settings(text))


def test_a_retry_within_a_day_is_taken_and_told_apart_by_its_id() -> None:
    assert TRANSPORT.verify(settings(shown()), call(b"[]", at=NOW - dt.timedelta(hours=24)))
    assert [report.event_id for report in read(event("open"), event("open"))] == ["e-1", "e-1"]


def test_reports_are_awaited_where_they_can_be_heard() -> None:
    assert TRANSPORT.awaits_reports(settings(shown()))
    assert not TRANSPORT.awaits_reports(msgspec.structs.replace(settings(shown()), webhook_url=""))


def test_a_get_is_no_call_of_sendgrids() -> None:
    assert TRANSPORT.greet(settings(shown()), call(b"")) is None


@pytest.mark.parametrize(
    ("given", "meaning", "reason", "sign"),
    [
        (event("processed"), Meaning.ACCEPTED, "", None),
        (event("deferred", response="400 try again later", attempt="5"), Meaning.ACCEPTED, "", None),
        (event("delivered", response="250 OK"), Meaning.DELIVERED, "", None),
        (event("open", useragent="Mozilla"), Meaning.ENGAGED, "", None),
        (event("click", url="https://brand.example"), Meaning.ENGAGED, "", None),
        (event("bounce", type="bounce", reason="550 5.1.1"), Meaning.FAILED, "BOUNCED", Sign.ADDRESS_DEAD),
        (event("bounce", reason="550 5.1.1"), Meaning.FAILED, "BOUNCED", Sign.ADDRESS_DEAD),
        (event("bounce", type="blocked", reason="421 busy"), Meaning.FAILED, "BLOCKED", None),
        (event("bounce", type="new"), Meaning.FAILED, "BOUNCED", None),
        (event("dropped", reason="Bounced Address"), Meaning.FAILED, "BOUNCED_EARLIER", Sign.ADDRESS_DEAD),
        (event("dropped", reason="Invalid"), Meaning.FAILED, "INVALID_EMAIL", Sign.ADDRESS_DEAD),
        (event("dropped", reason="Unsubscribed Address"), Meaning.FAILED, "OPTED_OUT", Sign.OPTED_OUT),
        (event("dropped", reason="Spam Reporting Address"), Meaning.FAILED, "COMPLAINED_EARLIER", Sign.COMPLAINED),
        (event("dropped", reason="Spam Content"), Meaning.FAILED, "SPAM_CONTENT", None),
        (event("dropped"), Meaning.FAILED, "DROPPED", None),
        (event("spamreport"), Meaning.ENGAGED, "", Sign.COMPLAINED),
        (event("unsubscribe"), Meaning.ENGAGED, "", Sign.OPTED_OUT),
        (event("group_unsubscribe", asm_group_id=1), Meaning.ENGAGED, "", Sign.OPTED_OUT),
        (event("group_resubscribe", asm_group_id=1), Meaning.ENGAGED, "", Sign.OPTED_IN),
    ],
)
def test_each_event_has_its_meaning(given: dict[str, Any], meaning: Meaning, reason: str, sign: Sign | None) -> None:
    (report,) = read(given)
    assert (report.kind, report.meaning, report.reason, report.sign) == (given["event"], meaning, reason, sign)
    assert (report.message_id, report.dispatch_id, report.event_id) == ("LRzXl_NHStOGhQ4kofSm_A", DISPATCH, "e-1")
    assert (report.occurred_at, report.address) == (NOW, "ana@example.com")
    assert json.loads(report.payload) == given
    assert report.error == (given.get("reason") if meaning is Meaning.FAILED else None)


@pytest.mark.parametrize(
    ("given", "message_id"),
    [
        ("14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0", "14c5d75ce93.dfd.64b469"),
        ("LRzXl_NHStOGhQ4kofSm_A", "LRzXl_NHStOGhQ4kofSm_A"),
        (None, ""),
        (7, ""),
    ],
)
def test_the_id_is_what_stands_before_sendgrids_own_addition(given: Any, message_id: str) -> None:
    """It is missing from some bounces: then the dispatch's own id says whose it is."""
    (report,) = read(event("bounce", sg_message_id=given))
    assert (report.message_id, report.dispatch_id) == (message_id, DISPATCH)


@pytest.mark.parametrize("other", [event("account_status_change"), {}, 7, None, "x", [], {"event": 7}, {"event": None}])
def test_what_is_no_report_of_a_message_is_left_out_and_the_rest_is_read(other: Any) -> None:
    assert [report.kind for report in read(event("open"), other, event("click"))] == ["open", "click"]


@pytest.mark.parametrize("stamp", [None, "soon", 1e300, [], "9" * 30])
def test_an_odd_time_is_none(stamp: Any) -> None:
    assert read(event("open", timestamp=stamp))[0].occurred_at is None


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"[1,2", b"null"])
def test_what_is_no_array_is_said_to_be_unreadable(body: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON array"):
        TRANSPORT.read_reports(settings(), call(body))


def test_what_is_kept_of_a_call_holds_no_credential() -> None:
    assert TRANSPORT.redact(settings(), f'[{{"x":"{makers.CANARY}"}}]'.encode()) == b'[{"x":"[redacted]"}]'
