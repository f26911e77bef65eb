"""FCM HTTP v1 and the OAuth server before it (provider-contracts §7).

A token says when it ends and is signed, so that the simulator needs no memory to know its own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

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

LIFETIME_S = 3599
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
STATUSES = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
STATUSES |= {429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE"}
_SECRET = b"the sandbox's own"


class Push(msgspec.Struct, gc=False):
    token: str = ""
    data: dict[str, str] | None = None


class Send(msgspec.Struct, gc=False):
    message: Push
    validate_only: bool = False


read_send = msgspec.json.Decoder(Send).decode


class Fcm(Dialect):
    name = "fcm"
    hosts = frozenset({"fcm.googleapis.com", "oauth2.googleapis.com"})
    paths = r"/v1/projects/[^/]+/messages:send$"
    refusals = table(
        reject=Refusal(400, "INVALID_ARGUMENT", "Android message is too big"),
        unauthorized=Refusal(401, None, "Request had invalid authentication credentials"),
        invalid=Refusal(404, "UNREGISTERED", "Requested entity was not found"),
        opted_out=Refusal(404, "UNREGISTERED", "Requested entity was not found"),
        failed_in_200=Refusal(403, "SENDER_ID_MISMATCH", "SenderId mismatch"),
        _429=Refusal(429, "QUOTA_EXCEEDED", "Quota exceeded"),
        _500=Refusal(500, "INTERNAL", "Internal error encountered"),
        _503=Refusal(503, "UNAVAILABLE", "The service is currently unavailable"),
    )

    def admits(self, request: Request, path: str, told: str, now: float) -> bool:
        """`told`: the service account's public key (PEM), with which assertions are verified. Sends carry a token that
        was given out for one and has not ended."""
        if path.endswith("/token"):
            form = parse_qs(request.body.decode())
            return form.get("grant_type") == [GRANT] and _is_asserted(form.get("assertion", [""])[0], told, now)
        return is_valid_token(self.credential_of(request, path), now)

    def read(self, request: Request, path: str, now: float) -> Sends | bytes:
        if path.endswith("/token"):
            token = token_until(now + LIFETIME_S)
            return answer(200, encode({"access_token": token, "expires_in": LIFETIME_S, "token_type": "Bearer"}))
        if not path.endswith("/messages:send"):
            return not_found()
        send = read_send(request.body)
        if not send.message.token:
            raise Malformed("Exactly one of token, topic or condition is required")
        project = path.partition("/projects/")[2].partition("/")[0]
        if send.validate_only:
            return answer(200, encode({"name": f"projects/{project}/messages/fake_message_id"}))
        return Sends((Item(send.message.token, own_id(send.message.data or {})),), form=project)

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:
        return f"0:{digest(seed, 8)}%{digest(seed, 8)}"

    def answer(self, sends: Sends, fates: Sequence[Fate], now: float, suffix: str) -> bytes:
        message_id = fates[0].message_id
        return answer(200, encode({"name": f"projects/{sends.form}/messages/{message_id}"} if message_id else {}))

    def body_of(self, row: Refusal, suffix: str) -> bytes:
        error: dict[str, Any] = {"code": row.status, "message": row.words + suffix, "status": STATUSES[row.status]}
        if row.code:
            kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
            error["details"] = [{"@type": kind, "errorCode": row.code}]
        return encode({"error": error})


def token_until(end: float) -> str:
    return f"ya29.sandbox-{int(end)}-{_seal(int(end))}"


def is_valid_token(token: str, now: float) -> bool:
    end, _, seal = token.removeprefix("ya29.sandbox-").partition("-")
    return end.isdecimal() and hmac.compare_digest(seal, _seal(int(end))) and int(end) > now


def _seal(end: int) -> str:
    return hmac.new(_SECRET, str(end).encode(), hashlib.sha256).hexdigest()


def _is_asserted(assertion: str, told: str, now: float) -> bool:
    """Whether it is a JWT for this scope (and of the account, where its key was told)."""
    signed, _, signature = assertion.rpartition(".")
    try:
        claims = msgspec.json.decode(_decoded(signed.partition(".")[2]))
        if told:
            key = load_pem_public_key(told.encode())
            assert isinstance(key, rsa.RSAPublicKey)
            key.verify(_decoded(signature), signed.encode(), padding.PKCS1v15(), SHA256())
    except (msgspec.MsgspecError, ValueError, InvalidSignature):
        return False
    return isinstance(claims, dict) and SCOPE in str(claims.get("scope")) and int(claims.get("exp", 0)) > now


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as problem:
        raise ValueError(text) from problem


dialect = Fcm()
