"""One call of a vendor to us, the reports that go into it, and what an attacker would make of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import NamedTuple

# The words that every vendor's module translates into its own.
ACCEPTED, SENT, DELIVERED, READ, FAILED = "accepted", "sent", "delivered", "read", "failed"
OPTED_OUT, COMPLAINED, OPENED, CLICKED = "opted_out", "complained", "opened", "clicked"


class Report(NamedTuple):
    """`status` is one of the words above; `at` in seconds; `code` and `text` say in its terms why it failed."""

    message_id: str
    status: str
    at: float
    to: str = ""
    dispatch_id: str = ""
    code: str = ""
    text: str = ""
    account: str = ""
    """What the vendor calls our side: phone number id, instance, account sid, bot."""


class Callback(NamedTuple):
    url: str
    headers: Mapping[str, str]
    """Among them the signature, where the vendor has one."""
    body: bytes
    method: str = "POST"

    def without(self, *names: str) -> Callback:
        """As somebody sends it who does not know that these headers are needed."""
        gone = {name.lower() for name in names}
        return self._replace(headers={name: each for name, each in self.headers.items() if name.lower() not in gone})

    def tampered(self) -> Callback:
        """Another body below the same signature."""
        changed = self.body.replace(b"delivered", b"delivereD").replace(b"received", b"receiveD")
        return self._replace(body=changed if changed != self.body else self.body + b" ")

    def forged(self) -> Callback:
        """The same body, every other header's last character changed: no signature or secret survives that."""
        kept = ("content-type", "user-agent", "host")
        return self._replace(
            headers={name: each if name.lower() in kept else _altered(each) for name, each in self.headers.items()}
        )


def _altered(text: str) -> str:
    """Another letter in the middle, in any case: the last one of a base64 text may hold no bit that counts."""
    middle = len(text) // 2
    return f"{text[:middle]}{'B' if text[middle : middle + 1] in 'Aa' else 'A'}{text[middle + 1 :]}"


def rfc3339(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
