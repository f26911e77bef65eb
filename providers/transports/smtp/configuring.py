"""What an SMTP provider's configuration may say (seed 000 §4). Every key changes the e-mail, its way or its reports."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.transports import emails
from providers.transports.knobs import KNOBS, check_knobs
from providers.transports.mail_blocks import LIST_UNSUBSCRIBE, REPLY_TO, SENDER, check_list_unsubscribe
from providers.transports.sendgrid.configuring import EVENT_WEBHOOK, TRACKING, check_webhook
from providers.transports.smtp.addresses import ascii_address
from providers.transports.sources import check_source, is_given
from providers.wire import guard
from providers.wire.names import is_literal

SENDGRID = "smtp.sendgrid.net"
STARTTLS, TLS, NONE = "starttls", "tls", "none"
IMPLICIT_TLS_PORT = 465
DEFAULT_PORT = 587
_DOMAIN = "^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$"
_INSIDE = (".internal", ".local", ".localhost", ".lan", ".svc")

# Seed 000, "Email (SendGrid)", as it stands there.
EXAMPLE: dict[str, Any] = {
    "sender": {"email": "noreply@ifood.com.br", "name": "iFood Growth Team"},
    "smtp": {
        "host": "smtp.sendgrid.net",
        "port": 587,
        "username": "apikey",
        "password_env_var": "SENDGRID_PASSWORD",
    },
    "tracking": {"enabled": True, "click_tracking": True, "open_tracking": True},
}

SMTP: dict[str, Any] = {
    "type": "object",
    "title": _("Mail server"),
    "additionalProperties": False,
    "required": ["host"],
    "properties": {
        "host": {
            "type": "string",
            "pattern": _DOMAIN,
            "maxLength": 253,
            "title": _("Server"),
            "description": _("Such as smtp.sendgrid.net."),
        },
        "port": {
            "type": "integer",
            "minimum": 1,
            "maximum": 65_535,
            "default": DEFAULT_PORT,
            "title": _("Port"),
            "description": _("587 for STARTTLS, 465 for TLS."),
        },
        "security": {
            "enum": [STARTTLS, TLS, NONE],
            "x-titles": {
                STARTTLS: _("STARTTLS, demanded"),
                TLS: _("TLS from the first byte"),
                NONE: _("None (a relay inside your own network)"),
            },
            "title": _("Encryption"),
            "description": _("Without it: TLS on port 465, STARTTLS on every other."),
        },
        "username": {
            "type": "string",
            "pattern": "^[!-~]+$",
            "maxLength": 254,
            "title": _("User"),
            "description": _("At SendGrid always “apikey”."),
        },
        "password_env_var": {
            "type": "string",
            "title": _("Password"),
            "description": _("At SendGrid the API key."),
        },
        "password_secret": {"type": "string", "title": _("Password (stored secret)")},
        "helo": {
            "x-rare": True,
            "type": "string",
            "pattern": _DOMAIN,
            "maxLength": 253,
            "title": _("Name in the greeting"),
            "description": _("What we call ourselves at the server (EHLO). Without it: the sender's domain."),
        },
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "title": "SMTP",
    "x-icon": "mail",
    "description": _("E-mail through any mail server, SendGrid's relay among them."),
    "additionalProperties": False,
    "required": ["sender", "smtp"],
    "properties": {
        "provider_vendor": {"const": "smtp", "title": _("Vendor")},
        "sender": SENDER,
        "smtp": SMTP,
        "reply_to": REPLY_TO,
        "html": emails.HTML,
        "tracking": TRACKING,
        "list_unsubscribe": LIST_UNSUBSCRIBE,
        "bounce_domain": {
            "type": "string",
            "pattern": _DOMAIN,
            "maxLength": 200,
            "title": _("Domain for bounces"),
            "description": _(
                "Undelivered mail comes back to bounce+<dispatch id> at this domain, instead of to the sender."
            ),
        },
        "event_webhook": EVENT_WEBHOOK,
        **{key: value for key, value in KNOBS.items() if key != "idempotent"},
    },
}


def is_sendgrid(configuration: dict[str, Any]) -> bool:
    host: str = configuration["smtp"]["host"]
    return host.lower() == SENDGRID


def security_of(server: dict[str, Any]) -> str:
    chosen: str | None = server.get("security")
    return chosen or (TLS if server.get("port") == IMPLICIT_TLS_PORT else STARTTLS)


def check(configuration: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, message) of what contradicts itself or would be ignored."""
    found = [*_check_server(configuration["smtp"]), *check_list_unsubscribe(configuration)]
    found += check_knobs(configuration)
    for name in ("sender", "reply_to"):
        if name in configuration and ascii_address(configuration[name]["email"]) is None:
            found.append((f"{name}.email", gettext("must have no accents before the @, and a real domain after it")))
    if is_sendgrid(configuration):
        return [*found, *check_webhook(configuration.get("event_webhook"))]
    for key in ("tracking", "event_webhook"):
        if key in configuration:
            message = gettext("only SendGrid's relay (%(host)s) can do this") % {"host": SENDGRID}
            found.append((key, message))
    return found


def _check_server(server: dict[str, Any]) -> list[tuple[str, str]]:
    found = check_source(server, "password", ("smtp",), required="username" in server)
    has_password = is_given(server, "password")
    if has_password and "username" not in server:
        found.append(("smtp.username", gettext("is needed beside a password")))
    if security_of(server) == NONE:
        if has_password:
            found.append(("smtp.security", gettext("a password is never sent without encryption")))
        elif not _is_inside(server["host"].lower()):
            found.append(("smtp.security", gettext("only a server inside your own network can do without encryption")))
    elif security_of(server) == STARTTLS and server.get("port") == IMPLICIT_TLS_PORT:
        found.append(("smtp.security", gettext("port 465 speaks TLS from the first byte")))
    return found


def _is_inside(host: str) -> bool:
    if is_literal(host):
        return guard.refusal(host) is not None
    return "." not in host or host.endswith(_INSIDE)
