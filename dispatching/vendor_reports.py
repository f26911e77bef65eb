"""What a vendor's report means for a dispatch: from the transports' vocabulary to receipts. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from dispatching.reports import Receipt
from dispatching.statuses import Status
from providers.reporting import Meaning, VendorReport

STATUSES: dict[Meaning, Status | None] = {
    # Known since the vendor's answer: kept, and moves nothing.
    Meaning.ACCEPTED: None,
    Meaning.SENT: Status.SENT,
    Meaning.DELIVERED: Status.DELIVERED,
    Meaning.READ: Status.READ,
    Meaning.FAILED: Status.FAILED,
    Meaning.ENGAGED: None,
}


def receipts_of(
    *, tenant_id: int, provider_id: str, reports: Sequence[VendorReport], received_at: dt.datetime
) -> list[Receipt]:
    """For `receiving.apply_receipts`. What names no message is told only where it is a sign of an address."""
    return [
        _receipt_of(report, tenant_id=tenant_id, provider_id=provider_id, received_at=received_at)
        for report in reports
        if report.message_id or report.dispatch_id or (report.sign and report.address)
    ]


def _receipt_of(report: VendorReport, *, tenant_id: int, provider_id: str, received_at: dt.datetime) -> Receipt:
    return Receipt(
        tenant_id=tenant_id,
        provider_id=provider_id,
        message_id=report.message_id,
        kind=report.kind,
        received_at=received_at,
        status=STATUSES[report.meaning],
        reason=report.reason,
        error=report.error,
        occurred_at=report.occurred_at,
        payload=report.payload,
        event_id=report.event_id,
        dispatch_id=report.dispatch_id,
        sign=report.sign,
        address=report.address,
    )
