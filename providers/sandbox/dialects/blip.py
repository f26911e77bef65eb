"""Blip (LIME over HTTP): messages and commands (provider-contracts §1).

The sender chooses the message's id and is answered 202 without a body; what becomes of it is told later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.behaviours import behaviour_of
from providers.sandbox.dialects.dialect import (
    Dialect,
    Fate,
    Item,
    Refusal,
    Sends,
    digits_in,
    encode,
    not_found,
    table,
)
from providers.sandbox.messages import Request, answer

DOMAIN = "wa.gw.msging.net"
NO_SUCH_ACCOUNT = {"code": 42, "description": "The destination was not found"}
NOT_SUPPORTED = {"code": 66, "description": "The command is not supported"}


class Envelope(msgspec.Struct, gc=False):
    to: str
    type: str
    content: Any
    id: str = ""


class Command(msgspec.Struct, gc=False):
    id: str
    method: str
    uri: str
    to: str = ""


read_envelope = msgspec.json.Decoder(Envelope).decode
read_command = msgspec.json.Decoder(Command).decode


class Blip(Dialect):
    name = "blip"
    hosts = frozenset({"msging.net", "http.msging.net"})
    paths = r"/(?:messages|commands)$"
    refusals = table(
        reject=Refusal(400, 21, "The envelope is not valid"),
        unauthorized=Refusal(401, 32, "The authorization failed"),
        _429=Refusal(429, 429, "Too many requests"),
        _500=Refusal(500, 1, "A general error occurred"),
        _503=Refusal(503, 1, "The service is unavailable"),
    )

    def credential_of(self, request: Request, path: str) -> str:
        scheme, _, key = request.field("authorization").partition(" ")
        return key if scheme.lower() == "key" else ""

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        if path.endswith("/messages"):
            envelope = read_envelope(request.body)
            return Sends((Item(envelope.to.partition("@")[0], envelope.id),))
        return self._obey(read_command(request.body)) if path.endswith("/commands") else not_found()

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        return item.key

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        return answer(202, b"")

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        return encode({"code": row.code, "description": row.words + suffix})

    def _obey(self, command: Command) -> bytes:
        said: dict[str, Any] = {"id": command.id, "from": command.to, "method": command.method, "status": "success"}
        where, _, number = command.uri.partition("/accounts/")
        if command.uri == "/ping":
            said |= {"type": "application/vnd.lime.ping+json", "resource": {}}
        elif where != f"lime://{DOMAIN}":
            said |= {"status": "failure", "reason": NOT_SUPPORTED}
        elif number.startswith("+") and behaviour_of(number)[0].name == "invalid":
            said |= {"status": "failure", "reason": NO_SUCH_ACCOUNT}
        else:
            # Without the leading + every number looks valid.
            identity = f"{digits_in(number)}@{DOMAIN}"
            account = {"fullName": "Somebody", "alternativeAccount": identity, "identity": identity}
            said |= {"type": "application/vnd.lime.account+json", "resource": account}
        return answer(200, encode(said))


dialect = Blip()
