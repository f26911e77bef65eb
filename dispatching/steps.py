"""The gates as people see them: in their one order (decision 8), which of them were passed, and where it stopped."""

from __future__ import annotations

import msgspec
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dispatching import reasons
from dispatching.statuses import Status


class Gate(models.TextChoices):
    """`decide` asks in this order; EVENT and LEDGER come before it, SEND after it."""

    EVENT = "event", _("Event is readable")
    LEDGER = "ledger", _("First time seen")
    CAMPAIGN = "campaign", _("Campaign is running")
    CHANNEL = "channel", _("Provider and template")
    ADDRESS = "address", _("Contact's address")
    RENDER = "render", _("Message content")
    CONTROL = "control", _("Control group")
    CALENDAR = "calendar", _("Day and time")
    CAP = "cap", _("Frequency cap")
    SEND = "send", _("Delivery by the provider")


class Mark(models.TextChoices):
    """How a gate was left."""

    PASSED = "passed", _("passed")
    WAITING = "waiting", _("waiting here")
    STOPPED = "stopped", _("stopped here")
    UNSURE = "unsure", _("nobody knows")
    AHEAD = "ahead", _("not reached")


class Step(msgspec.Struct, frozen=True):
    gate: Gate
    mark: Mark

    @property
    def title(self) -> str | Promise:
        return self.gate.label

    @property
    def told(self) -> str | Promise:
        return self.mark.label


GATE_OF: dict[str, Gate] = {
    reasons.DUPLICATE_OTHER_PAYLOAD: Gate.LEDGER,
    reasons.UNKNOWN_JOURNEY: Gate.CAMPAIGN,
    reasons.CAMPAIGN_INACTIVE: Gate.CAMPAIGN,
    reasons.CAMPAIGN_NOT_STARTED: Gate.CAMPAIGN,
    reasons.CAMPAIGN_ENDED: Gate.CAMPAIGN,
    reasons.CAMPAIGN_WITHOUT_PROVIDER: Gate.CAMPAIGN,
    reasons.PROVIDER_INACTIVE: Gate.CHANNEL,
    reasons.PROVIDER_REMOVED: Gate.CHANNEL,
    reasons.PROVIDER_MISCONFIGURED: Gate.CHANNEL,
    reasons.PROVIDER_UNAVAILABLE: Gate.CHANNEL,
    reasons.TEMPLATE_INACTIVE: Gate.CHANNEL,
    reasons.NO_ADDRESS: Gate.ADDRESS,
    reasons.INVALID_ADDRESS: Gate.ADDRESS,
    reasons.MISSING_ATTRIBUTE: Gate.RENDER,
    reasons.NO_PERSON_KEY: Gate.CONTROL,
    reasons.CONTROL_GROUP: Gate.CONTROL,
    reasons.NOT_AFTER_PASSED: Gate.CALENDAR,
    reasons.FREQUENCY_CAP: Gate.CAP,
}
"""Where a refusal with this reason happened."""

CAMPAIGNS_OWN = frozenset({Gate.CAMPAIGN, Gate.CONTROL, Gate.CAP})
"""Gates that a message without a campaign does not have."""


def gate_of(status: str, reason: str) -> Gate:
    """The gate that decided this dispatch, or that it stands before."""
    if status in (Status.EXPIRED, Status.SCHEDULED):
        return Gate.CALENDAR
    if status == Status.CONTROL_GROUP:
        return Gate.CONTROL
    return GATE_OF.get(reason, Gate.SEND) if status == Status.REFUSED else Gate.SEND


def mark_of(status: str) -> Mark:
    """How its last gate was left."""
    if status in (Status.SENT, Status.DELIVERED, Status.READ):
        return Mark.PASSED
    if status in (Status.PENDING, Status.SCHEDULED):
        return Mark.WAITING
    return Mark.UNSURE if status == Status.UNKNOWN else Mark.STOPPED


def path_to(gate: Gate, mark: Mark, *, with_campaign: bool = True) -> list[Step]:
    """All gates: those before `gate` were passed, those after it not reached."""
    asked = [one for one in Gate if with_campaign or one not in CAMPAIGNS_OWN]
    at = asked.index(gate)
    return [
        Step(one, Mark.PASSED if index < at else mark if index == at else Mark.AHEAD) for index, one in enumerate(asked)
    ]


def path_of(status: str, reason: str, *, with_campaign: bool = True) -> list[Step]:
    """The gates of a dispatch in this state."""
    gate = gate_of(status, reason)
    if not with_campaign and gate in CAMPAIGNS_OWN:
        gate = Gate.CHANNEL
    return path_to(gate, mark_of(status), with_campaign=with_campaign)
