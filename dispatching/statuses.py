"""The states of a dispatch (architecture, Entities) and which of them are final, published or resolvable."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    PENDING = "PENDING", _("Pending")
    SCHEDULED = "SCHEDULED", _("Scheduled")
    SENT = "SENT", _("Sent")
    DELIVERED = "DELIVERED", _("Delivered")
    READ = "READ", _("Read")
    FAILED = "FAILED", _("Failed")
    UNKNOWN = "UNKNOWN", _("Unknown")
    CONTROL_GROUP = "CONTROL_GROUP", _("Control group")
    REFUSED = "REFUSED", _("Refused")
    EXPIRED = "EXPIRED", _("Expired")
    CANCELLED = "CANCELLED", _("Cancelled")


WAITING = frozenset({Status.PENDING, Status.SCHEDULED})
"""Still to be sent; these two are never published."""

PUBLISHED = frozenset(Status) - WAITING


SCHEDULED_STATUSES = tuple((name, name) for name in ("PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"))
"""How the view of scheduled dispatches (seed 000 §9) calls them."""


class LaneClass(models.IntegerChoices):
    """What a provider's traffic is split into, so that bulk never delays a trigger (decision 15)."""

    TRIGGER = 1, _("Trigger")
    BULK = 2, _("Bulk")
