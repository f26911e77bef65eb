"""The calls that vendors make to us: signed as theirs are, in the order and at the time that the recipient asks for."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from providers.sandbox.callbacks import CALLBACKS, Callback, Report, evolution, meta, sendgrid
from providers.sandbox.callbacks.call import ACCEPTED, CLICKED, DELIVERED, FAILED, OPTED_OUT, READ, SENT
from providers.sandbox.calling import call
from providers.sandbox.dialects.dialect import Item
from providers.sandbox.reporting import LATE_S, STRANGER, Address, calls_about
from providers.sandbox.vendor import Taken
from tests.providers.sandbox.vendor_process import SandboxVendor

NOW = 1_760_000_000.0
URL = "https://prism.example/webhooks/1"
REPORT = Report("m-1", DELIVERED, NOW, to="5511988887777", dispatch_id="d-1", account="one")
TO_TELEGRAM = REPORT._replace(status=OPTED_OUT)


def make(vendor: str, *, secret: str = "canary", now: float = NOW, **changes: Any) -> Callback:
    report = (TO_TELEGRAM if vendor == "telegram" else REPORT)._replace(**changes)
    return CALLBACKS[vendor]([report], secret=secret, url=URL, now=now)


def test_meta_signs_the_raw_body_with_the_apps_secret() -> None:
    made = make("meta")
    assert made.headers["X-Hub-Signature-256"] == "sha256=" + hmac.new(b"canary", made.body, hashlib.sha256).hexdigest()
    status = json.loads(made.body)["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert (status["id"], status["status"], status["biz_opaque_callback_data"]) == ("m-1", "delivered", "d-1")
    failed = json.loads(make("meta", status=FAILED).body)["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert failed["errors"][0]["code"] == 131026


def test_meta_asks_for_a_greeting() -> None:
    assert meta.greet(token="t o", url=URL).url.startswith(f"{URL}?hub.mode=subscribe&hub.verify_token=t+o&")


def test_sendgrid_signs_time_and_raw_body_with_its_own_key() -> None:
    made = sendgrid.make([REPORT, REPORT._replace(status=CLICKED)], url=URL, now=NOW)
    key = load_pem_public_key(f"-----BEGIN PUBLIC KEY-----\n{sendgrid.PUBLIC_KEY}\n-----END PUBLIC KEY-----\n".encode())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(made.headers[sendgrid.SIGNATURE])
    signed = made.headers[sendgrid.TIMESTAMP].encode() + made.body
    key.verify(signature, signed, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(signature, signed + b" ", ec.ECDSA(SHA256()))
    assert [event["event"] for event in json.loads(made.body)] == ["delivered", "click"]


def test_a_gateway_signs_time_and_raw_body() -> None:
    made = make("gateway")
    mac = hmac.new(b"canary", b"1760000000." + made.body, hashlib.sha256).hexdigest()
    assert made.headers["X-Prism-Signature"] == f"t=1760000000,v1={mac}"


def test_evolution_sends_a_header_or_a_token() -> None:
    assert make("evolution").headers["X-Prism-Secret"] == "canary"
    key = "a key that is long enough for this"
    made = evolution.make([REPORT], secret=key, url=URL, now=NOW, jwt=True)
    token = made.headers["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, key, algorithms=["HS256"], options={"verify_exp": False, "verify_iat": False})
    assert (claims["app"], claims["action"], claims["exp"] - claims["iat"]) == ("evolution", "webhook", 600)
    assert json.loads(made.body)["apikey"] == "the-instance-key"


@pytest.mark.parametrize("vendor", CALLBACKS)
@pytest.mark.parametrize("status", [ACCEPTED, SENT, DELIVERED, READ, FAILED, OPTED_OUT])
def test_every_vendor_has_a_word_for_every_status(vendor: str, status: str) -> None:
    if (vendor, status) != ("meta", ACCEPTED):  # Meta says that in its answer
        assert make(vendor, status=status).body


@pytest.mark.parametrize("vendor", CALLBACKS)
def test_what_an_attacker_sends_is_not_what_the_vendor_sent(vendor: str) -> None:
    made = make(vendor)
    assert made.tampered().body != made.body
    assert made.tampered().headers == made.headers
    assert made.forged().headers != made.headers
    assert made.forged().body == made.body
    bare = made.without(*(set(made.headers) - {"Content-Type"}))
    assert set(bare.headers) == {"Content-Type"}


def about(behaviour: str, vendor: str = "gateway", form: Any = None) -> list[tuple[float, str, str]]:
    taken = Taken(vendor, Item("+5511988887777", "d-1"), "m-1", behaviour, form)
    found = calls_about(taken, {vendor: Address(URL, "canary")}, NOW)
    told = [(each.after_s, json.loads(each.callback.body)) for each in found]
    return [(after_s, body["messageId"], body["status"]) for after_s, body in told]


@pytest.mark.parametrize(
    ("behaviour", "statuses"),
    [
        ("accept", ["sent", "delivered", "read"]),
        ("report-failed", ["sent", "failed"]),
        ("report-opted-out", ["sent", "failed"]),
        ("report-twice", ["sent", "sent", "delivered", "delivered", "read", "read"]),
        ("report-backwards", ["read", "delivered", "sent"]),
        ("report-none", []),
    ],
)
def test_a_recipient_chooses_what_is_reported(behaviour: str, statuses: list[str]) -> None:
    assert [status for _after, _id, status in about(behaviour)] == statuses


def test_reports_come_late_early_or_about_strangers() -> None:
    assert about("report-late")[0][0] == LATE_S
    assert about("report-early")[0][0] == 0
    assert {message_id for _after, message_id, _status in about("report-stranger")} == {STRANGER}


def test_twilio_reports_where_each_message_says_and_telegram_has_no_receipts() -> None:
    form = {"StatusCallback": "https://elsewhere.example/x", "AccountSid": "AC1"}
    taken = Taken("twilio", Item("+55"), "SM1", "accept", form)
    found = calls_about(taken, {"twilio": Address(URL, "canary")}, NOW)
    assert [each.callback.url for each in found] == ["https://elsewhere.example/x"] * 2, "an SMS is not told as read"
    chat = taken._replace(form={**form, "To": "whatsapp:+55"})
    assert len(calls_about(chat, {"twilio": Address(URL, "canary")}, NOW)) == 3
    assert calls_about(Taken("telegram", Item("55"), "1", "accept"), {"telegram": Address(URL)}, NOW) == []
    assert calls_about(taken, {}, NOW) == []


class Ear(ThreadingHTTPServer):
    """Hears calls and remembers them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.heard: list[tuple[str, str, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Ear

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, self.headers.get("X-Prism-Signature", ""), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: Any) -> None:
        """Silent."""


def test_the_sandbox_calls_back_what_it_took() -> None:
    ear = Ear()
    thread = Thread(target=ear.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{ear.server_port}/webhooks/1"
    try:
        with SandboxVendor("--callback", f"gateway={url}", "--callback-secret", "canary") as vendor:
            assert call(Callback(f"{vendor.url}/mcp/sms/send", {}, b'{"to":"+551190000905"}')) == 200
            early = len(ear.heard)
            assert call(Callback(f"{vendor.url}/mcp/sms/send", {}, b'{"to":"+551190000400"}')) == 400
    finally:
        ear.shutdown()
        ear.server_close()
        thread.join()
    assert early == 3, "before the answer"
    path, signature, body = ear.heard[0]
    stamp = signature.partition(",")[0].removeprefix("t=")
    mac = hmac.new(b"canary", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert (path, signature) == ("/webhooks/1", f"t={stamp},v1={mac}")
    assert len(ear.heard) == 3
