"""What vendors say of messages they took: whose message it is, and each receipt as it came. Models of this room."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from tenants.models import Tenant


class ProviderMessage(models.Model):
    """Which dispatch a vendor's message id means. `key` is a digest of provider and message id (provider_messages.py);
    an id that a vendor gave twice stands here with each of its dispatches."""

    pk = models.CompositePrimaryKey("key", "dispatch_id")
    key = models.UUIDField()
    dispatch_id = models.UUIDField(_("dispatch"))
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))

    class Meta:
        db_table = "provider_messages"
        verbose_name = _("provider's message")
        verbose_name_plural = _("providers' messages")

    def __str__(self) -> str:
        return str(self.dispatch_id)
