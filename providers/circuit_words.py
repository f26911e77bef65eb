"""What people are told of a provider in trouble: how it stands, why, since when, and what comes next."""

from __future__ import annotations

import datetime as dt

import msgspec
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from providers.circuits import ProviderCircuit, State

TONES = {State.HELD: "plain", State.OPEN: "bad", State.HALF_OPEN: "plain", State.PAUSED: "bad"}
_WHY: dict[str, Promise] = {
    "RATE_LIMITED": gettext_lazy("too many messages for the vendor"),
    "UNAUTHORIZED": gettext_lazy("the vendor does not take the credential"),
    "FORBIDDEN": gettext_lazy("the vendor refuses access"),
    "UNAVAILABLE": gettext_lazy("the vendor reports an outage"),
    "BAD_GATEWAY": gettext_lazy("the vendor's gateway fails"),
    "TIMEOUT": gettext_lazy("the vendor does not answer in time"),
    "DNS": gettext_lazy("the vendor's name is not known"),
    "CONNECT": gettext_lazy("the vendor takes no connection"),
    "TLS": gettext_lazy("no safe connection to the vendor"),
}
"""Of the reasons that vendors share; another one is shown as its code."""


class Told(msgspec.Struct, frozen=True):
    """`error` is technical: what the vendor or the wire said."""

    label: str
    tone: str
    meaning: str
    why: str
    then: str
    since: dt.datetime
    error: str = ""


def told_of(circuit: ProviderCircuit | None, now: dt.datetime) -> Told | None:
    """None where the provider is simply used."""
    if circuit is None or (state := circuit.state_at(now)) is State.CLOSED:
        return None
    return Told(
        label=str(state.label),
        tone=TONES[state],
        meaning=_meaning(State(circuit.state)),
        why=str(_WHY.get(circuit.reason, circuit.reason)),
        then=_then(state, circuit, now),
        since=circuit.since,
        error=circuit.error,
    )


def circuit_badge(circuit: ProviderCircuit | None, now: dt.datetime) -> SafeString:
    """For lists; empty where all is well."""
    told = told_of(circuit, now)
    if told is None:
        return SafeString("")
    return format_html(
        '<span class="provider-tag provider-{}">{}</span><small class="provider-under provider-why">{}</small>',
        *(told.tone, told.label, told.why),
    )


def _meaning(state: State) -> str:
    if state is State.PAUSED:
        return _(
            "The vendor refuses what this provider is configured with. Messages wait and use up no attempt; where a"
            " campaign has another provider, that one takes over."
        )
    if state is State.OPEN:
        return _(
            "Too many messages failed one after the other. Messages wait; where a campaign has another provider, that"
            " one takes over."
        )
    return _("The vendor asked for fewer messages. They wait in all processes and go on by themselves.")


def _then(state: State, circuit: ProviderCircuit, now: dt.datetime) -> str:
    if state is State.HALF_OPEN:
        return _("One message is being tried at this moment: its answer decides.")
    when = {"when": _moment(circuit.probe_at)}
    if state is State.HELD:
        return _("It goes on at %(when)s.") % when
    due = circuit.probe_at is None or circuit.probe_at <= now
    tried = _("The next message that waits is tried alone.") if due else _("One message is tried at %(when)s.") % when
    if state is State.PAUSED:
        return _("Correct the configuration or the credential: saving it resumes the provider.") + " " + tried
    return tried


def _moment(moment: dt.datetime | None) -> str:
    """By the organisation's clock, as everything else on the page."""
    if moment is None:
        return "—"
    local = timezone.localtime(moment)
    today = local.date() == timezone.localtime().date()
    return f"{local:%H:%M:%S}" if today else f"{date_format(local, 'SHORT_DATE_FORMAT')} {local:%H:%M}"
