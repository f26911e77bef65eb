"""Events, and the engine's parts run by hand in one thread."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
import pytest

from dispatching.database import connect
from dispatching.triggers import Trigger, ledger_key

if TYPE_CHECKING:
    from tests.dispatching.hands import Hands

ATTRIBUTES: dict[str, Any] = {
    "tax_identification": "12345678000190",
    "first_name": "João",
    "max_offer_value_formatted": "R$ 50.000,00",
    "credit_tax": "1.99% a.m.",
    "phone_number": "+5511999999999",
    "email": "joao@example.com",
}

MakeTrigger = Callable[..., Trigger]


@pytest.fixture
def make_trigger() -> MakeTrigger:
    def make(journey: str, *, tenant_id: int, correlation_id: str | None = None, **attributes: Any) -> Trigger:
        correlation = correlation_id or str(uuid.uuid4())
        merged = {key: value for key, value in {**ATTRIBUTES, **attributes}.items() if value is not None}
        now = dt.datetime.now(dt.UTC)
        return Trigger(
            tenant_id=tenant_id,
            source="triggers",
            key=ledger_key(tenant_id, "triggers", correlation),
            journey_name=journey,
            correlation_id=correlation,
            trace_id="trace-1",
            triggered_at=now,
            received_at=now,
            attributes=merged,
            attributes_json=msgspec.json.encode(merged).decode(),
            payload_digest=hash((journey, msgspec.json.encode(merged))) >> 1,
        )

    return make


@pytest.fixture
def connection(transactional_db: None) -> Any:
    """A worker's connection to the test database."""
    opened: psycopg.Connection = connect("prism:test")
    yield opened
    opened.close()


@pytest.fixture
def hands(transactional_db: None) -> Iterator[Hands]:
    """A consumer moved by hand."""
    from tests.dispatching.hands import Hands

    made = Hands()
    yield made
    made.close()
