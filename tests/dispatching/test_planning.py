"""A batch of triggers becomes rows, facts and releases, in one transaction and a fixed number of statements."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from campaigns.models import Campaign, CampaignProvider
from dispatching import reasons
from dispatching.database import is_passing
from dispatching.lanes import Lanes
from dispatching.models import Dispatch, DueDispatch, SendBatch
from dispatching.planning import Plan, Planner, plan_batch
from dispatching.snapshot import SnapshotHolder
from dispatching.triggers import Trigger
from outbox.models import OutboxEvent
from tests.dispatching.conftest import MakeTrigger
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory, ProviderFactory


def plan(connection: psycopg.Connection, *triggers: Trigger, lanes: Lanes | None = None) -> Plan:
    planner = Planner(worker_id=7, snapshots=SnapshotHolder(), lanes=lanes)
    with connection.transaction(), connection.cursor() as cursor:
        return plan_batch(cursor, planner, triggers, dt.datetime.now(dt.UTC))


def campaign_with_provider(**fields: Any) -> Campaign:
    campaign: Campaign = CampaignFactory.create(**fields)
    CampaignProviderTemplateFactory.create(campaign_provider__campaign=campaign)
    return campaign


def test_a_sync_trigger_becomes_a_rendered_dispatch_that_is_released_at_once(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider()
    planned = plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    dispatch = Dispatch.objects.get()
    assert dispatch.status == "PENDING"
    assert dispatch.message_content.startswith("Olá João, chegou a Black Friday! Você tem uma oferta de crédito de R$")
    assert dispatch.destination == "+5511999999999"
    assert dispatch.template_version is not None
    assert dispatch.template_version.template_id == dispatch.template_id
    batch = SendBatch.objects.get()
    assert batch.released_at is not None
    assert batch.dispatch_ids == [dispatch.id]
    assert [parcel.id for parcel in planned.released[0].parcels] == [str(dispatch.id)]
    assert not OutboxEvent.objects.exists(), "a waiting state is never published"


def test_an_async_trigger_waits_for_its_moment_with_its_local_time_kept(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider(dispatch_mode="ASYNC", trigger_time=dt.time(14), week_days="1,2,3,4,5,6,7")
    plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    dispatch, due = Dispatch.objects.get(), DueDispatch.objects.get()
    assert dispatch.status == "SCHEDULED"
    assert dispatch.scheduled_for == due.due_at
    assert due.due_at > dt.datetime.now(dt.UTC)
    assert "14:00" in dispatch.scheduled_local
    assert due.not_after > due.due_at
    assert not SendBatch.objects.exists()


def test_every_refused_event_has_its_code_and_the_others_go_on(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    good = campaign_with_provider()
    tenant = good.tenant
    off = campaign_with_provider(tenant=tenant, is_active=False)
    ended = campaign_with_provider(tenant=tenant, end_date=dt.date(2024, 1, 1))
    ahead = campaign_with_provider(tenant=tenant, start_date=dt.date(2999, 1, 1))
    empty = CampaignFactory.create(tenant=tenant)
    names = [off.name, "nobody_knows", good.name, ended.name, ahead.name, empty.name]
    planned = plan(connection, *[make_trigger(name, tenant_id=tenant.id) for name in names])
    assert {rejection.index: rejection.code for rejection in planned.rejections} == {
        0: reasons.CAMPAIGN_INACTIVE,
        1: reasons.UNKNOWN_JOURNEY,
        3: reasons.CAMPAIGN_ENDED,
        4: reasons.CAMPAIGN_NOT_STARTED,
        5: reasons.CAMPAIGN_WITHOUT_PROVIDER,
    }
    assert Dispatch.objects.get().campaign == good


def test_the_control_group_is_one_dispatch_and_one_fact_per_event_however_many_providers(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider(control_group_rate=Decimal(100))
    CampaignProviderTemplateFactory.create(campaign_provider__campaign=campaign, campaign_provider__order=2)
    plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.reason, dispatch.channel) == ("CONTROL_GROUP", "CONTROL_GROUP", "WHATSAPP")
    fact = json.loads(OutboxEvent.objects.get().payload)
    assert fact["status"] == "CONTROL_GROUP"
    assert fact["dispatched_at"] is None
    assert fact["processing_time_ms"] is None
    campaign.refresh_from_db()
    assert campaign.control_frozen_at is not None, "the first dispatch freezes the group"


def test_without_a_person_key_a_campaign_with_a_control_group_refuses(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider(control_group_rate=Decimal(1))
    plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id, tax_identification=None))
    assert Dispatch.objects.get().reason == reasons.NO_PERSON_KEY


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"phone_number": None}, reasons.NO_ADDRESS),
        ({"phone_number": "call me"}, reasons.INVALID_ADDRESS),
        ({"credit_tax": None}, reasons.MISSING_ATTRIBUTE),
        ({"credit_tax": "  "}, reasons.MISSING_ATTRIBUTE),
    ],
)
def test_what_keeps_a_message_from_being_made_is_refused_before_the_control_group(
    connection: psycopg.Connection, make_trigger: MakeTrigger, attributes: dict[str, Any], reason: str
) -> None:
    campaign = campaign_with_provider(control_group_rate=Decimal(100))
    plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id, **attributes))
    dispatch = Dispatch.objects.get()
    assert (dispatch.status, dispatch.reason) == ("REFUSED", reason)
    assert json.loads(OutboxEvent.objects.get().payload)["error_message"].startswith(reason)


def test_every_provider_gets_its_dispatch_and_fallback_only_the_first_that_can(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider()
    email = ProviderFactory.create(tenant=campaign.tenant, provider_type="EMAIL")
    CampaignProviderTemplateFactory.create(
        campaign_provider__campaign=campaign, campaign_provider__provider=email, campaign_provider__order=2
    )
    plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    assert {d.channel: d.destination for d in Dispatch.objects.all()} == {
        "WHATSAPP": "+5511999999999",
        "EMAIL": "joao@example.com",
    }
    Campaign.objects.update(strategy="fallback")
    CampaignProvider.objects.filter(provider=email).update(order=0)
    trigger = make_trigger(campaign.name, tenant_id=campaign.tenant_id, correlation_id="next", email=None)
    plan(connection, trigger, lanes=Lanes())
    assert {(d.channel, d.status) for d in Dispatch.objects.filter(correlation_id="next")} == {
        ("EMAIL", "REFUSED"),
        ("WHATSAPP", "PENDING"),
    }


def test_what_finds_no_slot_waits_in_memory_and_beyond_that_in_the_queue(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider()
    ProviderFactory._meta.model.objects.update(
        configuration={"provider_vendor": "gateway", "api_url": "http://127.0.0.1:9/", "concurrency": 1}
    )
    triggers = [make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(40)]
    planned = plan(connection, *triggers, lanes=Lanes())
    released = sum(len(batch.parcels) for batch in planned.released)
    ahead = sum(len(batch.parcels) for batch in planned.ahead)
    assert (released, ahead, planned.due) == (4, 16, 20)
    assert SendBatch.objects.filter(released_at=None).count() == len(planned.ahead)
    assert DueDispatch.objects.count() == 20


def test_a_provider_that_cannot_be_used_is_refused_and_breaks_nobody_else(
    connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign = campaign_with_provider()
    broken = ProviderFactory.create(
        tenant=campaign.tenant,
        configuration={
            "provider_vendor": "gateway",
            "api_url": "http://127.0.0.1:9/",
            "authentication": {"type": "bearer_token", "token_env_var": "NOT_ALLOWED_HERE"},
        },
    )
    off = ProviderFactory.create(tenant=campaign.tenant, is_active=False)
    for provider in (broken, off):
        CampaignProviderTemplateFactory.create(
            campaign_provider__campaign=campaign, campaign_provider__provider=provider
        )
    plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id), lanes=Lanes())
    assert sorted(Dispatch.objects.values_list("status", "reason")) == [
        ("PENDING", ""),
        ("REFUSED", reasons.PROVIDER_INACTIVE),
        ("REFUSED", reasons.PROVIDER_MISCONFIGURED),
    ]


def test_the_number_of_statements_does_not_depend_on_the_number_of_events(
    connection: psycopg.Connection, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = campaign_with_provider()
    holder = SnapshotHolder()
    statements: list[str] = []

    class Counting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            statements.append(str(query))
            return super().execute(query, *args, **kwargs)

        def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
            statements.append(str(statement))
            return super().copy(statement, *args, **kwargs)

    def run(count: int) -> int:
        triggers = [make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(count)]
        with connection.transaction(), Counting(connection) as cursor:
            planner = Planner(worker_id=7, snapshots=holder, lanes=Lanes())
            statements.clear()
            plan_batch(cursor, planner, triggers, dt.datetime.now(dt.UTC))
        return len(statements)

    run(1)
    run(1)  # the first dispatch froze the control group, a change of configuration
    assert run(100) == run(1) <= 6


def test_a_missing_week_is_our_fault_and_costs_no_event_and_no_slot(
    connection: psycopg.Connection, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As COPY tells it: 23514 without a constraint's name, by which ingestion knows that it has to wait."""
    campaign, lanes = campaign_with_provider(), Lanes()
    trigger = make_trigger(campaign.name, tenant_id=campaign.tenant_id)
    far = dt.datetime.now(dt.UTC) + dt.timedelta(weeks=40)
    with monkeypatch.context() as patch:
        patch.setattr("dispatching.planning._database_time", lambda _cursor: far)
        with pytest.raises(psycopg.errors.CheckViolation) as caught:
            plan(connection, trigger, lanes=lanes)
    assert caught.value.diag.constraint_name is None
    assert is_passing(caught.value)
    assert lanes.held() == 0
    assert not plan(connection, trigger, lanes=lanes).duplicates, "its key was not taken"
