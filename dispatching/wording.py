"""Words for people about one dispatch: its state in a colour, its reason in short, and why in one sentence."""

from __future__ import annotations

import datetime as dt
import re

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dispatching import reasons
from dispatching.models import Dispatch
from dispatching.statuses import WAITING, Status
from providers.outcomes import Kind

TONES: dict[str, str] = {
    Status.SENT: "success",
    Status.DELIVERED: "success",
    Status.READ: "success",
    Status.PENDING: "info",
    Status.SCHEDULED: "info",
    Status.CONTROL_GROUP: "primary",
    Status.REFUSED: "warning",
    Status.EXPIRED: "warning",
    Status.UNKNOWN: "warning",
    Status.FAILED: "danger",
}
"""The theme's names of colours; what is not here is grey."""

OUTCOMES: dict[str, Promise] = {
    Kind.ACCEPTED.name: gettext_lazy("accepted"),
    Kind.DEFERRED.name: gettext_lazy("not taken now, to be tried again"),
    Kind.REJECTED.name: gettext_lazy("refused"),
    Kind.RECIPIENT_INVALID.name: gettext_lazy("refused: no such recipient"),
    Kind.OPTED_OUT.name: gettext_lazy("refused: the recipient opted out"),
    Kind.CONFIGURATION.name: gettext_lazy("refused: the provider's configuration is wrong"),
    Kind.UNKNOWN.name: gettext_lazy("no complete answer"),
    Kind.NOT_SENT.name: gettext_lazy("nothing left this house, the try does not count"),
    Status.FAILED.value: gettext_lazy("failed"),
}
"""How a try ended."""

# Reasons that come from the wire or the vendor, where the code alone would tell a person nothing.
_OF_THE_WIRE: dict[str, Promise] = {
    "TIMEOUT": gettext_lazy("The provider did not answer in time."),
    "EMPTY": gettext_lazy("The provider closed the connection without an answer."),
    "RESET": gettext_lazy("The connection to the provider broke."),
    "PARTIAL": gettext_lazy("The provider's answer broke off."),
    "CONNECT": gettext_lazy("The provider could not be reached."),
    "DNS": gettext_lazy("The provider's host name could not be found."),
    "TLS": gettext_lazy("No secure connection to the provider could be made."),
    "DEADLINE": gettext_lazy("The time for this try was over before it began."),
    "UNREADABLE_ANSWER": gettext_lazy("The provider's answer could not be read."),
    "NO_MESSAGE_ID": gettext_lazy("The provider's answer held no message id."),
}
_DETAIL = re.compile(r" \((?P<detail>[^()]*(?:\([^()]*\)[^()]*)*)\)\s*$")


def moment_text(moment: dt.datetime | None) -> str:
    """In the reader's zone and format, to the minute."""
    return formats.date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT") if moment else "—"


def reason_text(code: str) -> str:
    """What a code means, in a sentence; the code itself where nobody explained it."""
    told = reasons.EXPLANATIONS.get(code) or _OF_THE_WIRE.get(code)
    return str(told) if told else code


def detail_of(dispatch: Dispatch) -> str:
    """What the reason is about (an attribute, a provider's words), as the error has it in brackets or whole."""
    error = dispatch.error_message or ""
    if dispatch.reason and error.startswith(f"{dispatch.reason}:"):
        found = _DETAIL.search(error)
        return found["detail"] if found else ""
    return error


def sentence_of(dispatch: Dispatch, now: dt.datetime) -> str:
    """Why this person got it, did not, or will: one or two sentences."""
    about = {
        "provider": dispatch.provider.provider_name if dispatch.provider else dispatch.channel,
        "when": moment_text(dispatch.dispatched_at),
        "answered": moment_text(dispatch.returned_at),
        "scheduled": moment_text(dispatch.scheduled_for),
        "campaign": dispatch.campaign.name if dispatch.campaign else "",
        "tries": dispatch.attempts,
        "most": dispatch.max_attempts,
    }
    return _template(dispatch, now) % about


def _template(dispatch: Dispatch, now: dt.datetime) -> str:
    if dispatch.reason == reasons.RESOLVED_BY_OPERATOR:
        return _settled(dispatch)
    if dispatch.status in WAITING:
        return _waiting(dispatch, now)
    if told := _ENDS.get(dispatch.status):
        return str(told)
    if dispatch.status == Status.UNKNOWN:
        return _with_reason(_("Nobody knows whether it arrived."), dispatch)
    return _with_reason(_("Not sent."), dispatch)


_ENDS: dict[str, Promise] = {
    Status.SENT: gettext_lazy("Sent: %(provider)s accepted the message on %(when)s."),
    Status.DELIVERED: gettext_lazy("Delivered: %(provider)s took it on %(when)s and reported its delivery."),
    Status.READ: gettext_lazy("Read: %(provider)s took it on %(when)s and reported that the contact opened it."),
    Status.CONTROL_GROUP: gettext_lazy(
        "Not sent, on purpose: the contact is in the control group of %(campaign)s, to compare results with."
    ),
}


def _settled(dispatch: Dispatch) -> str:
    if dispatch.status == Status.FAILED:
        return _("Not sent: %(provider)s never answered, and a person settled that it did not go out.")
    return _("Sent by %(provider)s: the provider's answer never came, and a person settled that it went out.")


def _waiting(dispatch: Dispatch, now: dt.datetime) -> str:
    if dispatch.attempts:
        return _("Waits for its next try: %(provider)s did not take it in %(tries)s of %(most)s tries.")
    if dispatch.scheduled_for and dispatch.scheduled_for > now:
        if dispatch.campaign:
            return _("Will be sent on %(scheduled)s: that is the next day and time at which %(campaign)s sends.")
        return _("Will be sent on %(scheduled)s, as it was asked for.")
    return _("Waits for its turn: it goes out as soon as %(provider)s has a free slot.")


def _with_reason(text: str, dispatch: Dispatch) -> str:
    parts = [text]
    told, detail = reason_text(dispatch.reason), detail_of(dispatch)
    if dispatch.status == Status.FAILED and told == dispatch.reason:
        refused, unsent = _("%(provider)s refused it."), _("It cannot go out through %(provider)s as it is.")
        parts.append(refused if dispatch.dispatched_at else unsent)
    elif told:
        parts.append(told.replace("%", "%%"))
    if detail and detail != told:
        parts.append(f"({detail[:300]})".replace("%", "%%"))
    return " ".join(parts)
