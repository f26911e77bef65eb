"""A dead letter that a person replays is decided again through the ledger: once, and told how it ended."""

from __future__ import annotations

import threading
from io import StringIO
from typing import Any

import psycopg
import pytest

from dispatching.database import connect
from ingestion import reasons
from ingestion.intake import Intake
from ingestion.replaying import Replayer, ask_for_replay, replay_all
from tests.ingestion.events import attributes, event
from tests.ingestion.planners import LedgerPlanner, raises, refused_by_postgres
from tests.ingestion.stage import Stage, wait_until
from tests.ingestion.test_consuming import events

ALL: dict[str, Any] = {"code": None, "journey": None, "only": None}


def states(stage: Stage) -> list[tuple[Any, ...]]:
    return stage.rows('SELECT correlation_id, state, code FROM rejected_triggers ORDER BY partition, "offset"')


def replay(planner: LedgerPlanner) -> int:
    with connect("prism:test:replay") as connection:
        ask_for_replay(connection, **ALL)
        return replay_all(planner, connection, threading.Event())


@pytest.fixture
def refused(stage: Stage, planner: LedgerPlanner) -> Stage:
    """Three events of a journey that is refused as unknown, and one that cannot be decoded."""
    stage.produce(*events(3, journey_name="later"), attributes(first_name=5))
    planner.unknown = "later"
    stage.consume(planner)
    assert len(states(stage)) == 4
    return stage


def test_what_was_refused_is_planned_once_the_reason_is_gone(refused: Stage, planner: LedgerPlanner) -> None:
    planner.unknown = ""
    assert replay(planner) == 4
    assert states(refused) == [
        ("c-0", "replayed", "UNKNOWN_JOURNEY"),
        ("c-1", "replayed", "UNKNOWN_JOURNEY"),
        ("c-2", "replayed", "UNKNOWN_JOURNEY"),
        ("c-1", "open", reasons.WRONG_TYPE),
    ]
    assert refused.planned() == 3
    assert replay(planner) == 1


def test_what_is_still_refused_is_open_again_with_its_new_reason(refused: Stage, planner: LedgerPlanner) -> None:
    assert replay(planner) == 4
    assert {state for _id, state, _code in states(refused)} == {"open"}
    refused.write("UPDATE tenants SET is_active = false")
    assert replay(planner) == 4
    assert {code for _id, _state, code in states(refused)} == {reasons.TENANT_INACTIVE}
    assert refused.planned() == 0


def test_a_running_consumer_replays_what_is_asked_for(refused: Stage, planner: LedgerPlanner) -> None:
    planner.unknown = ""
    running = refused.start(planner)
    refused.write("UPDATE rejected_triggers SET state = 'replay_requested' WHERE correlation_id = 'c-1'")
    wait_until(lambda: refused.planned() == 1)
    assert running.consumer.counts.total() == 0
    assert [state for _id, state, _code in states(refused)].count("open") == 3


def test_an_event_that_was_sent_again_meanwhile_is_not_planned_twice(refused: Stage, planner: LedgerPlanner) -> None:
    planner.unknown = ""
    refused.produce(*events(1, journey_name="later"))
    refused.consume(planner)
    assert refused.planned() == 1
    replay(planner)
    assert refused.planned() == 3
    assert states(refused)[0][1] == "replayed"


def test_what_was_cut_cannot_be_replayed_and_says_so(stage: Stage, planner: LedgerPlanner) -> None:
    stage.produce(b"x" * 70_000)
    stage.consume(planner)
    with connect("prism:test:ask") as connection:
        assert ask_for_replay(connection, **ALL) == 0
    stage.write("UPDATE rejected_triggers SET state = 'replay_requested'")
    with connect("prism:test:replay") as connection:
        assert replay_all(planner, connection, threading.Event()) == 1
    ((state, code, message, kept, size),) = stage.rows(
        "SELECT state, code, message, octet_length(raw), raw_size FROM rejected_triggers"
    )
    assert (state, code, kept, size) == ("open", reasons.MALFORMED_JSON, 65_536, 70_000)
    assert "65536" in message


def test_one_that_makes_the_transaction_impossible_does_not_hold_up_the_others(
    refused: Stage, planner: LedgerPlanner
) -> None:
    planner.unknown = ""
    planner.faults = {"c-0": refused_by_postgres("SELECT 'x'::integer"), "c-2": raises(ValueError("a bug"))}
    replay(planner)
    assert states(refused)[:3] == [
        ("c-0", "open", reasons.UNSTORABLE),
        ("c-1", "replayed", "UNKNOWN_JOURNEY"),
        ("c-2", "open", reasons.PLANNING_FAILED),
    ]


def test_a_fault_of_ours_leaves_them_asked_for(refused: Stage, planner: LedgerPlanner) -> None:
    refused.write("ALTER TABLE trigger_receipts RENAME TO away")
    with pytest.raises(psycopg.errors.UndefinedTable):
        replay(planner)
    assert {state for _id, state, _code in states(refused)} == {"replay_requested"}


def test_several_that_replay_at_once_share_the_work(stage: Stage, planner: LedgerPlanner) -> None:
    stage.produce(*events(300, journey_name="later"))
    planner.unknown = "later"
    stage.consume(planner)
    stage.write("UPDATE rejected_triggers SET state = 'replay_requested'")
    taken: list[int] = []

    def work() -> None:
        with connect("prism:test:replay") as connection:
            replayer = Replayer(LedgerPlanner(), Intake())
            while count := replayer.replay(connection, limit=20):
                taken.append(count)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sum(taken) == 300
    assert stage.planned() == 300


def test_a_header_is_kept_for_the_replay(stage: Stage, planner: LedgerPlanner) -> None:
    from tenants.models import Tenant

    stage.produce(event(), headers=[("tenant", b"later"), ("other", b"\xff")])
    stage.consume(planner)
    Tenant.objects.create(slug="later", name="Later")
    replay(planner)
    assert stage.rows("SELECT t.slug FROM trigger_receipts r JOIN tenants t ON t.id = r.tenant_id") == [("later",)]
    # And from now on it is that tenant's to see.
    assert stage.rows("SELECT t.slug FROM rejected_triggers r JOIN tenants t ON t.id = r.tenant_id") == [("later",)]


def test_only_what_matches_is_asked_for(refused: Stage) -> None:
    with connect("prism:test:ask") as connection:
        assert ask_for_replay(connection, code="UNKNOWN_JOURNEY", journey="other", only=None) == 0
        assert ask_for_replay(connection, code=None, journey="later", only=None) == 3
        assert ask_for_replay(connection, code=reasons.WRONG_TYPE, journey=None, only=None) == 1


def test_the_command_asks_and_replays_with_the_real_engine(refused: Stage) -> None:
    from django.core.management import call_command

    told = StringIO()
    call_command("replay_rejected", "--journey", "later", stdout=told)
    assert "3 decided again." in told.getvalue()
    assert {code for _id, _state, code in states(refused)[:3]} == {"UNKNOWN_JOURNEY"}
    assert {state for _id, state, _code in states(refused)} == {"open"}
