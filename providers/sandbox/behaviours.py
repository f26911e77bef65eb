"""How the sandbox vendor treats a message, chosen by its recipient.

A phone number (or another number, such as a chat id) chooses by its last seven digits, 0000 and a code; anything else
(e-mail, token) by the text `sandbox-<name>` somewhere in it, such as ana+sandbox-429@example.com. `sandbox-slow-2500`
answers after 2500 ms. What a vendor cannot say in its answer (`dialects/`) is taken, as that vendor would.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from django.utils.translation import gettext_noop as _


class Behaviour(NamedTuple):
    """`accepts`: the message counts as taken, whatever the sender gets to know."""

    name: str
    phone_code: str
    accepts: bool
    says: str


TABLE = (
    Behaviour("accept", "200", accepts=True, says=_("200 with a message id (what everybody else gets too)")),
    Behaviour("idempotent", "208", accepts=True, says=_("the same, but a repeated key gets the first id again")),
    Behaviour("slow", "805", accepts=True, says=_("200 after 1000 ms, or as many as sandbox-slow-<ms> says")),
    Behaviour("reject", "400", accepts=False, says=_("400: the content is refused")),
    Behaviour("unicode-error", "814", accepts=False, says=_("the same, told in many scripts")),
    Behaviour("unauthorized", "401", accepts=False, says=_("401: the credentials are wrong")),
    Behaviour("401-once", "402", accepts=True, says=_("401 at the first try of a key, then accepted")),
    Behaviour("invalid", "404", accepts=False, says=_("422: the recipient does not exist")),
    Behaviour("opted-out", "410", accepts=False, says=_("200 with status failed: the recipient wants no messages")),
    Behaviour("failed-in-200", "806", accepts=False, says=_("200 with status failed and a text")),
    Behaviour("429", "429", accepts=False, says=_("429 with Retry-After: 1, always")),
    Behaviour("429-bare", "431", accepts=False, says=_("429 without Retry-After, always")),
    Behaviour("429-once", "430", accepts=True, says=_("429 at the first try of a key, then accepted")),
    Behaviour("500", "500", accepts=False, says=_("500, always")),
    Behaviour("500-once", "501", accepts=True, says=_("500 at the first try of a key, then accepted")),
    Behaviour("echo", "815", accepts=False, says=_("500 with the whole request in its text, credentials too")),
    Behaviour("502", "502", accepts=False, says=_("502: nobody knows")),
    Behaviour("503", "503", accepts=False, says=_("503 with Retry-After: 1, always")),
    Behaviour("504", "504", accepts=False, says=_("504: nobody knows")),
    Behaviour("html", "807", accepts=False, says=_("500 with a page of HTML")),
    Behaviour("redirect", "307", accepts=False, says=_("307 to another address")),
    Behaviour("no-id", "808", accepts=True, says=_("200 without a message id: taken, but not provably")),
    Behaviour("empty", "813", accepts=True, says=_("taken, 200 without a body")),
    Behaviour("not-json", "812", accepts=True, says=_("taken, 200 with a page of HTML")),
    Behaviour("huge", "811", accepts=True, says=_("taken, 200 with two megabytes")),
    Behaviour("hang-before", "801", accepts=False, says=_("not taken, no answer, the connection stays open")),
    Behaviour("hang-after", "802", accepts=True, says=_("taken, no answer, the connection stays open")),
    Behaviour("hang-inside", "809", accepts=True, says=_("taken, half an answer, the connection stays open")),
    Behaviour("close", "803", accepts=True, says=_("taken, then closed without an answer")),
    Behaviour("cut", "810", accepts=True, says=_("taken, then closed after half an answer")),
    Behaviour("reset", "804", accepts=False, says=_("not taken, the connection is reset")),
    Behaviour("report-failed", "901", accepts=True, says=_("taken, later reported as failed")),
    Behaviour("report-opted-out", "910", accepts=True, says=_("taken, later reported as opted out")),
    Behaviour("report-twice", "902", accepts=True, says=_("every report comes twice")),
    Behaviour("report-backwards", "903", accepts=True, says=_("reports come in the wrong order")),
    Behaviour("report-late", "904", accepts=True, says=_("reports come after 5 seconds")),
    Behaviour("report-early", "905", accepts=True, says=_("reports come before the answer")),
    Behaviour("report-forged", "906", accepts=True, says=_("reports come with a wrong signature")),
    Behaviour("report-none", "907", accepts=True, says=_("no report comes")),
    Behaviour("report-stranger", "908", accepts=True, says=_("reports are about a message that nobody sent")),
)
BY_NAME = {behaviour.name: behaviour for behaviour in TABLE}
BY_PHONE = {behaviour.phone_code: behaviour for behaviour in TABLE}
ACCEPT = BY_NAME["accept"]
UNKNOWN = Behaviour("unknown", "", accepts=False, says=_("400: there is no behaviour of that name"))
SLOW_MS = 1000
LONGEST_MS = 600_000
_MARKER = re.compile(r"sandbox-([a-z0-9-]*[a-z0-9])", re.IGNORECASE)
_SLOW = re.compile(r"slow-(\d{1,6})")


def behaviour_of(recipient: str) -> tuple[Behaviour, int]:
    """The behaviour and its delay in milliseconds."""
    if recipient[-7:-3] == "0000" and recipient[-3:] in BY_PHONE and recipient.lstrip("+").isdecimal():
        return _delayed(BY_PHONE[recipient[-3:]])
    if "sandbox-" not in recipient and "SANDBOX-" not in recipient:
        return ACCEPT, 0
    marker = _MARKER.search(recipient)
    name = marker.group(1).lower() if marker else ""
    slow = _SLOW.fullmatch(name)
    if slow:
        return BY_NAME["slow"], min(int(slow.group(1)), LONGEST_MS)
    return _delayed(BY_NAME.get(name, UNKNOWN))


def _delayed(behaviour: Behaviour) -> tuple[Behaviour, int]:
    return behaviour, SLOW_MS if behaviour.name == "slow" else 0
