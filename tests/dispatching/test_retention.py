"""The ledger forgets what is too old, statistics are fresh, weeks are kept ahead, and orphans are found."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection as django_connection

from dispatching import retention, upkeep
from dispatching.ids import mint_ids
from dispatching.models import Attempt, DeliveryReceipt, Dispatch, DueDispatch, SendBatch, TriggerReceipt
from dispatching.orphans import find_orphans
from dispatching.partitions import TABLES, Coverage
from dispatching.retention import analyze_partitions, clean_ledger
from dispatching.statuses import Status
from dispatching.upkeep import MissingPartitionsError, keep_partitions_ahead
from tests.factories import DispatchFactory, DueDispatchFactory

pytestmark = pytest.mark.django_db(transaction=True)

NOW = dt.datetime.now(dt.UTC)
EARLIER = NOW - dt.timedelta(hours=3)


def receipts(count: int, received_at: dt.datetime) -> None:
    TriggerReceipt.objects.bulk_create(
        TriggerReceipt(
            key=uuid.uuid4(), tenant_id=1, trigger_id=uuid.uuid4(), payload_digest=1, received_at=received_at
        )
        for _ in range(count)
    )


def test_receipts_past_their_retention_go_and_younger_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 10)
    receipts(400, NOW - dt.timedelta(days=98))
    receipts(30, NOW - dt.timedelta(days=96))
    assert clean_ledger() == 400
    assert TriggerReceipt.objects.count() == 30
    assert clean_ledger() == 0


def test_cleaning_the_ledger_stops_when_its_time_is_over_and_goes_on_the_next_time() -> None:
    receipts(50, NOW - dt.timedelta(days=98))
    assert clean_ledger(max_seconds=0) == 0
    assert clean_ledger() == 50


def test_parents_of_partitions_have_statistics_after_the_job() -> None:
    DispatchFactory.create_batch(3)
    analyze_partitions()
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stats WHERE tablename = 'dispatches' AND inherited")
        assert cursor.fetchone()[0] > 0


def test_a_partition_that_cannot_be_made_is_an_alarm_that_names_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert keep_partitions_ahead() == ()
    monkeypatch.setattr(upkeep, "ensure_partitions", lambda *_: Coverage(created=(), missing=("dispatches_p20990101",)))
    with pytest.raises(MissingPartitionsError, match="dispatches_p20990101"):
        keep_partitions_ahead()
    assert "partition_missing" in caplog.text
    with pytest.raises(CommandError, match="dispatches_p20990101"):
        call_command("ensure_partitions")


def test_weeks_that_are_missing_are_made() -> None:
    later = NOW + dt.timedelta(weeks=3)
    assert len(keep_partitions_ahead(later)) == 3 * len(TABLES)


def earlier_dispatch(status: Status = Status.SENT) -> Dispatch:
    """Old enough that nobody may still be at work on it."""
    dispatch: Dispatch = DispatchFactory(id=uuid.UUID(mint_ids(EARLIER, 1)[0]), status=status)
    return dispatch


def found() -> dict[str, int]:
    return {finding.check: finding.count for finding in find_orphans()}


def test_whole_history_has_no_orphans() -> None:
    dispatch = earlier_dispatch()
    Attempt.objects.create(
        dispatch_id=dispatch.id, id=uuid.uuid4(), tenant=dispatch.tenant, number=1, outcome="rejected", created_at=NOW
    )
    DueDispatchFactory(dispatch=earlier_dispatch(Status.SCHEDULED))
    assert found() == {}
    call_command("check_orphans")


@pytest.mark.parametrize(
    ("column", "check"),
    [
        ("campaign_id", "campaigns_gone"),
        ("provider_id", "provider_gone"),
        ("template_id", "template_gone"),
        ("template_version_id", "template_version_gone"),
        ("tenant_id", "tenant_gone"),
    ],
)
def test_a_dispatch_whose_reference_is_gone_is_found(column: str, check: str) -> None:
    dispatch = earlier_dispatch()
    Dispatch.objects.filter(id=dispatch.id).update(**{column: 999 if column == "tenant_id" else uuid.uuid4()})
    assert found() == {check: 1}
    with pytest.raises(CommandError, match=check):
        call_command("check_orphans")


def test_a_waiting_dispatch_that_nobody_holds_is_found_and_one_in_a_batch_is_not() -> None:
    stranded, held = earlier_dispatch(Status.PENDING), earlier_dispatch(Status.PENDING)
    DispatchFactory(status=Status.PENDING)
    SendBatch.objects.create(
        id=uuid.uuid4(),
        owner=1,
        provider_id=uuid.uuid4(),
        lane_class=1,
        dispatch_ids=[held.id],
        versions=[1],
        created_at=NOW,
    )
    [finding] = find_orphans()
    assert (finding.check, finding.count, finding.sample) == ("stranded", 1, (str(stranded.id),))


def test_attempts_receipts_and_due_rows_without_their_dispatch_are_found() -> None:
    gone = uuid.UUID(mint_ids(EARLIER, 1)[0])
    tenant = earlier_dispatch().tenant
    Attempt.objects.create(dispatch_id=gone, id=uuid.uuid4(), tenant=tenant, number=1, outcome="x", created_at=NOW)
    DueDispatch.objects.create(dispatch_id=gone, provider_id=uuid.uuid4(), lane_class=1, due_at=NOW, not_after=NOW)
    DeliveryReceipt.objects.create(
        dispatch_id=gone, id=uuid.uuid4(), tenant=tenant, provider_id=gone, received_at=NOW, payload_size=0
    )
    assert found() == {"attempt_without_dispatch": 1, "due_without_dispatch": 1, "receipt_without_dispatch": 1}
