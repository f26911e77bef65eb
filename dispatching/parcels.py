"""What travels through a process between a plan and its outcome: parcels, and the batches that own them."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import msgspec

from dispatching.statuses import LaneClass
from providers.messages import Message
from providers.settings import ProviderSettings


class LaneKey(NamedTuple):
    """A lane is one provider's traffic of one class (decision 15)."""

    provider_id: str
    lane_class: int

    def __str__(self) -> str:
        return f"{self.provider_id}/{LaneClass(self.lane_class).name.lower()}"


class Parcel(msgspec.Struct, gc=False):
    """One dispatch on its way. `version` guards its outcome; the rest is what a recheck or a retry asks for."""

    id: str
    tenant_id: int
    campaign_id: str | None
    campaign_provider_id: str | None
    version: int
    attempts: int
    max_attempts: int
    asynchronous: bool
    not_after: dt.datetime
    since: dt.datetime
    """When it was wanted: the trigger's arrival, or the moment it was scheduled for."""
    message: Message
    doubtful: bool = False
    """An earlier try was never answered: without a definite answer this ends UNKNOWN, never FAILED."""
    template_id: str | None = None
    """Asked again where no campaign's plan knows it."""
    has_place: bool = False
    """It waited for its place in the campaign's pace, and goes before those that come now."""


class Batch(msgspec.Struct):
    """The in-memory face of a SendBatch row. `left` counts parcels without a recorded outcome."""

    id: str
    lane: LaneKey
    campaign_id: str | None
    parcels: list[Parcel]
    planned_at: float
    """Monotonic seconds; a batch released more than a second later is rechecked."""
    deadline: float = 0.0
    """CLOCK_BOOTTIME seconds by which every parcel must have reached the wire."""
    settings: ProviderSettings | None = None
    left: int = 0
    is_probe: bool = False
    """The one message that is let through to a provider in trouble."""


EMPTY_MESSAGE = Message(
    dispatch_id="",
    to="",
    body="",
    subject=None,
    template_code=None,
    variables={},
    media_url=None,
    channel="",
    correlation_id="",
    trace_id=None,
)
"""For parcels whose state is recorded without being sent."""
