"""Decoding as this deployment is set up: its tenants, its limits."""

from __future__ import annotations

import datetime as dt

import psycopg
from django.conf import settings

from dispatching.triggers import Trigger
from ingestion.decoding import Decoder
from ingestion.records import Fault, Record
from ingestion.tenancy import TenantDirectory


class Intake:
    """Owned by one thread. `refresh` once per batch, then `decode` each record."""

    def __init__(self) -> None:
        self._directory = TenantDirectory(
            default=settings.DEFAULT_TENANT, by_topic=settings.KAFKA_TRIGGER_TOPIC_TENANTS
        )
        self._decoder = Decoder(
            tenant_of=self._directory.tenant_of,
            max_bytes=settings.TRIGGER_MAX_BYTES,
            retention=dt.timedelta(days=settings.LEDGER_RETENTION_DAYS),
        )

    def refresh(self, connection: psycopg.Connection) -> None:
        """Know the tenants as they are now. Raises psycopg.Error when the database is away."""
        self._directory.refresh(connection)

    def decode(self, record: Record) -> Trigger | Fault:
        return self._decoder.decode(record)
