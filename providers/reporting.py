"""What a vendor tells us on its own or when asked: its call, and the reports in it, in one vocabulary for all vendors.

provider-contracts §0. `ingestion` hands reports on to `dispatching`, which keeps them and moves statuses forward.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping

import msgspec


class Call(msgspec.Struct, frozen=True):
    """A request of a vendor to us. `url` is the public address that the vendor called, with its query (signatures are
    made over it); `path` what stands behind the provider's id, without slashes at the ends; `headers` in lower case;
    `query` holds the first value of each name; `body` the raw bytes."""

    method: str
    url: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    received_at: dt.datetime

    def __repr__(self) -> str:
        """Without query, headers and body: they hold signatures and personal data."""
        return f"Call({self.method} {self.path!r}, body={len(self.body)} bytes)"


class Meaning(enum.Enum):
    """What a report says of a message. The status of a dispatch only moves forward (provider-contracts §0)."""

    ACCEPTED = "accepted"
    """Taken or still on its way: known already."""
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    ENGAGED = "engaged"
    """An open or a click: kept, and moves nothing."""


class Sign(enum.Enum):
    """What an outcome or a report says of the person or the address, beyond the one message."""

    OPTED_OUT = "opted_out"
    COMPLAINED = "complained"
    """Marked it as spam."""
    OPTED_IN = "opted_in"
    """Took an opt-out back at the vendor."""
    ADDRESS_DEAD = "address_dead"
    """Hard bounce, dead token, a number that does not exist: no message will ever arrive there."""


class VendorReport(msgspec.Struct, frozen=True, kw_only=True):
    """One report. `kind` is the vendor's own word; `event_id` the vendor's id of this report, "" where it has none;
    `dispatch_id` our own id where the vendor echoes it; `occurred_at` is aware; `payload` the report's part of the raw
    body, already without secrets; `address` matters where only the address is known (a sign without a message)."""

    kind: str
    meaning: Meaning
    message_id: str = ""
    dispatch_id: str = ""
    event_id: str = ""
    reason: str = ""
    error: str | None = None
    occurred_at: dt.datetime | None = None
    payload: bytes = b""
    sign: Sign | None = None
    address: str = ""
