"""Where a campaign stands: the words on the list, and the same said to the database."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.utils import timezone, translation

from campaigns.models import Campaign
from campaigns.states import State, in_state, next_send_text, state_of
from tests.factories import CampaignFactory

# A Friday, 20:44 in São Paulo.
NOW = dt.datetime(2026, 11, 20, 23, 44, tzinfo=dt.UTC)
TODAY = dt.date(2026, 11, 20)


def campaign(**fields: object) -> Campaign:
    made: Campaign = CampaignFactory.build(**fields)
    return made


def scheduled(**fields: object) -> Campaign:
    values = {"dispatch_mode": "ASYNC", "trigger_time": dt.time(14), "week_days": "1,2,3,4,5", **fields}
    return campaign(**values)


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, State.ACTIVE),
        ({"start_date": TODAY, "end_date": TODAY}, State.ACTIVE),
        ({"start_date": TODAY + dt.timedelta(1)}, State.UPCOMING),
        ({"end_date": TODAY - dt.timedelta(1)}, State.ENDED),
        ({"is_active": False, "end_date": TODAY - dt.timedelta(1)}, State.INACTIVE),
        # Already tomorrow in Auckland.
        ({"end_date": TODAY, "timezone": "Pacific/Auckland"}, State.ENDED),
    ],
)
def test_a_campaign_stands_by_its_own_clock(fields: dict[str, object], state: State) -> None:
    assert state_of(campaign(**fields), NOW) == state


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["America/Sao_Paulo", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_database_sorts_campaigns_into_the_same_states(zone: str) -> None:
    now = timezone.now()
    for start in (None, -1, 0, 1):
        for end in (None, -1, 0, 1):
            if start is not None and end is not None and start > end:
                continue
            for active in (True, False):
                CampaignFactory(timezone=zone, is_active=active, start_date=_day(now, start), end_date=_day(now, end))
    everything = list(Campaign.objects.all())
    for state in State:
        expected = {one.pk for one in everything if state_of(one, now) == state}
        assert set(in_state(Campaign.objects.all(), state).values_list("pk", flat=True)) == expected
    assert connection.vendor == "postgresql"


def _day(now: dt.datetime, offset: int | None) -> dt.date | None:
    return None if offset is None else now.date() + dt.timedelta(offset)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (scheduled(), "seg, 23/11 14:00"),
        (scheduled(week_days="5", trigger_time=dt.time(23)), "sex, 20/11 23:00"),
        (scheduled(start_date=dt.date(2027, 1, 4)), "seg, 04/01/2027 14:00"),
        (scheduled(timezone="Asia/Tokyo"), "seg, 23/11 14:00 (Asia/Tokyo)"),
        (scheduled(end_date=dt.date(2026, 11, 22)), "Nunca: não resta dia permitido até a data de fim."),
        (scheduled(end_date=dt.date(2026, 11, 1)), "Nenhum: terminou em 01/11/2026."),
        (scheduled(week_days=""), ""),
        (scheduled(trigger_time=None), ""),
        (scheduled(week_days="9"), ""),
        (scheduled(timezone="Mars/Olympus"), ""),
        (campaign(), "Imediato, a cada evento."),
        (campaign(start_date=dt.date(2026, 12, 1)), "Imediato, a cada evento, a partir de 01/12/2026."),
    ],
)
def test_the_next_send_is_told_as_people_say_it(made: Campaign, text: str) -> None:
    with translation.override("pt-br"), timezone.override("America/Sao_Paulo"):
        assert next_send_text(made, NOW) == text
