"""Counts are the facts, added up: whoever moves a dispatch, however often it is folded, whoever folds beside."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import psycopg
import pytest
from django.db.models import Sum

from dispatching.counting import counts_between, fold_counts
from dispatching.counts import DispatchCount
from dispatching.lanes import Lanes
from dispatching.models import Dispatch
from outbox.models import OutboxEvent
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.test_planning import campaign_with_provider, plan
from tests.factories import TenantFactory


def total() -> int:
    return DispatchCount.objects.aggregate(n=Sum("changes"))["n"] or 0


def hour_of(moment: dt.datetime) -> dt.datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def test_what_a_batch_tells_is_counted_by_status_and_what_waits_is_not(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider(control_group_rate=100)
    other = campaign_with_provider(tenant=campaign.tenant)
    plan(
        connection,
        *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(3)),
        *(make_trigger(other.name, tenant_id=campaign.tenant_id, phone_number=None) for _ in range(2)),
        make_trigger(other.name, tenant_id=campaign.tenant_id),
        lanes=Lanes(),
    )
    now = dt.datetime.now(dt.UTC)
    found = counts_between(
        campaign.tenant_id, hour_of(now) - dt.timedelta(hours=1), now, by=("status", "campaign", "provider")
    )
    providers = set(Dispatch.objects.values_list("campaign_id", "provider_id"))
    assert {(status, campaign_id): n for (status, campaign_id, _provider), n in found.items()} == {
        ("CONTROL_GROUP", campaign.pk): 3,
        ("REFUSED", other.pk): 2,
    }
    assert {(campaign_id, provider) for _status, campaign_id, provider in found} == providers
    assert total() == OutboxEvent.objects.count() == 5


def test_changes_by_statements_of_any_kind_are_counted_too(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    from dispatching.facts import COLUMNS, insert_facts

    campaign = campaign_with_provider(dispatch_mode="ASYNC", trigger_time="14:00", week_days="1,2,3,4,5,6,7")
    plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(4)), lanes=Lanes())
    assert total() == 0
    connection.execute(
        f"WITH moved AS (UPDATE dispatches SET status = 'EXPIRED', version = version + 1 RETURNING {COLUMNS})"
        f" {insert_facts('moved')}".encode()
    )
    assert list(DispatchCount.objects.values_list("status", "changes")) == [("EXPIRED", 4)]


@pytest.mark.django_db(transaction=True)
def test_folding_sums_up_and_loses_nothing_while_others_fold_and_write() -> None:
    tenant = TenantFactory.create()
    hours = [hour_of(dt.datetime.now(dt.UTC)) - dt.timedelta(hours=n) for n in range(3)]
    campaign, provider = uuid.uuid4(), uuid.uuid4()

    def write() -> None:
        DispatchCount.objects.bulk_create(
            DispatchCount(
                tenant=tenant, hour=hour, campaign_id=campaign, provider_id=provider, status=status, changes=2
            )
            for hour in hours
            for status in ("SENT", "FAILED")
            for _ in range(20)
        )

    write()
    threads = [threading.Thread(target=fold_counts) for _ in range(4)]
    for thread in threads:
        thread.start()
    write()
    for thread in threads:
        thread.join()
    assert total() == 2 * 3 * 2 * 20 * 2
    fold_counts()
    assert total() == 2 * 3 * 2 * 20 * 2
    assert DispatchCount.objects.count() == 6
    assert fold_counts() == 0, "what is summed up is left alone"
    found = counts_between(tenant.pk, hours[-1], hours[0] + dt.timedelta(hours=1), by=("hour", "status"))
    assert found == {(hour, status): 80 for hour in hours for status in ("SENT", "FAILED")}
    assert counts_between(TenantFactory.create().pk, hours[-1], hours[0] + dt.timedelta(hours=1)) == {}
