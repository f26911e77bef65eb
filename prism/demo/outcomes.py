"""What became of a sample trigger, read from the database, and whether it is what must become of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
from django.conf import settings
from django.db import connection

from dispatching.statuses import PUBLISHED
from dispatching.triggers import ledger_key
from prism.demo.publishing import Record
from prism.demo.samples import Sample, State

_DISPATCHES = """
SELECT d.id::text, d.version, d.channel, d.status, d.reason, d.error_message, d.attempts, p.provider_name,
  d.scheduled_local, d.provider_message_id
FROM trigger_receipts r JOIN dispatches d ON d.trigger_id = r.trigger_id LEFT JOIN providers p ON p.id = d.provider_id
WHERE r.key = %s ORDER BY d.id
"""
_REJECTION = """
SELECT code, path, message FROM rejected_triggers WHERE topic = %s AND "partition" = %s AND "offset" = %s
"""
_PASSED = """
SELECT next_offset > %s FROM consumer_positions WHERE consumer_group = %s AND topic = %s AND "partition" = %s
"""

_AT_WORK = """
SELECT EXISTS (SELECT 1 FROM workers WHERE kind = 'sender' AND state = 'running' AND started_at > %s)
  AND EXISTS (SELECT 1 FROM consumer_positions WHERE consumer_group = %s AND topic = %s AND updated_at > %s)
"""


class Dispatch(msgspec.Struct, frozen=True):
    id: str
    version: int
    channel: str
    status: str
    reason: str
    error: str | None
    attempts: int
    provider: str | None
    scheduled_local: str
    message_id: str

    @property
    def state(self) -> State:
        return State(self.channel, self.status, self.reason)

    @property
    def is_published(self) -> bool:
        return self.status in PUBLISHED


class Rejection(msgspec.Struct, frozen=True):
    code: str
    path: str
    message: str


class Outcome(msgspec.Struct, frozen=True):
    """`passed`: the consumer's position is beyond the record, so whatever was to become of it is in the database."""

    sample: Sample
    passed: bool
    rejection: Rejection | None
    dispatches: list[Dispatch]

    @property
    def is_expected(self) -> bool:
        if not self.passed:
            return False
        if self.sample.rejection:
            return self.rejection is not None and self.rejection.code == self.sample.rejection
        if self.rejection is not None:
            return False
        states = tuple(sorted(dispatch.state for dispatch in self.dispatches))
        return bool(states) if self.sample.repeat else states == self.sample.states


def outcome_of(sample: Sample, record: Record, tenant_id: int) -> Outcome:
    topic = settings.KAFKA_TRIGGERS_TOPIC
    found = _rows(_REJECTION, topic, record.partition, record.offset)
    passed = _rows(_PASSED, record.offset, settings.KAFKA_CONSUMER_GROUP, topic, record.partition)
    dispatches = _rows(_DISPATCHES, _key(tenant_id, sample)) if sample.correlation_id else []
    return Outcome(
        sample=sample,
        passed=bool(passed and passed[0][0]),
        rejection=Rejection(*found[0]) if found else None,
        dispatches=[Dispatch(*row) for row in dispatches],
    )


def database_time() -> dt.datetime:
    """Workers' rows are dated by the database's clock, which may be another machine's."""
    return _rows("SELECT clock_timestamp()")[0][0]  # type: ignore[no-any-return]  # rows are Any


def at_work(since: dt.datetime) -> bool:
    """Whether a consumer has taken its partitions and a sender has registered, both after this moment."""
    return bool(_rows(_AT_WORK, since, settings.KAFKA_CONSUMER_GROUP, settings.KAFKA_TRIGGERS_TOPIC, since)[0][0])


def is_known(correlation_id: str, tenant_id: int) -> bool:
    """Whether the ledger took this id in an earlier run."""
    key = ledger_key(tenant_id, "triggers", correlation_id)
    return bool(_rows("SELECT 1 FROM trigger_receipts WHERE key = %s AND NOT rejected", key))


def _key(tenant_id: int, sample: Sample) -> Any:
    return ledger_key(tenant_id, "triggers", sample.correlation_id)


def _rows(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
