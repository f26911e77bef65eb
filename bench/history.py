"""A history to look at: `python -m bench.history COUNT` fills the database it is given and says what to look for.

A process of its own, because it needs Django configured for that database. Rows go in by COPY, spread over the weeks
that have partitions, nine of ten of them SENT; each has its receipt in the ledger, as if it had come from Kafka.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

STATUSES = ["SENT"] * 18 + ["FAILED", "UNKNOWN"]
CHUNK = 20_000
CONTACTS = 50_000
DISPATCHES = (
    "id, tenant_id, trigger_id, campaign_id, campaign_version, campaign_provider_id, provider_id, correlation_id,"
    " trace_id, contact_tax_id, contact_data, destination, channel, dispatch_mode, lane_class, message_subject,"
    " message_content, variables, media_url, status, reason, provider_message_id, version, attempts, max_attempts,"
    " triggered_at, received_at, scheduled_local, dispatched_at, returned_at, created_at"
)
RECEIPTS = "key, tenant_id, trigger_id, payload_digest, received_at"


def moments(count: int) -> Iterator[tuple[dt.datetime, int]]:
    """(moment, rows of that moment), oldest first, over the last six days."""
    now = dt.datetime.now(dt.UTC)
    each = max(1, count // 500)
    left, steps = count, -(-count // each)
    for step in range(steps, 0, -1):
        yield now - dt.timedelta(days=6) * step / steps, min(each, left)
        left -= each


def lines(campaign: Any, link: Any, count: int) -> Iterator[tuple[str, str]]:
    """COPY lines of dispatches and of receipts."""
    from dispatching.ids import mint_ids
    from dispatching.triggers import ledger_key

    attributes = json.dumps({"first_name": "João", "credit_tax": "1.99% a.m.", "phone_number": "+5511999999999"})
    number = 0
    for moment, rows in moments(count):
        at = moment.isoformat()
        for identifier in mint_ids(moment, rows):
            correlation, status = f"order-{number}", STATUSES[number % len(STATUSES)]
            reason = {"FAILED": "RECIPIENT_INVALID", "UNKNOWN": "TIMEOUT"}.get(status, "")
            fields = [
                *(identifier, campaign.tenant_id, identifier, campaign.pk, 1, link.pk, link.provider_id, correlation),
                *(f"trace-{number}", f"{number % CONTACTS:014d}", attributes, "+5511999999999", "WHATSAPP", "SYNC", 1),
                *("", f"Olá João, sua oferta {number} chegou.", "{}", "", status, reason, f"wamid.{number}", 2, 1, 3),
                *(at, at, "", at, at, at),
            ]
            key = ledger_key(campaign.tenant_id, "triggers", correlation)
            receipt = f"{key}\t{campaign.tenant_id}\t{identifier}\t{number}\t{at}"
            yield "\t".join(map(str, fields)), receipt
            number += 1


def fill(count: int) -> dict[str, str]:
    """What to look for: a session of an administrator, and one dispatch of the middle."""
    from campaigns.models import Campaign, CampaignProvider
    from dispatching.copying import copy_rows
    from dispatching.database import connect

    campaign = Campaign.objects.order_by("name").first()
    assert campaign
    link = CampaignProvider.objects.get(campaign=campaign)
    middle = {}
    with connect("bench-history") as connection, connection.transaction(), connection.cursor() as cursor:
        dispatches: list[str] = []
        receipts: list[str] = []
        for number, (dispatch, receipt) in enumerate(lines(campaign, link, count)):
            dispatches.append(dispatch)
            receipts.append(receipt)
            if number == count // 2:
                cells = dispatch.split("\t")
                middle = {"dispatch": cells[0], "correlation_id": cells[7], "contact": cells[9]}
            if len(dispatches) == CHUNK or number == count - 1:
                copy_rows(cursor, "dispatches", DISPATCHES, dispatches)
                copy_rows(cursor, "trigger_receipts", RECEIPTS, receipts)
                dispatches, receipts = [], []
    with connect("bench-history") as connection:
        connection.execute("VACUUM (ANALYZE) dispatches")
        connection.execute("VACUUM (ANALYZE) trigger_receipts")
    return {**middle, "campaign": str(campaign.pk), "session": _session(campaign.tenant)}


def _session(tenant: Any) -> str:
    """The cookie of somebody who administers the tenant."""
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.test import Client

    from tenants.models import Membership, Role

    user = User.objects.create(username="bench", is_superuser=True)
    Membership.objects.create(tenant=tenant, user=user, role=Role.ADMIN)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "prism.settings")
    import django

    django.setup()
    sys.stdout.write(json.dumps(fill(int(sys.argv[1]))) + "\n")
