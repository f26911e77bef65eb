"""Evolution API v2 (provider-contracts §3), with its trap: in business mode a failure is answered 201 with the Graph's
error instead of a message. An instance whose name holds `missing` does not exist; one with `closed` is disconnected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from providers.sandbox.behaviours import behaviour_of
from providers.sandbox.dialects import meta
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

ERRORS = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
DOMAIN = "@s.whatsapp.net"


class Send(msgspec.Struct, gc=False):
    number: str


class Check(msgspec.Struct, gc=False):
    numbers: list[str]


read_send = msgspec.json.Decoder(Send).decode
read_check = msgspec.json.Decoder(Check).decode


class Evolution(Dialect):
    name = "evolution"
    paths = r"/(?:message/send|instance/connectionState/|chat/whatsappNumbers/|webhook/set/)"
    refusals = table(
        reject=Refusal(400, None, 'instance requires property "text"'),
        unauthorized=Refusal(401, None, "Unauthorized"),
        _429=Refusal(429, None, "Too many requests"),
        _500=Refusal(500, None, "Connection Closed"),
        _503=Refusal(503, None, "Service Unavailable"),
    )
    failures = {
        "invalid": Refusal(400, None, "exists"),
        "opted-out": meta.ROWS["opted_out"],
        "failed-in-200": meta.ROWS["failed_in_200"],
    }

    def credential_of(self, request: Request, path: str) -> str:
        return request.field("apikey")

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        verb, _, instance = path.rpartition("/")
        if "missing" in instance:
            words = f'The "{instance}" instance does not exist'
            return answer(404, self._said(404, words))
        if verb.startswith("/message/"):
            return Sends((Item(read_send(request.body).number),), form=instance)
        return _about(request, verb, instance)

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        return f"3EB0{digest(seed, 9).upper()}"

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        (fate,) = fates
        if fate.failure == "invalid":
            jid = {"exists": False, "jid": digits_in(fate.item.to) + DOMAIN, "number": fate.item.to}
            return answer(400, self._said(400, jid))
        if fate.failure:
            return answer(201, encode(meta.graph_error(self.failures[fate.failure], suffix)))
        key: dict[str, Any] = {"remoteJid": digits_in(fate.item.to) + DOMAIN, "fromMe": True, "id": fate.message_id}
        taken: dict[str, Any] = {
            "key": key,
            "pushName": "",
            "status": "PENDING",
            "message": {},
            "messageType": "conversation",
        }
        taken |= {"messageTimestamp": int(now), "instanceId": digest(str(sends.form), 16), "source": "unknown"}
        if not fate.message_id:
            del taken["key"]
        return answer(201, encode(taken))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        return self._said(row.status, row.words + suffix)

    def _said(self, status: int, words: Any) -> bytes:
        error = ERRORS.get(status, "Internal Server Error")
        return encode({"status": status, "error": error, "response": {"message": [words]}})


def _about(request: Request, verb: str, instance: str) -> bytes:
    if verb == "/instance/connectionState":
        state = "close" if "closed" in instance else "open"
        return answer(200, encode({"instance": {"instanceName": instance, "state": state}}))
    if verb == "/chat/whatsappNumbers":
        numbers = read_check(request.body).numbers
        return answer(200, encode([_known(number) for number in numbers]))
    if verb == "/webhook/set":
        return answer(201, request.body or b"{}")
    return not_found()


def _known(number: str) -> dict[str, Any]:
    exists = behaviour_of(number)[0].name != "invalid"
    return {"exists": exists, "jid": digits_in(number) + DOMAIN, "number": number}


dialect = Evolution()
