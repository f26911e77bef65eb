"""What to send to whom, and when (seed 000 §1, §3, §5, §7)."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from audiences.models import Segment
from campaigns.spreading import LEAST_WEIGHT, MOST_WEIGHT
from campaigns.weekdays import validate_week_days
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.models import Tenant
from tenants.validation import Coded, validate_timezone


class DispatchMode(models.TextChoices):
    SYNC = "SYNC", _("At once")
    ASYNC = "ASYNC", _("Scheduled")


class Strategy(models.TextChoices):
    ALL = "all", _("Every provider")
    FALLBACK = "fallback", _("In order, until one accepts")
    WEIGHTED = "weighted", _("Shared out by weight")


TAKEN = {
    "name": _("There is already a campaign with this journey name."),
    "external_id": _("There is already a campaign with this external id."),
}


class Campaign(models.Model):
    """`name` is the business key: the `journey_name` of triggers and facts."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    name = models.CharField(_("journey name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    audience_name = models.CharField(_("audience name"), max_length=200, blank=True)
    channel = models.CharField(_("channel"), max_length=50, blank=True)
    external_id = models.CharField(_("external id"), max_length=200, null=True, blank=True)
    start_date = models.DateField(_("start date"), null=True, blank=True)
    end_date = models.DateField(_("end date"), null=True, blank=True)
    control_group_rate = models.DecimalField(
        _("control group (%)"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100))],
    )
    control_salt = models.UUIDField(default=uuid.uuid4, editable=False)
    control_version = models.PositiveSmallIntegerField(_("control version"), default=1, editable=False)
    control_frozen_at = models.DateTimeField(_("control group frozen at"), null=True, blank=True, editable=False)
    dispatch_mode = models.CharField(_("dispatch mode"), max_length=5, choices=DispatchMode, default=DispatchMode.SYNC)
    trigger_time = models.TimeField(_("time of day"), null=True, blank=True)
    week_days = models.CharField(
        _("days of the week"),
        max_length=13,
        blank=True,
        validators=[validate_week_days],
        help_text=_("1 is Monday, 7 is Sunday, as 1,2,3,4,5."),
    )
    timezone = models.CharField(
        _("time zone"), max_length=63, default="America/Sao_Paulo", validators=[validate_timezone]
    )
    strategy = models.CharField(_("strategy"), max_length=10, choices=Strategy, default=Strategy.ALL)
    max_messages_per_minute = models.PositiveIntegerField(
        _("messages per minute"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(10_000_000)],
        help_text=_("Pace of this campaign over all its providers, beside each provider's own. Empty: no limit."),
    )
    is_active = models.BooleanField(_("active"), default=True, db_default=True)
    ignores_caps = models.BooleanField(
        _("ignores frequency caps"),
        default=False,
        db_default=False,
        help_text=_("For what people wait for, as a code or a receipt: it is sent whatever they had before."),
    )
    segments = models.ManyToManyField(Segment, through="CampaignSegment", verbose_name=_("segments"))
    providers = models.ManyToManyField(Provider, through="CampaignProvider", verbose_name=_("providers"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("owner"), related_name="+"
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True, db_default=Now())
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)

    class Meta:
        db_table = "campaigns"
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "name"],
                name="campaign_name_once",
                violation_error_message=_("There is already a campaign with this journey name."),
            ),
            models.UniqueConstraint(fields=["tenant", "external_id"], name="campaign_external_id_once"),
            models.CheckConstraint(
                condition=models.Q(start_date__isnull=True)
                | models.Q(end_date__isnull=True)
                | models.Q(start_date__lte=models.F("end_date")),
                name="campaign_dates_in_order",
                violation_error_message=_("The start date must not be after the end date."),
            ),
            models.CheckConstraint(
                condition=~models.Q(dispatch_mode=DispatchMode.ASYNC)
                | (models.Q(trigger_time__isnull=False) & ~models.Q(week_days="")),
                name="campaign_async_has_calendar",
                violation_error_message=_("A scheduled campaign needs a time of day and days of the week."),
            ),
            models.CheckConstraint(
                condition=models.Q(control_group_rate__gte=0) & models.Q(control_group_rate__lte=100),
                name="campaign_control_rate_range",
                violation_error_message=_("The control group is between 0 and 100 %."),
            ),
            models.CheckConstraint(
                condition=models.Q(dispatch_mode__in=DispatchMode.values), name="campaign_dispatch_mode_known"
            ),
            models.CheckConstraint(condition=models.Q(strategy__in=Strategy.values), name="campaign_strategy_known"),
            models.CheckConstraint(
                condition=models.Q(max_messages_per_minute__isnull=True) | models.Q(max_messages_per_minute__gte=1),
                name="campaign_pace_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(week_days="") | models.Q(week_days__regex=r"^[1-7](,[1-7])*$"),
                name="campaign_week_days_iso",
                violation_error_message=_("Days of the week are numbers from 1 (Monday) to 7 (Sunday), as 1,2,3."),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["tenant", "owner", "is_active"], name="campaigns_owner")]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        errors: dict[str, Any] = {}
        if self.start_date and self.end_date and self.start_date > self.end_date:
            errors["end_date"] = Coded(_("The start date must not be after the end date."), "before_start")
        if self.dispatch_mode == DispatchMode.ASYNC:
            if self.trigger_time is None:
                errors["trigger_time"] = Coded(_("A scheduled campaign needs a time of day."), "required")
            if not self.week_days:
                errors["week_days"] = Coded(_("A scheduled campaign needs days of the week."), "required")
        others = Campaign.objects.filter(tenant_id=self.tenant_id).exclude(pk=self.pk)
        for field, message in TAKEN.items():
            value = getattr(self, field)
            if value and others.filter(**{field: value}).exists():
                errors[field] = Coded(message, "unique")
        if errors:
            raise ValidationError(errors)


class CampaignSegment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"), editable=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, verbose_name=_("campaign"))
    segment = models.ForeignKey(Segment, models.RESTRICT, verbose_name=_("segment"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "campaign_segments"
        verbose_name = _("campaign segment")
        verbose_name_plural = _("campaign segments")
        constraints: ClassVar = [models.UniqueConstraint(fields=["campaign", "segment"], name="campaign_segment_once")]

    def __str__(self) -> str:
        return f"{self.campaign} · {self.segment}"


class CampaignProvider(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"), editable=False)
    campaign = models.ForeignKey(
        Campaign, models.CASCADE, verbose_name=_("campaign"), related_name="campaign_providers"
    )
    provider = models.ForeignKey(Provider, models.RESTRICT, verbose_name=_("provider"))
    label = models.CharField(_("label"), max_length=100, blank=True)
    order = models.PositiveSmallIntegerField(_("order"), default=1)
    weight = models.PositiveSmallIntegerField(
        _("weight"),
        default=1,
        db_default=1,
        validators=[MinValueValidator(LEAST_WEIGHT), MaxValueValidator(MOST_WEIGHT)],
        help_text=_("Its share where the campaign is shared out by weight: 3 beside 1 gets three of four people."),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "campaign_providers"
        verbose_name = _("campaign provider")
        verbose_name_plural = _("campaign providers")
        ordering: ClassVar = ["order", "created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["campaign", "provider"],
                name="campaign_provider_once",
                violation_error_message=_("This provider is already in the campaign."),
            ),
            models.CheckConstraint(
                condition=models.Q(weight__gte=LEAST_WEIGHT, weight__lte=MOST_WEIGHT), name="campaign_provider_weight"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} · {self.label or self.provider}"


class CampaignProviderTemplate(models.Model):
    """Which template a campaign's provider sends, and where its placeholders come from.

    `field_mappings`: placeholder → attribute name, or → {"field": attribute, "default": text for a missing value}.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"), editable=False)
    campaign_provider = models.OneToOneField(
        CampaignProvider, models.CASCADE, verbose_name=_("campaign provider"), related_name="template_link"
    )
    template = models.ForeignKey(MessageTemplate, models.RESTRICT, verbose_name=_("message template"))
    field_mappings = models.JSONField(_("field mappings"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        db_table = "campaign_provider_templates"
        verbose_name = _("campaign template")
        verbose_name_plural = _("campaign templates")

    def __str__(self) -> str:
        return f"{self.campaign_provider} → {self.template}"

    def clean(self) -> None:
        from campaigns.mappings import mapping_errors_of

        errors = mapping_errors_of(self)
        if errors:
            raise ValidationError({"field_mappings": errors})


class CapPeriod(models.TextChoices):
    DAY = "day", _("per day")
    WEEK = "week", _("per week (Monday to Sunday)")
    MONTH = "month", _("per month")


class FrequencyCap(models.Model):
    """At most so many messages per person and period, over all campaigns that do not say otherwise."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.RESTRICT, verbose_name=_("tenant"))
    channel = models.CharField(
        _("channel"), max_length=50, blank=True, help_text=_("As WHATSAPP. Empty: all channels together.")
    )
    max_messages = models.PositiveSmallIntegerField(
        _("messages at most"), validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    period = models.CharField(_("period"), max_length=5, choices=CapPeriod, default=CapPeriod.WEEK)
    is_active = models.BooleanField(_("active"), default=True, db_default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    created_by = models.CharField(_("created by"), max_length=150, blank=True, editable=False)

    class Meta:
        db_table = "frequency_caps"
        verbose_name = _("frequency cap")
        verbose_name_plural = _("frequency caps")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["tenant", "channel", "period"],
                name="frequency_cap_once",
                violation_error_message=_("There is already a cap for this channel and period."),
            ),
            models.CheckConstraint(
                condition=models.Q(max_messages__gte=1, max_messages__lte=1000), name="frequency_cap_limit"
            ),
            models.CheckConstraint(
                condition=models.Q(period__in=["day", "week", "month"]), name="frequency_cap_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel or '*'}: {self.max_messages} {self.get_period_display()}"
