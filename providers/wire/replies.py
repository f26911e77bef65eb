"""What an SMTP server said: the lines of its last reply, and at which command it came.

A reply is one or more lines "250-words", ended by "250 words" (RFC 5321, 4.2). What became of a message:

    a last reply of 4xx or 5xx, at any command     a complete answer: its code, its lines
    2xx after the message                          a complete answer: taken
    none after the message had begun to leave      unknown: the server may have taken it
    none before that                               nothing was sent
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pycurl

# The value of the header `smtp-stage` of an answer: what the server replied to.
CONNECT = "connect"
"""The connection itself: its greeting, EHLO or STARTTLS."""
AUTH = "auth"
MAIL = "mail"
RCPT = "rcpt"
DATA = "data"
MESSAGE = "message"
COMMAND = "command"
"""One that sends no message, such as NOOP."""

STAGE_HEADER = "smtp-stage"
# How libcurl's texts begin where a command was refused (lib/smtp.c).
_REFUSED = {"MAIL failed": MAIL, "RCPT failed": RCPT, "DATA failed": DATA, "Command failed": COMMAND}


def reply_of(code: int, lines: Sequence[bytes]) -> bytes:
    """The lines of the last whole reply with this code; nothing where there is none."""
    ending = re.compile(rb"%d(?: |\r?\n|\Z)" % code)
    inner = b"%d-" % code
    for end in range(len(lines) - 1, -1, -1):
        if ending.match(lines[end]):
            begin = end
            while begin and lines[begin - 1].startswith(inner):
                begin -= 1
            return b"".join(lines[begin : end + 1])
    return b""


def stage_of(number: int, text: str, *, has_begun: bool) -> str:
    """To what the last reply was said. `number` and `text` are libcurl's, for a transfer that failed."""
    if has_begun:
        return MESSAGE
    if number == pycurl.E_LOGIN_DENIED:
        return AUTH
    return next((stage for words, stage in _REFUSED.items() if text.startswith(words)), CONNECT)
