"""The sandbox vendor's post office: how the behaviours of `behaviours.py` are said over SMTP (provider-contracts §10).

What SMTP cannot say in a reply (an opt-out, a failure inside a success) is taken; mail has no reports to say it later.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from providers.sandbox.behaviours import behaviour_of
from providers.sandbox.dialects.dialect import MANY_SCRIPTS, Dialect, Item, digest, own_id
from providers.sandbox.replies import After, Reply
from providers.sandbox.smtp import Session, say
from providers.sandbox.vendor import HALVES, ONCE, PAGE, Vendor


class Row(NamedTuple):
    code: int
    words: str
    after: After = After.KEEP


UNAUTHORIZED = Row(535, "5.7.8 Authentication credentials invalid")
GREYLISTED = Row(450, "4.7.1 Greylisted, please try again later")
REFUSED = Row(554, "5.7.1 Message refused: it looks like spam")
BROKEN = Row(451, "4.3.0 Local error in processing")
# In reply to RCPT.
OF_RECIPIENT: dict[str, Row] = {
    "invalid": Row(550, "5.1.1 The mailbox does not exist"),
    "redirect": Row(551, "5.1.6 User not local; please try <elsewhere@example.com>"),
    "unauthorized": UNAUTHORIZED,
    "429": GREYLISTED,
    "429-bare": Row(450, "Mailbox busy"),
    "503": Row(421, "4.3.2 Service not available, closing transmission channel", After.CLOSE),
}
# In reply to the message, which alone has a key to count tries by.
OF_MESSAGE: dict[str, Row] = {
    "reject": REFUSED,
    "unicode-error": REFUSED,
    "unknown": REFUSED,
    "401-once": UNAUTHORIZED,
    "429-once": GREYLISTED,
    "500": BROKEN,
    "500-once": BROKEN,
    "echo": BROKEN,
}
# After the message, which was not taken.
LOST: dict[str, Reply] = {
    "502": Reply(b"", After.CLOSE),
    "504": Reply(b"", After.CLOSE),
    "html": Reply(PAGE + b"\r\n", After.CLOSE),
    "reset": Reply(b"", After.RESET),
}
# After the message, which was taken.
TAKEN: dict[str, Reply] = {
    "empty": Reply(b"\r\n", After.CLOSE),
    "not-json": Reply(PAGE + b"\r\n", After.CLOSE),
    "huge": say(250, *["2.0.0 " + "x" * 490] * 4000, "2.0.0 Ok"),
    "hang-after": Reply(b"", After.HANG),
    "close": Reply(b"", After.CLOSE),
}
SILENT_AT_DATA = "hang-before"
LONGEST_LINE = 400
_MESSAGE_ID = re.compile(rb"^message-id:(.*)", re.IGNORECASE | re.MULTILINE)


class Mail(Dialect):
    """Its name, and its ids: those of the queue."""

    name = "smtp"

    def message_id(self, item: Item, seed: str, behaviour: str, form: Any) -> str:  # noqa: ARG002 - the base's signature
        return digest(seed, 8).upper()


dialect = Mail()


class PostOffice:
    """Shares the ledger, the credentials (`smtp`: user:password) and the echo of a vendor that has the HTTP side."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._told = vendor.told.get(dialect.name, "")

    def open(self, *, can_encrypt: bool) -> Session:
        """For one connection."""
        return Session(self, can_encrypt=can_encrypt)

    @property
    def wants_login(self) -> bool:
        return bool(self._told)

    def admits(self, username: str, password: str) -> bool:
        return not self._told or f"{username}:{password}" == self._told

    def refuse_login(self, heard: list[str]) -> Reply:
        return self._refuse("unauthorized", UNAUTHORIZED, heard)

    def at_recipient(self, recipient: str, heard: list[str]) -> Reply | None:
        name = behaviour_of(recipient)[0].name
        row = OF_RECIPIENT.get(name)
        if row is None:
            return None
        self._vendor.ledger.behaviours[name] += 1
        return self._refuse(name, row, heard)

    def at_data(self, recipients: list[str]) -> Reply | None:
        for recipient in recipients:
            if behaviour_of(recipient)[0].name == SILENT_AT_DATA:
                self._vendor.ledger.behaviours[SILENT_AT_DATA] += 1
                return Reply(b"", After.HANG)
        return None

    def at_message(self, recipients: list[str], message: bytes, heard: list[str]) -> Reply:
        """The first recipient that is refused decides for all, then the first that is answered in a way of its own."""
        found = _MESSAGE_ID.search(message.partition(b"\r\n\r\n")[0])
        key = own_id(found[1].decode("ascii", "replace")) if found else ""
        for recipient in recipients:
            refused = self._refused(Item(recipient, key), heard, message)
            if refused is not None:
                return refused
        replies = [self._take(Item(recipient, key)) for recipient in recipients]
        own = (each for each in replies if each.after is not After.KEEP or each.delay_ms or each.data[3:4] == b"-")
        return next(own, replies[0])

    def _refused(self, item: Item, heard: list[str], message: bytes) -> Reply | None:
        name = behaviour_of(item.to)[0].name
        row, lost = OF_MESSAGE.get(name), LOST.get(name)
        if (row is None and lost is None) or (name in ONCE and not self._vendor.is_first_try(name, item)):
            return None
        self._vendor.ledger.behaviours[name] += 1
        lines = message.decode("utf-8", "replace").split("\r\n")
        return lost or self._refuse(name, row or REFUSED, [*heard, *lines])

    def _take(self, item: Item) -> Reply:
        behaviour, delay = behaviour_of(item.to)
        queued = self._vendor.accept(dialect, item, behaviour, None)
        words = "2.0.0 Ok" if behaviour.name == "no-id" else f"2.0.0 Ok: queued as {queued}"
        reply = TAKEN.get(behaviour.name) or say(250, words)._replace(delay_ms=delay)
        if behaviour.name in HALVES:
            return Reply(reply.data[: len(reply.data) // 2], HALVES[behaviour.name])
        return reply

    def _refuse(self, name: str, row: Row, heard: list[str]) -> Reply:
        words = row.words + (MANY_SCRIPTS if name == "unicode-error" else "")
        lines = [line[:LONGEST_LINE] for line in heard] if self._vendor.echo or name == "echo" else []
        enhanced = words.partition(" ")[0]
        return say(row.code, words, *(f"{enhanced} {line}" for line in lines), after=row.after)
