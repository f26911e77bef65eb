"""One libcurl handle that sends e-mail over SMTP, one after another, over a connection that it keeps."""

from __future__ import annotations

import contextlib
import os
import socket
import time

import pycurl

from providers.messages import NO_HEADERS, Envelope, WireAnswer, WireRequest
from providers.wire import answers, errors, replies
from providers.wire.handles import NO_LIMITS, Handle, Policy
from providers.wire.lanes import Item

SMTP_AND_SMTPS = pycurl.PROTO_SMTP | pycurl.PROTO_SMTPS
MAX_IDLE_SECONDS = 60
"""Longer than for HTTP: a connection that its server has ended is found before a message has left, and costs a try."""
MAX_MESSAGES = 100
"""Per connection: what mail servers commonly allow (provider-contracts §10)."""
# What needs neither a Kerberos ticket nor a browser; the connection is encrypted.
MECHANISMS = "AUTH=PLAIN;AUTH=LOGIN;AUTH=CRAM-MD5;AUTH=SCRAM-SHA-1;AUTH=SCRAM-SHA-256"
LEFT_SERVICE = 421  # "I am closing this connection" (RFC 5321, 3.8)


class Letter(Handle):
    """Used by one thread. Its bound methods are libcurl's callbacks."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(policy)
        self.is_dismissed = False
        """Set by another thread: no message may begin to leave any more."""
        self.has_begun = False
        """A byte of the message has left."""
        self._has_message = True
        self._body = b""
        self._deadline = 0.0
        self._late = False
        self._room = 0
        self._too_large = False
        self._lines: list[bytes] = []
        self._carried = 0
        self._is_last = False
        self._set_up()

    def carry(self, item: Item, resolved: str | None) -> WireAnswer:
        """Sends it, and waits for what comes of it. `resolved` is a RESOLVE entry that this handle has not seen."""
        started = time.monotonic()
        try:
            self._load(item, resolved)
        except (pycurl.error, ValueError, TypeError) as failure:
            return answers.invalid(str(failure))
        number, text = self._perform()
        if self._may_go_again(number):
            self.curl.setopt(pycurl.FRESH_CONNECT, 1)
            self._rewind(item.request)
            number, text = self._perform()
            self.curl.setopt(pycurl.FRESH_CONNECT, 0)
        answer = self._answer(number, text, (time.monotonic() - started) * 1000)
        if not answer.complete:
            self._hang_up()
        self._body = b""
        return answer

    def _set_up(self) -> None:
        self.set_up(SMTP_AND_SMTPS, MAX_IDLE_SECONDS)
        setopt = self.curl.setopt
        setopt(pycurl.MAXCONNECTS, 1)
        setopt(pycurl.LOGIN_OPTIONS, MECHANISMS)
        setopt(pycurl.HEADERFUNCTION, self._hear)
        if self._has_message:
            setopt(pycurl.UPLOAD, 1)
            setopt(pycurl.READFUNCTION, self._read)
        else:
            # A command that reaches nobody, over a connection of its own: it proves the whole way in.
            setopt(pycurl.NOBODY, 1)
            setopt(pycurl.FRESH_CONNECT, 1)
            setopt(pycurl.FORBID_REUSE, 1)

    def _load(self, item: Item, resolved: str | None) -> None:
        """Raises pycurl.error, ValueError."""
        request = item.request
        envelope = request.envelope
        assert envelope is not None
        _check(envelope)
        if bool(request.body) != self._has_message:
            self._has_message = bool(request.body)
            self.curl.reset()
            self.limits = NO_LIMITS
            self._set_up()
        setopt = self.curl.setopt
        setopt(pycurl.URL, request.url)
        setopt(pycurl.USE_SSL, pycurl.USESSL_ALL if envelope.starttls else pycurl.USESSL_NONE)
        if envelope.username:
            setopt(pycurl.USERNAME, envelope.username)
            setopt(pycurl.PASSWORD, envelope.password)
        else:
            self.curl.unsetopt(pycurl.USERNAME)
            self.curl.unsetopt(pycurl.PASSWORD)
        if self._has_message:
            setopt(pycurl.MAIL_FROM, envelope.sender)
            setopt(pycurl.MAIL_RCPT, [envelope.recipient])
            setopt(pycurl.INFILESIZE_LARGE, len(request.body))
            self._is_last = self._carried + 1 >= MAX_MESSAGES
            setopt(pycurl.FORBID_REUSE, int(self._is_last))
        else:
            setopt(pycurl.CUSTOMREQUEST, request.method)
        self.set_limits(request)
        if resolved is not None:
            setopt(pycurl.RESOLVE, [resolved])
        self._deadline = item.deadline
        self._rewind(request)

    def _rewind(self, request: WireRequest) -> None:
        self._body = request.body
        self.has_begun = self._late = self._too_large = False
        self._room = request.max_answer_bytes
        self._lines.clear()
        self.refused = self.no_socket = ""

    def _perform(self) -> tuple[int, str]:
        """libcurl's error and its text; (0, "") where there is none."""
        try:
            self.curl.perform()
        except pycurl.error as failure:
            number, text = failure.args
        else:
            number, text = 0, ""
        if self._is_last:
            self._carried = 0
        else:
            self._carried = 1 if self.curl.getinfo(pycurl.NUM_CONNECTS) else self._carried + 1
        return number, text

    def _may_go_again(self, number: int) -> bool:
        """Whether all that was wrong was the connection, which had been used before and has been ended since."""
        if number == 0 or self.has_begun or self._late or self.is_dismissed:
            return False
        if self.curl.getinfo(pycurl.NUM_CONNECTS) or number == pycurl.E_OPERATION_TIMEDOUT:
            return False
        code, _text = self._reply()
        return code < 400 or code == LEFT_SERVICE

    def _hang_up(self) -> None:
        """Ends a connection that libcurl would use again although a reply is owed on it: the next message would wait
        for that one, or take it for its own."""
        descriptor = self.curl.getinfo(pycurl.ACTIVESOCKET)
        if descriptor >= 0:
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(descriptor)) as connection:
                connection.shutdown(socket.SHUT_RDWR)

    def _reply(self) -> tuple[int, bytes]:
        """The last reply but that to QUIT, which libcurl does not count; (0, b"") where there is no whole one."""
        code: int = self.curl.getinfo(pycurl.RESPONSE_CODE)
        text = replies.reply_of(code, self._lines)
        return (code, text) if text else (0, b"")

    def _answer(self, number: int, text: str, elapsed_ms: float) -> WireAnswer:
        status, said = self._reply()
        # After the message had begun, the reply before it was 354, so that any 2xx is the one to the message.
        is_whole = number == 0 or status >= 400 or (self.has_begun and 200 <= status < 300)
        if is_whole and not self._late:
            stage = replies.stage_of(number, text, has_begun=self.has_begun)
            return WireAnswer(
                status=status,
                headers={replies.STAGE_HEADER: stage} if number else NO_HEADERS,
                body=said,
                left=True,
                complete=True,
                error=None,
                detail="",
                elapsed_ms=elapsed_ms,
            )
        code, detail = self._explain(number, text)
        return answers.broken(self.has_begun, code, detail, elapsed_ms)

    def _explain(self, number: int, text: str) -> tuple[str, str]:
        if self._late:
            return errors.DEADLINE, answers.late().detail
        if self._too_large:
            return errors.TOO_LARGE, "the replies are longer than what is read of an answer"
        return answers.explain(self, number, text)

    def _read(self, size: int) -> bytes | int:
        """The moment before the first byte leaves: logging in may have taken seconds, a frozen process minutes."""
        if not self.has_begun:
            if self.is_dismissed or self.policy.clock() >= self._deadline:
                self._late = True
                return int(pycurl.READFUNC_ABORT)
            self.has_begun = True
        chunk, self._body = self._body[:size], self._body[size:]
        return chunk

    def _hear(self, line: bytes) -> int | None:
        self._room -= len(line)
        if self._room < 0:
            self._too_large = True
            return 0
        self._lines.append(line)
        return None


def _check(envelope: Envelope) -> None:
    """Addresses stand in commands of their own: what could end one, or begin a parameter, goes nowhere."""
    for address in (envelope.sender, envelope.recipient):
        if not (address.isascii() and address.isprintable()) or any(mark in address for mark in " <>"):
            raise ValueError("an address of the envelope holds a character that no command may hold")
