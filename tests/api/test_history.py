"""Dispatches found, read, cancelled and sent again by programs; a contact's history; what is scheduled."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatching import scanning
from dispatching.ids import mint_ids
from dispatching.models import Attempt, Dispatch, DueDispatch, TriggerReceipt
from dispatching.triggers import ledger_key
from outbox.models import OutboxEvent
from tenants.models import Tenant
from tests.api.callers import Caller, codes_of, key_of
from tests.factories import (
    CampaignProviderTemplateFactory,
    DispatchFactory,
    DueDispatchFactory,
    TenantFactory,
    mint_id,
    now,
)
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db: None) -> Tenant:
    """Rolled back with the test: nothing here needs a second connection."""
    made: Tenant = TenantFactory.create(slug="acme")
    return made


@pytest.fixture
def link(tenant: Tenant) -> Any:
    return CampaignProviderTemplateFactory.create(
        campaign_provider__campaign__tenant=tenant, campaign_provider__provider__tenant=tenant
    )


@pytest.fixture
def caller(tenant: Tenant, link: Any) -> Iterator[Caller]:
    key = key_of(tenant.pk)
    with as_web_role():
        yield Caller(key)


def make(link: Any, **fields: Any) -> Dispatch:
    with as_owner_role():
        made: Dispatch = DispatchFactory.create(link=link, **fields)
    return made


def found(caller: Caller, query: str = "") -> list[str]:
    answer = caller.get(f"dispatches{query}")
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["results"]]


def walked(caller: Caller, query: str) -> list[list[str]]:
    """The ids of every page, by the cursor of the one before."""
    pages = []
    following = ""
    while True:
        page = caller.get(query + following).json()
        pages.append([row["id"] for row in page["results"]])
        if page["next_cursor"] is None:
            return pages
        following = f"&cursor={page['next_cursor']}"


def ids(*dispatches: Dispatch) -> list[str]:
    return [str(dispatch.pk) for dispatch in dispatches]


def test_dispatches_are_listed_newest_first_page_by_page(caller: Caller, link: Any) -> None:
    made = [make(link) for _ in range(5)]
    assert found(caller) == sorted(ids(*made), reverse=True)
    assert walked(caller, "dispatches?limit=2") == [sorted(ids(*made), reverse=True)[at : at + 2] for at in (0, 2, 4)]


def test_a_list_tells_who_and_why_and_not_what_was_said(caller: Caller, link: Any) -> None:
    make(link, status="REFUSED", reason="NO_ADDRESS")
    (row,) = caller.get("dispatches").json()["results"]
    campaign, provider = link.campaign_provider.campaign, link.campaign_provider.provider
    assert (row["campaign_id"], row["campaign_name"]) == (str(campaign.pk), campaign.name)
    assert (row["provider_id"], row["provider_name"]) == (str(provider.pk), provider.provider_name)
    assert (row["reason"], row["explanation"]) == ("NO_ADDRESS", "The contact has no address for this channel.")
    assert "message_content" not in row
    assert "contact_data" not in row


def test_a_search_goes_by_contact_correlation_campaign_provider_status_and_time(caller: Caller, link: Any) -> None:
    one = make(link, contact_tax_id="12345678000190", correlation_id="order-1")
    other = make(link, contact_tax_id="98765432000100", status="FAILED", reason="HTTP_500")
    with as_owner_role():
        TriggerReceipt.objects.create(
            key=ledger_key(one.tenant_id, "triggers", "order-1"),
            tenant_id=one.tenant_id,
            trigger_id=one.trigger_id,
            payload_digest=1,
            received_at=now(),
        )
    assert found(caller, "?contact_tax_id=12.345.678/0001-90") == ids(one)
    assert found(caller, "?correlation_id=order-1") == ids(one)
    assert found(caller, "?correlation_id=order-2") == []
    assert found(caller, "?status=FAILED") == ids(other)
    assert found(caller, "?status=FAILED,SENT") == ids(other, one)
    assert found(caller, f"?campaign_id={link.campaign_provider.campaign_id}") == ids(other, one)
    assert found(caller, f"?campaign_id={uuid.uuid4()}") == []
    assert found(caller, f"?provider_id={link.campaign_provider.provider_id}&status=SENT") == ids(one)
    assert found(caller, f"?provider_id={uuid.uuid4()}") == []
    soon = (now() + dt.timedelta(minutes=1)).isoformat().replace("+", "%2B")
    assert found(caller, f"?created_from={soon}") == []
    assert found(caller, f"?created_before={soon}") == ids(other, one)


def test_without_a_contact_a_search_looks_a_week_back(caller: Caller, link: Any) -> None:
    last_week = uuid.UUID(mint_ids(now() - dt.timedelta(days=7, minutes=1), 1)[0])
    old = make(link, id=last_week, contact_tax_id="111")
    assert found(caller) == []
    assert found(caller, "?contact_tax_id=111") == ids(old)
    assert found(caller, "?created_from=2020-01-01T00:00:00Z") == ids(old)


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("?status=GONE", "status"),
        ("?created_from=yesterday", "created_from"),
        ("?provider_id=1", "provider_id"),
        ("?statsu=SENT", "statsu"),
        ("?cursor=x", "cursor"),
        ("?contact_tax_id=%00", "contact_tax_id"),
    ],
)
def test_a_parameter_that_is_wrong_is_told(caller: Caller, query: str, name: str) -> None:
    answer = caller.get(f"dispatches{query}")
    assert (answer.status_code, list(codes_of(answer))) == (400, [name])


def test_a_rare_state_costs_short_pages_and_never_a_look_at_everything(
    caller: Caller, link: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "SCANNED", 3)
    rare = make(link, status="FAILED")
    for _ in range(7):
        make(link)
    assert walked(caller, "dispatches?status=FAILED") == [[], [], ids(rare)]


def test_a_list_counts_nothing_and_asks_no_query_per_row(caller: Caller, link: Any) -> None:
    make(link)
    with CaptureQueriesContext(connection) as few:
        caller.get("dispatches?status=SENT")
    for _ in range(10):
        make(link)
    with CaptureQueriesContext(connection) as many:
        caller.get("dispatches?status=SENT")
    assert len(many) == len(few)
    assert not [query for query in many.captured_queries if "COUNT(" in query["sql"].upper()]


def test_one_dispatch_is_told_with_its_content_and_tries(caller: Caller, link: Any) -> None:
    made = make(link, attempts=2)
    with as_owner_role():
        Attempt.objects.create(
            dispatch_id=made.pk,
            id=mint_id(),
            tenant_id=made.tenant_id,
            number=1,
            outcome="DEFERRED",
            reason="HTTP_500",
            provider_response={"a": 1},
            created_at=now(),
        )
    shown = caller.get(f"dispatches/{made.pk}").json()
    assert (shown["message_content"], shown["contact_data"]["first_name"]) == ("Olá João", "João")
    assert shown["template_code"] == link.template.template_code
    (told,) = shown["tries"]
    assert (told["number"], told["outcome"], told["provider_response"]) == (1, "DEFERRED", {"a": 1})
    assert caller.get(f"dispatches/{uuid.uuid4()}").status_code == 404
    assert caller.get("dispatches/nothing").status_code == 404


def test_what_waits_is_cancelled_once_with_a_fact(caller: Caller, link: Any) -> None:
    with as_owner_role():
        dispatch = DispatchFactory.create(link=link, status="PENDING", campaign=None, campaign_provider=None,
                                          dispatch_mode="SYNC")  # fmt: skip
        DueDispatchFactory.create(dispatch=dispatch)
    answer = caller.post(f"dispatches/{dispatch.pk}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    assert answer.json()["reason"] == "CANCELLED_BY_OPERATOR"
    again = caller.post(f"dispatches/{dispatch.pk}/cancel")
    assert (again.status_code, again.json()["code"], again.json()["state"]) == (409, "wrong_state", "CANCELLED")
    with as_owner_role():
        assert not DueDispatch.objects.exists()
        fact = OutboxEvent.objects.get()
    assert '"journey_name" : null' in fact.payload
    assert '"status" : "CANCELLED"' in fact.payload


@pytest.mark.parametrize("scheduled", [False, True])
def test_what_failed_is_sent_again_with_a_day_to_do_it(caller: Caller, link: Any, scheduled: bool) -> None:
    made = make(
        link,
        status="FAILED",
        campaign=None,
        campaign_provider=None,
        dispatch_mode="ASYNC" if scheduled else "SYNC",
        not_after=now() - dt.timedelta(days=1),
    )
    answer = caller.post(f"dispatches/{made.pk}/replay")
    assert (answer.status_code, answer.json()["status"]) == (200, "SCHEDULED" if scheduled else "PENDING")
    with as_owner_role():
        assert DueDispatch.objects.get().not_after > now() + dt.timedelta(hours=23)
    again = caller.post(f"dispatches/{made.pk}/replay")
    assert (again.status_code, again.json()["code"]) == (409, "wrong_state")


def test_operating_takes_its_scope(caller: Caller, tenant: Tenant, link: Any) -> None:
    made = make(link, status="FAILED")
    with as_owner_role():
        weak = Caller(key_of(tenant.pk, "view", name="weak"))
    assert weak.get(f"dispatches/{made.pk}").status_code == 200
    for verb in ("cancel", "replay"):
        assert weak.post(f"dispatches/{made.pk}/{verb}").json()["code"] == "missing_scope"


def test_a_contacts_history_goes_as_far_back_as_there_is(caller: Caller, link: Any) -> None:
    old = make(link, id=uuid.UUID(mint_ids(now() - dt.timedelta(days=7, minutes=1), 1)[0]))
    new = make(link, status="FAILED")
    make(link, contact_tax_id="111")
    for written in ("12345678000190", "12.345.678/0001-90"):
        answer = caller.get(f"contacts/{written}/dispatches")
        assert [row["id"] for row in answer.json()["results"]] == ids(new, old)
    answer = caller.get("contacts/12345678000190/dispatches?status=SENT")
    assert [row["id"] for row in answer.json()["results"]] == ids(old)
    assert caller.get("contacts/222/dispatches").json() == {"results": [], "next_cursor": None}


def test_what_is_scheduled_is_listed_as_a_queue_sees_it(caller: Caller, link: Any) -> None:
    make(link)
    moment = now() + dt.timedelta(hours=1)
    waiting = make(link, status="SCHEDULED", dispatch_mode="ASYNC", scheduled_for=moment)
    with as_owner_role():
        DueDispatchFactory.create(dispatch=waiting, due_at=moment)
    sent = make(link, status="SENT", dispatch_mode="ASYNC", scheduled_for=now())
    rows = caller.get("scheduled-dispatches").json()["results"]
    assert [(row["dispatch_id"], row["status"]) for row in rows] == [
        (str(sent.pk), "COMPLETED"),
        (str(waiting.pk), "PENDING"),
    ]
    rows = caller.get("scheduled-dispatches?status=PENDING").json()["results"]
    assert [row["id"] for row in rows] == ids(waiting)
