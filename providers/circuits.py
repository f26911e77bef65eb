"""Whether a provider is used at this moment: one narrow row per provider that was ever in trouble, shared by all
processes. It is no configuration: a change of it makes no worker read its configuration anew.

Rows are written by workers (dispatching.circuit_rows), by the triggers that notice a changed configuration or secret,
by a connection check that proves the credential (providers.probe_rows), and by `resume`, for an operator.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, ClassVar

from django.db import connection, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant

if TYPE_CHECKING:
    from providers.models import Provider


class State(models.TextChoices):
    CLOSED = "closed", _("In use")
    HELD = "held", _("Waiting for the vendor")
    OPEN = "open", _("Left alone")
    HALF_OPEN = "half_open", _("Being tried")
    PAUSED = "paused", _("Paused")


UNAVAILABLE = (State.OPEN, State.PAUSED)
"""Stored states in which nothing but a single try is sent, and other providers of a campaign take over."""
CREDENTIAL_REASONS = ("UNAUTHORIZED", "FORBIDDEN")
"""What a connection check that the vendor's own answer calls good disproves."""


class ProviderCircuit(models.Model):
    """`probe_at` ends a hold, or is when one message is let through; whoever lets it through has it till
    `probing_until`. HALF_OPEN is never stored: it is one of the two while somebody tries."""

    # The database takes the row along with its provider: the web role may delete none by itself.
    provider = models.OneToOneField(
        "providers.Provider", models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="circuit"
    )
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.CLOSED)
    reason = models.CharField(_("reason"), max_length=100, blank=True, db_default="")
    error = models.TextField(_("error"), blank=True, db_default="")
    since = models.DateTimeField(_("since"))
    probe_at = models.DateTimeField(_("next try"), null=True)
    failures = models.SmallIntegerField(db_default=0)
    probing_until = models.DateTimeField(null=True)
    probed_by = models.BigIntegerField(null=True)
    closed_by = models.CharField(_("resumed by"), max_length=150, blank=True, db_default="")

    class Meta:
        db_table = "provider_circuits"
        verbose_name = _("provider circuit")
        verbose_name_plural = _("provider circuits")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state__in=["closed", "held", "open", "paused"]), name="provider_circuit_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider_id}: {self.state}"

    def state_at(self, now: dt.datetime) -> State:
        """As people are told: a hold that is over is none, and one that is being tried is half open."""
        if self.state == State.HELD and (self.probe_at is None or self.probe_at <= now):
            return State.CLOSED
        if self.state in UNAVAILABLE and self.probing_until is not None and self.probing_until > now:
            return State.HALF_OPEN
        return State(self.state)


def circuit_of(provider: Provider) -> ProviderCircuit | None:
    """The provider's row where it is in trouble now."""
    found = ProviderCircuit.objects.filter(provider_id=provider.pk).first()
    return found if found is not None and found.state_at(timezone.now()) is not State.CLOSED else None


def unavailable_providers(tenant_id: int) -> frozenset[str]:
    """Ids of the tenant's providers that others take over from."""
    rows = ProviderCircuit.objects.filter(tenant_id=tenant_id, state__in=UNAVAILABLE)
    return frozenset(str(provider_id) for provider_id in rows.values_list("provider_id", flat=True))


def resume(provider_id: uuid.UUID, *, by: str) -> bool:
    """Use the provider again at once. False where it was in no trouble; the database checks tenant and role again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prism_resume_provider(%s, %s)", [provider_id, by[:150]])
        row = cursor.fetchone()
    return bool(row and row[0])
