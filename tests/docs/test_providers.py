"""docs/providers.md says of each vendor what its code does."""

from __future__ import annotations

import re

import pytest

from providers.registry import TRANSPORTS
from providers.transports import Hearing, Polled, Transport
from tests.databases import CHECKOUT

DOCUMENT = (CHECKOUT / "docs" / "providers.md").read_text()
HEADS = [head.strip() for head in re.findall(r"^\| Vendor \|.*$", DOCUMENT, re.MULTILINE)[0].strip("|").split("|")]
ROWS = {
    cells[0].strip("` "): dict(zip(HEADS, cells, strict=True))
    for line in re.findall(r"^\| `\w+` \|.*$", DOCUMENT, re.MULTILINE)
    for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
}
ATTRIBUTES = {
    "phone_number": "phone number",
    "email": "e-mail address",
    "push_token": "push token",
    "telegram_chat_id": "chat id",
}


def test_every_vendor_has_its_row_and_its_section() -> None:
    assert set(ROWS) == set(TRANSPORTS)
    sections = set(re.findall(r"^### .*\(`(\w+)`\)$", DOCUMENT, re.MULTILINE))
    assert sections == set(TRANSPORTS) - {"console", "gateway"}  # the gateway's contract is seed 002's


@pytest.fixture(params=sorted(TRANSPORTS))
def transport(request: pytest.FixtureRequest) -> Transport:
    return TRANSPORTS[request.param]


def test_its_types_and_addresses_are_the_transports(transport: Transport) -> None:
    row = ROWS[transport.vendor]
    if transport.provider_types is None:
        assert row["Types"] == "any"
        return
    assert set(row["Types"].split(", ")) == transport.provider_types
    for kind in transport.provider_types:
        assert row["Addresses by"] == ATTRIBUTES[transport.address_attribute(kind)]


def test_its_pace_and_its_time_until_overdue_are_the_transports(transport: Transport) -> None:
    pace = ROWS[transport.vendor]["Pace by default"]
    assert pace.startswith("none" if transport.per_minute is None else f"{transport.per_minute:,} a minute")
    assert (f"{transport.spacing_s:g} s per" in pace) == bool(transport.spacing_s)


def test_it_says_batches_reports_and_signatures_only_where_there_are_any(transport: Transport) -> None:
    row = ROWS[transport.vendor]
    assert row["Batch"].startswith("–") == (transport.batch_size == 1)
    assert row["Signature of its calls"].startswith("–") != isinstance(transport, Hearing)
    reports = row["Reports"]
    assert reports.startswith(("–", "none")) == (
        not isinstance(transport, Hearing | Polled) or transport.vendor == "telegram"
    )
    assert ("idempotent" in transport.schema["properties"]) == (row["Repeats told apart"] == "where declared")
