"""Taken messages are followed until their vendor has reported: asked about where it must be asked, marked as overdue
where nothing is heard, once each, by any number of runners that may end at any instant."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import psycopg
import pytest
from pytest_django import Settings

from dispatching import awaiting, polling
from dispatching.database import connect
from dispatching.models import AwaitedReport, DeliveryReceipt, Dispatch, OverdueDelivery, ReportWalk
from dispatching.polling import Follower
from dispatching.receiving import apply_receipts
from dispatching.retention import clean_unsettled
from dispatching.statuses import Status
from dispatching.vendor_reports import receipts_of
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from providers.registry import TRANSPORTS
from providers.reporting import Meaning, VendorReport
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import REJECTED, UNKNOWN, Hands, campaign_with
from tests.dispatching.toys import Office, PolledToy, Toy, running_office

NOW = dt.datetime.now(dt.UTC)


class Reporting(Toy):
    """A vendor that reports by itself, within a quarter of an hour."""

    vendor = "reporting"
    overdue_after_s = 900.0

    def may_report(self, configuration: dict[str, Any]) -> bool:
        return True


class Clock:
    """The database's, with a shift that the test says."""

    def __init__(self) -> None:
        self.shift = 0.0

    def __call__(self, _connection: psycopg.Connection) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.shift)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(polling, "_database_time", made)
    return made


@pytest.fixture
def office(settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    settings.PUBLIC_URL = "https://prism.example"
    with running_office() as running:
        monkeypatch.setitem(TRANSPORTS, "polled", PolledToy(url=running.url))
        monkeypatch.setitem(TRANSPORTS, "reporting", Reporting())
        yield running


Send = Callable[..., list[str]]


@pytest.fixture
def send(connection: psycopg.Connection, hands: Hands, make_trigger: MakeTrigger, office: Office, clock: Clock) -> Send:
    """Messages of a provider of this vendor, taken under the ids that are returned; it is watched since before."""
    made: dict[str, Any] = {}

    def send_some(vendor: str, count: int = 1, outcome: Outcome | None = None, **fields: Any) -> list[str]:
        if vendor not in made:
            made[vendor], _providers = campaign_with([{"knobs": {"provider_vendor": vendor}}], **fields)
            follow()
        campaign = made[vendor]
        before = Dispatch.objects.count()
        hands.plan(connection, *(make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(count)))
        names = [f"{vendor}-{number}" for number in range(before, before + count)]
        ids = iter(names)
        hands.answer(lambda _parcel: outcome or Outcome(Kind.ACCEPTED, message_id=next(ids)))
        return names

    return send_some


def follow() -> int:
    """Everything that is due by the test's clock, by a runner of its own."""
    return Follower().run_until_empty(20)


def follow_by_hand(turns: int) -> None:
    runner = Follower()
    for _ in range(turns):
        runner._turn(0.0)
    runner._close()


def states() -> dict[str, str]:
    return dict(Dispatch.objects.values_list("provider_message_id", "status"))


def overdue() -> list[str]:
    ids = OverdueDelivery.objects.values_list("dispatch_id", flat=True)
    return sorted(Dispatch.objects.filter(pk__in=list(ids)).values_list("provider_message_id", flat=True))


# Vendors that are asked


def test_a_vendor_is_asked_in_chunks_once_it_can_know_and_what_it_says_counts(
    send: Send, office: Office, clock: Clock
) -> None:
    names = send("polled", 5)
    office.known = dict.fromkeys(names, "delivered") | {names[1]: "error"}
    clock.shift = 600
    assert follow() == 0
    assert office.asked == []
    clock.shift = 1000
    assert follow() == 5
    assert sorted(chain.from_iterable(office.asked)) == names
    assert max(map(len, office.asked)) == 2
    assert states() == dict.fromkeys(names, "DELIVERED") | {names[1]: "FAILED"}
    assert DeliveryReceipt.objects.count() == 5
    assert not AwaitedReport.objects.exists()
    clock.shift = 9000
    follow()
    assert len(office.asked) == 3
    assert overdue() == []


def test_what_it_does_not_know_is_asked_again_at_the_next_moment_then_given_up_as_overdue(
    send: Send, office: Office, clock: Clock
) -> None:
    (name,) = send("polled")
    office.known = {name: "accepted"}
    for shift, asked in [(1000, 1), (1100, 1), (1000 + 2800, 2), (4000, 2), (4400, 2)]:
        clock.shift = shift
        follow()
        assert len(office.asked) == asked, shift
        assert overdue() == []
    clock.shift = 5000
    follow()
    assert (len(office.asked), overdue(), states()) == (2, [name], {name: "SENT"})
    assert not AwaitedReport.objects.exists()


def test_an_answer_that_says_nothing_is_no_answer(send: Send, office: Office, clock: Clock) -> None:
    (name,) = send("polled")
    office.status, office.known = 500, {name: "delivered"}
    clock.shift = 1000
    assert follow() == 0
    (row,) = AwaitedReport.objects.all()
    assert (row.polls, row.tries) == (0, 1)
    office.status = 200
    clock.shift = 1020
    assert follow() == 0
    clock.shift = 1040
    assert follow() == 1
    assert states() == {name: "DELIVERED"}


def test_whoever_is_killed_between_question_and_record_leaves_it_to_the_next(
    send: Send, office: Office, clock: Clock
) -> None:
    (name,) = send("polled")
    office.known = {name: "delivered"}
    clock.shift = 1000
    killed = Follower()
    while not office.asked:
        killed._turn(0.2)
        if killed._open_requests:
            killed._record = lambda *_args: None  # type: ignore[method-assign]  # it is dead by then
    killed._close()
    assert follow() == 0, "somebody may still be at it"
    clock.shift = 1000 + awaiting.RETAKE_S + 5
    assert follow() == 1
    assert (len(office.asked), states()) == (2, {name: "DELIVERED"})


def test_many_runners_ask_about_each_message_once(send: Send, office: Office, clock: Clock) -> None:
    names = send("polled", 40)
    office.known = dict.fromkeys(names, "delivered")
    clock.shift = 1000
    threads = [threading.Thread(target=follow) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(chain.from_iterable(office.asked)) == sorted(names)
    assert set(states().values()) == {"DELIVERED"}


def test_a_report_that_came_another_way_ends_the_asking(
    connection: psycopg.Connection, send: Send, office: Office, clock: Clock
) -> None:
    (name,) = send("polled")
    report(connection, name, Meaning.DELIVERED)
    clock.shift = 1000
    follow()
    assert office.asked == []


# Vendors that report by themselves


def report(connection: psycopg.Connection, name: str, meaning: Meaning, **fields: Any) -> None:
    dispatch = Dispatch.objects.get(provider_message_id=name)
    with connection.transaction(), connection.cursor() as cursor:
        apply_receipts(
            cursor,
            receipts_of(
                tenant_id=dispatch.tenant_id,
                provider_id=str(dispatch.provider_id),
                reports=[VendorReport(kind=meaning.value, meaning=meaning, message_id=name, **fields)],
                received_at=NOW,
            ),
            NOW,
        )


def test_what_nobody_reports_on_in_time_is_overdue_until_a_report_comes(
    connection: psycopg.Connection, send: Send, clock: Clock
) -> None:
    silent, accepted, sent, delivered = send("reporting", 4)
    report(connection, accepted, Meaning.ACCEPTED)
    report(connection, sent, Meaning.SENT)
    report(connection, delivered, Meaning.DELIVERED)
    clock.shift = 800
    follow()
    assert overdue() == []
    clock.shift = 1000
    follow()
    assert overdue() == sorted([silent, accepted])
    row = OverdueDelivery.objects.get(dispatch__provider_message_id=silent)
    taken_at = Dispatch.objects.get(provider_message_id=silent).returned_at
    assert taken_at is not None
    assert row.since == taken_at + dt.timedelta(seconds=900)
    assert states()[silent] == "SENT"
    report(connection, silent, Meaning.ENGAGED)
    assert overdue() == sorted([silent, accepted])
    report(connection, silent, Meaning.SENT)
    report(connection, accepted, Meaning.READ)
    assert overdue() == []
    clock.shift = 9000
    follow()
    assert overdue() == []


@pytest.mark.parametrize("chunk", [1, 2, 3])
def test_every_message_is_seen_however_the_history_is_cut(
    send: Send, clock: Clock, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(awaiting, "WALK_CHUNK", chunk)
    monkeypatch.setattr(awaiting, "LOOK_CHUNK", 2)
    names = send("reporting", 4)
    send("polled", 3)
    clock.shift = 850
    follow_by_hand(1)
    names += send("reporting", 2)
    clock.shift = 1000
    follow_by_hand(12)
    assert overdue() == sorted(names)


def test_what_failed_or_is_unknown_is_not_waited_for(send: Send, clock: Clock) -> None:
    send("reporting", 1, REJECTED)
    send("reporting", 1, UNKNOWN)
    clock.shift = 1000
    follow()
    assert not OverdueDelivery.objects.exists()
    assert not AwaitedReport.objects.exists()


def test_what_is_sent_after_all_is_followed_though_the_walk_has_passed_it(
    connection: psycopg.Connection, send: Send, clock: Clock
) -> None:
    send("reporting", 1, UNKNOWN)
    clock.shift = 1000
    follow()
    dispatch = Dispatch.objects.get()
    connection.execute(
        "UPDATE dispatches SET status = 'SENT', provider_message_id = 'late', returned_at = now() WHERE id = %s",
        [dispatch.pk],
    )
    follow()
    assert overdue() == ["late"]


def test_what_was_planned_long_before_it_is_sent_is_followed_from_its_sending_on(
    connection: psycopg.Connection, send: Send, clock: Clock
) -> None:
    (name,) = send("reporting")
    connection.execute("UPDATE dispatches SET status = 'SCHEDULED', returned_at = NULL, scheduled_for = now() + '2 h'")
    clock.shift = 1000
    follow()
    (row,) = AwaitedReport.objects.all()
    assert row.look_at > NOW + dt.timedelta(hours=2, minutes=14)
    connection.execute("UPDATE dispatches SET status = 'SENT', returned_at = now() + '2 h'")
    clock.shift = 7200 + 800
    follow()
    assert overdue() == []
    clock.shift = 7200 + 1000
    follow()
    assert overdue() == [name]


def test_a_report_that_is_being_recorded_is_waited_for(
    connection: psycopg.Connection, send: Send, clock: Clock
) -> None:
    """It moves no status, hence only the lock on its dispatch tells the two apart."""
    (name,) = send("reporting")
    clock.shift = 1000
    dispatch = Dispatch.objects.get()
    runner = threading.Thread(target=follow)
    with connect("prism:other") as other, other.transaction(), other.cursor() as cursor:
        apply_receipts(
            cursor,
            receipts_of(
                tenant_id=dispatch.tenant_id,
                provider_id=str(dispatch.provider_id),
                reports=[VendorReport(kind="sent", meaning=Meaning.SENT, message_id=name)],
                received_at=NOW,
            ),
            NOW,
        )
        runner.start()
        runner.join(1)
        assert runner.is_alive()
    runner.join(20)
    assert overdue() == []


def test_a_provider_that_owes_no_report_any_more_is_left_alone(send: Send, clock: Clock, settings: Settings) -> None:
    send("reporting", 2)
    assert ReportWalk.objects.count() == 1
    settings.PUBLIC_URL = ""
    clock.shift = 1000
    follow()
    assert not ReportWalk.objects.exists()
    assert overdue() == []


def test_what_is_owed_is_kept_while_a_configuration_cannot_be_used(send: Send, office: Office, clock: Clock) -> None:
    first, second = send("polled", 2)
    office.known = {second: "delivered"}
    clock.shift = 1000
    follow()
    provider = Provider.objects.get()
    configuration = dict(provider.configuration)
    provider.configuration = {"provider_vendor": "nobody"}
    provider.save()
    for shift in (4000, 5000):
        clock.shift = shift
        follow()
    assert (len(office.asked), AwaitedReport.objects.count(), ReportWalk.objects.count()) == (1, 1, 1)
    provider.configuration = configuration
    provider.save()
    office.known = {first: "delivered"}
    clock.shift = 6000
    assert follow() == 1
    assert states() == {first: "DELIVERED", second: "DELIVERED"}


def test_a_row_may_say_another_time(send: Send, clock: Clock) -> None:
    (name,) = send("reporting")
    provider = Provider.objects.get()
    provider.configuration["overdue_after_minutes"] = 60
    provider.save()
    clock.shift = 1000
    follow()
    assert overdue() == []
    clock.shift = 3700
    follow()
    assert overdue() == [name]


def test_many_overdue_ones_raise_an_alarm_once(
    send: Send, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(polling, "LEAST_FOR_ALARM", 3)
    send("reporting", 4)
    clock.shift = 1000
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            follow()
    told = [record for record in caplog.records if "deliveries_overdue" in record.getMessage()]
    assert len(told) == 1
    walk = ReportWalk.objects.get()
    assert (walk.followed, walk.overdue, walk.told) == (4, 4, True)


def test_old_ones_leave_the_list(send: Send, clock: Clock) -> None:
    send("reporting")
    clock.shift = 1000
    follow()
    assert clean_unsettled(NOW + dt.timedelta(days=5)) == 0
    assert clean_unsettled(NOW + dt.timedelta(days=40)) == 1
    assert overdue() == []
    assert states() == {"reporting-0": "SENT"}


def test_receipts_of_a_door_end_it_too(connection: psycopg.Connection, send: Send, clock: Clock) -> None:
    from tests.dispatching.test_receiving import receipt

    (name,) = send("reporting")
    clock.shift = 1000
    follow()
    with connection.transaction(), connection.cursor() as cursor:
        apply_receipts(cursor, [receipt(Provider.objects.get(), Status.DELIVERED, message_id=name)], NOW)
    assert (overdue(), states()) == ([], {name: "DELIVERED"})
