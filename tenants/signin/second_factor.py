"""The second factor: set up, confirmed, asked for, replaced by a recovery code, removed (decision 27).

Every verb runs in the transaction of the person whose factor it is: row-level security shows nobody else's.
"""

from __future__ import annotations

import base64
import datetime as dt
import secrets
import time
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import qrcode
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.oath import TOTP
from qrcode.image.svg import SvgPathImage

from tenants.identity import Identity
from tenants.models import RecoveryCode, Role, SecondFactor, SecondFactorRule

SESSION_KEY = "second_factor"
"""Where the session keeps the id of the factor that was proven in it."""
SECRET_BYTES, RECOVERY_BYTES, RECOVERY_CODES = 20, 10, 10
STEP_SECONDS = 30
_DRIFT = 1
"""Steps that a phone's clock may be off, either way."""


class Answer(msgspec.Struct, frozen=True):
    """What came of a code. `wait_until`: none is looked at before then."""

    right: bool
    wait_until: dt.datetime | None = None


def required(identity: Identity) -> bool:
    """Whether the organisation asks this person for a second factor."""
    if identity.second_factor == SecondFactorRule.EVERYONE:
        return True
    return identity.second_factor == SecondFactorRule.ADMINISTRATORS and identity.role == Role.ADMIN


def proven(request: HttpRequest, identity: Identity) -> bool:
    return identity.factor_id is not None and request.session.get(SESSION_KEY) == identity.factor_id


def begin(user: User, *, anew: bool) -> SecondFactor:
    """A factor that waits for its first code. `anew`: with a secret that no earlier page has shown."""
    fresh = {"name": "totp", "confirmed": False, "secret": secrets.token_hex(SECRET_BYTES)}
    factor: SecondFactor
    factor, made = SecondFactor.objects.get_or_create(user=user, defaults=fresh)
    if anew and not made and not factor.confirmed:
        factor.secret = fresh["secret"]
        factor.save(update_fields=["secret"])
    return factor


def confirm(factor: SecondFactor, code: str) -> list[str] | None:
    """With the first right code the factor counts; the recovery codes, which are shown now or never."""
    if not _check_time_code(factor, code):
        return None
    factor.confirmed = True
    factor.save(update_fields=["confirmed", "last_step"])
    return renew_codes(factor.user)


@transaction.atomic
def check(user: User, code: str) -> Answer:
    """A code of the app, or a recovery code, which is used up by it. Guesses at the same time wait for each other."""
    factor = SecondFactor.objects.select_for_update().filter(user=user, confirmed=True).first()
    if factor is None:
        return Answer(right=False)
    allowed, why = factor.verify_is_allowed()
    if not allowed:
        return Answer(right=False, wait_until=(why or {}).get("locked_until"))
    if _check_time_code(factor, code) or _use_recovery_code(user, code):
        factor.throttle_reset(commit=False)
        factor.save()
        return Answer(right=True)
    factor.throttle_increment()
    return Answer(right=False)


def renew_codes(user: User) -> list[str]:
    """Ten codes in place of those before."""
    RecoveryCode.objects.filter(user=user).delete()
    codes = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower() for _code in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create([RecoveryCode(user=user, digest=_digest(code)) for code in codes])
    return ["-".join(code[at : at + 4] for at in range(0, len(code), 4)) for code in codes]


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(user=user).count()


def remove(user: User) -> None:
    RecoveryCode.objects.filter(user=user).delete()
    SecondFactor.objects.filter(user=user).delete()


def reset(user_id: int) -> bool:
    """An administrator takes somebody's factor away (a lost phone): the database looks whether he may."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prism_reset_second_factor(%s)", [user_id])
        return bool(cursor.fetchone()[0])


def record(request: HttpRequest, person: Any, deed: Any) -> None:
    """In the journal of the organisation, about the person."""
    LogEntry.objects.log_actions(str(request.user.pk), User.objects.filter(pk=person.pk), CHANGE, str(deed))


def key_of(factor: SecondFactor) -> str:
    """The secret as people type it where no camera is at hand."""
    return base64.b32encode(bytes.fromhex(factor.secret)).decode()


def uri_of(factor: SecondFactor) -> str:
    """What the QR code says (the otpauth scheme that all apps read)."""
    label = quote(f"Prism:{factor.user.get_username()}")
    return f"otpauth://totp/{label}?" + urlencode({"secret": key_of(factor), "issuer": "Prism"})


def picture_of(text: str) -> str:
    """A QR code as SVG, drawn here: the secret goes to no other host."""
    picture = qrcode.make(text, image_factory=SvgPathImage, box_size=10, border=2)
    return str(picture.to_string(encoding="unicode"))


def _check_time_code(factor: SecondFactor, code: str) -> bool:
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return False
    totp = TOTP(bytes.fromhex(factor.secret), step=STEP_SECONDS)
    totp.time = time.time()
    right = bool(totp.verify(int(digits), tolerance=_DRIFT, min_t=factor.last_step + 1))
    if right:
        factor.last_step = totp.t()
    return right


def _use_recovery_code(user: User, code: str) -> bool:
    plain = "".join(sign for sign in code.lower() if sign.isalnum())
    deleted, _by_model = RecoveryCode.objects.filter(user=user, digest=_digest(plain)).delete()
    return deleted > 0


def _digest(code: str) -> bytes:
    return blake2b(code.encode("utf-8", "replace"), digest_size=32, person=b"prism-recovery").digest()


DEEDS = {
    "set_up": _("Second factor set up"),
    "renewed": _("New recovery codes"),
    "removed": _("Second factor removed"),
    "reset": _("Second factor reset by an administrator"),
}
