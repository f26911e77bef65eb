"""Why did, did not, or would this person get it? Asked with the web role's rights."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from campaigns.models import Campaign
from dispatching.models import Dispatch, TriggerReceipt
from dispatching.triggers import ledger_key
from ingestion.models import RejectedTrigger
from outbox.models import OutboxEvent
from tests.prism.tenancies import Filled
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

ATTRIBUTES = {
    "tax_identification": "12345678000190",
    "first_name": "João",
    "max_offer_value_formatted": "R$ 50.000,00",
    "credit_tax": "1.99% a.m.",
    "phone_number": "+5511999999999",
}


@pytest.fixture
def mine(two: tuple[Filled, Filled]) -> Filled:
    return two[0]


@pytest.fixture
def viewer(mine: Filled) -> Iterator[Client]:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=mine.user_ids["viewer"]))
    with as_web_role():
        yield client


def ask(client: Client, who: str, **more: str) -> str:
    response = client.get(reverse("why"), {"who": who, **more})
    assert response.status_code == 200
    return response.content.decode()


def would(client: Client, mine: Filled, given: Any, **campaign: Any) -> str:
    with as_owner_role():
        found = Campaign.objects.get(tenant=mine.tenant)
        for name, value in campaign.items():
            setattr(found, name, value)
        found.save()
    text = given if isinstance(given, str) else json.dumps(given)
    response = client.post(reverse("why"), {"campaign": str(found.pk), "attributes": text})
    assert response.status_code == 200
    return response.content.decode()


def test_a_person_is_found_by_tax_id_in_any_form_with_what_became_of_each_message(mine: Filled, viewer: Client) -> None:
    with as_owner_role():
        Dispatch.objects.filter(pk=mine.failed).update(contact_tax_id="12.345.678/0001-90", reason="NO_ADDRESS")
    page = ask(viewer, "12345678000190")
    assert "Not sent." in page
    assert "no address for this channel" in page
    assert "ops-step-stopped" in page


def test_the_campaign_narrows_it(mine: Filled, viewer: Client) -> None:
    assert "Nothing was found" in ask(viewer, "Acmeum-tax", campaign=str(uuid.uuid4()))
    assert "Nothing was found" not in ask(viewer, "Acmeum-tax")


def test_an_event_is_found_by_its_correlation_id_with_the_ledgers_word_on_repeats(mine: Filled, viewer: Client) -> None:
    page = ask(viewer, mine.correlation_id)
    assert "Any other one with the same id is a repeat" in page
    assert str(mine.failed) in page


def test_one_that_is_scheduled_says_when_and_why_then(mine: Filled, viewer: Client) -> None:
    with as_owner_role():
        later = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        Dispatch.objects.filter(pk=mine.waiting).update(scheduled_for=later)
    assert "the next day and time at which Acmeum_journey sends" in ask(viewer, mine.correlation_id)


def test_a_rejected_event_is_told_with_what_to_do(mine: Filled, viewer: Client) -> None:
    page = ask(viewer, "Acmeum-2")
    assert "Nothing was sent for this event." in page
    assert "then replay" in page


def test_a_rejected_event_is_found_by_the_tax_id_in_its_bytes(mine: Filled, viewer: Client) -> None:
    with as_owner_role():
        raw = b'{"contact_attributes": {"tax_identification": "98.765.432/0001-00"}'
        RejectedTrigger.objects.filter(tenant=mine.tenant).update(raw=raw)
    assert "Nothing was sent for this event." in ask(viewer, "98765432000100")


def test_history_that_was_put_away_is_not_taken_for_an_event_that_never_came(mine: Filled, viewer: Client) -> None:
    with as_owner_role():
        TriggerReceipt.objects.create(
            key=ledger_key(mine.tenant.pk, "triggers", "long-ago"),
            tenant_id=mine.tenant.pk,
            trigger_id=uuid.uuid4(),
            payload_digest=1,
            received_at=dt.datetime.now(dt.UTC),
        )
    assert "older than what is kept here" in ask(viewer, "long-ago")


@pytest.mark.parametrize("who", ["never-seen", "%", "x" * 3000, "\x00", "00000000-0000-0000-0000-000000000000"])
def test_where_nothing_is_found_the_page_says_what_to_check(mine: Filled, viewer: Client, who: str) -> None:
    assert "Nothing was found" in ask(viewer, who) or who == "\x00"


def test_nothing_of_another_organisation_is_found(two: tuple[Filled, Filled], viewer: Client) -> None:
    theirs = two[1]
    for who in (theirs.correlation_id, str(theirs.failed), str(theirs.trigger_id), "Betadois-tax", "Betadois-2"):
        assert "Nothing was found" in ask(viewer, who), who


def test_an_address_is_looked_for_among_the_newest(mine: Filled, viewer: Client) -> None:
    assert str(mine.failed) in ask(viewer, "Acmeum@example.com")
    assert "Addresses have no index" in ask(viewer, "nobody@example.com")


def test_the_number_of_queries_does_not_grow_with_what_is_found(mine: Filled, viewer: Client) -> None:
    with CaptureQueriesContext(connection) as caught:
        ask(viewer, "Acmeum-tax")
    assert len(caught) < 25
    assert not [query for query in caught if "COUNT(" in query["sql"].upper() and '"dispatches"' in query["sql"]]


def test_would_this_person_get_it_says_when_and_shows_the_message_and_writes_nothing(
    mine: Filled, viewer: Client
) -> None:
    page = would(viewer, mine, ATTRIBUTES)
    assert "Would be scheduled" in page
    assert "The campaign has no control group." in page
    assert "Olá João" in page
    with as_owner_role():
        assert Dispatch.objects.filter(tenant=mine.tenant).count() == 3
        assert OutboxEvent.objects.filter(parked_at=None).count() == 0
        assert TriggerReceipt.objects.filter(tenant_id=mine.tenant.pk).count() == 1
        assert Campaign.objects.get(tenant=mine.tenant).control_frozen_at is None


def test_a_whole_event_is_taken_too_and_one_that_is_known_would_do_nothing(mine: Filled, viewer: Client) -> None:
    event = {"journey_name": "other", "correlation_id": mine.correlation_id, "contact_attributes": ATTRIBUTES}
    assert "so this one is a repeat" in would(viewer, mine, event)
    assert "Would be scheduled" in would(viewer, mine, {**event, "correlation_id": "new"})


@pytest.mark.parametrize(
    ("campaign", "attributes", "told"),
    [
        ({"is_active": False}, {}, "The campaign is switched off."),
        ({"start_date": dt.date(2090, 1, 1)}, {}, "start date is still ahead"),
        ({}, {"phone_number": None}, "no address for this channel"),
        ({}, {"first_name": None}, "needs contact attributes"),
        ({"control_group_rate": 100}, {}, "this person is in it, always"),
        ({"control_group_rate": 100}, {"tax_identification": None}, "a tax id is missing"),
        ({"dispatch_mode": "SYNC", "trigger_time": None, "week_days": ""}, {}, "It would be sent at once"),
    ],
)
def test_the_rehearsal_asks_the_gates_that_planning_asks(
    mine: Filled, viewer: Client, campaign: dict[str, Any], attributes: dict[str, Any], told: str
) -> None:
    given = {name: value for name, value in {**ATTRIBUTES, **attributes}.items() if value is not None}
    assert told in would(viewer, mine, given, **campaign)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{", "This is not JSON"),
        ("[1]", "This must be a JSON object"),
        ('{"email": 7}', "$.contact_attributes.email"),
        ('{"first_name": "\\u0000"}', "NUL"),
        ("", "required"),
    ],
)
def test_what_cannot_be_read_is_told_beside_the_field(mine: Filled, viewer: Client, given: str, told: str) -> None:
    assert told in would(viewer, mine, given)


def test_a_campaign_of_another_organisation_cannot_be_rehearsed(two: tuple[Filled, Filled], viewer: Client) -> None:
    with as_owner_role():
        foreign = Campaign.objects.get(tenant=two[1].tenant).pk
    page = viewer.post(reverse("why"), {"campaign": str(foreign), "attributes": "{}"}).content.decode()
    assert "not one of the available choices" in page
