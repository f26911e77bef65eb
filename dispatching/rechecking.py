"""What is asked again of a dispatch that is released later than a second after its plan (decision 8). Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec

from campaigns import calendar
from campaigns.snapshot import CampaignPlan
from dispatching import reasons
from dispatching.gates import explain, provider_problem
from dispatching.parcels import LaneKey, Parcel
from dispatching.results import Move, in_doubt
from dispatching.snapshot import Snapshot
from dispatching.statuses import Status
from providers.loading import ProviderState


class Postponed(msgspec.Struct, frozen=True):
    """Its latest moment passed while it waited: it goes at the next allowed one."""

    parcel: Parcel
    lane: LaneKey
    moment: calendar.Moment


class Verdicts(msgspec.Struct):
    """Parcels after the recheck: what goes, what ends here, what goes later."""

    going: list[Parcel] = []
    ended: list[Move] = []
    postponed: list[Postponed] = []


def recheck_all(parcels: Iterable[Parcel], lane: LaneKey, snapshot: Snapshot, now: dt.datetime) -> Verdicts:
    verdicts = Verdicts()
    for parcel in parcels:
        verdict = recheck(parcel, lane, snapshot, now)
        if verdict is None:
            verdicts.going.append(parcel)
        elif isinstance(verdict, Postponed):
            verdicts.postponed.append(verdict)
        else:
            verdicts.ended.append(verdict)
    return verdicts


def recheck(parcel: Parcel, lane: LaneKey, snapshot: Snapshot, now: dt.datetime) -> Move | Postponed | None:
    """None where it may go; else how it ends or when it goes."""
    provider = snapshot.providers.get(lane.provider_id)
    campaign = snapshot.by_id.get(parcel.campaign_id) if parcel.campaign_id else None
    if parcel.campaign_id:
        if campaign is None or not campaign.is_active:
            return _end(parcel, lane, Status.REFUSED, reasons.CAMPAIGN_INACTIVE)
        if calendar.campaign_open(now, None, campaign.end_date, campaign.zone):
            return _end(parcel, lane, Status.EXPIRED, reasons.CAMPAIGN_ENDED)
        plan = next((p for p in campaign.providers if p.campaign_provider_id == parcel.campaign_provider_id), None)
        if code := provider_problem(plan, provider):
            return _end(parcel, lane, Status.REFUSED, code, provider.problem if provider else None)
    elif code := _problem_without_campaign(parcel, provider, snapshot):
        return _end(parcel, lane, Status.REFUSED, code, provider.problem if provider else None)
    if now > parcel.not_after:
        return _late(parcel, lane, campaign, now)
    return None


def _problem_without_campaign(parcel: Parcel, provider: ProviderState | None, snapshot: Snapshot) -> str:
    if provider is None:
        return reasons.PROVIDER_REMOVED
    if not provider.is_active:
        return reasons.PROVIDER_INACTIVE
    if provider.problem or provider.settings is None:
        return reasons.PROVIDER_MISCONFIGURED
    return reasons.TEMPLATE_INACTIVE if parcel.template_id in snapshot.inactive_templates else ""


def _late(parcel: Parcel, lane: LaneKey, campaign: CampaignPlan | None, now: dt.datetime) -> Move | Postponed:
    if campaign is None or not parcel.asynchronous or campaign.mode != "ASYNC":
        return _end(parcel, lane, Status.EXPIRED, reasons.NOT_AFTER_PASSED)
    moment = calendar.next_allowed(
        now, campaign.trigger_time, campaign.week_days, campaign.zone, campaign.start_date, campaign.end_date
    )
    if isinstance(moment, calendar.Expired):
        return _end(parcel, lane, Status.EXPIRED, reasons.CAMPAIGN_ENDED)
    return Postponed(parcel, lane, moment)


def _end(parcel: Parcel, lane: LaneKey, status: Status, code: str, detail: str | None = None) -> Move:
    move = Move(
        parcel=parcel,
        lane_provider=lane.provider_id,
        lane_class=lane.lane_class,
        status=status,
        reason=code,
        error=explain(code, detail),
    )
    return in_doubt(move)
