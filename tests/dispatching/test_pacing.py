"""The pace is shared, never exceeded, and exact over time."""

from __future__ import annotations

import datetime as dt
import threading
import time
import uuid

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatching.database import connect
from dispatching.models import PaceCounter
from dispatching.pacing import grant, take_tokens
from dispatching.retrying import LONGEST_WAIT, delay_before
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import Hands, campaign_with, plan_due
from tests.dispatching.test_lanes import settings

START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@given(
    per_minute=st.integers(1, 100_000),
    asks=st.lists(st.tuples(st.integers(0, 500), st.floats(0, 3)), min_size=1, max_size=60),
)
def test_over_any_time_no_more_leaves_than_the_pace_and_one_second(
    per_minute: int, asks: list[tuple[int, float]]
) -> None:
    now, next_at, granted = START, dt.datetime(1970, 1, 1, tzinfo=dt.UTC), 0
    for wanted, pause in asks:
        tokens, next_at = grant(now, next_at, per_minute, wanted)
        assert 0 <= tokens <= wanted
        granted += tokens
        allowed = per_minute / 60 * ((now - START).total_seconds() + 1) + 1
        assert granted <= allowed
        now += dt.timedelta(seconds=pause)


def test_a_slow_pace_lets_one_go_at_a_time() -> None:
    tokens, next_at = grant(START, START - dt.timedelta(days=1), 6, 50)
    assert tokens == 1
    assert grant(START + dt.timedelta(seconds=5), next_at, 6, 50)[0] == 0
    assert grant(START + dt.timedelta(seconds=9.5), next_at, 6, 50)[0] == 1


@pytest.mark.usefixtures("transactional_db")
def test_processes_that_ask_at_once_share_one_pace() -> None:
    provider = str(uuid.uuid4())
    got: list[int] = []

    def ask() -> None:
        with connect("prism:test:pace") as own:
            got.extend(take_tokens(own, provider, 600, 7) for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 20
    assert 10 <= sum(got) <= 20, "ten a second, and the threads take less than one"
    assert PaceCounter.objects.count() == 1


def test_a_claim_takes_tokens_for_what_is_due_and_leaves_the_rest_to_others(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with([{"max_messages_per_minute": 600}])
    plan_due(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    assert hands.claim() == 1
    assert take_tokens(connection, str(provider.pk), 600, 20) >= 9


def test_retries_follow_the_seed_and_hear_the_vendor() -> None:
    plain = settings()
    assert [delay_before(attempt, plain, None, jitter=0.5) for attempt in (2, 3, 4, 9)] == [1, 2, 4, 30]
    assert delay_before(2, plain, 120, jitter=0.5) == 120
    assert delay_before(2, plain, 10**9, jitter=0.5) == LONGEST_WAIT
    assert 0.8 <= delay_before(2, plain, None) <= 1.2


def test_nobody_waits_for_a_process_that_froze_with_the_pace_in_its_hands(connection: psycopg.Connection) -> None:
    """The recorder of every process takes tokens: waiting here would stop all lanes for one provider's row."""
    provider = str(uuid.uuid4())
    assert take_tokens(connection, provider, 600, 3) == 3
    with connect("prism:test:frozen") as frozen, frozen.transaction():
        frozen.execute("UPDATE pace_counters SET next_at = next_at WHERE provider_id = %s", [provider])
        started = time.monotonic()
        assert take_tokens(connection, provider, 600, 3) == 0
        assert time.monotonic() - started < 2
    assert take_tokens(connection, provider, 600, 3) == 3
