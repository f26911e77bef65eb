"""What hot statements read, counted in buffers: a time would say more about the machine than about the plan."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from dispatching import advancing, awaiting, claiming, facts, fallback, reaping, recording
from dispatching.ids import mint_ids
from dispatching.parcels import EMPTY_MESSAGE, Parcel
from dispatching.partitions import partition_name, uuid_floor, week_of
from dispatching.results import Move
from dispatching.statuses import Status

NOW = dt.datetime.now(dt.UTC)
FIRST, MINE = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
"""Providers in the order of the due index."""
PLACEHOLDER = re.compile(r"%(?:\((\w+)\))?s")
Node = dict[str, Any]


def explain(connection: psycopg.Connection, query: str, parameters: Any = ()) -> Node:
    """Run it and take it back, by the generic plan that a statement gets which was run often."""
    names = list(dict.fromkeys(PLACEHOLDER.findall(query))) if isinstance(parameters, dict) else []
    values = [parameters[name] for name in names] if names else list(parameters)
    numbers = iter(range(1, len(values) + 1))
    numbered = PLACEHOLDER.sub(lambda found: f"${names.index(found[1]) + 1 if names else next(numbers)}", query)
    arguments = sql.SQL(", ").join(map(sql.Literal, values))
    execute = sql.SQL("EXECUTE explained ({})").format(arguments) if values else sql.SQL("EXECUTE explained")
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute(f"PREPARE explained AS {numbered}")
        row = connection.execute(sql.SQL("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ") + execute).fetchone()
    connection.execute("DEALLOCATE explained")
    assert row is not None
    plan: Node = row[0][0]["Plan"]
    return plan


def nodes(plan: Node) -> Iterator[Node]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def buffers(plan: Node) -> int:
    return int(plan["Shared Hit Blocks"]) + int(plan["Shared Read Blocks"])


def visited(plan: Node, table: str) -> set[str]:
    """Partitions of `table` that were looked into."""
    names = {node["Relation Name"] for node in nodes(plan) if "Relation Name" in node and node["Actual Loops"]}
    return {name for name in names if name.startswith(f"{table}_p")}


def add_due(connection: psycopg.Connection, provider: str, count: int, due: str) -> None:
    connection.execute(
        "INSERT INTO due_dispatches (dispatch_id, provider_id, lane_class, due_at, not_after) SELECT gen_random_uuid(),"
        " %s, 1, now() + %s::interval, now() + interval '9 days' FROM generate_series(1, %s)",
        [provider, due, count],
    )


def add_dispatches(
    connection: psycopg.Connection, moment: dt.datetime, count: int, tenant_id: int = 1, **fields: object
) -> list[str]:
    ids = mint_ids(moment, count)
    columns = "".join(f", {name}" for name in fields)
    connection.execute(
        "INSERT INTO dispatches (id, tenant_id, trigger_id, correlation_id, channel, dispatch_mode, status,"
        f" triggered_at, received_at, created_at{columns}) SELECT id, {tenant_id}, id, id::text, 'SMS', 'SYNC',"
        f" 'PENDING', now(), now(), now(){', %s' * len(fields)} FROM unnest(%s::uuid[]) AS id",
        [*fields.values(), ids],
    )
    return ids


def move(identifier: str) -> Move:
    parcel = Parcel(
        identifier, 1, None, None, 1, 0, 3, asynchronous=False, not_after=NOW, since=NOW, message=EMPTY_MESSAGE
    )
    return Move(parcel=parcel, lane_provider=MINE, lane_class=1, status=Status.SENT)


def test_a_claim_reads_only_what_it_takes_however_much_is_blocked_or_waits_for_its_day(
    connection: psycopg.Connection,
) -> None:
    add_due(connection, FIRST, 200_000, "-1 hour")
    add_due(connection, MINE, 50_000, "1 day")
    add_due(connection, MINE, 40, "-1 hour")
    for _ in ("with the statistics of a young table", "with true ones"):
        plan = explain(connection, claiming._CLAIM, [MINE, 1, 64])
        assert plan["Actual Rows"] == 40
        assert buffers(plan) < 40 * 12 + 50
        assert buffers(explain(connection, claiming._LANES)) < 60
        connection.execute("ANALYZE due_dispatches")


def test_a_claim_takes_no_more_than_it_may_whatever_the_statistics_say(connection: psycopg.Connection) -> None:
    add_due(connection, MINE, 1, "-1 hour")
    connection.execute("VACUUM ANALYZE due_dispatches")
    add_due(connection, MINE, 10, "-1 hour")
    for limit in (1, 4):
        assert connection.execute(claiming._CLAIM, [MINE, 1, limit]).rowcount == limit


def test_statements_by_id_look_only_into_the_partitions_of_their_ids(connection: psycopg.Connection) -> None:
    for weeks in (-1, 1, 2):
        add_dispatches(connection, NOW + dt.timedelta(weeks=weeks), 100)
    mine = add_dispatches(connection, NOW, 100)
    here = {partition_name("dispatches", week_of(NOW))}
    bounded = [mine, min(mine), max(mine)]
    for statement, parameters in (
        (recording._MOVE, recording._parameters([move(identifier) for identifier in mine])),
        (claiming._LOAD, bounded),
        (reaping._WAITING, bounded),
        (fallback._LOAD, bounded),
        (facts._PUBLISH, bounded),
        (advancing._LOCK, bounded),
    ):
        plan = explain(connection, statement, parameters)
        assert visited(plan, "dispatches") == here, statement
        assert buffers(plan) < 100 * 40, statement


def test_a_walk_reads_the_rows_of_its_chunk_and_no_other_tenants(connection: psycopg.Connection) -> None:
    """Behind a long history, of which the walk has seen all but the last hundred."""
    add_dispatches(connection, NOW - dt.timedelta(minutes=9), 3000, provider_id=MINE)
    seen = add_dispatches(connection, NOW - dt.timedelta(minutes=7), 1, provider_id=MINE)
    mine = add_dispatches(connection, NOW - dt.timedelta(minutes=5), 100, provider_id=MINE)
    add_dispatches(connection, NOW - dt.timedelta(minutes=5), 3000, tenant_id=2, provider_id=FIRST)
    walk = {
        "tenant_id": 1,
        "reached": seen[0],
        "until": str(uuid_floor(NOW)),
        "chunk": 2000,
        "provider_id": MINE,
        "now": NOW,
        "after": 60.0,
    }
    for _ in ("with the statistics of a young table", "with true ones"):
        plan = explain(connection, awaiting._WALK, walk)
        assert buffers(plan) < 100 * 12 + 100
        assert visited(plan, "dispatches") <= {partition_name("dispatches", week_of(NOW))}
        states = explain(connection, awaiting._STATES, [mine, mine[0], mine[-1]])
        assert visited(states, "dispatches") == {partition_name("dispatches", week_of(NOW))}
        assert buffers(states) < 100 * 12
        connection.execute("ANALYZE dispatches")


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("contact_tax_id = '7' AND triggered_at > now() - interval '1 day' ORDER BY triggered_at DESC", "contact"),
        (f"campaign_id = '{MINE}' ORDER BY id DESC", "campaign"),
    ],
)
def test_a_contacts_history_and_a_campaigns_list_use_their_index_under_row_level_security(
    connection: psycopg.Connection, condition: str, index: str
) -> None:
    add_dispatches(connection, NOW, 20_000, contact_tax_id="8", campaign_id=FIRST)
    add_dispatches(connection, NOW, 60, contact_tax_id="7", campaign_id=MINE)
    connection.execute("ANALYZE dispatches")
    for name in ("hashjoin", "mergejoin", "seqscan"):
        connection.execute(f"RESET enable_{name}")
    with connection.transaction():
        connection.execute("SELECT set_config('prism.tenant', '1', true)")
        connection.execute(f'SET LOCAL ROLE "{settings.WEB_DATABASE_ROLE}"')
        plan = explain(connection, f"SELECT id, status FROM dispatches WHERE {condition} LIMIT 50")
    partition = partition_name("dispatches", week_of(NOW))
    used = {node["Index Name"] for node in nodes(plan) if node.get("Actual Rows") and "Index Name" in node}
    assert used
    assert all(index in name for name in used), used
    assert visited(plan, "dispatches") >= {partition}
    assert buffers(plan) < 300
