"""Some vendor that nobody wrote code for, such as a declarative provider describes (docs/adding-a-provider.md).

Any method below /http/; the recipient is in the JSON body, the form, the query or the last part of the path. Answers
{"result": {"id", "state"}}, failures {"errors": [{"code", "detail"}]}.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec

from providers.sandbox.dialects.dialect import (
    Dialect,
    Fate,
    Item,
    Malformed,
    Refusal,
    Sends,
    encode,
    own_id,
    table,
)
from providers.sandbox.messages import Request, answer

RECIPIENTS = ("to", "recipient", "number", "phone", "msisdn", "email", "address", "chat_id")


class Http(Dialect):
    name = "http"
    refusals = table(
        reject=Refusal(400, "CONTENT_REJECTED", "the content is refused"),
        unauthorized=Refusal(401, "UNAUTHORIZED", "the key is wrong"),
        invalid=Refusal(422, "RECIPIENT_INVALID", "no such recipient"),
        opted_out=Refusal(422, "OPTED_OUT", "wants no messages"),
        failed_in_200=Refusal(200, "FILTERED", "the provider was not amused"),
        _429=Refusal(429, "RATE_LIMITED", "too many requests"),
        _500=Refusal(500, "INTERNAL", "something broke"),
        _503=Refusal(503, "UNAVAILABLE", "come back later"),
    )

    def admits(self, request: Request, path: str, told: str, now: float) -> bool:
        """In whatever header or parameter it stands."""
        return not told or told.encode() in request.head or told.encode() in request.body

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        if path.endswith("/health"):
            return answer(200, b'{"status":"ok"}')
        fields = {**dict(parse_qsl(request.query)), **_fields(request)}
        given = [fields[name] for name in RECIPIENTS if isinstance(fields.get(name), str | int)]
        to = str(given[0]) if given else unquote(path.rpartition("/")[2])
        if not to:
            raise Malformed("no recipient")
        return Sends((Item(to, request.key or own_id(fields)),))

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        result = {"id": fates[0].message_id, "state": "queued"} if fates[0].message_id else {"state": "queued"}
        return answer(200, encode({"result": result}))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        return encode({"errors": [{"code": row.code, "detail": row.words + suffix}]})


def _fields(request: Request) -> dict[str, Any]:
    kind = request.field("content-type")
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(request.body.decode()))
    if not kind.startswith("application/json"):
        return {}
    fields = msgspec.json.decode(request.body)
    return fields if isinstance(fields, dict) else {}


dialect = Http()
