"""One worker whose parts are moved by hand: the planner and the recorder are real, the wire is a list."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from campaigns.models import Campaign
from dispatching.draining import DueDrainer
from dispatching.engine import Engine
from dispatching.parcels import Batch, Parcel
from dispatching.planning import Plan, Planner, plan_batch
from dispatching.results import Sent
from dispatching.snapshot import SnapshotHolder
from dispatching.triggers import Trigger
from providers.models import Provider
from providers.outcomes import Kind, Outcome
from tests.factories import CampaignFactory, CampaignProviderTemplateFactory, ProviderFactory

ACCEPTED = Outcome(Kind.ACCEPTED, message_id="m")
DEFERRED = Outcome(Kind.DEFERRED, reason="UNAVAILABLE", error="HTTP 503")
NOT_SENT = Outcome(Kind.NOT_SENT, reason="CONNECT", error="refused")
LATE = Outcome(Kind.NOT_SENT, reason="DEADLINE", error="too late")
REJECTED = Outcome(Kind.REJECTED, reason="NO", error="no")
UNKNOWN = Outcome(Kind.UNKNOWN, reason="TIMEOUT", error="no answer")


class ListedWire:
    """Stands where the sender stands: what was released, in order."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def put(self, batches: list[Batch]) -> None:
        self.batches += batches


class Hands:
    """A worker without threads. What it sends is in `wire`, until `answer` says what the vendor made of it."""

    def __init__(self, kind: str = "consumer") -> None:
        self.engine = Engine(kind)
        self.engine._sender._wire.close()
        self.wire = ListedWire()
        self.engine._sender = self.engine._recorder.sender = self.wire  # type: ignore[assignment]  # all they call is put
        self.recorder = self.engine._recorder
        self.lanes = self.engine.lanes
        self.drainer = DueDrainer(self.engine)

    @property
    def worker_id(self) -> int:
        return self.engine.worker_id

    def plan(self, connection: psycopg.Connection, *triggers: Trigger) -> Plan:
        with connection.transaction(), connection.cursor() as cursor:
            plan = self.engine.plan(cursor, triggers, dt.datetime.now(dt.UTC))
        self.engine.accept(plan)
        return plan

    def claim(self) -> int:
        """One pass of the resident sender. Returns the rows taken."""
        return self.drainer._pass()[1]

    def take(self) -> list[tuple[Batch, Parcel]]:
        """Everything on the wire, which is empty then."""
        batches, self.wire.batches = self.wire.batches, []
        return [(batch, parcel) for batch in batches for parcel in batch.parcels]

    def answer(self, outcome: Outcome | Callable[[Parcel], Outcome]) -> int:
        """Everything on the wire is answered and recorded. Returns how many were."""
        return self.record([(batch, parcel, outcome) for batch, parcel in self.take()])

    def record(self, answers: Sequence[tuple[Batch, Parcel, Outcome | Callable[[Parcel], Outcome]]]) -> int:
        now = dt.datetime.now(dt.UTC)
        sents = []
        for batch, parcel, given in answers:
            outcome = given(parcel) if callable(given) else given
            left = None if outcome.kind is Kind.NOT_SENT else now
            sents.append(Sent(parcel, batch, outcome, left, now))
        self.turn(sents)
        return len(sents)

    def turn(self, sents: list[Sent] | None = None) -> None:
        """One turn of the recorder's thread."""
        self.recorder.look_at_circuits()
        self.recorder._take_tokens()
        self.recorder._return_closed()
        self.recorder._work(sents or [])

    def close(self) -> None:
        for owner in (self.recorder, self.drainer):
            if owner._connection is not None:
                owner._connection.close()


def silence(connection: psycopg.Connection, worker_id: int, seconds: float = 60) -> None:
    """As if the worker had not been heard of for so long."""
    connection.execute(
        "UPDATE workers SET heartbeat_at = clock_timestamp() - make_interval(secs => %s) WHERE id = %s",
        [seconds, worker_id],
    )


def campaign_with(providers: Sequence[dict[str, Any]] = ({},), **fields: Any) -> tuple[Campaign, list[Provider]]:
    """A campaign and its providers in order; each dict holds fields of a provider, and its configuration in full
    or knobs of a gateway's."""
    campaign: Campaign = CampaignFactory.create(**fields)
    made = []
    for order, given in enumerate(providers, 1):
        own = dict(given)
        configuration = own.pop("configuration", None) or {
            "provider_vendor": "gateway",
            "api_url": "http://127.0.0.1:9/",
            "authentication": {"type": "none"},
            **own.pop("knobs", {}),
        }
        provider = ProviderFactory.create(tenant=campaign.tenant, configuration=configuration, **own)
        CampaignProviderTemplateFactory.create(
            campaign_provider__campaign=campaign, campaign_provider__provider=provider, campaign_provider__order=order
        )
        made.append(provider)
    return campaign, made


def plan_due(connection: psycopg.Connection, *triggers: Trigger) -> None:
    """As a process without lanes plans: everything waits in the queue."""
    planner = Planner(worker_id=0, snapshots=SnapshotHolder())
    with connection.transaction(), connection.cursor() as cursor:
        plan_batch(cursor, planner, triggers, dt.datetime.now(dt.UTC))
