"""Reads what the home page says: kept counters and the views of operators, never the history itself."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import Any

from django.db.models import Count as Rows
from django.db.models import Min, Model, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from campaigns.models import Campaign
from dispatching.counting import counts_between
from dispatching.models import Dispatch, OverdueDelivery
from dispatching.partitions import uuid_floor
from dispatching.queues import QueueLane, QueueWorker
from dispatching.statuses import Status
from dispatching.unsettled import UnsettledDispatch
from ingestion.models import OperatorPosition, RejectedState, RejectedTrigger
from outbox.models import OperatorShard
from prism.home.lag import lag_behind
from prism.home.numbers import Count, Failure, Numbers, Operation, Trouble
from prism.home.rows import SHOWN
from prism.home.steps import Step, steps
from providers.circuit_words import told_of
from providers.circuits import ProviderCircuit, State
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.identity import Capability, Identity

DEEP = 10_000
"""Where the views of queues stop counting."""
COUNTED = 1_000
"""Where this page does."""
RECENT = dt.timedelta(hours=1)


def read_numbers(identity: Identity, now: dt.datetime, *, alive_within: int) -> Numbers:
    """Within the request's transaction, in the organisation's zone. `alive_within`: seconds without a heartbeat."""
    local = timezone.localtime(now)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    recent_since = local.replace(minute=0, second=0, microsecond=0) - RECENT
    # What nobody's events were refused for is the operators', by row-level security.
    own = Q(tenant_id=identity.id) | Q(tenant_id=None)
    found = counts_between(
        identity.id, min(midnight, recent_since), now + RECENT, by=("hour", "status", "campaign", "provider")
    )
    counts = tuple(
        Count(hour, status, campaign, provider, n) for (hour, status, campaign, provider), n in found.items()
    )
    return Numbers(
        now=now,
        midnight=midnight,
        recent_since=recent_since,
        counts=counts,
        failures=_failures(identity.id, recent_since),
        campaigns=_names(Campaign, "name", (count.campaign_id for count in counts)),
        providers=_names(Provider, "provider_name", (count.provider_id for count in counts)),
        unknown=_counted(UnsettledDispatch.objects.filter(tenant_id=identity.id, status=Status.UNKNOWN)),
        rejected=_counted(RejectedTrigger.objects.filter(own, state=RejectedState.OPEN)),
        operation=_operation(identity.id, now, alive_within) if identity.can(Capability.OPERATE) else None,
        troubles=_troubles(identity.id, now),
    )


def read_steps(tenant_id: int) -> tuple[Step, ...]:
    """What an empty installation still lacks; one look at the first row each."""

    def any_of(model: Any) -> bool:
        return bool(model.objects.filter(tenant_id=tenant_id).exists())

    return steps(
        provider=any_of(Provider),
        template=any_of(MessageTemplate),
        campaign=any_of(Campaign),
        dispatch=any_of(Dispatch),
    )


def _troubles(tenant_id: int, now: dt.datetime) -> tuple[Trouble, ...]:
    """Providers that are not simply used, those that somebody has to see first."""
    rows = ProviderCircuit.objects.filter(tenant_id=tenant_id, provider__is_active=True).exclude(state=State.CLOSED)
    found = [(row, told_of(row, now)) for row in rows.select_related("provider").order_by("-state", "since")[:SHOWN]]
    return tuple(
        Trouble(row.provider_id, row.provider.provider_name, told.label, told.why, told.then)
        for row, told in found
        if told is not None
    )


def _failures(tenant_id: int, since: dt.datetime) -> tuple[Failure, ...]:
    """The newest that stand at FAILED, by provider and reason."""
    newest = UnsettledDispatch.objects.filter(
        tenant_id=tenant_id, status=Status.FAILED, dispatch_id__gte=uuid_floor(since)
    ).order_by("-dispatch_id")[:COUNTED]
    found: dict[tuple[uuid.UUID | None, str], int] = {}
    for key in newest.values_list("provider_id", "reason"):
        found[key] = found.get(key, 0) + 1
    return tuple(Failure(provider_id, reason, n) for (provider_id, reason), n in found.items())


def _operation(tenant_id: int, now: dt.datetime, alive_within: int) -> Operation:
    lanes = QueueLane.objects.filter(tenant_id=tenant_id).aggregate(
        due=Coalesce(Sum("due"), 0), waiting=Coalesce(Sum("waiting"), 0), oldest=Min("oldest_due_at")
    )
    shards = OperatorShard.objects.aggregate(waiting=Coalesce(Sum("waiting"), 0), oldest=Min("oldest_at"))
    workers = (
        QueueWorker.objects.filter(state="running", silent_seconds__lt=alive_within)
        .order_by()
        .values_list("kind")
        .annotate(n=Rows("id"))
    )
    positions = list(OperatorPosition.objects.only("topic", "partition", "next_offset", "stopped_reason"))
    begun = [((one.topic, one.partition), one.next_offset) for one in positions if one.next_offset is not None]
    oldest_due: dt.datetime | None = lanes["oldest"]
    return Operation(
        due=lanes["due"],
        waiting=lanes["waiting"],
        oldest_due_at=oldest_due if oldest_due and oldest_due <= now else None,
        outbox=shards["waiting"],
        outbox_oldest_at=shards["oldest"],
        overdue=_counted(OverdueDelivery.objects.filter(tenant_id=tenant_id)),
        workers=dict(workers),
        partitions=len(positions),
        stopped=sum(1 for one in positions if one.stopped_reason),
        lag=lag_behind(begun, now),
        deep=DEEP,
        counted=COUNTED,
    )


def _counted(rows: Any) -> int:
    return len(rows.order_by().values_list("pk")[:COUNTED])


def _names(model: type[Model], field: str, ids: Iterable[uuid.UUID | None]) -> dict[uuid.UUID, str]:
    wanted = {one for one in ids if one is not None}
    return dict(model._default_manager.filter(pk__in=wanted).values_list("pk", field)) if wanted else {}
