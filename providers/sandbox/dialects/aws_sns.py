"""Amazon SNS's query protocol (provider-contracts §5): signed forms in, XML out.

An opted-out number is taken like any other; SNS tells it in its logs only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from providers.sandbox.dialects import sigv4
from providers.sandbox.dialects.dialect import Dialect, Fate, Item, Malformed, Refusal, Sends, digest, table
from providers.sandbox.messages import XML, Request, answer

NAMESPACE = "http://sns.amazonaws.com/doc/2010-03-31/"
LONGEST = 1600


class AwsSns(Dialect):
    name = "aws_sns"
    refusals = table(
        reject=Refusal(400, "InvalidParameter", "Invalid parameter: Message too long"),
        malformed=Refusal(400, "ValidationError", "PhoneNumber and Message are needed"),
        unauthorized=Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match"),
        invalid=Refusal(
            400, "InvalidParameter", "Invalid parameter: PhoneNumber Reason: the number is not valid to publish to"
        ),
        _429=Refusal(429, "ThrottledException", "Rate exceeded"),
        _429_bare=Refusal(400, "Throttling", "Rate exceeded"),
        _500=Refusal(500, "InternalError", "An internal error occurred"),
        _503=Refusal(503, "ServiceUnavailable", "The service is unavailable"),
    )

    def admits(self, request: Request, path: str, told: str, now: float) -> bool:
        """`told`: access key id and secret, as "id:secret"; the signature is made again and compared."""
        key, _, secret = told.partition(":")
        return sigv4.is_signed(request, key, secret) if told else bool(request.field("authorization"))

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        form = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        action = form.get("Action", "")
        if action == "GetSMSAttributes":
            return _told(action, "<attributes/>")
        number, text = form.get("PhoneNumber", ""), form.get("Message", "")
        if action != "Publish" or not number or not text or len(text) > LONGEST:
            raise Malformed(action)
        return Sends((Item(number),))

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        text = digest(seed, 16)
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        message_id = fates[0].message_id
        return _told("Publish", f"<MessageId>{message_id}</MessageId>" if message_id else "")

    def refuse(self, name: str, now: float, suffix: str = "", index: int = 0) -> bytes:
        row = self.refusals[name]
        return answer(row.status, self.body_of(row, suffix), XML, self.extra_of(name, now))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        fault = "Receiver" if row.status >= 500 else "Sender"
        said = "".join(character if character.isprintable() else " " for character in row.words + suffix)
        return (
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{fault}</Type><Code>{row.code}</Code>'
            f"<Message>{escape(said)}</Message></Error><RequestId>sandbox</RequestId></ErrorResponse>"
        ).encode()


def _told(action: str, result: str) -> bytes:
    body = (
        f'<{action}Response xmlns="{NAMESPACE}"><{action}Result>{result}</{action}Result>'
        f"<ResponseMetadata><RequestId>sandbox</RequestId></ResponseMetadata></{action}Response>"
    )
    return answer(200, body.encode(), XML)


dialect = AwsSns()
