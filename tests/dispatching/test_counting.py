"""Counts are the facts, and the facts are the rows: whoever moved a dispatch, before and after folding."""

from __future__ import annotations

import datetime as dt
import re
import threading
import uuid
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

import dispatching
from campaigns.models import Campaign
from dispatching import counting, operating, resolving
from dispatching.counting import counts_between, fold_counts
from dispatching.counts import DispatchCount
from dispatching.facts import insert_counts
from dispatching.models import Dispatch, DueDispatch
from dispatching.reaping import reap
from dispatching.receiving import apply_receipts
from dispatching.reports import Receipt
from dispatching.statuses import Status
from dispatching.triggers import Trigger
from outbox.models import OutboxEvent
from providers.outcomes import Kind, Outcome
from tenants.database import connect
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import REJECTED, Hands, campaign_with, plan_due, silence
from tests.dispatching.test_query_plans import explain, nodes
from tests.factories import TenantFactory
from tests.web import as_web_role

HOUR = dt.timedelta(hours=1)
HERE = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
Found = dict[tuple[object, ...], int]


def counted(tenant_id: int, *by: counting.By) -> Found:
    return counts_between(tenant_id, HERE - HOUR, HERE + 2 * HOUR, by=by or ("status",))


def told() -> Found:
    rows = OutboxEvent.objects.values_list("headers__tenant", "payload")
    facts = Counter((slug, re.search(r'"status" : "(\w+)"', payload)[1]) for slug, payload in rows)  # type: ignore[index]  # every fact has one
    tenants = dict(Tenant.objects.values_list("slug", "pk"))
    return Counter({(tenants[slug], status): count for (slug, status), count in facts.items()})


def all_counted() -> Found:
    return {
        (tenant_id, *key): changes
        for tenant_id in Tenant.objects.values_list("pk", flat=True)
        for key, changes in counted(tenant_id).items()
    }


@pytest.fixture
def mixed(connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger) -> int:
    """Everything that publishes: planning, recording, fallback, recheck, reaping, people, receipts; of two tenants."""
    campaign, (first, _) = campaign_with([{}, {"is_active": False}], strategy="fallback")
    tenant = campaign.tenant
    held, _ = campaign_with(tenant=tenant, control_group_rate=100)
    other, _ = campaign_with()

    def triggers(of: Campaign, count: int, **attributes: object) -> list[Trigger]:
        return [make_trigger(of.name, tenant_id=of.tenant_id, **attributes) for _ in range(count)]

    hands.plan(connection, *triggers(held, 3), *triggers(campaign, 2, phone_number=None), *triggers(other, 2))
    hands.answer(Outcome(Kind.ACCEPTED, message_id="m"))
    hands.plan(connection, *triggers(campaign, 6))
    answers = iter([Outcome(Kind.ACCEPTED, message_id="m-1")] * 3 + [REJECTED] * 3)
    hands.answer(lambda _: next(answers))
    hands.plan(connection, *triggers(campaign, 2))
    hands.take()
    silence(connection, hands.worker_id)
    reap(connection, dead_after_s=15)
    Dispatch.objects.filter(status="UNKNOWN").update(created_at=HERE - 24 * HOUR, reason="TIMEOUT")
    plan_due(connection, *triggers(campaign, 2))
    now = dt.datetime.now(dt.UTC)
    with tenant_scope(tenant.pk, operator=True):
        unknown, _ = Dispatch.objects.filter(status="UNKNOWN").values_list("pk", flat=True)
        assert resolving.resolve_as_sent([unknown])
        assert operating.cancel(list(DueDispatch.objects.values_list("pk", flat=True))[:1])
    with connection.transaction(), connection.cursor() as cursor:
        ours = Dispatch.objects.filter(provider=first, status__in=("SENT", "UNKNOWN")).values_list("pk", flat=True)
        reports = zip(ours, [Status.DELIVERED, Status.READ, Status.FAILED, Status.FAILED], strict=False)
        apply_receipts(
            cursor,
            [Receipt(tenant.pk, str(first.pk), "", "x", now, status, dispatch_id=str(pk)) for pk, status in reports],
            now,
        )
    return int(tenant.pk)


def test_counts_are_the_facts_whoever_tells_them_and_stay_so_when_folded(mixed: int) -> None:
    facts = told()
    seen = {status for _, status in facts}
    assert seen >= {"SENT", "DELIVERED", "READ", "FAILED", "UNKNOWN", "CONTROL_GROUP", "REFUSED", "CANCELLED"}
    assert all_counted() == facts
    by_campaign, by_hour = counted(mixed, "hour", "campaign", "provider", "status"), counted(mixed, "hour")
    assert sum(by_campaign.values()) == sum(by_hour.values()) == sum(n for (who, _), n in facts.items() if who == mixed)
    deltas = DispatchCount.objects.count()
    assert fold_counts() == deltas
    assert all_counted() == facts
    assert counted(mixed, "hour", "campaign", "provider", "status") == by_campaign
    assert fold_counts() == 0
    assert DispatchCount.objects.filter(folded=True).count() == DispatchCount.objects.count() < deltas
    final = Counter(Dispatch.objects.filter(tenant_id=mixed).values_list("status", flat=True))
    for status in ("READ", "DELIVERED", "CANCELLED", "CONTROL_GROUP", "REFUSED"):
        assert counted(mixed)[status,] == final[status], "nothing has left these"


def test_what_is_counted_later_is_added_to_what_was_folded(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    for total in (3, 6, 9):
        hands.plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(3)))
        hands.answer(REJECTED)
        assert counted(campaign.tenant_id, "provider", "status") == {(provider.pk, "FAILED"): total}
        call_command("fold_counts", verbosity=0)
        assert counted(campaign.tenant_id, "campaign") == {(campaign.pk,): total}
    assert DispatchCount.objects.count() == 1


def add(connection: psycopg.Connection, tenant_id: int, hours: int, rows: int, folded: bool = False) -> None:
    connection.execute(
        "INSERT INTO dispatch_counts (tenant_id, hour, campaign_id, status, changes, folded)"
        " SELECT %s, %s - make_interval(hours => n %% %s), CASE WHEN n %% 2 = 0 THEN %s::uuid END, 'SENT', 2, %s"
        " FROM generate_series(0, %s - 1) n",
        [tenant_id, HERE, hours, uuid.UUID(int=7), folded, rows],
    )


def test_only_the_hours_asked_for_are_counted_and_only_ones_own(connection: psycopg.Connection) -> None:
    mine, theirs = TenantFactory.create(), TenantFactory.create()
    for tenant in (mine, theirs):
        add(connection, tenant.pk, hours=5, rows=10)
    with as_web_role(), tenant_scope(mine.pk):
        assert counts_between(mine.pk, HERE - 2 * HOUR, HERE, by=["hour"]) == {(HERE - 2 * HOUR,): 4, (HERE - HOUR,): 4}
        assert counts_between(theirs.pk, HERE - 9 * HOUR, HERE + HOUR) == {}
        assert counts_between(mine.pk, HERE - 9 * HOUR, HERE + HOUR, by=[]) == {(): 20}
        assert counts_between(theirs.pk, HERE - 9 * HOUR, HERE + HOUR, by=[]) == {(): 0}
        campaigns = counts_between(mine.pk, HERE - 9 * HOUR, HERE + HOUR, by=["campaign"])
        assert set(campaigns) == {(None,), (uuid.UUID(int=7),)}


def test_any_number_may_fold_while_others_count(
    connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "CHUNK", 50)
    tenant = TenantFactory.create().pk
    sums, over = [], threading.Event()

    def work(step: int) -> None:
        if step == 0:
            with connect("prism:test-counts") as own:
                for _ in range(40):
                    add(own, tenant, hours=3, rows=30)
                    row = own.execute("SELECT sum(changes)::int FROM dispatch_counts").fetchone()
                    sums.append(row and row[0])
            over.set()
        while not over.is_set():
            fold_counts()

    threads = [threading.Thread(target=work, args=[step]) for step in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    fold_counts()
    assert sums == [60 * (number + 1) for number in range(40)], "no reader ever sees less, or more"
    assert list(DispatchCount.objects.values_list("folded", flat=True)) == [True] * 6


def test_a_folding_that_is_killed_has_changed_nothing(connection: psycopg.Connection) -> None:
    tenant = TenantFactory.create().pk
    add(connection, tenant, hours=3, rows=100)
    with connection.transaction(force_rollback=True):
        connection.execute(counting._FOLD, [50])
    assert DispatchCount.objects.filter(folded=False).count() == 100
    assert fold_counts(max_seconds=0) == 0
    assert fold_counts() == 100


def test_reading_and_folding_read_no_more_than_they_need(connection: psycopg.Connection) -> None:
    tenant = TenantFactory.create().pk
    connection.execute(
        "INSERT INTO dispatch_counts (tenant_id, hour, campaign_id, status, changes, folded) SELECT %s, %s -"
        " make_interval(hours => n), gen_random_uuid(), 'SENT', 1, true FROM generate_series(1, 20000) n",
        [tenant, HERE],
    )
    add(connection, tenant, hours=2, rows=40)
    connection.execute("VACUUM ANALYZE dispatch_counts")
    read = "SELECT sum(changes) FROM dispatch_counts WHERE tenant_id = %s AND hour >= %s"
    for statement, parameters in ((read, [tenant, HERE - 9 * HOUR]), (counting._FOLD, [counting.CHUNK])):
        plan = explain(connection, statement, parameters)
        scanned = [node for node in nodes(plan) if node.get("Relation Name") == "dispatch_counts"]
        assert all(node["Node Type"] != "Seq Scan" for node in scanned if node["Actual Loops"])
        assert sum(node.get("Rows Removed by Filter", 0) for node in scanned) == 0


def test_every_place_that_writes_facts_counts_them(connection: psycopg.Connection) -> None:
    """In the room's code, and in the functions of the database that people act through."""
    for path in Path(dispatching.__file__).parent.glob("*.py"):
        text = path.read_text()
        for source in re.findall(r'\{insert_facts\("(\w+)"\)\}', text):
            assert f'{{insert_counts("{source}")}}' in text, path
        assert "INSERT INTO outbox_events" not in text or path.name == "facts.py"
    functions = connection.execute("SELECT proname, prosrc FROM pg_proc WHERE prosrc ~ 'INTO outbox_events'").fetchall()
    assert len(functions) >= 2
    for name, text in functions:
        assert re.sub(r"\s", "", insert_counts("moved")) in re.sub(r"\s", "", text), name
