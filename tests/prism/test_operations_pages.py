"""Lists that answer in bounded time whatever narrows them, deeds on all that match, and everything at one look."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatching import bounded
from dispatching.ids import mint_ids
from dispatching.models import Dispatch, DueDispatch
from dispatching.receipts import DeliveryReceipt
from ingestion.models import ConsumerPosition
from tests.prism.tenancies import Filled
from tests.web import as_owner_role, as_web_role

pytestmark = pytest.mark.django_db

LIST = "admin:dispatching_dispatch_changelist"
FAILED = "admin:dispatching_deadletter_changelist"
UNKNOWN = "admin:dispatching_doubtfuldispatch_changelist"
DEED = "admin:dispatching_dispatch_deed"
HIDDEN = re.compile(r'name="ids" value="([^"]*)".*?name="deed" value="([^"]*)"', re.DOTALL)


@pytest.fixture
def mine(two: tuple[Filled, Filled]) -> Filled:
    return two[0]


@pytest.fixture
def operator(mine: Filled) -> Iterator[Client]:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.get(pk=mine.user_ids["operator"]))
    with as_web_role():
        yield client


def copies(mine: Filled, count: int, **fields: object) -> list[uuid.UUID]:
    """More dispatches like the failed one, a minute old and in the order of their ids."""
    ids = [uuid.UUID(text) for text in mint_ids(dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1), count)]
    with as_owner_role():
        row = Dispatch.objects.get(pk=mine.failed)
        for identifier in ids:
            row.pk = identifier
            for name, value in fields.items():
                setattr(row, name, value)
            row.save(force_insert=True)
    return ids


def get(client: Client, name: str, **query: str) -> str:
    response = client.get(reverse(name), query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_rare_status_is_looked_for_so_far_and_the_page_leads_further(
    mine: Filled, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "LOOKED", 5)
    (rare,) = copies(mine, 1, status="EXPIRED")
    copies(mine, 9, status="SENT")
    query = {"status__exact": "EXPIRED"}
    for _ in range(4):
        page = get(operator, LIST, **query)
        if str(rare) in page:
            break
        assert "Only the newest 5 dispatches were looked through" in page
        further = re.search(r"before=([0-9a-f-]{36})", page)
        assert further
        query["before"] = further[1]
    else:
        pytest.fail("never found")


def test_a_list_without_such_a_filter_is_not_cut_short(
    mine: Filled, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "LOOKED", 5)
    ids = copies(mine, 9, status="SENT")
    page = get(operator, LIST)
    assert "looked through" not in page
    assert all(str(identifier) in page for identifier in ids)


@pytest.mark.parametrize(
    "query",
    [
        {"before": "nonsense"},
        {"created_at_from_0": "31/02/2026"},
        {"created_at_from_0": "x", "created_at_to_0": "y"},
        {"reason": "NO_SUCH"},
        {"made": "9999"},
    ],
)
def test_nonsense_in_a_filter_is_no_error(mine: Filled, operator: Client, query: dict[str, str]) -> None:
    assert operator.get(reverse(LIST), query).status_code == 200


def test_days_that_are_named_bound_the_list(mine: Filled, operator: Client) -> None:
    today = timezone.localdate()
    tomorrow = today + dt.timedelta(days=2)
    assert str(mine.failed) in get(operator, LIST, created_at_from_0=f"{today - dt.timedelta(days=1):%d/%m/%Y}")
    assert str(mine.failed) not in get(operator, LIST, created_at_from_0=f"{tomorrow:%d/%m/%Y}")


@pytest.mark.parametrize("name", [LIST, FAILED, UNKNOWN, "admin:dispatching_queuedue_changelist"])
def test_a_list_makes_the_same_number_of_queries_however_long_it_is(mine: Filled, operator: Client, name: str) -> None:
    get(operator, name)
    with CaptureQueriesContext(connection) as short:
        get(operator, name)
    copies(mine, 30, status="UNKNOWN" if name == UNKNOWN else "FAILED", reason="TIMEOUT")
    with CaptureQueriesContext(connection) as long:
        page = get(operator, name)
    # The first row adds the prefetch of dispatches and campaigns.
    assert len(long) <= len(short) + 3 <= 24
    assert not [one["sql"] for one in long if "COUNT(" in one["sql"].upper() and '"dispatches"' in one["sql"]]
    assert name not in (FAILED, UNKNOWN) or page.count("ops-two-lines") >= 30


def test_the_page_of_one_reads_a_bounded_number_of_times(mine: Filled, operator: Client) -> None:
    copies(mine, 12, status="SENT")
    with CaptureQueriesContext(connection) as caught:
        page = get_one(operator, mine.failed)
    assert len(caught) < 20
    assert page.count("ops-this") == 1


def get_one(client: Client, identifier: uuid.UUID) -> str:
    response = client.get(reverse("admin:dispatching_dispatch_change", args=[identifier]))
    assert response.status_code == 200
    return response.content.decode()


def test_what_the_provider_reported_later_stands_in_the_timeline(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        now = timezone.now()
        provider = Dispatch.objects.get(pk=mine.failed).provider_id
        assert provider
        DeliveryReceipt.objects.create(
            dispatch_id=mine.failed,
            id=uuid.uuid4(),
            tenant=mine.tenant,
            provider_id=provider,
            message_id="m",
            kind="delivered-to-handset",
            status="DELIVERED",
            occurred_at=now,
            received_at=now,
            payload=b"{}",
            payload_size=2,
        )
    page = get_one(operator, mine.failed)
    assert "Reported as delivered" in page
    assert "delivered-to-handset" in page


def test_markup_in_a_message_stays_in_its_frame(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        evil = "<p>Olá</p><script>alert(1)</script>"
        Dispatch.objects.filter(pk=mine.failed).update(message_content=evil, channel="EMAIL")
    page = get_one(operator, mine.failed)
    assert '<iframe class="ops-mail" sandbox=""' in page
    assert "<script>alert" not in page


def test_all_that_match_are_sent_again_with_counts_by_reason_and_campaign(mine: Filled, operator: Client) -> None:
    wanted = copies(mine, 60, status="FAILED", reason="TIMEOUT")
    copies(mine, 3, status="FAILED", reason="OTHER")
    data = {"action": "replay", "_selected_action": [str(wanted[0])], "select_across": "1"}
    page = operator.post(f"{reverse(FAILED)}?reason=TIMEOUT", data).content.decode()
    assert "Send 60 dispatches again?" in page
    assert "Acmeum_journey" in page
    found = HIDDEN.search(page)
    assert found
    told = operator.post(reverse(DEED), {"ids": found[1], "deed": found[2], "confirmed": "yes"}, follow=True)
    assert "60 dispatches are queued again." in told.content.decode()
    with as_owner_role():
        assert Dispatch.objects.filter(tenant=mine.tenant, status="FAILED").count() == 4
        assert DueDispatch.objects.filter(pk__in=wanted).count() == 60
        notes = LogEntry.objects.filter(object_id__in=[str(one) for one in wanted])
        assert {note.change_message for note in notes} == {"Send again (60 at once)"}


def test_pressing_twice_queues_once_and_notes_once(mine: Filled, operator: Client) -> None:
    data = {"ids": str(mine.failed), "deed": "replay", "confirmed": "yes"}
    for _ in range(2):
        operator.post(reverse(DEED), data)
    with as_owner_role():
        assert Dispatch.objects.get(pk=mine.failed).version == 2
        assert LogEntry.objects.filter(object_id=str(mine.failed)).count() == 1


def test_an_unknown_one_is_settled_from_its_list(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        past = timezone.now() - dt.timedelta(minutes=5)
        Dispatch.objects.filter(pk=mine.failed).update(status="UNKNOWN", reason="TIMEOUT", returned_at=past)
    data = {"action": "settle_as_sent", "_selected_action": [str(mine.failed)]}
    page = operator.post(reverse(UNKNOWN), data).content.decode()
    assert "Settle 1 dispatch as sent?" in page
    found = HIDDEN.search(page)
    assert found
    operator.post(reverse(DEED), {"ids": found[1], "deed": found[2], "confirmed": "yes"})
    with as_owner_role():
        assert Dispatch.objects.get(pk=mine.failed).status == "SENT"


@pytest.mark.parametrize("name", [LIST, FAILED, UNKNOWN, "admin:ingestion_rejectedtrigger_changelist"])
def test_rows_that_are_no_rows_are_told_to_a_person(mine: Filled, operator: Client, name: str) -> None:
    action = "discard" if "rejected" in name else "replay"
    response = operator.post(reverse(name), {"action": action, "_selected_action": ["nonsense"]}, follow=True)
    assert response.status_code == 200
    assert "Nothing of what you chose" in response.content.decode()


@pytest.mark.parametrize("ids", ["", "nonsense", "00000000-0000-0000-0000-000000000000"])
def test_a_deed_on_nothing_does_nothing(mine: Filled, operator: Client, ids: str) -> None:
    response = operator.post(reverse(DEED), {"ids": ids, "deed": "replay", "confirmed": "yes"})
    assert response.status_code == 302


def test_nobody_is_led_away_by_a_deed(mine: Filled, operator: Client) -> None:
    data = {"ids": str(mine.failed), "deed": "replay", "confirmed": "yes", "back": "https://evil.example/"}
    assert operator.post(reverse(DEED), data)["Location"] == reverse(LIST)


def test_everything_that_runs_is_told_at_one_look_and_again_as_a_fragment(mine: Filled, operator: Client) -> None:
    with as_owner_role():
        ConsumerPosition.objects.create(
            consumer_group="g", topic="t", partition=1, next_offset=5, stopped_reason="the witness is ahead"
        )
    page = get(operator, "operations")
    for told in ("Acmeum gateway", "worker.example", "the witness is ahead", "recover_position", "nobody publishes it"):
        assert told in page
    with CaptureQueriesContext(connection) as caught:
        fragment = operator.get(reverse("operations"), {"fragment": ""}).content.decode()
    assert "Acmeum gateway" in fragment
    assert "<html" not in fragment
    assert len(caught) < 25


def test_it_is_for_operators_and_shows_nothing_of_others(two: tuple[Filled, Filled], operator: Client) -> None:
    assert two[1].mark not in get(operator, "operations")
    with as_owner_role():
        operator.force_login(User.objects.get(pk=two[0].user_ids["viewer"]))
    assert operator.get(reverse("operations")).status_code == 403
    assert operator.get(reverse("operations"), {"fragment": ""}).status_code == 403
