"""SMTP as far as a mail server needs it (RFC 5321, 3207, 4954): one connection's commands, and what they are answered.

No sockets. What becomes of a message is the post office's matter (`mail.py`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Protocol

from providers.sandbox.replies import After, Reply

NAME = "sandbox.localhost"
MAX_LINE = 12 * 1024
MAX_MESSAGE = 2 * 1024 * 1024
MAX_RECIPIENTS = 100
END = b"\r\n.\r\n"
_FROM = re.compile(r"FROM:\s*<([^<>\s]*)>(?:\s+(.*))?", re.IGNORECASE)
_TO = re.compile(r"TO:\s*<([^<>\s]+)>(?:\s.*)?", re.IGNORECASE)
_SIZE = re.compile(r"\bSIZE=(\d{1,20})\b", re.IGNORECASE)


class Office(Protocol):
    """Decides. `heard`: all that the other side has said since it came, credentials too."""

    @property
    def wants_login(self) -> bool: ...

    def admits(self, username: str, password: str) -> bool: ...

    def refuse_login(self, heard: list[str]) -> Reply: ...

    def at_recipient(self, recipient: str, heard: list[str]) -> Reply | None: ...

    def at_data(self, recipients: list[str]) -> Reply | None: ...

    def at_message(self, recipients: list[str], message: bytes, heard: list[str]) -> Reply: ...


def say(code: int, *lines: str, after: After = After.KEEP) -> Reply:
    """A reply of one line or several."""
    *inner, last = lines
    text = "".join(f"{code}-{line}\r\n" for line in inner) + f"{code} {last}\r\n"
    return Reply(text.encode("utf-8", "surrogateescape"), after)


OK = say(250, "2.0.0 Ok")
OUT_OF_ORDER = say(503, "5.5.1 Bad sequence of commands")
MALFORMED = say(501, "5.5.4 Syntax error in parameters")
NOT_BASE64 = say(501, "5.5.2 Cannot decode")
TOO_LONG = say(552, "5.3.4 Message size exceeds fixed limit")


class Session:
    """One connection. `can_encrypt`: STARTTLS is offered, and no login is taken before it."""

    def __init__(self, office: Office, *, can_encrypt: bool) -> None:
        self.greeting: Reply | None = say(220, f"{NAME} ESMTP sandbox")
        self._office = office
        self._can_encrypt = can_encrypt
        self._is_encrypted = self._is_admitted = False
        self._heard: list[str] = []
        self._asked: Callable[[str], Reply] | None = None
        """What takes the next line, where it is no command but a part of a login."""
        self._username = ""
        self._commands: dict[str, Callable[[str], Reply]] = {
            "EHLO": self._ehlo,
            "HELO": lambda _rest: say(250, NAME),
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": lambda _rest: OK,
            "VRFY": lambda _rest: say(252, "2.5.2 Cannot verify, will try"),
            "QUIT": lambda _rest: say(221, "2.0.0 Bye", after=After.CLOSE),
        }
        self._forget()

    def take(self, inbox: bytes) -> tuple[Reply | None, int]:
        if self._in_data:
            return self._take_message(inbox)
        end = inbox.find(b"\n") + 1
        if max(end, len(inbox) if not end else 0) > MAX_LINE:
            return say(500, "5.5.2 Line too long", after=After.CLOSE), len(inbox)
        if not end:
            return None, 0
        line = inbox[:end].rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        self._heard.append(line)
        if self._asked is not None:
            asked, self._asked = self._asked, None
            return asked(line), end
        verb, _, rest = line.partition(" ")
        command = self._commands.get(verb.upper())
        reply = command(rest.strip()) if command else say(500, "5.5.1 Command unrecognized")
        # What came with the STARTTLS came before it, from anybody.
        return reply, len(inbox) if reply.after is After.ENCRYPT else end

    def _take_message(self, inbox: bytes) -> tuple[Reply | None, int]:
        if not self._message_is_long and inbox.startswith(END[2:]):
            return self._judge(b""), 3
        end = inbox.find(END)
        if end < 0:
            # The end may have begun to come; the rest is of no use any more once it is too much.
            self._message_is_long |= len(inbox) > MAX_MESSAGE
            return None, len(inbox) - len(END) + 1 if self._message_is_long else 0
        self._message_is_long |= end > MAX_MESSAGE
        return self._judge(inbox[: end + 2]), end + len(END)

    def _judge(self, stuffed: bytes) -> Reply:
        recipients, is_long = self._recipients, self._message_is_long
        self._forget()
        if is_long:
            return TOO_LONG
        message = (b"\r\n" + stuffed).replace(b"\r\n..", b"\r\n.")[2:]
        return self._office.at_message(recipients, message, self._heard)

    def _forget(self) -> None:
        """Everything about a message."""
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._in_data = self._message_is_long = False

    def _ehlo(self, rest: str) -> Reply:
        if not rest:
            return MALFORMED
        self._forget()
        offers = [NAME, f"SIZE {MAX_MESSAGE}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if self._can_encrypt and not self._is_encrypted:
            offers.append("STARTTLS")
        else:
            offers.append("AUTH PLAIN LOGIN")
        return say(250, *offers)

    def _starttls(self, _rest: str) -> Reply:
        if not self._can_encrypt or self._is_encrypted:
            return say(502, "5.5.1 Not offered")
        self._forget()
        self._is_encrypted = True
        return say(220, "2.0.0 Ready to start TLS", after=After.ENCRYPT)

    def _auth(self, rest: str) -> Reply:
        if self._can_encrypt and not self._is_encrypted:
            return say(538, "5.7.11 Encryption required for requested authentication mechanism")
        if self._is_admitted or self._sender is not None:
            return OUT_OF_ORDER
        mechanism, _, first = rest.partition(" ")
        if mechanism.upper() == "PLAIN":
            return self._plain(first) if first else self._ask("", self._plain)
        if mechanism.upper() == "LOGIN":
            return self._login_name(first) if first else self._ask("Username:", self._login_name)
        return say(504, "5.5.4 Unrecognized authentication type")

    def _ask(self, prompt: str, then: Callable[[str], Reply]) -> Reply:
        self._asked = then
        return say(334, base64.b64encode(prompt.encode()).decode())

    def _plain(self, line: str) -> Reply:
        given = _decoded(line)
        if given is None or given.count("\0") != 2:
            return NOT_BASE64
        _authorized, username, password = given.split("\0")
        return self._admit(username, password)

    def _login_name(self, line: str) -> Reply:
        given = _decoded(line)
        if given is None:
            return NOT_BASE64
        self._username = given
        return self._ask("Password:", self._login_password)

    def _login_password(self, line: str) -> Reply:
        given = _decoded(line)
        return NOT_BASE64 if given is None else self._admit(self._username, given)

    def _admit(self, username: str, password: str) -> Reply:
        self._heard.append(f"{username}:{password}")
        self._is_admitted = self._office.admits(username, password)
        if self._is_admitted:
            return say(235, "2.7.0 Authentication successful")
        return self._office.refuse_login(self._heard)

    def _mail(self, rest: str) -> Reply:
        if self._office.wants_login and not self._is_admitted:
            return say(530, "5.7.0 Authentication required")
        if self._sender is not None:
            return OUT_OF_ORDER
        found = _FROM.fullmatch(rest)
        if found is None:
            return MALFORMED
        size = _SIZE.search(found[2] or "")
        if size and int(size[1]) > MAX_MESSAGE:
            return TOO_LONG
        self._sender = found[1]
        return say(250, "2.1.0 Sender ok")

    def _rcpt(self, rest: str) -> Reply:
        if self._sender is None:
            return OUT_OF_ORDER
        found = _TO.fullmatch(rest)
        if found is None:
            return MALFORMED
        if len(self._recipients) >= MAX_RECIPIENTS:
            return say(452, "4.5.3 Too many recipients")
        refused = self._office.at_recipient(found[1], self._heard)
        if refused is not None:
            return refused
        self._recipients.append(found[1])
        return say(250, "2.1.5 Recipient ok")

    def _data(self, _rest: str) -> Reply:
        if not self._recipients:
            return OUT_OF_ORDER
        refused = self._office.at_data(self._recipients)
        if refused is not None:
            return refused
        self._in_data = True
        return say(354, "End data with <CR><LF>.<CR><LF>")

    def _rset(self, _rest: str) -> Reply:
        self._forget()
        return OK


def _decoded(line: str) -> str | None:
    """None where it is no base64 of a text; "*" gives a login up."""
    try:
        return base64.b64decode(line.encode(), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
