"""What outcomes and reports say of people and addresses, handed to the audiences room: in the transaction that records
them, set-wise, and only where there is any."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence

import msgspec
import psycopg

from audiences.signs import NewSign, record_signs
from dispatching import arrays
from dispatching.reports import Report
from dispatching.results import Move
from providers.outcomes import Kind
from providers.reporting import Sign
from providers.transports.addresses import address_attribute

OF_OUTCOME = {Kind.RECIPIENT_INVALID.name: Sign.ADDRESS_DEAD, Kind.OPTED_OUT.name: Sign.OPTED_OUT}
"""What a definite refusal of a try says."""

_DISPATCHES = """
SELECT d.id::text, d.tenant_id, d.provider_id::text, d.channel, p.configuration ->> 'address_attribute', d.destination,
  d.contact_tax_id
FROM dispatches d LEFT JOIN providers p ON p.id = d.provider_id
WHERE d.id = ANY (%s::uuid[]) AND d.id BETWEEN %s::uuid AND %s::uuid
"""
_TYPES = """
SELECT id::text, provider_type, configuration ->> 'address_attribute' FROM providers WHERE id = ANY (%s::uuid[])
"""


class Told(msgspec.Struct, frozen=True):
    """A sign of a dispatch, before anybody looked whose it is. `address` "": that of the dispatch."""

    dispatch_id: str
    kind: Sign
    reason: str
    occurred_at: dt.datetime
    source: str
    address: str = ""


def of_moves(moves: Iterable[Move], moved: Collection[str], now: dt.datetime) -> list[Told]:
    """Of tries that have just been recorded."""
    return [
        Told(move.parcel.id, OF_OUTCOME[move.outcome], move.reason, move.returned_at or now, move.outcome)
        for move in moves
        if move.outcome in OF_OUTCOME and move.parcel.id in moved
    ]


def of_reports(reports: Iterable[Report]) -> list[Told]:
    """Of reports whose dispatch is known."""
    return [
        Told(report.dispatch_id, Sign(report.sign), report.reason, report.moment, report.id, report.address)
        for report in reports
        if report.sign and report.dispatch_id
    ]


def record_told(cursor: psycopg.Cursor, told: Sequence[Told]) -> None:
    """Within the transaction of what it was learnt from."""
    if not told:
        return
    ids = {one.dispatch_id for one in told}
    rows = cursor.execute(_DISPATCHES, [arrays.plain(ids), min(ids), max(ids)]).fetchall()
    known = {row[0]: row[1:] for row in rows}
    signs = []
    for one in told:
        if one.dispatch_id in known:
            tenant_id, provider_id, channel, own, destination, tax_id = known[one.dispatch_id]
            signs.append(
                NewSign(
                    tenant_id=tenant_id,
                    kind=one.kind,
                    attribute=own or address_attribute(channel),
                    address=one.address or destination,
                    provider_id=provider_id,
                    occurred_at=one.occurred_at,
                    source=one.source,
                    dispatch_id=one.dispatch_id,
                    contact_tax_id=tax_id,
                    reason=one.reason,
                )
            )
    record_signs(cursor, signs)


def record_unattached(cursor: psycopg.Cursor, reports: Iterable[Report]) -> None:
    """Signs of which only the address is known: no message of ours is meant, or none that is kept."""
    wanted = [report for report in reports if report.sign and report.address]
    if not wanted:
        return
    ids = {report.provider_id for report in wanted}
    rows = cursor.execute(_TYPES, [arrays.plain(ids)]).fetchall()
    attributes: dict[str, str] = {row[0]: row[2] or address_attribute(row[1]) for row in rows}
    record_signs(
        cursor,
        [
            NewSign(
                tenant_id=report.tenant_id,
                kind=Sign(report.sign),
                attribute=attributes[report.provider_id],
                address=report.address,
                provider_id=report.provider_id,
                occurred_at=report.moment,
                source=report.id,
                reason=report.reason,
            )
            for report in wanted
            if report.provider_id in attributes
        ],
    )
