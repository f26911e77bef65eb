"""Triggers as Databricks sends them (seed 000, campaign_triggers)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

ATTRIBUTES: dict[str, Any] = {
    "tax_identification": "12345678000190",
    "trading_name": "Empresa XPTO Ltda",
    "first_name": "João",
    "last_name": "Silva",
    "max_offer_value": 50000.00,
    "max_offer_value_formatted": "R$ 50.000,00",
    "credit_tax": "1.99% a.m.",
    "phone_number": "+5511999999999",
    "email": "joao@example.com",
    "push_token": "ExponentPushToken[xyz123]",
}


def trigger(journey_name: str, *, correlation_id: str | None = None, **attributes: Any) -> dict[str, Any]:
    """A valid event; `attributes` replace the contact's, None leaves one out."""
    merged = {name: value for name, value in {**ATTRIBUTES, **attributes}.items() if value is not None}
    return {
        "journey_name": journey_name,
        "correlation_id": correlation_id or str(uuid.uuid4()),
        "trace_id": f"trace-{uuid.uuid4().hex[:12]}",
        "triggered_at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "contact_attributes": merged,
    }
