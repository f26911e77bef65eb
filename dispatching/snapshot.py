"""The configuration that decisions are made from: one immutable picture of all tenants, compared once per batch.

A trigger in the database raises `config_version` with every change of configuration, in the transaction of the change
(decision 7). Workers read that number with each batch and load the picture again when it moved.
"""

from __future__ import annotations

import threading

import msgspec
import psycopg

from campaigns.snapshot import CampaignPlan, load_campaigns
from providers.loading import ProviderState, load_providers


class Snapshot(msgspec.Struct, frozen=True):
    version: int
    by_name: dict[tuple[int, str], CampaignPlan]
    by_id: dict[str, CampaignPlan]
    providers: dict[str, ProviderState]
    inactive_templates: frozenset[str] = frozenset()
    """For what was sent without a campaign, whose plan would know."""


def load_snapshot(cursor: psycopg.Cursor) -> Snapshot:
    """Read the version first: a change that lands while loading makes the next comparison load again."""
    version = read_version(cursor)
    campaigns = load_campaigns(cursor)
    return Snapshot(
        version=version,
        by_name={(plan.tenant_id, plan.name): plan for plan in campaigns},
        by_id={plan.id: plan for plan in campaigns},
        providers=load_providers(cursor),
        inactive_templates=_inactive_templates(cursor),
    )


def _inactive_templates(cursor: psycopg.Cursor) -> frozenset[str]:
    return frozenset(row[0] for row in cursor.execute("SELECT id::text FROM templates WHERE NOT is_active").fetchall())


def read_version(cursor: psycopg.Cursor) -> int:
    row = cursor.execute("SELECT version FROM config_version").fetchone()
    return int(row[0]) if row else 0


class SnapshotHolder:
    """The newest picture of this process; its threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None

    def current(self, cursor: psycopg.Cursor) -> Snapshot:
        """The picture of the version that this transaction sees, or a newer one."""
        version = read_version(cursor)
        snapshot = self._snapshot
        if snapshot is None or snapshot.version < version:
            with self._lock:
                if self._snapshot is None or self._snapshot.version < version:
                    self._snapshot = load_snapshot(cursor)
                snapshot = self._snapshot
        return snapshot
