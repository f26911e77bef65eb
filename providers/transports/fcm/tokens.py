"""The access token of a Google service account: a JWT that its key signs is exchanged for it (RFC 7523).

The assertion is made for one audience, the address that it is posted to: nobody who receives it can use it elsewhere.
"""

from __future__ import annotations

import json
import re
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from django.utils.translation import gettext
from google.auth import crypt, jwt
from google.auth.exceptions import GoogleAuthError

from providers import verdicts
from providers.messages import WireAnswer, WireRequest
from providers.outcomes import Kind, Outcome, bounded_text
from providers.transports import Known, Unsendable, answers
from providers.transports.agent import USER_AGENT
from providers.transports.fcm.configuring import ACCOUNTS, GOOGLE_TOKENS, PROJECT
from providers.verdicts import Verdict

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

KEY = "access_token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
PERIOD_S = 600
"""An assertion is signed once for so long, however often it is needed: signing costs a millisecond."""
LIFETIME_S = 3600
"""What Google allows an assertion at the most."""
DEFAULT_TOKEN_S = 600.0
BAD_ACCOUNT = "BAD_SERVICE_ACCOUNT"
_HEADERS = ("Content-Type: application/x-www-form-urlencoded", "Accept: application/json", USER_AGENT)
# What Google's token endpoint says (RFC 6749 §5.2; that each of them is ours to mend is general knowledge).
ERRORS: dict[str, tuple[Kind, str]] = {
    "invalid_grant": (Kind.CONFIGURATION, "UNAUTHORIZED"),
    "invalid_client": (Kind.CONFIGURATION, "UNAUTHORIZED"),
    "unauthorized_client": (Kind.CONFIGURATION, "FORBIDDEN"),
    "invalid_scope": (Kind.CONFIGURATION, "FORBIDDEN"),
    "access_denied": (Kind.CONFIGURATION, "FORBIDDEN"),
}
# 5xx and 429 ask nobody to be sent anything: the question may be put again.
SERVER_ERROR = Kind.DEFERRED


class Account(msgspec.Struct, frozen=True):
    """What is needed of a service account's JSON document."""

    email: str
    project: str
    signer: Any

    def __repr__(self) -> str:
        return f"Account(project={self.project!r})"


def account_of(settings: ProviderSettings) -> Account:
    """Raises Unsendable where the credential is no service account: its text is never repeated."""
    text = next((settings.credentials[name] for name in ACCOUNTS if name in settings.credentials), "")
    account = _read_account(text)
    if account is None:
        told = gettext("The credential is not the JSON file of a service account.")
        raise Unsendable(Kind.CONFIGURATION, BAD_ACCOUNT, told)
    return account


def ask(settings: ProviderSettings, now: float | None = None) -> WireRequest:
    """Raises Unsendable where the credential is no service account."""
    account = account_of(settings)
    address = settings.configuration.get("oauth_url", GOOGLE_TOKENS)
    period = int(time.time() if now is None else now) // PERIOD_S
    return WireRequest(
        method="POST",
        url=address,
        headers=_HEADERS,
        body=_form(account, address, period),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
    )


def read(settings: ProviderSettings, answer: WireAnswer) -> Known | Outcome:
    """The token, or why there is none. Only errors are kept of the answer."""
    value, kept = answers.read_json(settings, answer)
    said = value if isinstance(value, dict) else {}
    token = said.get("access_token")
    if answer.status == 200 and isinstance(token, str) and token and token.isascii() and token.isprintable():
        return Known(token, answers.seconds(said.get("expires_in")) or DEFAULT_TOKEN_S)
    if answer.status == 200:
        return Outcome(Kind.DEFERRED, reason=answers.UNREADABLE_ANSWER, error="HTTP 200 without an access token")
    code, told = said.get("error"), said.get("error_description")
    row = ERRORS.get(code) if isinstance(code, str) else None
    kind, reason = row or answers.by_status(answer.status, server_error=SERVER_ERROR)
    if kind is Kind.REJECTED:
        kind = Kind.CONFIGURATION  # no message was judged: what the request lacks is ours
    return answers.failed(answer, kind, reason, error=answers.said(told, code), kept=kept)


def read_health(settings: ProviderSettings, answer: WireAnswer) -> Verdict:
    found = read(settings, answer)
    if isinstance(found, Known):
        return Verdict(ok=True, code=verdicts.OK)
    detail = bounded_text(f"HTTP {answer.status}: {found.error}", 300)
    if found.kind is Kind.CONFIGURATION:
        code = verdicts.FORBIDDEN if found.reason == "FORBIDDEN" else verdicts.UNAUTHORIZED
    else:
        code = verdicts.VENDOR_ERROR if answer.status >= 500 else verdicts.UNEXPECTED
    return Verdict(ok=False, code=code, detail=detail)


@lru_cache(maxsize=1024)
def _read_account(text: str) -> Account | None:
    try:
        document = json.loads(text)
        signer = crypt.RSASigner.from_service_account_info(document)  # type: ignore[no-untyped-call]  # the library's own gap
        project = str(document.get("project_id", ""))
        if project and not re.fullmatch(PROJECT, project):
            return None  # it becomes a part of the address
        return Account(str(document["client_email"]), project, signer)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, GoogleAuthError):
        return None


@lru_cache(maxsize=1024)
def _form(account: Account, audience: str, period: int) -> bytes:
    """Signed once in a period. Its beginning is already past, so that clocks a little apart do not matter."""
    begun = period * PERIOD_S
    claims = {"iss": account.email, "scope": SCOPE, "aud": audience, "iat": begun, "exp": begun + LIFETIME_S}
    assertion = jwt.encode(account.signer, claims).decode()  # type: ignore[no-untyped-call]  # the same
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    return urlencode({"grant_type": grant, "assertion": assertion}).encode()
