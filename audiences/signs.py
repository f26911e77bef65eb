"""Signs of consent and of dead addresses, as vendors gave them: kept once each, for ever.

What follows from them (who is written to no more, and where) is decided elsewhere. docs/providers.md: what becomes one.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection
from hashlib import blake2b
from typing import ClassVar

import msgspec
import psycopg
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from providers.outcomes import bounded_text
from providers.reporting import Sign
from providers.transports.phones import digits_of
from tenants.models import Tenant


class SignKind(models.TextChoices):
    OPTED_OUT = Sign.OPTED_OUT.value, _("Opted out")
    COMPLAINED = Sign.COMPLAINED.value, _("Complained: marked as spam")
    OPTED_IN = Sign.OPTED_IN.value, _("Opted in again")
    ADDRESS_DEAD = Sign.ADDRESS_DEAD.value, _("Address is dead")


class AddressKind(models.TextChoices):
    PHONE = "phone", _("Phone number")
    EMAIL = "email", _("E-mail address")
    PUSH_TOKEN = "push_token", _("Push token")
    CHAT_ID = "chat_id", _("Chat id")
    OTHER = "other", _("Other")


OF_ATTRIBUTE = {
    "phone_number": AddressKind.PHONE,
    "email": AddressKind.EMAIL,
    "push_token": AddressKind.PUSH_TOKEN,
    "telegram_chat_id": AddressKind.CHAT_ID,
}
"""The contact attribute that holds an address, and what kind of address that is."""
LONGEST = {"address": 500, "contact_tax_id": 50, "reason": 50}


class SuppressionSign(models.Model):
    """One fact, written by workers only and changed by nobody. `key` is a digest, so that a repeated report is no new
    row; `address` is normalised. `id` is the order in which they were learnt, `occurred_at` the one that counts."""

    id = models.BigAutoField(primary_key=True)
    key = models.UUIDField(unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    kind = models.CharField(_("sign"), max_length=20, choices=SignKind)
    address_kind = models.CharField(_("kind of address"), max_length=20, choices=AddressKind)
    address = models.CharField(_("address"), max_length=500)
    contact_tax_id = models.CharField(_("tax id"), max_length=50, blank=True)
    provider_id = models.UUIDField(_("provider"))
    dispatch_id = models.UUIDField(_("dispatch"), null=True)
    reason = models.CharField(_("provider's reason"), max_length=50, blank=True)
    occurred_at = models.DateTimeField(_("happened at"))
    recorded_at = models.DateTimeField(_("recorded at"), db_default=Now())

    class Meta:
        db_table = "suppression_signs"
        verbose_name = _("suppression sign")
        verbose_name_plural = _("suppression signs")
        indexes: ClassVar = [
            models.Index(fields=["tenant", "id"], name="suppression_signs_of_tenant"),
            models.Index(fields=["tenant", "address_kind", "address"], name="suppression_signs_address"),
            models.Index(fields=["tenant", "contact_tax_id"], name="suppression_signs_tax_id"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.address_kind}"


class NewSign(msgspec.Struct, frozen=True, kw_only=True):
    """`attribute`: the contact attribute that the address came from. `source` tells signs of one dispatch apart: the id
    of a receipt, or how a try ended. `dispatch_id` as UUID text, None where only the address is known."""

    tenant_id: int
    kind: Sign
    attribute: str
    address: str
    provider_id: str
    occurred_at: dt.datetime
    source: str
    dispatch_id: str | None = None
    contact_tax_id: str = ""
    reason: str = ""


_RECORD = """
INSERT INTO suppression_signs (key, tenant_id, kind, address_kind, address, contact_tax_id, provider_id, dispatch_id,
  reason, occurred_at)
SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::uuid[], %s::uuid[],
  %s::text[], %s::timestamptz[]) AS e (key, tenant_id, kind, address_kind, address, tax_id, provider_id, dispatch_id,
  reason, occurred_at) ORDER BY occurred_at, key ON CONFLICT DO NOTHING
"""


def record_signs(cursor: psycopg.Cursor, signs: Collection[NewSign]) -> int:
    """In the caller's transaction, over the owner's connection. How many were not known before."""
    if not signs:
        return 0
    columns = zip(*map(_row, signs), strict=True)
    cursor.execute(_RECORD, [list(column) for column in columns])
    return cursor.rowcount


def normalised(kind: AddressKind, address: str) -> str:
    """How addresses of a kind are compared; the text itself where it is none of its kind."""
    bare = address.strip()
    if kind is AddressKind.PHONE:
        return digits_of(bare.rpartition(":")[2]) or bare
    return bare.lower() if kind is AddressKind.EMAIL else bare


def _row(sign: NewSign) -> tuple[object, ...]:
    kind = OF_ATTRIBUTE.get(sign.attribute, AddressKind.OTHER)
    address = _text("address", normalised(kind, sign.address))
    return (
        _key(sign, address),
        sign.tenant_id,
        sign.kind.value,
        kind.value,
        address,
        _text("contact_tax_id", sign.contact_tax_id),
        sign.provider_id,
        sign.dispatch_id,
        _text("reason", sign.reason),
        sign.occurred_at,
    )


def _key(sign: NewSign, address: str) -> uuid.UUID:
    told = (sign.tenant_id, sign.provider_id, sign.kind.value, sign.dispatch_id, address, sign.source)
    text = "\x1f".join(map(str, told)).encode("utf-8", "surrogatepass")
    return uuid.UUID(bytes=blake2b(text, digest_size=16).digest())


def _text(name: str, value: str) -> str:
    return bounded_text(value, LONGEST[name])
