"""What a check of a connection can find: stable codes, and for each what it means and what to do next."""

from __future__ import annotations

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

OK = "OK"
REACHABLE = "REACHABLE"
NOTHING_TO_CHECK = "NOTHING_TO_CHECK"
UNAUTHORIZED = "UNAUTHORIZED"
FORBIDDEN = "FORBIDDEN"
VENDOR_ERROR = "VENDOR_ERROR"
UNEXPECTED = "UNEXPECTED"
DISCONNECTED = "DISCONNECTED"
CONFIGURATION = "CONFIGURATION"
GIVEN_UP = "GIVEN_UP"
INTERNAL = "INTERNAL"
REGISTERED = "REGISTERED"
NOTHING_TO_REGISTER = "NOTHING_TO_REGISTER"
NO_PUBLIC_URL = "NO_PUBLIC_URL"


class Verdict(msgspec.Struct, frozen=True):
    """`detail` is technical and bounded: what the vendor or the wire said, never a credential."""

    ok: bool
    code: str
    detail: str = ""


class Words(msgspec.Struct, frozen=True):
    summary: str
    next_step: str


_WORDS: dict[str, tuple[Promise, Promise | str]] = {
    OK: (_("The vendor answered and took the credential. No message was sent."), ""),
    REACHABLE: (
        _("The server answers. No message was sent."),
        _("Without a health address the credential is proven only by the first message."),
    ),
    NOTHING_TO_CHECK: (_("This vendor needs no connection."), ""),
    UNAUTHORIZED: (
        _("The server answers, but does not take the credential."),
        _("Enter the credential again, or ask the vendor whether it is still valid."),
    ),
    FORBIDDEN: (
        _("The server answers, but refuses access."),
        _(
            "Ask the vendor what this credential may do. If the server refuses this address to everybody, give it a"
            " health address."
        ),
    ),
    VENDOR_ERROR: (
        _("The server answers with an error of its own."),
        _("Try again in some minutes; if it stays so, tell the vendor. Messages wait meanwhile."),
    ),
    UNEXPECTED: (
        _("The health address gave an answer that means no success."),
        _("Check the health address in the configuration."),
    ),
    DISCONNECTED: (
        _("The server answers, but the WhatsApp session behind it is not connected."),
        _("Connect the instance again at its server, as with a new phone. Messages wait meanwhile."),
    ),
    CONFIGURATION: (
        _("This provider cannot be used as it is configured."),
        _("Correct what is named here, or ask the operator to set the variable for the workers."),
    ),
    "DNS": (_("The server's name is not known."), _("Check the address for a typing mistake.")),
    "CONNECT": (
        _("The server does not accept a connection."),
        _("Check address and port, and whether the vendor's firewall lets us in."),
    ),
    "REFUSED_ADDRESS": (
        _("The address is inside a private network, where this deployment does not send."),
        _("Use the vendor's public address, or ask the operator (OUTBOUND_ALLOW_PRIVATE)."),
    ),
    "TLS": (
        _("No safe connection: the server's certificate or its version of TLS is not accepted."),
        _("Check that the address is the one on the certificate; else tell the vendor. Nothing is sent over it."),
    ),
    "TIMEOUT": (
        _("The server did not answer in time."),
        _("Try again; if it stays so, tell the vendor. Messages wait meanwhile."),
    ),
    GIVEN_UP: (
        _("The check was begun several times and never ended."),
        _("Tell the operator: the workers' log says more."),
    ),
    REGISTERED: (_("The vendor took the address and reports to it from now on."), ""),
    NOTHING_TO_REGISTER: (
        _("This provider's vendor is not told by us where to report."),
        _("Enter the address at the vendor, if it reports at all."),
    ),
    NO_PUBLIC_URL: (
        _("Nobody knows under which address vendors reach us."),
        _("Ask the operator to set PUBLIC_URL for the workers and the website."),
    ),
    INTERNAL: (_("The check failed by our own fault."), _("Tell the operator: the workers' log says more.")),
}
_CUT: tuple[Promise, Promise] = (
    _("The connection ended before a whole answer came."),
    _("Try again; if it stays so, tell the vendor."),
)


def words_of(code: str) -> Words:
    """In the active language."""
    summary, next_step = _WORDS.get(code, _CUT)
    return Words(str(summary), str(next_step))
