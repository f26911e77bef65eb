"""A planner as small as it can be: the real ledger and nothing else, and faults where a test wants them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import psycopg

from dispatching import reasons
from dispatching.ids import mint_ids
from dispatching.ledger import Entry, take_keys
from dispatching.planning import Plan
from dispatching.triggers import Rejection, Trigger

Fault = Callable[[psycopg.Cursor, Trigger], None]


class LedgerPlanner:
    """Stands for dispatching.engine.Engine. The journey `unknown` is refused; `faults` maps a correlation id to
    what its planning does instead of going well."""

    def __init__(self) -> None:
        self.failed: BaseException | None = None
        self.unknown = "unknown"
        self.faults: dict[str, Fault] = {}
        self.accepted: list[Plan] = []
        self.abandoned: list[Plan] = []
        self.batches: list[int] = []
        self.on_plan: Callable[[], None] = lambda: None

    def plan(self, cursor: psycopg.Cursor, triggers: Sequence[Trigger], now: dt.datetime) -> Plan:
        self.on_plan()
        for trigger in triggers:
            if fault := self.faults.get(trigger.correlation_id):
                fault(cursor, trigger)
        refused = [trigger.journey_name == self.unknown for trigger in triggers]
        ids = mint_ids(now, len(triggers))
        taken = take_keys(
            cursor,
            [
                Entry(trigger.key.hex, trigger.tenant_id, ids[index], trigger.payload_digest, refused[index])
                for index, trigger in enumerate(triggers)
            ],
            now,
        )
        rejections = [
            Rejection(index, reasons.UNKNOWN_JOURNEY, "$.journey_name", "No such journey.")
            for index in taken.new
            if refused[index]
        ]
        rejections += [
            Rejection(index, reasons.DUPLICATE_OTHER_PAYLOAD, "$.correlation_id", "Seen with another payload.")
            for index in taken.other_payload
        ]
        self.batches.append(len(triggers))
        return Plan(rejections=rejections, duplicates=taken.repeated, released=[], ahead=[], counts={})

    def accept(self, plan: Plan) -> None:
        self.accepted.append(plan)

    def abandon(self, plan: Plan) -> None:
        self.abandoned.append(plan)

    def wait_for_room(self, timeout: float) -> bool:
        return True


def refused_by_postgres(statement: str) -> Fault:
    def fault(cursor: psycopg.Cursor, _trigger: Trigger) -> None:
        cursor.execute(statement)

    return fault


def raises(error: Exception) -> Fault:
    def fault(_cursor: psycopg.Cursor, _trigger: Trigger) -> None:
        raise error

    return fault
