"""The gates in their one order (decision 8). Pure: a trigger, a campaign, a snapshot and a moment in; drafts out.

What is pure (provider, template, address, mapping, rendering) comes before the control group, so that treated and
control are the same population. Calendar comes after. Pace is taken where batches are released.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec

from campaigns import calendar, control, mappings
from campaigns.snapshot import WEIGHTED, CampaignPlan, ProviderPlan
from campaigns.spreading import in_order_for
from dispatching import reasons
from dispatching.addresses import destination_of
from dispatching.snapshot import Snapshot
from dispatching.statuses import Status
from dispatching.triggers import Trigger
from providers.loading import ProviderState
from templates import rendering


class Draft(msgspec.Struct, gc=False):
    """A dispatch as decided, before it has an id. `due_at` is set where it waits for its moment."""

    plan: ProviderPlan | None
    provider: ProviderState | None
    channel: str
    status: Status
    reason: str = ""
    error: str | None = None
    destination: str = ""
    subject: str = ""
    body: str = ""
    variables: dict[str, str] = {}
    due_at: dt.datetime | None = None
    local: str = ""
    not_after: dt.datetime | None = None


class Refusal(msgspec.Struct, frozen=True):
    """The event becomes no dispatch at all: a RejectedTrigger with this code."""

    code: str
    path: str
    message: str


NOBODY: frozenset[str] = frozenset()

Moments = dict[str, calendar.Moment | calendar.Expired]
"""Campaign id → its next moment: one for all events of a batch, which share the time they are decided at."""


def decide(
    trigger: Trigger,
    campaign: CampaignPlan,
    snapshot: Snapshot,
    now: dt.datetime,
    moments: Moments,
    unavailable: frozenset[str] = NOBODY,
) -> list[Draft] | Refusal:
    """What becomes of a trigger: a draft per provider (strategy all), one that goes (the others), or one kept back.

    `unavailable`: ids of providers that are left alone at this moment; another one of the campaign takes over.
    """
    if refusal := _campaign_gate(campaign, now):
        return refusal
    person = person_key_of(trigger.attributes, campaign)
    drafts = [
        render_draft(plan, snapshot.providers.get(plan.provider_id), trigger.attributes, person=person)
        for plan in order_for(campaign, person, trigger.correlation_id)
    ]
    eligible = [draft for draft in drafts if draft.status is Status.PENDING]
    if eligible and campaign.rate_basis_points and (kept := _control_gate(person, campaign, eligible[0])):
        return [kept]
    if campaign.goes_on and eligible:
        drafts = up_to_the_first(drafts, unavailable)
    for draft in drafts:
        if draft.status is Status.PENDING:
            _calendar_gate(draft, campaign, now, moments)
    return drafts


def order_for(campaign: CampaignPlan, person: str | None, correlation_id: str) -> Sequence[ProviderPlan]:
    """The campaign's providers as this person meets them. Whoever has no key is drawn anew by every event."""
    if campaign.strategy != WEIGHTED:
        return campaign.providers
    return in_order_for(person or correlation_id, campaign.providers, campaign.salt)


def up_to_the_first(drafts: list[Draft], unavailable: frozenset[str]) -> list[Draft]:
    """Drafts up to the one that goes: the first whose provider is available. Those before it are refused with their
    reason. Where none is available the first waits; where none is PENDING, all stay."""
    waiting = None
    for index, draft in enumerate(drafts):
        if draft.status is not Status.PENDING:
            continue
        assert draft.plan is not None
        if draft.plan.provider_id not in unavailable:
            for passed in drafts[:index]:
                if passed.status is Status.PENDING:
                    _refuse(passed, reasons.PROVIDER_UNAVAILABLE, None)
            return drafts[: index + 1]
        waiting = index if waiting is None else waiting
    return drafts if waiting is None else drafts[: waiting + 1]


def render_draft(
    plan: ProviderPlan, provider: ProviderState | None, attributes: dict[str, Any], *, person: str | None
) -> Draft:
    """The pure gates of one provider: provider, template, address, mapping, rendering."""
    draft = Draft(plan=plan, provider=provider, channel=provider.type if provider else "", status=Status.PENDING)
    if code := provider_problem(plan, provider):
        return _refuse(draft, code, provider.problem if provider and code == reasons.PROVIDER_MISCONFIGURED else None)
    assert provider is not None and provider.settings is not None
    attribute = provider.settings.address_attribute
    draft.destination, code = destination_of(attributes, attribute)
    if code:
        return _refuse(draft, code, attribute)
    values, missing = mappings.resolve(plan.mapping, attributes)
    if missing:
        return _refuse(draft, reasons.MISSING_ATTRIBUTE, ", ".join(missing))
    draft.variables = values
    draft.body = rendering.render(_wording(plan, person), values)
    if plan.subject:
        draft.subject = rendering.render(plan.subject, values)
    return draft


def provider_problem(plan: ProviderPlan | None, provider: ProviderState | None) -> str:
    """The coded reason why this provider cannot carry this template now, "" where it can."""
    if plan is None or provider is None:
        return reasons.PROVIDER_REMOVED
    if not provider.is_active:
        return reasons.PROVIDER_INACTIVE
    if provider.problem or provider.settings is None:
        return reasons.PROVIDER_MISCONFIGURED
    if not plan.template_active:
        return reasons.TEMPLATE_INACTIVE
    return ""


def _campaign_gate(campaign: CampaignPlan, now: dt.datetime) -> Refusal | None:
    if not campaign.is_active:
        code = reasons.CAMPAIGN_INACTIVE
    elif closed := calendar.campaign_open(now, campaign.start_date, campaign.end_date, campaign.zone):
        code = reasons.CAMPAIGN_NOT_STARTED if closed == "NOT_STARTED" else reasons.CAMPAIGN_ENDED
    elif not campaign.providers:
        code = reasons.CAMPAIGN_WITHOUT_PROVIDER
    else:
        return None
    return Refusal(code, "$.journey_name", str(reasons.EXPLANATIONS[code]))


def _control_gate(person: str | None, campaign: CampaignPlan, first: Draft) -> Draft | None:
    kept = Draft(plan=first.plan, provider=first.provider, channel=first.channel, status=Status.CONTROL_GROUP)
    if person is None:
        return _refuse(kept, reasons.NO_PERSON_KEY, None)
    if control.bucket(campaign.salt, person) < campaign.rate_basis_points:
        kept.reason = reasons.CONTROL_GROUP
        return kept
    return None


def _calendar_gate(draft: Draft, campaign: CampaignPlan, now: dt.datetime, moments: Moments) -> None:
    if campaign.mode == "SYNC":
        draft.not_after = calendar.sync_not_after(now)
        return
    moment = moments.get(campaign.id)
    if moment is None:
        moment = moments[campaign.id] = calendar.next_moment(
            now, campaign.trigger_time, campaign.week_days, campaign.zone, campaign.start_date, campaign.end_date
        )
    if isinstance(moment, calendar.Expired):
        draft.status, draft.reason = Status.EXPIRED, reasons.CAMPAIGN_ENDED
        draft.error = explain(reasons.CAMPAIGN_ENDED)
        return
    draft.status = Status.SCHEDULED
    draft.due_at, draft.local, draft.not_after = moment.utc, moment.local, moment.not_after


def _refuse(draft: Draft, code: str, detail: str | None) -> Draft:
    draft.status, draft.reason = Status.REFUSED, code
    draft.error = explain(code, detail)
    return draft


def explain(code: str, detail: str | None = None) -> str:
    """The code, its meaning, and what it is about: `NO_ADDRESS: The contact has … (phone_number)`."""
    text = f"{code}: {reasons.EXPLANATIONS.get(code, '')}"
    return f"{text} ({detail})" if detail else text


def person_key_of(attributes: dict[str, Any], campaign: CampaignPlan) -> str | None:
    return control.person_key(attributes, campaign.person_key_attribute)


def _wording(plan: ProviderPlan, person: str | None) -> rendering.Compiled:
    """The body or one of its variants: each person keeps one; without a person key it is the body."""
    if not plan.variants or person is None:
        return plan.body
    return rendering.choose(plan.body, plan.variants, person)
