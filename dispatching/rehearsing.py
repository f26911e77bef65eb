"""What would become of an event now: the same gates, purely, for the tenant of the transaction; nothing is written.

The web process may not read credentials, and may not have a worker's environment: they are taken to be there. Whether a
vendor takes them is what "test connection" on the provider's page is for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import msgspec
import psycopg
from django.conf import settings
from django.db import connection
from psycopg.rows import TupleRow
from psycopg.types.json import JsonbLoader

from campaigns import control
from campaigns.snapshot import CampaignPlan, load_campaigns
from dispatching.gates import Draft, Moments, Refusal, decide, person_key_of
from dispatching.snapshot import Snapshot
from dispatching.statuses import Status
from dispatching.triggers import Trigger
from providers.circuits import unavailable_providers
from providers.credentials import Secret
from providers.loading import ProviderState
from providers.models import Provider, ProviderSecret
from providers.registry import TRANSPORTS
from providers.settings import resolve


class Arm(msgspec.Struct, frozen=True):
    """Where the control group's dice fall for this person. `bucket` is None where nobody can be told apart."""

    rate_basis_points: int
    bucket: int | None

    @property
    def is_control(self) -> bool:
        return self.bucket is not None and self.bucket < self.rate_basis_points

    @property
    def share(self) -> str:
        return f"{self.rate_basis_points / 100:g} %"


class Rehearsal(msgspec.Struct, frozen=True):
    """Drafts as planning would write them, or the refusal. `going` of them would be sent."""

    campaign: CampaignPlan
    outcome: list[Draft] | Refusal
    arm: Arm

    @property
    def going(self) -> list[Draft]:
        if isinstance(self.outcome, Refusal):
            return []
        return [draft for draft in self.outcome if draft.status in (Status.PENDING, Status.SCHEDULED)]


def rehearse(trigger: Trigger, now: dt.datetime) -> Rehearsal | None:
    """Decide as planning does at `now`. None where the tenant has no campaign of that name."""
    snapshot = _snapshot(trigger.tenant_id)
    campaign = snapshot.by_name.get((trigger.tenant_id, trigger.journey_name))
    if campaign is None:
        return None
    moments: Moments = {}
    person = person_key_of(trigger.attributes, campaign)
    return Rehearsal(
        campaign=campaign,
        outcome=decide(trigger, campaign, snapshot, now, moments, unavailable_providers(trigger.tenant_id)),
        arm=Arm(campaign.rate_basis_points, None if person is None else control.bucket(campaign.salt, person)),
    )


def _snapshot(tenant_id: int) -> Snapshot:
    """The tenant's part of the picture, read with the reader's own rights."""
    campaigns = [plan for plan in load_campaigns(_worker_like_cursor()) if plan.tenant_id == tenant_id]
    return Snapshot(
        version=0,
        by_name={(plan.tenant_id, plan.name): plan for plan in campaigns},
        by_id={plan.id: plan for plan in campaigns},
        providers={state.id: state for state in _states(tenant_id)},
    )


def _worker_like_cursor() -> psycopg.Cursor[TupleRow]:
    """On the request's own connection and transaction, but with JSON as values: Django leaves it to its fields."""
    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.adapters.register_loader("jsonb", JsonbLoader)
    return cursor


def _states(tenant_id: int) -> Iterator[ProviderState]:
    secrets: dict[str, dict[str, Secret]] = {}
    rows = ProviderSecret.objects.filter(tenant_id=tenant_id).values_list("provider_id", "name", "hosts")
    for provider_id, name, hosts in rows:
        secrets.setdefault(str(provider_id), {})[name] = Secret("there", frozenset(hosts))
    for provider in Provider.objects.filter(tenant_id=tenant_id):
        resolved = resolve(
            provider_id=str(provider.pk),
            tenant_id=tenant_id,
            provider_type=provider.provider_type,
            configuration=provider.configuration,
            secrets=secrets.get(str(provider.pk), {}),
            allow_list=settings.PROVIDER_ENV_ALLOW_LIST,
            max_messages_per_minute=provider.max_messages_per_minute,
            environment=_Everything(),
        )
        usable = resolved.problem is None
        yield ProviderState(
            id=str(provider.pk),
            tenant_id=tenant_id,
            name=provider.provider_name,
            type=provider.provider_type,
            is_active=provider.is_active,
            settings=resolved if usable else None,
            transport=TRANSPORTS[resolved.vendor] if usable else None,
            problem=resolved.problem,
        )


class _Everything(Mapping[str, str]):
    """An environment in which each variable is set, as the workers' is meant to be."""

    def __getitem__(self, _name: str) -> str:
        return "there"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0
