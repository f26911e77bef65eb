"""What e-mail vendors share of their configuration: sender, reply-to, list-unsubscribe; and what it becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers.messages import Message
from providers.outcomes import Kind
from providers.transports import Unsendable

ONE_CLICK = "List-Unsubscribe=One-Click"
"""RFC 8058: the mailbox's own button posts this to the address, and the person is off the list."""
_PART = r'[^@\s<>()\[\]\\,;:"]'
_ADDRESS = rf"{_PART}{{1,64}}@{_PART}+\.{_PART}{{2,}}"
_IS_ADDRESS = re.compile(_ADDRESS)
_LONGEST_ADDRESS = 254  # RFC 5321
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}", re.ASCII)
_OWN = ("dispatch_id", "email")

ADDRESS_FIELD: dict[str, Any] = {
    "type": "string",
    "pattern": f"^{_ADDRESS}$",
    "maxLength": _LONGEST_ADDRESS,
    "examples": ["no-reply@brand.com"],
}
NAME_FIELD: dict[str, Any] = {"type": "string", "pattern": "^[^\\x00-\\x1f\\x7f]+$", "maxLength": 200}

SENDER: dict[str, Any] = {
    "type": "object",
    "title": _("Sender"),
    "additionalProperties": False,
    "required": ["email"],
    "properties": {
        "email": {
            **ADDRESS_FIELD,
            "title": _("Sender's address"),
            "description": _("An address that the vendor lets this account send from."),
        },
        "name": {**NAME_FIELD, "title": _("Sender's name")},
    },
}
REPLY_TO: dict[str, Any] = {
    "type": "object",
    "title": _("Answers go to"),
    "additionalProperties": False,
    "required": ["email"],
    "properties": {
        "email": {**ADDRESS_FIELD, "title": _("Address for answers")},
        "name": {**NAME_FIELD, "title": _("Name for answers")},
    },
}
LIST_UNSUBSCRIBE: dict[str, Any] = {
    "type": "object",
    "title": _("Unsubscribing"),
    "description": _("Shown by mailboxes as their own button. Large mailbox providers demand it for bulk mail."),
    "additionalProperties": False,
    "properties": {
        "url": {
            "type": "string",
            "pattern": "^https://[^\\s/?#@\\\\<>,{}]+([/?][!-;=?-~]*)?$",
            "maxLength": 1000,
            "title": _("Address for one click"),
            "description": _(
                "An https address of yours that takes a POST. {{dispatch_id}}, {{email}} and the variables of the"
                " template may stand in it."
            ),
        },
        "mailto": {
            **ADDRESS_FIELD,
            "title": _("Mailbox for unsubscribing"),
            "description": _("Gets a message from who unsubscribes by e-mail."),
        },
    },
}


def check_list_unsubscribe(configuration: Mapping[str, Any]) -> list[tuple[str, str]]:
    """An empty block would be ignored."""
    block = configuration.get("list_unsubscribe")
    if block is None or block.get("url") or block.get("mailto"):
        return []
    return [("list_unsubscribe", gettext("needs url or mailto"))]


def differs_by_message(block: Mapping[str, Any]) -> bool:
    """Whether the headers are not the same for everybody."""
    return _PLACEHOLDER.search(block.get("url", "")) is not None


def unsubscribe_headers(block: Mapping[str, Any], message: Message) -> dict[str, str]:
    """List-Unsubscribe (RFC 2369) and, with an address for one click, List-Unsubscribe-Post (RFC 8058)."""
    ways = [f"<mailto:{block['mailto']}?subject=unsubscribe>"] if "mailto" in block else []
    if "url" not in block:
        return {"List-Unsubscribe": ", ".join(ways)}
    address = _PLACEHOLDER.sub(lambda found: quote(_value(found[1], message), safe=""), block["url"])
    return {"List-Unsubscribe": ", ".join([*ways, f"<{address}>"]), "List-Unsubscribe-Post": ONE_CLICK}


def address_of(message: Message, index: int | None = None) -> str:
    """The recipient's address. Raises Unsendable where it can be none."""
    address = message.to.strip()
    if len(address) > _LONGEST_ADDRESS or not _IS_ADDRESS.fullmatch(address):
        raise Unsendable(Kind.RECIPIENT_INVALID, "INVALID_EMAIL", gettext("The e-mail address is malformed."), index)
    return address


def _value(name: str, message: Message) -> str:
    """A variable of the template, unless the name is one of ours; nothing where there is none."""
    if name in _OWN:
        return message.dispatch_id if name == "dispatch_id" else message.to.strip()
    return message.variables.get(name, "")
