"""Where a campaign stands today, and when it sends next: by its own flag, dates, calendar and zone."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.db.models import DateField, F, Func, Q, QuerySet, TextChoices
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.calendar import ENDED, NOT_STARTED, Expired, campaign_open, next_moment
from campaigns.models import Campaign, DispatchMode
from campaigns.weekdays import parse_week_days


class State(TextChoices):
    ACTIVE = "active", gettext_lazy("running")
    UPCOMING = "upcoming", gettext_lazy("upcoming")
    ENDED = "ended", gettext_lazy("ended")
    INACTIVE = "inactive", gettext_lazy("inactive")


def state_of(campaign: Campaign, now: dt.datetime) -> State:
    zone = _zone(campaign.timezone)
    if not campaign.is_active or zone is None:
        return State.INACTIVE
    closed = campaign_open(now, campaign.start_date, campaign.end_date, zone)
    return {None: State.ACTIVE, NOT_STARTED: State.UPCOMING, ENDED: State.ENDED}[closed]


def in_state(queryset: QuerySet[Campaign], state: str) -> QuerySet[Campaign]:
    """The same as a condition of the database, which knows the same zones."""
    if state == State.INACTIVE:
        return queryset.filter(is_active=False)
    today = Func(F("timezone"), Now(), template="(timezone(%(expressions)s))::date", output_field=DateField())
    active = queryset.filter(is_active=True).alias(today=today)
    before, after = Q(start_date__gt=F("today")), Q(end_date__lt=F("today"))
    if state == State.UPCOMING:
        return active.filter(before)
    if state == State.ENDED:
        return active.filter(after).exclude(before)
    return active.exclude(before).exclude(after) if state == State.ACTIVE else queryset.none()


def next_send_text(campaign: Campaign, now: dt.datetime) -> str:
    """For a person; "" where the calendar is not filled in yet. The flag is not looked at: drafts have a calendar."""
    zone = _zone(campaign.timezone)
    if zone is None:
        return ""
    if campaign.end_date and campaign_open(now, None, campaign.end_date, zone) == ENDED:
        return _("No more: it ended on %(day)s.") % {"day": date_format(campaign.end_date, "SHORT_DATE_FORMAT")}
    if campaign.dispatch_mode != DispatchMode.ASYNC:
        return _sync_text(campaign, now, zone)
    days = _days(campaign.week_days)
    if not days or campaign.trigger_time is None:
        return ""
    moment = next_moment(now, campaign.trigger_time, days, zone, campaign.start_date, campaign.end_date)
    if isinstance(moment, Expired):
        return _("Never: no allowed day is left before the end date.")
    return _local(moment.utc, zone, now)


def _sync_text(campaign: Campaign, now: dt.datetime, zone: ZoneInfo) -> str:
    if campaign.start_date and campaign_open(now, campaign.start_date, None, zone) == NOT_STARTED:
        day = date_format(campaign.start_date, "SHORT_DATE_FORMAT")
        return _("At once on every event, from %(day)s on.") % {"day": day}
    return _("At once on every event.")


def _local(moment: dt.datetime, zone: ZoneInfo, now: dt.datetime) -> str:
    """seg, 23/11 14:00; with the year where it is another one, with the zone where it is not the reader's."""
    local = moment.astimezone(zone)
    day = f"{local:%d/%m}" if local.year == now.astimezone(zone).year else f"{local:%d/%m/%Y}"
    text = f"{date_format(local, 'D').lower()}, {day} {local:%H:%M}"
    return text if zone.key == str(timezone.get_current_timezone_name()) else f"{text} ({zone.key})"


def _zone(name: Any) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError, TypeError):
        return None


def _days(text: str) -> list[int]:
    try:
        return parse_week_days(text) if text else []
    except ValidationError:
        return []
