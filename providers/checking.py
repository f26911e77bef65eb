"""Asking for a check of a provider's connection, and what was found. Nothing here touches the network: a worker does.

The web process neither may read secrets nor waits for vendors inside its transaction; it writes a row, and
`providers.probing` takes it within about a second.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils.timezone import localtime

from providers import registry, verdicts
from providers.models import CheckState, Provider, ProviderCheck, Purpose
from providers.settings import webhook_url_of
from providers.transports import Registering

SHOWN = 10
SLOW_SECONDS = 15
"""A check that nobody has taken by then: no sender runs, and the minute job will come."""

# Only these columns are the web role's to write; one that waits already is as good.
_REQUEST = """
INSERT INTO provider_checks (id, tenant_id, provider_id, purpose, requested_by) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (provider_id, purpose) WHERE state = 'waiting' DO NOTHING
"""


def request_check(provider: Provider, *, by: str, purpose: Purpose = Purpose.CHECK) -> ProviderCheck:
    """A check that waits for a worker once the caller's transaction has committed; or the one that waits already."""
    with connection.cursor() as cursor:
        cursor.execute(_REQUEST, [uuid.uuid4(), provider.tenant_id, provider.pk, purpose.value, by[:150]])
    asked = ProviderCheck.objects.filter(provider=provider, purpose=purpose)
    # A worker may have taken it between the two statements.
    return asked.filter(state=CheckState.WAITING).first() or asked.latest("requested_at")


def request_registration(provider: Provider, *, by: str) -> ProviderCheck | None:
    """A worker tells the vendor where to report; None where this one is not told by us, or no address is known."""
    if not registers(provider) or not webhook_url(provider):
        return None
    return request_check(provider, by=by, purpose=Purpose.REGISTER)


def webhook_url(provider: Provider) -> str:
    """Where its vendor is to report; "" where nobody knows."""
    return webhook_url_of(str(provider.pk), provider.configuration, settings.PUBLIC_URL)


def registers(provider: Provider) -> bool:
    """Whether the vendor takes our word for where to report."""
    try:
        transport = registry.transport_for(provider.provider_type, provider.configuration)
    except registry.UnknownVendor:
        return False
    return isinstance(transport, Registering)


def recent_checks(provider: Provider, limit: int = SHOWN) -> list[ProviderCheck]:
    """The newest first."""
    return list(ProviderCheck.objects.filter(provider=provider).order_by("-requested_at", "-id")[:limit])


def as_json(check: ProviderCheck) -> dict[str, Any]:
    """For programs and for the page that polls: the code for machines, words and the next step in their language."""
    words = verdicts.words_of(check.code) if check.state == CheckState.DONE else None
    return {
        "id": str(check.pk),
        "purpose": check.purpose,
        "state": check.state,
        "ok": check.ok,
        "code": check.code,
        "summary": words.summary if words else str(CheckState(check.state).label),
        "next_step": words.next_step if words else "",
        "answer": check.message,
        "elapsed_ms": check.elapsed_ms,
        "requested_at": localtime(check.requested_at).isoformat(),
        "requested_by": check.requested_by,
        "finished_at": localtime(check.finished_at).isoformat() if check.finished_at else None,
    }
