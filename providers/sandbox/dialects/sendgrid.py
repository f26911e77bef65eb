"""SendGrid v3 (provider-contracts §9a): one content for up to 1,000 people; one bad address refuses them all.

A suppressed address is taken like any other and dropped later, as an event says.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

import msgspec

from providers.sandbox.callbacks import sendgrid as callbacks
from providers.sandbox.dialects.dialect import (
    Dialect,
    Fate,
    Item,
    Refusal,
    Sends,
    digest,
    encode,
    not_found,
    own_id,
    table,
)
from providers.sandbox.messages import JSON, Request, answer

MOST_ITEMS = 1000
TOO_MANY = Refusal(400, "personalizations", "The personalizations field must have no more than 1000 items")


class Address(msgspec.Struct, gc=False):
    email: str


class Personalization(msgspec.Struct, gc=False):
    to: list[Address]
    custom_args: dict[str, str] = {}


class Mail(msgspec.Struct, gc=False, rename={"sender": "from"}):
    personalizations: list[Personalization]
    sender: Address
    custom_args: dict[str, str] = {}
    template_id: str = ""
    content: list[dict[str, Any]] = []
    subject: str = ""


read_mail = msgspec.json.Decoder(Mail).decode


class SendGrid(Dialect):
    name = "sendgrid"
    hosts = frozenset({"api.sendgrid.com", "api.eu.sendgrid.com"})
    paths = r"/v3/(?:mail/send|scopes|user/webhooks/)"
    most_items = MOST_ITEMS
    refusals = table(
        reject=Refusal(400, "content", "The content value must be a string at least one character in length."),
        malformed=Refusal(400, None, "Bad Request"),
        unauthorized=Refusal(401, None, "The provided authorization grant is invalid, expired, or revoked"),
        invalid=Refusal(400, "personalizations.0.to.0.email", "Does not contain a valid address."),
        _429=Refusal(429, None, "too many requests"),
        _500=Refusal(500, None, "internal server error"),
        _503=Refusal(503, None, "the service is unavailable"),
    )

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        if path.endswith("/v3/scopes"):
            return answer(200, encode({"scopes": ["mail.send", "user.webhooks.event.settings.read"]}))
        if "/webhooks/event/settings" in path:
            return answer(200, encode({"id": "sandbox", "enabled": True, "public_key": callbacks.PUBLIC_KEY}))
        if not path.endswith("/v3/mail/send"):
            return not_found()
        mail = read_mail(request.body)
        if len(mail.personalizations) > MOST_ITEMS:
            return answer(400, self.body_of(TOO_MANY, ""))
        if not mail.template_id and not (mail.content and mail.subject):
            return self.refuse("reject", now)
        items = [
            Item(address.email, own_id(each.custom_args, mail.custom_args))
            for each in mail.personalizations
            for address in each.to
        ]
        return Sends(items, form=items[0].key if len(items) > 1 else "") if items else self.refuse("malformed", now)

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        """One for the whole request."""
        return base64.urlsafe_b64encode(bytes.fromhex(digest(form or seed, 16))).decode().rstrip("=")

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        """One id for the whole request, which the events of its messages begin with."""
        message_id = fates[0].message_id
        extra = f"X-Message-Id: {message_id}\r\n".encode() if message_id else b""
        return answer(202, b"", extra=extra)

    def refuse(self, name: str, now: float, suffix: str = "", index: int = 0) -> bytes:
        """What is wrong with one message is told by its place."""
        row = self.refusals[name]
        if isinstance(row.code, str):
            row = row._replace(code=row.code.replace(".0.", f".{index}.", 1))
        return answer(row.status, self.body_of(row, suffix), JSON, self.extra_of(name, now))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        return encode({"errors": [{"message": row.words + suffix, "field": row.code, "help": None}]})

    def extra_of(self, name: str, now: float) -> bytes:
        if name in ("429", "429-once"):
            date = formatdate(now, usegmt=True).encode()
            return b"Date: %s\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: %d\r\n" % (date, now + 2)
        return super().extra_of(name, now)


dialect = SendGrid()
