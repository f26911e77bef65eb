"""A vendor's message id finds its dispatch, whatever the vendor does with its ids."""

from __future__ import annotations

import datetime as dt
import uuid

import psycopg
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from dispatching import operating, provider_messages
from dispatching.ids import mint_ids
from dispatching.models import Dispatch, ProviderMessage
from dispatching.partitions import partition_name, week_of
from dispatching.provider_messages import find_dispatches, message_key
from dispatching.recording import record_moves
from providers.outcomes import Kind, Outcome
from tenants.scope import tenant_scope
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import Hands, campaign_with
from tests.dispatching.test_query_plans import buffers, explain, nodes, visited
from tests.dispatching.test_recording import moved, record
from tests.web import as_web_role

NOW = dt.datetime.now(dt.UTC)
PROVIDER = str(uuid.uuid4())


def find(connection: psycopg.Connection, provider: object, message_id: str, tenant_id: int) -> str | None:
    key = message_key(str(provider), message_id)
    with connection.cursor() as cursor:
        return find_dispatches(cursor, [(key, tenant_id)], NOW).get((key, tenant_id))


def add(connection: psycopg.Connection, moment: dt.datetime, *message_ids: str) -> list[str]:
    ids = mint_ids(moment, len(message_ids))
    connection.execute(
        "INSERT INTO provider_messages (key, dispatch_id, tenant_id) SELECT k, i, 1 FROM"
        " unnest(%s::uuid[], %s::uuid[]) AS e (k, i)",
        [[message_key(PROVIDER, message_id) for message_id in message_ids], ids],
    )
    return ids


@given(st.text(), st.text())
def test_any_id_has_a_key_and_no_two_share_one(one: str, other: str) -> None:
    assert (message_key(PROVIDER, one) == message_key(PROVIDER, other)) == (one == other)
    assert message_key(PROVIDER, one) != message_key(str(uuid.uuid4()), one)
    assert uuid.UUID(message_key(PROVIDER, one)).hex == message_key(PROVIDER, one)


def test_what_a_vendor_accepted_is_found_by_its_id(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    hands.plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(30)))
    hands.answer(lambda parcel: Outcome(Kind.ACCEPTED, message_id=f"wamid.{parcel.id}"))
    dispatches = list(Dispatch.objects.all())
    assert len(dispatches) == 30
    for dispatch in dispatches:
        assert dispatch.provider_message_id == f"wamid.{dispatch.id}"
        assert find(connection, provider.pk, dispatch.provider_message_id, campaign.tenant_id) == str(dispatch.id)
        assert find(connection, provider.pk, dispatch.provider_message_id, campaign.tenant_id + 1) is None
        assert find(connection, uuid.uuid4(), dispatch.provider_message_id, campaign.tenant_id) is None


def test_an_id_that_a_vendor_repeats_breaks_nothing_and_means_its_newest_dispatch(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    for _ in range(2):
        hands.plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(10)))
        hands.answer(Outcome(Kind.ACCEPTED, message_id="ok"))
    found = list(Dispatch.objects.filter(status="SENT").order_by("-id").values_list("id", flat=True))
    assert len(found) == 20
    assert find(connection, provider.pk, "ok", campaign.tenant_id) == str(found[0])
    assert operating.dispatches_of(tenant_id=campaign.tenant_id, message_id="ok") == found


def test_what_was_not_recorded_leaves_no_id_behind_and_a_repeated_write_no_second_one(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    ((batch, _),) = hands.take()
    accepted = moved(batch, Outcome(Kind.ACCEPTED, message_id="abc"))
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        record_moves(cursor, [accepted], NOW)
    assert not ProviderMessage.objects.exists()
    record(connection, accepted)
    record(connection, accepted)
    assert ProviderMessage.objects.count() == 1


def test_an_answer_without_an_id_is_recorded_without_one_and_a_refusal_with_one_is_found(
    connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    answers = iter([Outcome(Kind.ACCEPTED), Outcome(Kind.REJECTED, message_id="refused-7", reason="NO")])
    hands.plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(2)))
    hands.answer(lambda _: next(answers))
    refused = Dispatch.objects.get(status="FAILED")
    assert Dispatch.objects.filter(status="SENT").count() == 1
    assert find(connection, provider.pk, "refused-7", campaign.tenant_id) == str(refused.id)
    assert ProviderMessage.objects.count() == 1


def test_a_look_up_probes_the_newest_week_and_older_ones_only_for_what_is_not_there(
    connection: psycopg.Connection,
) -> None:
    before, after = NOW - dt.timedelta(weeks=1), NOW + dt.timedelta(weeks=2)
    for week in (before, NOW, after):
        add(connection, week, *(str(number) for number in range(2000)))
    (old,) = add(connection, before, "old")
    parameters = [[message_key(PROVIDER, "7")], [1], mint_ids(NOW + dt.timedelta(days=1), 1)[0]]
    here, last = (partition_name("provider_messages", week_of(week)) for week in (NOW, before))
    plan = explain(connection, provider_messages._FIND, parameters)
    tomorrow = partition_name("provider_messages", week_of(NOW + dt.timedelta(days=1)))
    assert {here} <= visited(plan, "provider_messages") <= {here, tomorrow}
    assert buffers(plan) < 12
    assert all(node["Node Type"] != "Seq Scan" for node in nodes(plan))
    parameters[0] = [message_key(PROVIDER, "old")]
    plan = explain(connection, provider_messages._FIND, parameters)
    assert {here, last} <= visited(plan, "provider_messages")
    assert find(connection, PROVIDER, "old", 1) == old


def test_people_find_by_it_under_row_level_security_through_the_index(connection: psycopg.Connection) -> None:
    mine = add(connection, NOW, *(str(number) for number in range(3000)))
    connection.execute("UPDATE provider_messages SET tenant_id = 2 WHERE dispatch_id = %s", [mine[8]])
    connection.execute("ANALYZE provider_messages")
    for name in ("hashjoin", "mergejoin", "seqscan"):
        connection.execute(f"RESET enable_{name}")
    query = "SELECT dispatch_id FROM provider_messages WHERE key = ANY(%s::uuid[]) AND tenant_id = 1 LIMIT 5"
    keys = [message_key(PROVIDER, str(number)) for number in (7, 8)]
    with connection.transaction():
        connection.execute("SELECT set_config('prism.tenant', '1', true)")
        connection.execute(f'SET LOCAL ROLE "{settings.WEB_DATABASE_ROLE}"')
        plan = explain(connection, query, [keys])
        found = connection.execute(query.replace(" AND tenant_id = 1", ""), [keys]).fetchall()
    assert [str(row[0]) for row in found] == [mine[7]]
    assert all(node["Node Type"] != "Seq Scan" for node in nodes(plan) if node.get("Actual Rows"))


@pytest.mark.parametrize("message_id", ["", "\x00", "\ud800", "x" * 5000])
def test_whatever_is_asked_for_is_an_answer(connection: psycopg.Connection, message_id: str) -> None:
    campaign, _ = campaign_with()
    with as_web_role(), tenant_scope(campaign.tenant_id):
        assert operating.dispatches_of(tenant_id=campaign.tenant_id, message_id=message_id) == []
