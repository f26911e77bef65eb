"""The gates of a message without a campaign, in the order that all share (decision 8). Pure.

Provider, template, address, rendering, times. There is no audience, no control group and no calendar to ask; pace is
taken where it is released, and all that can change is asked again there.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import msgspec

from campaigns import calendar, control
from campaigns.mappings import compile_mapping, resolve
from dispatching import direct_reasons, reasons
from dispatching.addresses import destination_of
from dispatching.direct_choices import Choices, Way, Wording, refusal
from dispatching.gates import Refusal
from dispatching.statuses import LaneClass
from dispatching.wanted import Sender, Wanted
from templates import rendering
from templates.rendering import value_text

TEMPLATE_ONLY = frozenset({"WHATSAPP"})
"""Channels whose vendors open a conversation with an approved template only."""
LIFE = calendar.SYNC_LIFE
"""How long after its moment a message may still go, where its sender does not say."""


class Ready(msgspec.Struct, frozen=True):
    """A message that passed: what its rows hold. The database adds tenant, ids, channel and times of its own."""

    item: int
    correlation_id: str
    trace_id: str
    payload_digest: int
    provider_id: uuid.UUID
    template_version_id: uuid.UUID | None
    lane_class: int
    contact_tax_id: str
    contact_data: dict[str, Any]
    destination: str
    subject: str
    body: str
    variables: dict[str, str]
    media_url: str
    max_attempts: int
    scheduled_for: dt.datetime | None
    scheduled_local: str
    not_after: dt.datetime


def decide(
    wanted: Wanted, choices: Choices, now: dt.datetime, *, lane: LaneClass, furthest: dt.timedelta
) -> Ready | Refusal:
    """What becomes of it. `wanted` has its correlation id; `furthest` is how far ahead it may be scheduled."""
    way = _provider_gate(wanted, choices)
    if isinstance(way, Refusal):
        return way
    wording = _template_gate(wanted, way, choices)
    if isinstance(wording, Refusal):
        return wording
    destination = _address_gate(wanted, way)
    if isinstance(destination, Refusal):
        return destination
    values = _values(wanted, wording)
    if isinstance(values, Refusal):
        return values
    due = wanted.scheduled_for if wanted.scheduled_for and wanted.scheduled_for > now else None
    not_after = wanted.not_after or (due or now) + LIFE
    if refused := _time_gate(wanted, due, not_after, now, furthest):
        return refused
    tax_id = tax_id_of(wanted)
    return Ready(
        item=wanted.item,
        correlation_id=wanted.correlation_id,
        trace_id=wanted.trace_id,
        payload_digest=wanted.digest,
        provider_id=way.id,
        template_version_id=wording.version_id,
        lane_class=int(lane),
        contact_tax_id=tax_id,
        contact_data=wanted.contact_attributes,
        destination=destination,
        subject=rendering.render(wording.subject, values),
        body=rendering.render(_body_for(wording, tax_id), values),
        variables=values,
        media_url=wording.media_url,
        max_attempts=way.max_attempts,
        scheduled_for=due,
        scheduled_local=_local(due, choices.sender),
        not_after=not_after,
    )


def tax_id_of(wanted: Wanted) -> str:
    return (wanted.contact_tax_id or value_text(wanted.contact_attributes.get(control.TAX_ID)) or "").strip()


def _provider_gate(wanted: Wanted, choices: Choices) -> Way | Refusal:
    pointer = "/provider_id" if wanted.provider_id else "/provider_type"
    way = choices.way_of(wanted)
    if isinstance(way, Refusal):
        return way
    if not way.is_active:
        return refusal(reasons.PROVIDER_INACTIVE, pointer)
    if way.transport is None:
        return refusal(reasons.PROVIDER_MISCONFIGURED, pointer)
    return way


def _template_gate(wanted: Wanted, way: Way, choices: Choices) -> Wording | Refusal:
    wording = choices.wording_of(wanted)
    if isinstance(wording, Refusal):
        return wording
    if wording.template_id is None:
        return refusal(direct_reasons.TEMPLATE_REQUIRED, "/body", way.type) if way.type in TEMPLATE_ONLY else wording
    pointer = "/template_id" if wanted.template_id else "/template_code"
    if not wording.is_active:
        return refusal(reasons.TEMPLATE_INACTIVE, pointer)
    if wording.channel != way.type:
        return refusal(direct_reasons.TEMPLATE_OF_OTHER_CHANNEL, pointer, f"{wording.channel} ≠ {way.type}")
    return wording


def _address_gate(wanted: Wanted, way: Way) -> str | Refusal:
    attribute = way.address_attribute
    attributes = {attribute: wanted.to} if wanted.to else wanted.contact_attributes
    destination, code = destination_of(attributes, attribute)
    if code:
        return refusal(code, "/to" if wanted.to else f"/contact_attributes/{attribute}", attribute)
    return destination


def _values(wanted: Wanted, wording: Wording) -> dict[str, str] | Refusal:
    """A placeholder's text: the variable of its name, else what its mapping says, else the attribute of its name."""
    named = {name: {"field": name} for name in wording.placeholders if name not in wanted.field_mappings}
    given = {name: wanted.variables[name] for name in wording.placeholders if name in wanted.variables}
    rest = [name for name in wording.placeholders if name not in given]
    values, missing = resolve(compile_mapping({**wanted.field_mappings, **named}, rest), wanted.contact_attributes)
    for name, value in given.items():
        text = value_text(value)
        if text is None:
            missing.append(name)
        else:
            values[name] = text
    if missing:
        return refusal(reasons.MISSING_ATTRIBUTE, _place_of(missing[0], wording), ", ".join(missing))
    return values


def _place_of(name: str, wording: Wording) -> str:
    """Where the caller puts what is missing: a placeholder among the variables, a mapped attribute among those."""
    place = "variables" if name in wording.placeholders else "contact_attributes"
    return f"/{place}/{name.replace('~', '~0').replace('/', '~1')}"


def _time_gate(
    wanted: Wanted, due: dt.datetime | None, not_after: dt.datetime, now: dt.datetime, furthest: dt.timedelta
) -> Refusal | None:
    if not_after <= now:
        return refusal(reasons.NOT_AFTER_PASSED, "/not_after")
    if due and not_after < due:
        return refusal(direct_reasons.SCHEDULED_TOO_LATE, "/not_after")
    if due and due - now > furthest:
        return refusal(direct_reasons.SCHEDULED_TOO_FAR, "/scheduled_for")
    if wanted.not_after and not_after - now > furthest + LIFE:
        return refusal(direct_reasons.SCHEDULED_TOO_FAR, "/not_after")
    return None


def _body_for(wording: Wording, tax_id: str) -> rendering.Compiled:
    """Each person keeps one of the wordings, the same as in campaigns; without a tax id it is the body."""
    person = control.person_key({control.TAX_ID: tax_id}, "") if wording.variants else None
    return rendering.choose(wording.body, wording.variants, person) if person else wording.body


def _local(due: dt.datetime | None, sender: Sender) -> str:
    return calendar.local_text(due, sender.zone) if due else ""
