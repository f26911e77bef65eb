"""From FCM's answers to typed outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from providers.messages import WireAnswer
from providers.outcomes import Kind, Outcome
from providers.transports import answers

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

# `errorCode` of the FcmError in `details` (firebase.google.com, REST reference, ErrorCode; provider-contracts §7).
# SENDER_ID_MISMATCH: the token belongs to another project. Refused for this message only: with a wrong project every
# token of an audience would be taken for dead, with one old token the provider would be paused.
ERRORS: dict[str, tuple[Kind, str]] = {
    "UNREGISTERED": (Kind.RECIPIENT_INVALID, "UNREGISTERED_TOKEN"),
    "INVALID_ARGUMENT": (Kind.REJECTED, "INVALID_ARGUMENT"),
    "SENDER_ID_MISMATCH": (Kind.REJECTED, "SENDER_ID_MISMATCH"),
    "THIRD_PARTY_AUTH_ERROR": (Kind.CONFIGURATION, "THIRD_PARTY_AUTH_ERROR"),
    "QUOTA_EXCEEDED": (Kind.DEFERRED, "RATE_LIMITED"),
    "UNAVAILABLE": (Kind.DEFERRED, "UNAVAILABLE"),
    "INTERNAL": (Kind.DEFERRED, "INTERNAL"),
}
# `error.status`, where there is no FcmError (google.rpc.Code). A 404 then is the project's, not the token's.
CODES: dict[str, tuple[Kind, str]] = {
    "UNAUTHENTICATED": (Kind.CONFIGURATION, "UNAUTHORIZED"),
    "PERMISSION_DENIED": (Kind.CONFIGURATION, "FORBIDDEN"),
    "NOT_FOUND": (Kind.CONFIGURATION, "PROJECT_NOT_FOUND"),
    "INVALID_ARGUMENT": (Kind.REJECTED, "INVALID_ARGUMENT"),
    "RESOURCE_EXHAUSTED": (Kind.DEFERRED, "RATE_LIMITED"),
    "UNAVAILABLE": (Kind.DEFERRED, "UNAVAILABLE"),
    "INTERNAL": (Kind.DEFERRED, "INTERNAL"),
}
# Without a body that can be read. FCM asks to try again after 500 and 503.
STATUS: answers.Table = {
    404: (Kind.CONFIGURATION, "PROJECT_NOT_FOUND"),
    500: (Kind.DEFERRED, "INTERNAL"),
}
INVALID_TOKEN = (Kind.RECIPIENT_INVALID, "INVALID_TOKEN")
# An invalid token has no code of its own: the field that is named, or Google's sentence, tells it apart.
TOKEN_FIELD = "message.token"  # noqa: S105 - a field's name
TOKEN_SENTENCE = "registration token is not a valid"  # noqa: S105 - a part of an error message
QUOTA_WAIT_S = 60.0
"""Where Google names no time (general knowledge: its advice is a minute)."""


def parse(settings: ProviderSettings, answer: WireAnswer) -> Outcome:
    value, kept = answers.read_json(settings, answer)
    if 200 <= answer.status < 300:
        return answers.accepted(_message_id(value), answer.status, kept)
    said = _error(value)
    kind, reason = _meaning(said, answer.status) or answers.by_status(answer.status, STATUS)
    wait = QUOTA_WAIT_S if reason == "RATE_LIMITED" else None
    return answers.failed(answer, kind, reason, error=said.get("message"), wait=wait, kept=kept)


def disproves_token(settings: ProviderSettings, answer: WireAnswer) -> bool:
    """A 401 about our access token, not about the app's key at Apple: that one comes with an FcmError. Not a 403, after
    which §7 would ask again too: it is about what the account may do, and its next token may do no more."""
    if answer.status != 401:
        return False
    value, _kept = answers.read_json(settings, answer)
    return not _fcm_code(_error(value))


def _meaning(said: dict[str, Any], http_status: int) -> tuple[Kind, str] | None:
    code, status = _fcm_code(said), said.get("status")
    row = ERRORS.get(code)
    if row is None and code and answers.by_status(http_status)[0] is Kind.REJECTED:
        # With any other status, such as UNSPECIFIED_ERROR in a 500, the code alone refuses nothing.
        return Kind.REJECTED, answers.vendor_reason("fcm", code)
    if row is None:
        row = CODES.get(status) if isinstance(status, str) else None
    if row is not None and row[1] == "INVALID_ARGUMENT" and _is_about_token(said):
        return INVALID_TOKEN
    return row


def _message_id(value: Any) -> str | None:
    """What stands behind the last slash of the name."""
    name = value.get("name") if isinstance(value, dict) else None
    return answers.message_id(name.rpartition("/")[2]) if isinstance(name, str) else None


def _error(value: Any) -> dict[str, Any]:
    error = value.get("error") if isinstance(value, dict) else None
    return error if isinstance(error, dict) else {}


def _fcm_code(said: dict[str, Any]) -> str:
    return next((code for part in _details(said) if isinstance(code := part.get("errorCode"), str)), "")


def _is_about_token(said: dict[str, Any]) -> bool:
    for part in _details(said):
        fields = part.get("fieldViolations")
        for field in fields if isinstance(fields, list) else ():
            if isinstance(field, dict) and field.get("field") == TOKEN_FIELD:
                return True
    return TOKEN_SENTENCE in str(said.get("message"))


def _details(said: dict[str, Any]) -> list[dict[str, Any]]:
    details = said.get("details")
    return [part for part in details if isinstance(part, dict)] if isinstance(details, list) else []
