"""Twilio Programmable Messaging (provider-contracts §4): forms in, JSON out, Basic authentication."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, urlsplit

from providers.sandbox.dialects.dialect import (
    Dialect,
    Fate,
    Item,
    Malformed,
    Refusal,
    Sends,
    digest,
    encode,
    not_found,
    own_id,
    table,
)
from providers.sandbox.messages import Request, answer


class Twilio(Dialect):
    name = "twilio"
    hosts = frozenset({"api.twilio.com"})
    paths = r"/2010-04-01/Accounts/"
    refusals = table(
        reject=Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit"),
        malformed=Refusal(400, 21604, "A 'To' phone number is required"),
        unauthorized=Refusal(401, 20003, "Authenticate"),
        invalid=Refusal(400, 21211, "Invalid 'To' Phone Number"),
        opted_out=Refusal(400, 21610, "Attempt to send to unsubscribed recipient"),
        _429=Refusal(429, 20429, "Too Many Requests"),
        _500=Refusal(500, 20500, "Internal Server Error"),
        _503=Refusal(503, 20503, "Service Unavailable"),
    )
    failures = {"failed-in-200": Refusal(201, 30007, "Message filtered")}

    def credential_of(self, request: Request, path: str) -> str:
        """User and password, as "user:password"."""
        scheme, _, pair = request.field("authorization").partition(" ")
        try:
            return base64.b64decode(pair).decode() if scheme.lower() == "basic" else ""
        except ValueError:
            return ""

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        account = path.partition("/Accounts/")[2].partition("/")[0].removesuffix(".json")
        if request.method == b"GET":
            return _show(path, account)
        if not path.endswith("/Messages.json"):
            return not_found()
        form = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        if not form.get("To"):
            raise Malformed
        key = own_id(urlsplit(form.get("StatusCallback", "")).query)
        return Sends((Item(form["To"].removeprefix("whatsapp:"), key),), form={**form, "AccountSid": account})

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        return f"SM{digest(seed, 16)}"

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        (fate,) = fates
        failed = self.failures.get(fate.failure)
        sid = f"SM{digest(fate.item.to, 16)}" if failed else fate.message_id or None
        return answer(201, encode(_message(sends.form, sid, now, failed, suffix)))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        more = f"https://www.twilio.com/docs/errors/{row.code}"
        return encode({"code": row.code, "message": row.words + suffix, "more_info": more, "status": row.status})


def _show(path: str, account: str) -> bytes:
    if path.endswith("/Messages.json"):
        return answer(200, encode({"messages": [], "page": 0, "next_page_uri": None}))
    return answer(200, encode({"sid": account, "status": "active", "friendly_name": "Sandbox", "type": "Full"}))


def _message(form: dict[str, str], sid: str | None, now: float, failed: Refusal | None, suffix: str) -> dict[str, Any]:
    date = formatdate(now)
    return {
        "sid": sid,
        "account_sid": form["AccountSid"],
        "messaging_service_sid": form.get("MessagingServiceSid"),
        "to": form["To"],
        "from": form.get("From"),
        "body": form.get("Body", ""),
        "status": "failed" if failed else "queued",
        "error_code": failed.code if failed else None,
        "error_message": failed.words + suffix if failed else None,
        "num_segments": "1",
        "num_media": "0",
        "direction": "outbound-api",
        "api_version": "2010-04-01",
        "price": None,
        "price_unit": "USD",
        "date_created": date,
        "date_updated": date,
        "date_sent": None,
        "subresource_uris": {},
        "uri": f"/2010-04-01/Accounts/{form['AccountSid']}/Messages/{sid}.json",
    }


dialect = Twilio()
