"""What somebody asks for who sends without a campaign, and what they are told: one message in, one answer out."""

from __future__ import annotations

import datetime as dt
import uuid
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from dispatching.gates import Refusal

_canonical = msgspec.json.Encoder(order="sorted").encode


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One message. Provider by id, or the only active one of a type; template by id, or by code and locale; or a body
    of its own. Times are aware. `item` is its place in the request."""

    item: int = 0
    provider_id: uuid.UUID | None = None
    provider_type: str = ""
    template_id: uuid.UUID | None = None
    template_code: str = ""
    template_locale: str = ""
    subject: str = ""
    body: str = ""
    variables: dict[str, Any] = {}
    contact_attributes: dict[str, Any] = {}
    field_mappings: dict[str, Any] = {}
    to: str = ""
    contact_tax_id: str = ""
    correlation_id: str = ""
    trace_id: str = ""
    scheduled_for: dt.datetime | None = None
    not_after: dt.datetime | None = None

    @property
    def digest(self) -> int:
        """64 signed bits of what is asked for, whatever it is called: two of one digest are the same message."""
        bare = msgspec.structs.replace(self, item=0, correlation_id="", trace_id="")
        return int.from_bytes(blake2b(_canonical(bare), digest_size=8).digest(), "big", signed=True)


class Sender(msgspec.Struct, frozen=True):
    """For whom messages go: the tenant of the transaction, its clock and its language."""

    tenant_id: int
    zone: ZoneInfo
    locale: str


class Accepted(msgspec.Struct, frozen=True):
    """It will be sent. `duplicate`: it was accepted before, and this is the dispatch of that time."""

    dispatch_id: uuid.UUID
    correlation_id: str
    duplicate: bool


Answer = Accepted | Refusal
"""A Refusal's `path` is a JSON pointer into the message: /template_code."""
