"""Providers in trouble: left alone by all processes, tried by one, used again in every way there is; nobody is lost."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from dispatching import metrics
from dispatching.breakers import Breakers
from dispatching.circuit_rows import take_probe
from dispatching.claiming import _CLAIM_PROBE
from dispatching.database import connect
from dispatching.draining import DueDrainer
from dispatching.engine import Engine
from dispatching.models import Attempt, Dispatch, DueDispatch
from dispatching.results import Sent
from dispatching.snapshot import read_version
from providers.authoring import save_provider
from providers.circuits import ProviderCircuit, State, resume
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from providers.probe_rows import Probes
from providers.verdicts import Verdict
from tenants.scope import tenant_scope
from tests.dispatching.conftest import MakeTrigger
from tests.dispatching.hands import ACCEPTED, DEFERRED, REJECTED, UNKNOWN, Hands, campaign_with, plan_due
from tests.dispatching.test_engine import link_provider, send, until
from tests.dispatching.vendor import accept, running_vendor
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory

REFUSED = Outcome(Kind.CONFIGURATION, reason="UNAUTHORIZED", error="HTTP 401")
LIMITED = Outcome(Kind.DEFERRED, reason="RATE_LIMITED", error="HTTP 429", retry_after=30)


@pytest.fixture
def other(transactional_db: None) -> Iterator[Hands]:
    """A second process."""
    made = Hands("sender")
    yield made
    made.close()


def look(*processes: Hands) -> None:
    """As half a second later."""
    for hands in processes:
        hands.recorder._breakers._looked = float("-inf")
        hands.recorder.look_at_circuits()


def circuit() -> ProviderCircuit:
    return ProviderCircuit.objects.get()


def states() -> list[tuple[str, str]]:
    return sorted(set(Dispatch.objects.values_list("status", "reason")))


def let_time_pass() -> None:
    """Until everything is due and the next try is."""
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    DueDispatch.objects.update(due_at=past)
    ProviderCircuit.objects.update(probe_at=past)


def test_a_refused_configuration_pauses_the_provider_for_everybody_and_burns_no_try(
    hands: Hands, other: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(5)])
    version = read_version(connection.cursor())
    with capture_logs() as lines:
        assert hands.answer(REFUSED) == 5
    (alarm,) = [line for line in lines if line["event"] == "provider_paused"]
    assert alarm["log_level"] == "error"
    assert alarm["metadata"]["reason"] == "UNAUTHORIZED"
    assert read_version(connection.cursor()) == version, "no worker reads its configuration anew for that"
    found = circuit()
    assert (found.provider_id, found.tenant_id, found.state) == (provider.pk, provider.tenant_id, State.PAUSED)
    assert (found.reason, found.error, found.failures) == ("UNAUTHORIZED", "HTTP 401", 1)
    assert set(Dispatch.objects.values_list("status", "attempts")) == {("PENDING", 0)}
    assert set(Attempt.objects.values_list("outcome", "reason")) == {("CONFIGURATION", "UNAUTHORIZED")}
    assert DueDispatch.objects.count() == 5

    DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC))
    look(hands, other)
    assert (hands.claim(), other.claim()) == (0, 0)
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    assert not hands.take(), "what comes meanwhile waits as well"
    assert DueDispatch.objects.count() == 6


def test_one_process_of_all_tries_with_one_message_and_success_lets_everything_go(
    hands: Hands, other: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(9)])
    hands.answer(REFUSED)
    let_time_pass()
    look(hands, other)
    assert hands.claim() + other.claim() == 1
    assert len(hands.wire.batches) + len(other.wire.batches) == 1
    look(hands, other)
    assert (hands.claim(), other.claim()) == (0, 0), "nothing else before its answer"
    assert circuit().state_at(dt.datetime.now(dt.UTC)) is State.HALF_OPEN
    hands.answer(ACCEPTED)
    other.answer(ACCEPTED)
    assert circuit().state == State.CLOSED
    look(hands, other)
    assert hands.claim() + other.claim() == 8
    hands.answer(ACCEPTED)
    other.answer(ACCEPTED)
    assert states() == [("SENT", "")]


def test_a_try_that_fails_doubles_the_wait(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    hands.answer(REFUSED)
    waits = []
    for _ in range(3):
        found = circuit()
        assert found.probe_at is not None
        waits.append(round((found.probe_at - dt.datetime.now(dt.UTC)).total_seconds() / 10) * 10)
        let_time_pass()
        look(hands)
        assert hands.claim() == 1
        hands.answer(REFUSED)
    assert waits == [120, 240, 480]
    assert Dispatch.objects.get().attempts == 0


def test_a_process_that_dies_with_the_try_loses_it_with_time(
    hands: Hands, other: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(2)])
    hands.answer(REFUSED)
    let_time_pass()
    look(hands, other)
    assert hands.claim() == 1
    ProviderCircuit.objects.update(probing_until=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    look(other)
    assert other.claim() == 1
    other.answer(DEFERRED)
    hands.answer(ACCEPTED)
    assert circuit().state == State.OPEN, "the word of who lost the try comes too late"


def test_many_failures_open_the_circuit_and_the_rest_waits_uncounted(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with([{"knobs": {"concurrency": 8}}])
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(100)])
    with capture_logs() as lines:
        assert hands.answer(DEFERRED) == 32
    assert [line["log_level"] for line in lines if line["event"] == "provider_left_alone"] == ["error"]
    assert circuit().state == State.OPEN
    assert not hands.take(), "nothing more is released"
    hands.turn()
    assert DueDispatch.objects.count() == 100
    assert sorted(set(Dispatch.objects.values_list("attempts", flat=True))) == [0, 1]
    let_time_pass()
    look(hands)
    assert hands.claim() == 1
    hands.answer(ACCEPTED)
    while hands.claim():
        hands.answer(ACCEPTED)
    assert states() == [("SENT", "")]
    assert provider.pk == circuit().provider_id


def test_the_one_message_that_tries_was_never_tried_before(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"concurrency": 8}}])
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(40)])
    hands.answer(DEFERRED)
    hands.turn()
    let_time_pass()
    tried = Dispatch.objects.filter(attempts=1).values_list("pk", flat=True)
    long_due = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    assert DueDispatch.objects.filter(dispatch_id__in=list(tried)).update(due_at=long_due) == 32
    look(hands)
    assert hands.claim() == 1
    hands.answer(ACCEPTED)
    assert Dispatch.objects.get(status="SENT").attempts == 1, "the first try of it"


def test_the_one_message_that_tries_is_not_always_of_the_campaign_that_has_waited_longest(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    other = CampaignFactory.create(tenant=campaign.tenant)
    CampaignProviderTemplateFactory.create(campaign_provider__campaign=other, campaign_provider__provider=provider)
    for one in (campaign, other):
        plan_due(connection, *[make_trigger(one.name, tenant_id=one.tenant_id) for _ in range(20)])
    let_time_pass()
    old = [str(pk) for pk in Dispatch.objects.filter(campaign=campaign).values_list("pk", flat=True)]
    past = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=5)
    assert DueDispatch.objects.filter(dispatch_id__in=old).update(due_at=past) == 20
    lane_class = DueDispatch.objects.values_list("lane_class", flat=True).distinct().get()
    drawn = []
    for _ in range(60):
        with connection.transaction(force_rollback=True):
            ((chosen, *_rest),) = connection.execute(_CLAIM_PROBE, [str(provider.pk), lane_class, 1]).fetchall()
            drawn.append(chosen in old)
    assert set(drawn) == {True, False}


def test_messages_that_fail_again_and_again_do_not_stop_the_others(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"retry": {"max_attempts": 20}}}])
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(19)])
    hands.answer(DEFERRED)
    for _ in range(3):
        let_time_pass()
        assert hands.claim() == 19
        hands.answer(DEFERRED)
    assert not ProviderCircuit.objects.exclude(state=State.CLOSED).exists()


def test_a_message_that_is_refused_among_others_that_are_taken_is_its_own_trouble(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    """Some vendors refuse one recipient with the words they have for a bad credential."""
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(9)])
    *good, poison = hands.take()
    hands.record([(batch, parcel, ACCEPTED) for batch, parcel in good])
    hands.record([(*poison, REFUSED)])
    for _ in range(2):
        let_time_pass()
        look(hands)
        assert hands.claim() == 1
        hands.answer(REFUSED)
    assert not ProviderCircuit.objects.exists()
    assert states() == [("FAILED", "UNAUTHORIZED"), ("SENT", "")]
    assert Dispatch.objects.get(status="FAILED").attempts == 3


def test_a_refused_message_whose_provider_was_tried_with_another_one_pauses_it_no_more(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    hands.answer(REFUSED)
    assert circuit().state == State.PAUSED, "nobody else was heard of"
    poison = Dispatch.objects.get()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    let_time_pass()
    Dispatch.objects.filter(pk=poison.pk).update(attempts=1)
    look(hands)
    assert hands.claim() == 1
    hands.answer(ACCEPTED)
    look(hands)
    assert hands.claim() == 1
    hands.answer(REFUSED)
    assert circuit().state == State.CLOSED
    assert Dispatch.objects.get(pk=poison.pk).attempts == 2


def test_a_credential_that_is_withdrawn_between_good_answers_pauses_after_three_refusals(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(9)])
    first, *rest = hands.take()
    hands.record([(*first, ACCEPTED)])
    for number, (batch, parcel) in enumerate(rest):
        assert ProviderCircuit.objects.exists() is (number >= 3)
        hands.record([(batch, parcel, REFUSED)])
    assert circuit().state == State.PAUSED
    assert sorted(Dispatch.objects.filter(status="PENDING").values_list("attempts", flat=True)) == [0] * 6 + [1] * 2


def test_what_came_back_in_the_bad_time_does_not_count_after_another_process_has_ended_it(
    hands: Hands, other: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with([{"knobs": {"concurrency": 16}}])
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(64)])
    answers = [(batch, parcel, DEFERRED) for batch, parcel in hands.take()]
    hands.record(answers[:20])
    assert circuit().state == State.OPEN
    assert hands.record(answers[20:]) == 44
    let_time_pass()
    look(other)
    assert other.claim() == 1
    other.answer(ACCEPTED)
    assert circuit().state == State.CLOSED
    look(hands)
    hands.claim()
    batch, parcel = hands.take()[0]
    hands.record([(batch, parcel, DEFERRED)])
    assert circuit().state == State.CLOSED


def test_a_try_that_our_own_wire_refused_proves_nothing(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(3)])
    hands.answer(REFUSED)
    let_time_pass()
    look(hands)
    assert hands.claim() == 1
    ((batch, parcel),) = hands.take()
    invalid = Outcome(Kind.REJECTED, reason="TRANSPORT_ERROR", error="not a URL")
    hands.turn([Sent(parcel, batch, invalid, None, dt.datetime.now(dt.UTC))])
    found = circuit()
    assert (found.state, found.probed_by) == (State.PAUSED, None)


def test_a_few_failures_among_many_that_go_well_open_nothing(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(100)])
    answers = itertools.cycle([UNKNOWN, REJECTED, ACCEPTED])
    hands.answer(lambda _: next(answers))
    assert not ProviderCircuit.objects.exists()


def test_a_limit_holds_the_provider_in_all_processes_and_ends_by_itself(
    hands: Hands, other: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(6)])
    hands.answer(LIMITED)
    found = circuit()
    assert (found.state, found.reason) == (State.HELD, "RATE_LIMITED")
    assert found.probe_at is not None
    assert 25 < (found.probe_at - dt.datetime.now(dt.UTC)).total_seconds() <= 30
    assert set(Dispatch.objects.values_list("attempts", flat=True)) == {0}, "the account's limit, no message's"
    DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC))
    look(hands, other)
    assert (hands.claim(), other.claim()) == (0, 0)
    let_time_pass()
    look(hands, other)
    assert other.claim() == 6
    other.answer(ACCEPTED)
    assert states() == [("SENT", "")]


def test_a_hold_that_is_over_raises_no_alert(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(6)])
    hands.answer(LIMITED)
    shown = {"provider": str(provider.pk), "state": "held"}
    assert [sample.labels for family in metrics.CIRCUIT.collect() for sample in family.samples] == [shown]
    let_time_pass()
    look(hands)
    assert not [sample for family in metrics.CIRCUIT.collect() for sample in family.samples]
    assert {lane["circuit"] for lane in hands.lanes.view()} == {""}


def test_a_limit_that_only_one_message_meets_counts_its_tries(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, _ = campaign_with()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    for _ in range(3):
        hands.answer(LIMITED)
        let_time_pass()
        look(hands)
        hands.claim()
    assert states() == [("FAILED", "RATE_LIMITED")]


def pause(hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, reason: str = "") -> Provider:
    campaign, (provider,) = campaign_with()
    hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(3)])
    hands.answer(Outcome(Kind.CONFIGURATION, reason=reason or "UNAUTHORIZED", error="HTTP 401"))
    assert circuit().state == State.PAUSED
    DueDispatch.objects.update(due_at=dt.datetime.now(dt.UTC))
    return provider


def flows(hands: Hands) -> None:
    look(hands)
    assert hands.claim() == 3
    hands.answer(ACCEPTED)
    assert states() == [("SENT", "")]


def test_a_saved_change_of_the_configuration_resumes(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    provider = pause(hands, connection, make_trigger)
    provider.max_messages_per_minute = None
    provider.save()
    assert circuit().state == State.PAUSED, "nothing changed"
    provider.configuration["api_url"] = "http://127.0.0.1:9/other/"
    provider.save()
    flows(hands)


def test_a_new_secret_resumes(hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger) -> None:
    provider = pause(hands, connection, make_trigger)
    with tenant_scope(provider.tenant_id):
        save_provider(provider, secrets={"token": "new"}, by="ana")
    flows(hands)


def test_an_operator_resumes(hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger) -> None:
    provider = pause(hands, connection, make_trigger)
    with tenant_scope(provider.tenant_id, operator=True):
        assert resume(provider.pk, by="ana")
        assert not resume(provider.pk, by="ana")
    assert circuit().closed_by == "ana"
    flows(hands)


@pytest.mark.parametrize(("reason", "state"), [("UNAUTHORIZED", State.CLOSED), ("NO_SENDER", State.PAUSED)])
def test_a_check_that_proves_the_credential_resumes_what_it_had_paused_and_else_asks_for_a_try(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, reason: str, state: State
) -> None:
    provider = pause(hands, connection, make_trigger, reason)
    with tenant_scope(provider.tenant_id):
        save_provider(Provider.objects.get(pk=provider.pk), by="ana")  # asks for a check
    probes = Probes(connection)
    (check,) = probes.claim(5)
    probes.record(check, Verdict(ok=True, code="REACHABLE"), 5)
    assert circuit().state == State.PAUSED, "that proves nothing"
    with tenant_scope(provider.tenant_id):
        save_provider(Provider.objects.get(pk=provider.pk), by="ana")
    (check,) = probes.claim(5)
    probes.record(check, Verdict(ok=True, code="OK"), 5)
    assert circuit().state == state
    if state is State.CLOSED:
        flows(hands)
    else:
        look(hands)
        assert hands.claim() == 1, "one message tells"


def test_a_credential_that_checks_well_and_sends_badly_is_believed_once(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    provider = pause(hands, connection, make_trigger)
    for expected in (State.CLOSED, State.PAUSED):
        with tenant_scope(provider.tenant_id):
            save_provider(Provider.objects.get(pk=provider.pk), by="ana")
        probes = Probes(connection)
        (check,) = probes.claim(5)
        probes.record(check, Verdict(ok=True, code="OK"), 5)
        assert circuit().state == expected
        if expected is State.CLOSED:
            look(hands)
            assert hands.claim() == 3
            hands.answer(REFUSED)
            assert circuit().failures == 2


def test_what_an_old_configuration_brought_back_does_not_pause_the_new_one(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    campaign, (provider,) = campaign_with()
    hands.plan(connection, make_trigger(campaign.name, tenant_id=campaign.tenant_id))
    provider.configuration["api_url"] = "http://127.0.0.1:9/other/"
    provider.save()
    hands.answer(REFUSED)
    assert not ProviderCircuit.objects.exists()
    assert Dispatch.objects.get().status == "PENDING"
    assert DueDispatch.objects.exists()


def test_a_provider_that_is_gone_takes_its_circuit_along(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    from campaigns.models import CampaignProvider

    provider = pause(hands, connection, make_trigger)
    CampaignProvider.objects.all().delete()
    provider.delete()
    assert not ProviderCircuit.objects.exists()
    look(hands)
    assert hands.claim() == 3
    assert states() == [("REFUSED", "PROVIDER_REMOVED")]


def test_what_waits_for_a_provider_in_trouble_ends_when_its_time_is_over(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    pause(hands, connection, make_trigger)
    DueDispatch.objects.update(not_after=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1))
    look(hands)
    assert hands.claim() == 3
    assert states() == [("EXPIRED", "NOT_AFTER_PASSED")]


def test_while_all_is_well_nothing_is_written_and_little_is_read(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign, _ = campaign_with()
    looks: list[int] = []
    told: list[int] = []
    original = Breakers.look

    def count(self: Breakers, own: psycopg.Connection) -> None:
        looks.append(1)
        original(self, own)

    monkeypatch.setattr(Breakers, "look", count)
    monkeypatch.setattr(Breakers, "tell", lambda *_: told.append(1))
    look(hands)
    for _ in range(5):
        hands.plan(connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(20)])
        hands.answer(ACCEPTED)
    assert not told
    assert len(looks) < 10, "by the clock, not by the batch"


def test_of_many_processes_that_ask_at_the_same_moment_one_may_try(
    hands: Hands, connection: psycopg.Connection, make_trigger: MakeTrigger
) -> None:
    provider = pause(hands, connection, make_trigger)
    let_time_pass()
    start, got = threading.Barrier(8), []

    def ask(worker_id: int) -> None:
        with connect("prism:test:probe") as own:
            start.wait(10)
            got.append(take_probe(own, str(provider.pk), worker_id, 30))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(got) == [False] * 7 + [True]


def test_over_the_real_wire_a_refused_credential_pauses_two_engines_and_a_saved_change_lets_both_go_on(
    connection: psycopg.Connection, make_trigger: MakeTrigger, settings: Settings, transactional_db: None
) -> None:
    settings.OUTBOUND_ALLOW_PRIVATE = True
    campaign = CampaignFactory.create()
    engines = [Engine("consumer"), Engine("sender")]
    with running_vendor() as vendor, ExitStack() as leaving:
        provider = link_provider(campaign, vendor)
        vendor.behave = lambda _: (401, {"error": "unauthorized"})
        for engine in engines:
            engine.start()
            leaving.callback(engine.stop, 20)
        send(engines[0], connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(100)])
        until(lambda: DueDispatch.objects.count() == 100, 30)
        assert circuit().state == State.PAUSED
        until(engines[1].lanes.unavailable)
        asked = len(vendor.messages)
        send(engines[1], connection, *[make_trigger(campaign.name, tenant_id=campaign.tenant_id) for _ in range(3)])
        time.sleep(0.6)
        assert len(vendor.messages) == asked <= 100, "the other engine has learnt of it"
        vendor.behave = accept
        provider.configuration["timeout_ms"] = 5000
        provider.save()
        stop = threading.Event()
        drainer = threading.Thread(target=DueDrainer(engines[1]).run, args=(stop,), kwargs={"max_seconds": 40})
        drainer.start()
        leaving.callback(drainer.join, 10)
        leaving.callback(stop.set)
        until(lambda: states() == [("SENT", "")], 30)
    assert Dispatch.objects.count() == 103
    assert set(Dispatch.objects.values_list("attempts", flat=True)) == {1}
