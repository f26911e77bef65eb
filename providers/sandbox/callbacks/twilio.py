"""Twilio's status callback (provider-contracts §4): HMAC-SHA1 over the URL and the sorted form."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from providers.sandbox.callbacks.call import ACCEPTED, DELIVERED, FAILED, OPTED_OUT, READ, SENT, Callback, Report

STATUSES = {ACCEPTED: "queued", SENT: "sent", DELIVERED: "delivered", READ: "read"}
STATUSES |= {FAILED: "undelivered", OPTED_OUT: "failed"}
CODES = {FAILED: "30005", OPTED_OUT: "21610"}
SIGNATURE = "X-Twilio-Signature"


def make(reports: Sequence[Report], *, secret: str, url: str, now: float) -> Callback:
    """One report per call: more have no place in it. `secret`: the account's token."""
    (report,) = reports
    form = {
        "MessageSid": report.message_id,
        "SmsSid": report.message_id,
        "MessageStatus": STATUSES[report.status],
        "SmsStatus": STATUSES[report.status],
        "To": report.to,
        "From": "+15005550006",
        "AccountSid": report.account,
        "ApiVersion": "2010-04-01",
    }
    if report.status in CODES:
        form["ErrorCode"] = report.code or CODES[report.status]
        form["ErrorMessage"] = report.text
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", SIGNATURE: sign(url, form, secret)}
    return Callback(url, headers, urlencode(form).encode())


def sign(url: str, form: Mapping[str, str], secret: str) -> str:
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()
