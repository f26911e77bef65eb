"""Dead letters and positions in the admin, as the web role sees them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from ingestion import reasons
from ingestion.models import ConsumerPosition, RejectedState, RejectedTrigger
from tenants.models import Role, Tenant
from tests.factories import MembershipFactory
from tests.web import as_web_process

LIST = "/admin/ingestion/rejectedtrigger/"
DEED = "/admin/ingestion/rejectedtrigger/deed/"
POSITIONS = "/admin/ingestion/operatorposition/"
EVIL = b'<script>alert("x")</script> \xff \x00'


def rejected(**changes: Any) -> RejectedTrigger:
    fields: dict[str, Any] = {
        "tenant": Tenant.objects.get(slug="default"),
        "code": reasons.MALFORMED_JSON,
        "path": "$",
        "topic": "campaign_triggers",
        "partition": 0,
        "offset": 1,
        "correlation_id": "c-1",
        "raw": EVIL,
        "headers": [["tenant", "<b>default</b>"]],
    }
    fields.update(changes)
    return RejectedTrigger.objects.create(raw_size=fields.pop("raw_size", len(fields["raw"])), **fields)


def person(role: Role) -> Client:
    client = Client()
    client.force_login(MembershipFactory(tenant=Tenant.objects.get(slug="default"), role=role).user)
    return client


@pytest.fixture
def operator(transactional_db: None) -> Client:
    return person(Role.OPERATOR)


@pytest.fixture
def viewer(transactional_db: None) -> Client:
    return person(Role.VIEWER)


def act(client: Client, action: str, *rows: RejectedTrigger, confirmed: bool = True) -> str:
    """Choose rows of the list, and press yes on the page that asks."""
    with as_web_process():
        data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
        page = client.post(LIST, data, follow=True).content.decode()
        asked = re.search(r'name="ids" value="([^"]*)".*?name="deed" value="([^"]*)"', page, re.DOTALL)
        if not (confirmed and asked):
            return page
        return press(client, asked[2], asked[1])


def press(client: Client, deed: str, ids: str) -> str:
    answer = client.post(DEED, {"deed": deed, "ids": ids, "confirmed": "yes"}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_says_what_happened_and_what_to_do_and_shows_raw_bytes_as_text(operator: Client) -> None:
    row = rejected(code=reasons.UNKNOWN_TENANT)
    with as_web_process():
        page = operator.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "\\xff \\x00" in page
    assert "<b>default</b>" not in page
    assert "KAFKA_TRIGGER_TOPIC_TENANTS" in page


def test_raw_bytes_are_shown_up_to_a_limit(operator: Client) -> None:
    row = rejected(raw=b"y" * 60_000)
    with as_web_process():
        page = operator.get(f"{LIST}{row.pk}/change/").content.decode()
    assert "y" * 8_192 + "…" in page
    assert "y" * 8_193 not in page


@pytest.mark.parametrize(
    "query",
    ["", "?state__exact=open", "?code=MALFORMED_JSON", "?topic=campaign_triggers", "?journey_name=j", "?q=c-1"],
)
def test_the_list_is_filtered_by_state_code_topic_and_journey(operator: Client, query: str) -> None:
    rejected(journey_name="j")
    rejected(
        code=reasons.STALE,
        topic="other",
        journey_name="k",
        correlation_id="c-2",
        state=RejectedState.DISCARDED,
        offset=9,
    )
    with as_web_process():
        page = operator.get(LIST + query).content.decode()
    assert "campaign_triggers[0]@1" in page
    assert ("other[0]@9" in page) == (query == "")


def test_replaying_asks_for_what_is_open_and_whole_and_counts_the_rest(operator: Client) -> None:
    whole, cut = rejected(), rejected(raw_size=100_000)
    skipped, done = rejected(code=reasons.SKIPPED_IN_RECOVERY), rejected(state=RejectedState.REPLAYED)
    page = act(operator, "replay", whole, cut, skipped, done)
    assert RejectedTrigger.objects.get(pk=whole.pk).state == RejectedState.REPLAY_REQUESTED
    for row in (cut, skipped, done):
        assert RejectedTrigger.objects.get(pk=row.pk).state == row.state
    changed = RejectedTrigger.objects.get(pk=whole.pk)
    assert changed.state_changed_by.startswith("user")
    assert changed.state_changed_at is not None
    assert "1 evento" in page
    assert "Ficaram como estavam" in page


def test_skipped_events_are_replayed_only_by_their_own_action(operator: Client) -> None:
    skipped, other = rejected(code=reasons.SKIPPED_IN_RECOVERY), rejected()
    act(operator, "replay_skipped", skipped, other)
    assert RejectedTrigger.objects.get(pk=skipped.pk).state == RejectedState.REPLAY_REQUESTED
    assert RejectedTrigger.objects.get(pk=other.pk).state == RejectedState.OPEN


def test_discarding_ends_what_is_open_or_waits(operator: Client) -> None:
    rows = [rejected(), rejected(state=RejectedState.REPLAY_REQUESTED), rejected(state=RejectedState.REPLAYED)]
    act(operator, "discard", *rows)
    states = [RejectedTrigger.objects.get(pk=row.pk).state for row in rows]
    assert states == [RejectedState.DISCARDED, RejectedState.DISCARDED, RejectedState.REPLAYED]


def test_nothing_is_changed_before_it_was_confirmed_and_the_count_is_told(operator: Client) -> None:
    row, other = rejected(), rejected(code=reasons.STALE)
    page = act(operator, "discard", row, other, confirmed=False)
    assert "2 eventos" in page
    assert reasons.STALE in page
    assert RejectedTrigger.objects.get(pk=row.pk).state == RejectedState.OPEN


def test_the_deed_stands_in_the_journal_with_who_and_how_many_and_pressing_twice_adds_nothing(operator: Client) -> None:
    rows = [rejected(), rejected(correlation_id="c-2")]
    act(operator, "discard", *rows)
    with as_web_process():
        press(operator, "discard", " ".join(str(row.pk) for row in rows))
    entries = list(LogEntry.objects.all())
    assert sorted(entry.object_id or "" for entry in entries) == sorted(str(row.pk) for row in rows)
    assert all("2" in entry.change_message for entry in entries)


def test_the_wrong_place_is_marked_in_what_came_in(operator: Client) -> None:
    raw = b'{"journey_name": "j", "contact_attributes": {"email": 7}}'
    row = rejected(code=reasons.WRONG_TYPE, path="$.contact_attributes.email", raw=raw)
    with as_web_process():
        page = operator.get(f"{LIST}{row.pk}/change/").content.decode()
    assert '<mark class="ops-mark">    &quot;email&quot;: 7</mark>' in page


def test_a_viewer_looks_and_changes_nothing(viewer: Client) -> None:
    row = rejected()
    page = act(viewer, "replay", row)
    assert "campaign_triggers[0]@1" in page
    with as_web_process():
        assert viewer.post(DEED, {"deed": "discard", "ids": str(row.pk), "confirmed": "yes"}).status_code == 403
    assert RejectedTrigger.objects.get(pk=row.pk).state == RejectedState.OPEN


def test_what_belongs_to_nobody_is_for_operators(operator: Client, viewer: Client) -> None:
    row = rejected(tenant=None, correlation_id="of nobody")
    with as_web_process():
        assert "of nobody" in operator.get(LIST).content.decode()
        assert "of nobody" not in viewer.get(LIST).content.decode()
    act(operator, "discard", row)
    assert RejectedTrigger.objects.get(pk=row.pk).state == RejectedState.DISCARDED


def test_operators_see_where_each_partition_stands_and_why_it_stopped(operator: Client, viewer: Client) -> None:
    ConsumerPosition.objects.create(
        consumer_group="g", topic="t", partition=3, next_offset=77, stopped_reason="the witness is ahead"
    )
    with as_web_process():
        page = operator.get(POSITIONS).content.decode()
        assert "the witness is ahead" in page
        assert viewer.get(POSITIONS).status_code == 403
        assert operator.get("/admin/ingestion/consumerposition/").status_code == 404
