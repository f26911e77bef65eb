"""From a message to one e-mail over SMTP. On the hot path: its own headers and body; everything else is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from django.utils.translation import gettext

from providers.messages import Envelope, Message, WireRequest
from providers.outcomes import Kind
from providers.transports import Unsendable, emails, health, mail_blocks
from providers.transports.smtp import mime
from providers.transports.smtp.addresses import ascii_address
from providers.transports.smtp.configuring import DEFAULT_PORT, STARTTLS, TLS, is_sendgrid, security_of

if TYPE_CHECKING:
    from providers.settings import ProviderSettings

PASSWORD = "smtp.password"  # noqa: S105 - the name of the credential
LONGEST_LINE = 998  # RFC 5322


def build(settings: ProviderSettings, message: Message) -> WireRequest:
    """Raises Unsendable."""
    configuration = settings.configuration
    recipient = _recipient(message)
    if not (message.subject or "").strip():
        raise Unsendable(Kind.REJECTED, "NO_SUBJECT", gettext("An e-mail needs a subject."))
    if not message.body.strip():
        raise Unsendable(Kind.REJECTED, "NO_CONTENT", gettext("An e-mail needs a text."))
    content = emails.content_of(message.body, message.media_url, is_html=configuration.get("html"))
    return WireRequest(
        method="MAIL",
        url=url_of(configuration),
        headers=(),
        body=mime.compose(_headers(configuration, message, recipient), content, message.dispatch_id.replace("-", "")),
        timeout_ms=settings.timeout_ms,
        connect_timeout_ms=settings.connect_timeout_ms,
        envelope=_envelope(settings, _return_path(configuration, message), recipient),
    )


def health_request(settings: ProviderSettings) -> WireRequest:
    """Greeting, encryption, login, NOOP, QUIT: everything but a message."""
    return WireRequest(
        method="NOOP",
        url=url_of(settings.configuration),
        headers=(),
        body=b"",
        timeout_ms=min(settings.timeout_ms, health.LONGEST_WAIT_MS),
        connect_timeout_ms=min(settings.connect_timeout_ms, health.LONGEST_CONNECT_MS),
        max_answer_bytes=health.MAX_ANSWER_BYTES,
        envelope=_envelope(settings, "", ""),
    )


def message_id_of(configuration: dict[str, Any], message: Message) -> str:
    """The same for all tries, so that a receiver can tell a repeated message."""
    return f"<{message.dispatch_id}@{_domain(configuration)}>"


def url_of(configuration: dict[str, Any]) -> str:
    """The path is the name in our greeting."""
    server = configuration["smtp"]
    scheme = "smtps" if security_of(server) == TLS else "smtp"
    greeting = quote(server.get("helo") or _domain(configuration), safe="")
    return f"{scheme}://{server['host']}:{server.get('port', DEFAULT_PORT)}/{greeting}"


def _envelope(settings: ProviderSettings, sender: str, recipient: str) -> Envelope:
    server = settings.configuration["smtp"]
    return Envelope(
        sender=sender,
        recipient=recipient,
        username=server.get("username", ""),
        password=settings.credentials.get(PASSWORD, ""),
        starttls=security_of(server) == STARTTLS,
    )


def _recipient(message: Message) -> str:
    spelled = ascii_address(mail_blocks.address_of(message))
    if spelled is None:
        raise Unsendable(Kind.RECIPIENT_INVALID, "INVALID_EMAIL", gettext("The e-mail address is malformed."))
    return spelled


def _return_path(configuration: dict[str, Any], message: Message) -> str:
    domain = configuration.get("bounce_domain")
    return f"bounce+{message.dispatch_id}@{domain}" if domain else _address(configuration["sender"])


def _headers(configuration: dict[str, Any], message: Message, recipient: str) -> list[bytes]:
    sender = configuration["sender"]
    headers = [
        mime.addressed("From", sender.get("name", ""), _address(sender)),
        f"To: {recipient}\r\n".encode("ascii"),
        mime.folded("Subject", message.subject or ""),
        f"Date: {mime.date_of(message.dispatch_id)}\r\n".encode("ascii"),
        f"Message-ID: {message_id_of(configuration, message)}\r\n".encode("ascii"),
    ]
    if reply_to := configuration.get("reply_to"):
        headers.append(mime.addressed("Reply-To", reply_to.get("name", ""), _address(reply_to)))
    if unsubscribe := configuration.get("list_unsubscribe"):
        headers += _unsubscribing(unsubscribe, message)
    if is_sendgrid(configuration):
        headers.append(b"X-SMTPAPI: " + msgspec.json.encode(_for_sendgrid(configuration, message)) + b"\r\n")
    return headers


def _unsubscribing(block: dict[str, Any], message: Message) -> list[bytes]:
    lines = [
        f"{name}: {value}".replace(", <", ",\r\n <")
        for name, value in mail_blocks.unsubscribe_headers(block, message).items()
    ]
    if any(len(line) > LONGEST_LINE for each in lines for line in each.split("\r\n")):
        told = gettext("The address for unsubscribing is longer than a header may be.")
        raise Unsendable(Kind.REJECTED, "CONTENT_TOO_LONG", told)
    return [f"{line}\r\n".encode("ascii") for line in lines]


def _for_sendgrid(configuration: dict[str, Any], message: Message) -> dict[str, Any]:
    """SendGrid's own header: what its events repeat, and what it tracks."""
    own: dict[str, Any] = {"unique_args": {"dispatch": message.dispatch_id}}
    tracking = configuration.get("tracking")
    if tracking is not None:
        is_on = tracking.get("enabled", True)
        own["filters"] = {
            filter_name: {"settings": {"enable": int(is_on and tracking.get(key, True))}}
            for filter_name, key in (("clicktrack", "click_tracking"), ("opentrack", "open_tracking"))
        }
    return own


def _address(mailbox: dict[str, Any]) -> str:
    return ascii_address(mailbox["email"]) or ""


def _domain(configuration: dict[str, Any]) -> str:
    return _address(configuration["sender"]).rpartition("@")[2]
