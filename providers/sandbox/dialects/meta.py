"""Meta's WhatsApp Cloud API (provider-contracts §2): the Graph's errors, one message per request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.dialects.dialect import (
    Dialect,
    Fate,
    Item,
    Refusal,
    Sends,
    digest,
    digits_in,
    encode,
    not_found,
    table,
)
from providers.sandbox.messages import Request, answer

# The Graph's codes, which Evolution passes on as they are.
ROWS = {
    "reject": Refusal(400, 132000, "Number of parameters does not match the expected number of params"),
    "unauthorized": Refusal(401, 190, "Error validating access token: session has expired"),
    "invalid": Refusal(400, 131026, "Message undeliverable"),
    "opted_out": Refusal(400, 131050, "User has stopped marketing messages from this business"),
    "failed_in_200": Refusal(200, 131049, "Not delivered to maintain healthy ecosystem engagement"),
    "_429": Refusal(429, 130429, "Cloud API message throughput has been reached"),
    "_429_bare": Refusal(400, 131056, "Pair rate limit hit"),
    "_500": Refusal(500, 131000, "Something went wrong"),
    "_503": Refusal(503, 131016, "Service unavailable"),
}


class Send(msgspec.Struct, gc=False):
    messaging_product: str
    type: str = "text"
    to: str = ""
    recipient: str = ""
    biz_opaque_callback_data: str = ""


read_send = msgspec.json.Decoder(Send).decode


class Meta(Dialect):
    name = "meta"
    hosts = frozenset({"graph.facebook.com"})
    paths = r"/v\d+\.\d+/"
    refusals = table(**ROWS)

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        if request.method == b"GET":
            number = path.rpartition("/")[2]
            account = {"id": number, "verified_name": "Sandbox", "display_phone_number": "+55 11 5555-0100"}
            return answer(200, encode({**account, "quality_rating": "GREEN"}))
        if not path.endswith("/messages"):
            return not_found()
        send = read_send(request.body)
        return Sends((Item(send.to or send.recipient, send.biz_opaque_callback_data),))

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        return f"wamid.{digest(seed, 20).upper()}"

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        (fate,) = fates
        to = fate.item.to
        messages = [{"id": fate.message_id, "message_status": "accepted"}] if fate.message_id else []
        contacts = [{"input": to, "wa_id": digits_in(to)}]
        return answer(200, encode({"messaging_product": "whatsapp", "contacts": contacts, "messages": messages}))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        return encode({"error": graph_error(row, suffix)})


def graph_error(row: Refusal, suffix: str) -> dict[str, Any]:
    return {
        "message": f"(#{row.code}) {row.words}{suffix}",
        "type": "OAuthException",
        "code": row.code,
        "error_data": {"messaging_product": "whatsapp", "details": row.words + suffix},
        "fbtrace_id": "A0sandboxTrace",
    }


dialect = Meta()
