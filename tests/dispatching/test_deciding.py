"""What holds for every campaign, contact and moment: each trigger becomes exactly one of its possible things."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from campaigns.mappings import Mapped
from campaigns.models import Campaign
from campaigns.snapshot import CampaignPlan, ProviderPlan
from dispatching.gates import Draft, Refusal, decide
from dispatching.lanes import Lanes
from dispatching.planning import Planner, plan_batch
from dispatching.reasons import EXPLANATIONS
from dispatching.snapshot import Snapshot, SnapshotHolder
from dispatching.statuses import Status
from dispatching.triggers import Trigger, ledger_key
from providers.loading import ProviderState
from providers.registry import TRANSPORTS
from templates.rendering import compile_text
from tests.dispatching.conftest import ATTRIBUTES
from tests.dispatching.hands import campaign_with
from tests.dispatching.test_lanes import settings

NOW = dt.datetime(2026, 3, 4, 15, 30, tzinfo=dt.UTC)
DATES = st.none() | st.dates(NOW.date() - dt.timedelta(days=9), NOW.date() + dt.timedelta(days=9))
VALUES = st.none() | st.sampled_from(["", "  ", "+5511999999999", "ana@example.com", "text", 7, True, [], {"a": 1}])
CONTACTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("phone_number", "email", "first_name", "tax_identification"), VALUES)
)


@st.composite
def provider_states(draw: st.DrawFn) -> ProviderState:
    usable = draw(st.booleans())
    return ProviderState(
        id=str(draw(st.uuids())),
        tenant_id=1,
        name="p",
        type=draw(st.sampled_from(["WHATSAPP", "EMAIL", "SMS"])),
        is_active=draw(st.sampled_from([True, True, False])),
        settings=settings() if usable else None,
        transport=TRANSPORTS["gateway"] if usable else None,
        problem=None if usable else "no token",
    )


@st.composite
def campaign_plans(draw: st.DrawFn, states: list[ProviderState]) -> CampaignPlan:
    known = states if draw(st.booleans()) else states[1:]
    missing = [str(uuid.UUID(int=9))] if draw(st.booleans()) else []
    mode = draw(st.sampled_from(["SYNC", "ASYNC"]))
    plans = [
        ProviderPlan(
            campaign_provider_id=str(uuid.UUID(int=order)),
            label="",
            order=order,
            provider_id=provider_id,
            template_id=str(uuid.UUID(int=1)),
            template_version_id=str(uuid.UUID(int=2)),
            template_code="t",
            template_active=draw(st.sampled_from([True, True, False])),
            subject=None,
            body=compile_text("Hi {{name}}"),
            variants=(compile_text("Hello {{name}}"),) if draw(st.booleans()) else (),
            media_url="",
            mapping=(Mapped("name", "first_name", draw(st.none() | st.just("you"))),),
        )
        for order, provider_id in enumerate([*(state.id for state in known), *missing])
    ]
    start, end = draw(DATES), draw(DATES)
    if start and end and start > end:
        start, end = end, start
    return CampaignPlan(
        id=str(uuid.UUID(int=3)),
        tenant_id=1,
        name="j",
        is_active=draw(st.sampled_from([True, True, True, False])),
        start_date=start,
        end_date=end,
        rate_basis_points=draw(st.sampled_from([0, 0, 5000, 10_000])),
        salt=b"salt",
        control_version=1,
        control_frozen=True,
        mode=mode,
        trigger_time=draw(st.times()),
        week_days=frozenset(draw(st.sets(st.integers(1, 7), min_size=1))),
        zone=ZoneInfo(draw(st.sampled_from(["America/Sao_Paulo", "UTC", "Pacific/Apia"]))),
        strategy=draw(st.sampled_from(["all", "fallback"])),
        person_key_attribute="",
        providers=tuple(plans),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[CampaignPlan, Snapshot]:
    states = draw(st.lists(provider_states(), max_size=3, unique_by=lambda state: state.id))
    campaign = draw(campaign_plans(states))
    providers = {state.id: state for state in states}
    return campaign, Snapshot(1, {(1, "j"): campaign}, {campaign.id: campaign}, providers)


def trigger(attributes: dict[str, Any], journey: str = "j", correlation: str = "c", tenant_id: int = 1) -> Trigger:
    encoded = msgspec.json.encode(attributes)
    return Trigger(
        tenant_id=tenant_id,
        source="triggers",
        key=ledger_key(tenant_id, "triggers", correlation),
        journey_name=journey,
        correlation_id=correlation,
        trace_id="",
        triggered_at=NOW,
        received_at=NOW,
        attributes=attributes,
        attributes_json=encoded.decode(),
        payload_digest=hash((journey, encoded)) >> 1,
    )


@given(situation=situations(), attributes=CONTACTS)
@hypothesis_settings(max_examples=400)
def test_a_trigger_is_refused_kept_back_or_decided_for_each_provider(
    situation: tuple[CampaignPlan, Snapshot], attributes: dict[str, Any]
) -> None:
    campaign, snapshot = situation
    decided = decide(trigger(attributes), campaign, snapshot, NOW, {})
    if isinstance(decided, Refusal):
        assert decided.code in EXPLANATIONS
        return
    assert decided
    for draft in decided:
        _is_whole(draft, campaign)
    sendable = [draft for draft in decided if draft.status in (Status.PENDING, Status.SCHEDULED)]
    if decided[0].reason in ("CONTROL_GROUP", "NO_PERSON_KEY"):
        assert len(decided) == 1
        assert campaign.rate_basis_points
    elif campaign.strategy == "all":
        assert [draft.plan for draft in decided] == list(campaign.providers)
    else:
        assert [draft.plan for draft in decided] == list(campaign.providers[: len(decided)])
        assert all(draft.status is Status.REFUSED for draft in decided[:-1])
        assert len(sendable) <= 1
        assert sendable or decided[-1].status is Status.EXPIRED or len(decided) == len(campaign.providers)
    assert decide(trigger(attributes), campaign, snapshot, NOW, {}) == decided, "the same again"


def _is_whole(draft: Draft, campaign: CampaignPlan) -> None:
    if draft.status is Status.PENDING:
        assert campaign.mode == "SYNC"
        assert draft.due_at is None
        assert draft.not_after is not None
        assert draft.not_after > NOW
    elif draft.status is Status.SCHEDULED:
        assert campaign.mode == "ASYNC"
        assert draft.due_at is not None
        assert draft.not_after is not None
        assert NOW < draft.due_at < draft.not_after
    else:
        assert draft.status in (Status.REFUSED, Status.EXPIRED, Status.CONTROL_GROUP)
        assert draft.reason in EXPLANATIONS
        if draft.status is not Status.CONTROL_GROUP:
            assert (draft.error or "").startswith(draft.reason)
    if draft.status in (Status.PENDING, Status.SCHEDULED):
        assert draft.destination
        assert draft.body
        assert "{{" not in draft.body
        assert not draft.reason


@pytest.fixture
def campaigns(connection: psycopg.Connection) -> list[Campaign]:
    both = campaign_with([{}, {"provider_type": "EMAIL"}])[0]
    tenant = both.tenant
    one = campaign_with(tenant=tenant, strategy="fallback", control_group_rate=50)[0]
    later = campaign_with(tenant=tenant, dispatch_mode="ASYNC", trigger_time=dt.time(9), week_days="1,2,3,4,5,6,7")[0]
    off = campaign_with(tenant=tenant, is_active=False)[0]
    return [both, one, later, off]


EVENTS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 6), st.sampled_from(["", "phone_number", "email", "first_name"])),
    min_size=1,
    max_size=12,
)


@given(batches=st.lists(EVENTS, min_size=1, max_size=3), with_lanes=st.booleans())
@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_event_is_exactly_one_of_rejected_duplicate_and_planned(
    connection: psycopg.Connection,
    campaigns: list[Campaign],
    batches: list[list[tuple[int, int, str]]],
    with_lanes: bool,
) -> None:
    """Doubled keys in one batch and in later ones, with the same content and with another; and what the rows say."""
    tenant_id = campaigns[0].tenant_id
    lanes = Lanes() if with_lanes else None
    planner = Planner(worker_id=7, snapshots=SnapshotHolder(), lanes=lanes)
    taken: set[str] = set()
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        for batch in batches:
            triggers = [
                trigger(
                    {key: value for key, value in ATTRIBUTES.items() if key != left_out},
                    campaigns[which].name if which < len(campaigns) else "nobody_knows",
                    f"c{number}",
                    tenant_id,
                )
                for which, number, left_out in batch
            ]
            plan = plan_batch(cursor, planner, triggers, dt.datetime.now(dt.UTC))
            if lanes is not None:
                lanes.queue(plan.ahead)
            rejected = [rejection.index for rejection in plan.rejections]
            assert len(set(rejected)) == len(rejected)
            assert not set(rejected) & set(plan.duplicates)
            planned = set(range(len(batch))) - set(rejected) - set(plan.duplicates)
            keys = [f"c{batch[index][1]}" for index in planned]
            assert len(set(keys)) == len(keys)
            assert not taken & set(keys), "once planned, never again"
            taken |= set(keys)
        rows = cursor.execute(
            "SELECT d.correlation_id, d.status, q.dispatch_id IS NOT NULL, d.id::text FROM dispatches d"
            " LEFT JOIN due_dispatches q ON q.dispatch_id = d.id"
        ).fetchall()
        held = cursor.execute("SELECT unnest(dispatch_ids)::text FROM send_batches").fetchall()
        facts = cursor.execute("SELECT headers ->> 'dispatch_id' FROM outbox_events").fetchall()
        ledger = cursor.execute("SELECT count(*) FROM trigger_receipts WHERE NOT rejected").fetchone()
    assert {row[0] for row in rows} == taken
    assert ledger == (len(taken),)
    assert len(held) == len(set(held))
    for _key, status, is_due, identifier in rows:
        waits = status in ("PENDING", "SCHEDULED")
        assert (is_due + ((identifier,) in held), ((identifier,) in facts)) == (int(waits), not waits)
    if lanes is not None:
        assert lanes.held() == len(held)
