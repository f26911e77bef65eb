"""Events and records for the tests of this room."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from dispatching.triggers import Trigger
from ingestion.decoding import decode
from ingestion.records import Fault, Record

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
MAX_BYTES = 262_144

# Seed 000, "Schema do Evento que o Prism consome do Databricks".
SEED_EVENT = b"""{
    "journey_name": "black_friday_credit_2024",
    "correlation_id": "550e8400-e29b-41d4-a716-446655440000",
    "trace_id": "trace-123-456",
    "triggered_at": "2024-10-20T14:30:00Z",
    "contact_attributes": {
      "tax_identification": "12345678000190",
      "trading_name": "Empresa XPTO Ltda",
      "first_name": "Jo\xc3\xa3o",
      "last_name": "Silva",
      "max_offer_value": 50000.00,
      "max_offer_value_formatted": "R$ 50.000,00",
      "min_offer_value": 10000.00,
      "min_offer_value_formatted": "R$ 10.000,00",
      "credit_tax": "1.99% a.m.",
      "phone_number": "+5511999999999",
      "email": "joao@example.com",
      "push_token": "ExponentPushToken[xyz123]",
      "days_since_last_login": 5,
      "total_transactions": 42,
      "average_ticket": 1500.00,
      "lifetime_value": 63000.00
    }
  }"""


def event(**changes: Any) -> dict[str, Any]:
    """A small valid event as a dict, with changes."""
    whole = {
        "journey_name": "welcome",
        "correlation_id": "c-1",
        "trace_id": "t-1",
        "triggered_at": "2026-11-20T11:59:00Z",
        "contact_attributes": {"tax_identification": "12345678000190", "phone_number": "+5511999999999"},
    }
    return {**whole, **changes}


def without(name: str) -> dict[str, Any]:
    whole = event()
    del whole[name]
    return whole


def attributes(**values: Any) -> dict[str, Any]:
    return event(contact_attributes=values)


def record(value: bytes | dict[str, Any] | None, **changes: Any) -> Record:
    """A record with this value; a dict is written as JSON."""
    fields: dict[str, Any] = {
        "topic": "campaign_triggers",
        "partition": 0,
        "offset": 7,
        "value": json.dumps(value, ensure_ascii=False).encode() if isinstance(value, dict) else value,
        "headers": [],
        "record_at": NOW - dt.timedelta(seconds=1),
        "received_at": NOW,
    }
    return Record(**{**fields, **changes})


def trigger_of(value: bytes | dict[str, Any], **changes: Any) -> Trigger:
    decoded = decode(record(value, **changes), 1, MAX_BYTES)
    assert isinstance(decoded, Trigger), decoded
    return decoded


def fault_of(value: bytes | dict[str, Any] | None, **changes: Any) -> Fault:
    decoded = decode(record(value, **changes), 1, MAX_BYTES)
    assert isinstance(decoded, Fault), decoded
    return decoded
