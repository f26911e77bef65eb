"""What vendors say of messages they took: whose message it is, and each receipt as it came. Models of this room."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from providers.models import Provider
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


class DeliveryReceipt(models.Model):
    """What a vendor reported of a message, once and as it came. `status` is what it means for the dispatch; empty for
    what moves no status (an open, a click). `id` is a digest, so that a repeated report is no second row. `sign`:
    what it says beyond the message (audiences.signs), of `address` where the vendor named one."""

    dispatch_id = models.UUIDField(_("dispatch"))
    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("provider"), related_name="+"
    )
    message_id = models.CharField(_("provider's message id"), max_length=300)
    kind = models.CharField(_("reported as"), max_length=100)
    status = models.CharField(_("status"), max_length=15, blank=True)
    reason = models.CharField(_("reason"), max_length=50, blank=True)
    error_message = models.TextField(_("error"), null=True)
    occurred_at = models.DateTimeField(_("happened at"), null=True)
    received_at = models.DateTimeField(_("received at"))
    payload = models.BinaryField(_("as it came"))
    payload_size = models.IntegerField(_("size"))
    sign = models.CharField(_("sign"), max_length=20, blank=True, db_default="")
    address = models.CharField(_("address"), max_length=500, blank=True, db_default="")

    class Meta:
        db_table = "delivery_receipts"
        verbose_name = _("delivery receipt")
        verbose_name_plural = _("delivery receipts")

    def __str__(self) -> str:
        return f"{self.dispatch_id} {self.kind}"


class WaitingReceipt(models.Model):
    """A receipt whose dispatch is not known yet, or not yet recorded as sent. `look_at`: when it is tried again."""

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.ForeignKey(Tenant, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("tenant"))
    provider = models.ForeignKey(
        Provider, models.DO_NOTHING, db_constraint=False, db_index=False, verbose_name=_("provider"), related_name="+"
    )
    message_id = models.CharField(_("provider's message id"), max_length=300)
    dispatch_id = models.UUIDField(_("dispatch"), null=True)
    kind = models.CharField(_("reported as"), max_length=100)
    status = models.CharField(_("status"), max_length=15, blank=True)
    reason = models.CharField(_("reason"), max_length=50, blank=True)
    error_message = models.TextField(_("error"), null=True)
    occurred_at = models.DateTimeField(_("happened at"), null=True)
    received_at = models.DateTimeField(_("received at"))
    payload = models.BinaryField(_("as it came"))
    payload_size = models.IntegerField(_("size"))
    sign = models.CharField(_("sign"), max_length=20, blank=True, db_default="")
    address = models.CharField(_("address"), max_length=500, blank=True, db_default="")
    tries = models.SmallIntegerField(_("tries"), default=0)
    look_at = models.DateTimeField(_("next look"))

    class Meta:
        db_table = "waiting_receipts"
        verbose_name = _("waiting receipt")
        verbose_name_plural = _("waiting receipts")
        indexes: ClassVar = [models.Index(fields=["look_at"], name="waiting_receipts_look")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.kind}"
