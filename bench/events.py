"""The events that both sides get: the seed's sample event, one contact each."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

JOURNEY = "bench_black_friday"
SCHEDULED_JOURNEY = "bench_black_friday_scheduled"
CHANNEL, TEMPLATE_CODE = "WHATSAPP", "tpl_bench"
PARTITIONS = 12
BODY = (
    "Olá {{name}}, chegou a Black Friday! Você tem uma oferta de crédito de {{creditvalue}} "
    "com taxa de {{credittax}}. Aproveite!"
)
MAPPINGS = {"name": "first_name", "creditvalue": "max_offer_value_formatted", "credittax": "credit_tax"}


def event(number: int, journey: str = JOURNEY) -> dict[str, Any]:
    """Seed 000's campaign_triggers event, for contact `number`."""
    return {
        "journey_name": journey,
        "correlation_id": str(uuid.uuid4()),
        "trace_id": f"trace-bench-{number}",
        "triggered_at": "2026-10-20T14:30:00Z",
        "contact_attributes": {
            "tax_identification": f"{number:014d}",
            "trading_name": "Empresa XPTO Ltda",
            "first_name": "João",
            "last_name": "Silva",
            "max_offer_value": 50000.00,
            "max_offer_value_formatted": "R$ 50.000,00",
            "min_offer_value": 10000.00,
            "min_offer_value_formatted": "R$ 10.000,00",
            "credit_tax": "1.99% a.m.",
            "phone_number": f"+5511{900_000_000 + number % 100_000_000}",
            "email": f"joao.silva.{number}@example.com",
            "push_token": "ExponentPushToken[xyz123]",
            "days_since_last_login": 5,
            "total_transactions": 42,
            "average_ticket": 1500.00,
            "lifetime_value": 63000.00,
        },
    }


def encoded(count: int, first: int = 0, journey: str = JOURNEY) -> Iterator[bytes]:
    """`count` events as the broker carries them."""
    encode = msgspec.json.Encoder().encode
    return (encode(event(number, journey)) for number in range(first, first + count))
