"""What operators do with dispatches, with the web role's rights."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatching import operating
from dispatching.facts import COLUMNS, insert_counts, insert_facts
from dispatching.ids import mint_ids
from dispatching.models import Dispatch, DueDispatch, Worker
from dispatching.partitions import partition_name, week_of
from outbox.models import OutboxEvent
from tenants.scope import tenant_scope
from tests.prism.tenancies import Filled
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

LIST = "admin:dispatching_dispatch_changelist"
DEED = "admin:dispatching_dispatch_deed"
Update = Callable[..., None]


@pytest.fixture
def mine(two: tuple[Filled, Filled]) -> Filled:
    return two[0]


@pytest.fixture
def operator(mine: Filled) -> Iterator[Client]:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=mine.user_ids["operator"]))
    with as_web_role():
        yield client


def act(client: Client, action: str, *ids: uuid.UUID, confirmed: bool = True) -> str:
    """Choose rows of the list, and press yes on the page that asks."""
    data = {"action": action, "_selected_action": [str(one) for one in ids]}
    page = client.post(reverse(LIST), data, follow=True).content.decode()
    asked = re.search(r'name="ids" value="([^"]*)".*?name="deed" value="([^"]*)"', page, re.DOTALL)
    return press(client, asked[2], asked[1]) if confirmed and asked else page


def press(client: Client, deed: str, ids: str) -> str:
    response = client.post(reverse(DEED), {"deed": deed, "ids": ids, "confirmed": "yes"}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def set_failed(mine: Filled, **fields: object) -> None:
    with as_owner_role():
        Dispatch.objects.filter(pk=mine.failed).update(**fields)


def failed(mine: Filled) -> Dispatch:
    with as_owner_role():
        return Dispatch.objects.get(pk=mine.failed)


def is_due(identifier: uuid.UUID) -> bool:
    with as_owner_role():
        return DueDispatch.objects.filter(pk=identifier).exists()


def test_an_action_asks_first_and_says_how_many(mine: Filled, operator: Client) -> None:
    page = act(operator, "replay", mine.failed, mine.waiting, confirmed=False)
    assert "Send 1 dispatch again?" in page
    assert failed(mine).status == "FAILED"


def test_a_failed_dispatch_is_queued_again_with_a_fresh_count_of_attempts(mine: Filled, operator: Client) -> None:
    set_failed(mine, attempts=3, max_attempts=3, reason="ATTEMPTS_EXHAUSTED", dispatch_mode="SYNC", not_after=None)
    assert "1 dispatch is queued again." in act(operator, "replay", mine.failed)
    found = failed(mine)
    assert (found.status, found.reason, found.attempts, found.max_attempts) == ("PENDING", "", 3, 6)
    assert found.version == 2
    assert found.not_after
    assert found.not_after > timezone.now() + dt.timedelta(hours=23)
    assert is_due(mine.failed)


def test_the_deed_stands_in_the_journal_and_no_waiting_state_is_published(mine: Filled, operator: Client) -> None:
    act(operator, "replay", mine.failed)
    with as_owner_role():
        entry = LogEntry.objects.get(object_id=str(mine.failed))
        assert (entry.user_id, entry.change_message) == (mine.user_ids["operator"], "Send again")
        assert not OutboxEvent.objects.filter(headers__dispatch_id=str(mine.failed)).exists()
    history = operator.get(reverse("admin:dispatching_dispatch_history", args=[mine.failed])).content.decode()
    assert "acmeum-operator" in history


def test_a_scheduled_campaigns_dispatch_waits_as_scheduled(mine: Filled, operator: Client) -> None:
    act(operator, "replay", mine.failed)
    assert failed(mine).status == "SCHEDULED"


def test_the_providers_own_number_of_attempts_counts(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        provider = Dispatch.objects.get(pk=mine.failed).provider
        assert provider
        provider.configuration["retry"] = {"max_attempts": 7}
        provider.save()
    set_failed(mine, attempts=2, max_attempts=2)
    act(operator, "replay", mine.failed)
    assert failed(mine).max_attempts == 9


def test_an_unknown_one_is_warned_about_and_sent_only_after_lease_and_time_out(mine: Filled, operator: Client) -> None:
    set_failed(mine, status="UNKNOWN", reason="TIMEOUT", dispatched_at=timezone.now(), returned_at=None)
    assert "may get it twice" in act(operator, "replay", mine.failed, confirmed=False)
    assert "may still be on its way" in act(operator, "replay", mine.failed)
    assert failed(mine).status == "UNKNOWN"
    set_failed(mine, dispatched_at=timezone.now() - dt.timedelta(seconds=31))
    act(operator, "replay", mine.failed)
    assert failed(mine).status == "SCHEDULED"


def test_the_providers_own_time_out_counts(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        provider = Dispatch.objects.get(pk=mine.failed).provider
        assert provider
        provider.configuration["timeout_ms"] = 60_000
        provider.save()
    set_failed(mine, status="UNKNOWN", dispatched_at=timezone.now() - dt.timedelta(seconds=31))
    act(operator, "replay", mine.failed)
    assert failed(mine).status == "UNKNOWN"


def test_one_whose_worker_was_just_lost_waits_for_the_same_time(mine: Filled, operator: Client) -> None:
    """The row itself cannot say when it was released: any fresh loss of a worker holds it back."""
    set_failed(mine, status="UNKNOWN", reason="WORKER_LOST", created_at=timezone.now() - dt.timedelta(days=1))
    with as_owner_role():
        Worker.objects.create(kind="sender", host="x", pid=2, state="dead")
    act(operator, "replay", mine.failed)
    assert failed(mine).status == "UNKNOWN"
    with as_owner_role():
        Worker.objects.filter(state="dead").update(heartbeat_at=timezone.now() - dt.timedelta(seconds=40))
    act(operator, "replay", mine.failed)
    assert failed(mine).status == "SCHEDULED"


def test_one_that_the_next_provider_has_followed_is_left_alone(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        Dispatch.objects.filter(pk=mine.waiting).update(predecessor_id=mine.failed)
    assert "followed by the" in act(operator, "replay", mine.failed)
    assert failed(mine).status == "FAILED"


@pytest.mark.parametrize("status", ["SENT", "DELIVERED", "REFUSED", "CONTROL_GROUP", "EXPIRED", "CANCELLED"])
def test_what_is_neither_failed_nor_unknown_is_never_sent_again(mine: Filled, operator: Client, status: str) -> None:
    set_failed(mine, status=status)
    assert "Nothing of what you chose" in act(operator, "replay", mine.failed)
    assert failed(mine).status == status


def test_a_waiting_dispatch_is_cancelled_with_its_fact(mine: Filled, operator: Client) -> None:
    assert "1 dispatch cancelled." in act(operator, "cancel", mine.waiting)
    assert not is_due(mine.waiting)
    with as_owner_role():
        found = Dispatch.objects.get(pk=mine.waiting)
        fact = OutboxEvent.objects.get(headers__dispatch_id=str(mine.waiting))
    assert (found.status, found.reason, found.version) == ("CANCELLED", "CANCELLED_BY_OPERATOR", 2)
    assert fact.headers["fact_id"] == f"{mine.waiting}:2"
    assert fact.headers["tenant"] == "acmeum"
    assert json.loads(fact.payload)["status"] == "CANCELLED"
    assert json.loads(fact.payload)["journey_name"] == "Acmeum_journey"


def test_what_a_worker_has_taken_is_not_cancelled(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        DueDispatch.objects.filter(pk=mine.waiting).delete()
    assert "what a worker has taken already" in act(operator, "cancel", mine.waiting)
    with as_owner_role():
        assert Dispatch.objects.get(pk=mine.waiting).status == "SCHEDULED"


def test_cancelling_twice_is_one_fact(mine: Filled, operator: Client) -> None:
    act(operator, "cancel", mine.waiting)
    act(operator, "cancel", mine.waiting)
    with as_owner_role():
        assert OutboxEvent.objects.filter(headers__dispatch_id=str(mine.waiting)).count() == 1


@pytest.mark.parametrize("role", ["viewer", "author"])
def test_others_have_no_such_actions(mine: Filled, operator: Client, role: str) -> None:
    with as_owner_role():
        operator.force_login(User.objects.get(pk=mine.user_ids[role]))
    for action, identifier in (("replay", mine.failed), ("cancel", mine.waiting)):
        act(operator, action, identifier)
        data = {"deed": action, "ids": str(identifier), "confirmed": "yes"}
        assert operator.post(reverse(DEED), data).status_code == 403
    assert failed(mine).status == "FAILED"
    assert is_due(mine.waiting)


def test_more_than_a_thousand_at_once_are_refused(mine: Filled) -> None:
    with tenant_scope(mine.tenant.pk, operator=True), pytest.raises(ValueError, match="at most 1000"):
        operating.replay([uuid.uuid4() for _ in range(1001)])


@pytest.mark.parametrize(
    "term", ["Acmeum-order-1", " Acmeum-order-1 ", "id", "trigger", "Acmeum-tax", "Acmeum-message"]
)
def test_a_dispatch_is_found_by_what_has_an_index(mine: Filled, operator: Client, term: str) -> None:
    wanted = {"id": str(mine.failed), "trigger": str(mine.trigger_id)}.get(term, term)
    page = operator.get(reverse(LIST), {"q": wanted}).content.decode()
    assert str(mine.failed) in page


@pytest.mark.parametrize("term", ["Betadois-order-1", "Betadois-message", "order", "%", "x" * 5000])
def test_what_is_not_there_is_not_found(mine: Filled, operator: Client, term: str) -> None:
    page = operator.get(reverse(LIST), {"q": term}).content.decode()
    assert str(mine.failed) not in page


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("12345678000190", "12.345.678/0001-90"),
        ("12.345.678/0001-90", "12345678000190"),
        ("123.456.789-09", "12345678909"),
    ],
)
def test_a_tax_id_is_found_however_it_was_written(mine: Filled, operator: Client, stored: str, typed: str) -> None:
    set_failed(mine, contact_tax_id=stored)
    assert str(mine.failed) in operator.get(reverse(LIST), {"q": typed}).content.decode()


@pytest.mark.parametrize(("made", "shown"), [("1", False), ("", True), ("all", True)])
def test_the_list_shows_the_time_that_is_asked_for(mine: Filled, operator: Client, made: str, shown: bool) -> None:
    """A row two days old, wherever in the week today is: last week's partition is there too."""
    old = uuid.UUID(mint_ids(dt.datetime.now(dt.UTC) - dt.timedelta(days=2), 1)[0])
    with as_owner_role():
        row = Dispatch.objects.get(pk=mine.failed)
        row.pk = old
        row.save(force_insert=True)
    page = operator.get(reverse(LIST), {"made": made} if made else None).content.decode()
    assert str(mine.failed) in page
    assert (str(old) in page) is shown


def test_the_list_reads_the_partitions_of_its_time_only(mine: Filled, operator: Client) -> None:
    with CaptureQueriesContext(connection) as caught:
        operator.get(reverse(LIST), {"made": "1"})
    (listing,) = [
        query["sql"] for query in caught if "ORDER BY" in query["sql"] and '"dispatches"."status"' in query["sql"]
    ]
    with as_owner_role(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {listing}")
        plan = " ".join(row[0] for row in cursor.fetchall())
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'dispatches'::regclass")
        partitions = [name for (name,) in cursor.fetchall()]
    first = partition_name("dispatches", week_of(dt.datetime.now(dt.UTC) - dt.timedelta(days=1)))
    assert first in plan
    assert not [name for name in partitions if name < first and name in plan]


def test_the_page_tells_the_message_the_answer_and_why(mine: Filled, operator: Client) -> None:
    set_failed(mine, reason="NO_ADDRESS")
    page = operator.get(reverse("admin:dispatching_dispatch_change", args=[mine.failed])).content.decode()
    for told in ("Hello Acmeum", "The contact has no address for this channel", "refused", "Acmeum@example.com"):
        assert told in page
    assert 'name="status"' not in page


def test_the_list_never_counts_to_the_end(
    mine: Filled, operator: Client, django_assert_max_num_queries: object
) -> None:
    with CaptureQueriesContext(connection) as caught:
        operator.get(reverse(LIST))
    assert not [query["sql"] for query in caught if "COUNT(" in query["sql"].upper() and "dispatches" in query["sql"]]


def test_the_fact_of_a_cancelled_dispatch_is_the_one_that_the_engine_writes() -> None:
    """The migration's text is frozen; when the fact changes, a new migration has to replace the function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = 'prism_cancel_dispatches'")
        (source,) = cursor.fetchone() or ("",)
    squeezed = squeeze(source)
    assert squeeze(insert_facts("moved")) in squeezed
    assert squeeze(insert_counts("moved")) in squeezed
    assert squeeze(", ".join(f"d.{name.strip()}" for name in COLUMNS.split(","))) in squeezed


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)
