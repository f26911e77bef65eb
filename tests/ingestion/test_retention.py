"""Dead letters are kept their days, and for as long as somebody waits for their replay."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.management import call_command

from ingestion.models import RejectedState, RejectedTrigger
from ingestion.retention import clean_dead_letters
from tests.factories import RejectedTriggerFactory

NOW = dt.datetime.now(dt.UTC)


@pytest.mark.django_db(transaction=True)
def test_old_ones_go_and_young_ones_and_those_to_be_replayed_stay() -> None:
    old, young = NOW - dt.timedelta(days=15), NOW - dt.timedelta(days=13)
    for state in RejectedState.values:
        RejectedTriggerFactory(state=state, created_at=old)
        RejectedTriggerFactory(state=state, created_at=young)
    assert clean_dead_letters() == 3
    left = RejectedTrigger.objects.filter(created_at__lt=NOW - dt.timedelta(days=14))
    assert [row.state for row in left] == [RejectedState.REPLAY_REQUESTED]
    assert RejectedTrigger.objects.count() == 5
    call_command("clean_dead_letters")
