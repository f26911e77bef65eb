"""The form of a campaign's own fields. Checks are `campaigns.authoring`'s; here they find the field they belong to."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTimeWidget

from audiences.models import Segment
from campaigns.models import DispatchMode, Strategy
from campaigns.weekdays import format_week_days, parse_week_days
from campaigns.widgets import CardsWidget, PickedManyWidget, WeekDaysWidget, ZonesInput
from tenants.editions import EditionForm

MODES = {
    DispatchMode.SYNC.value: _("The message leaves as soon as the event arrives."),
    DispatchMode.ASYNC.value: _("Events wait for the time and days below."),
}
STRATEGIES = {
    Strategy.ALL.value: _("Each contact gets one message per provider below."),
    Strategy.FALLBACK.value: _(
        "The next provider is tried only when the one before has definitely failed, or is in trouble."
    ),
    Strategy.WEIGHTED.value: _(
        "Each contact gets one message, from one provider by its weight, and always from the same one. Where it is in"
        " trouble or fails, the others share its contacts."
    ),
}


class CampaignForm(EditionForm):
    in_segments = forms.ModelMultipleChoiceField(
        queryset=Segment.objects.none(),
        required=False,
        label=_("Segments"),
        widget=PickedManyWidget,
        help_text=_("A segment without rules or members is a label and leaves nobody out."),
    )

    class Meta:
        # Model and fields come from the admin, which knows how each column is shown.
        widgets = {
            "dispatch_mode": CardsWidget(MODES),
            "strategy": CardsWidget(STRATEGIES),
            "description": UnfoldAdminTextareaWidget({"rows": 2}),
            "trigger_time": UnfoldAdminTimeWidget(format="%H:%M"),
            "week_days": WeekDaysWidget,
            "timezone": ZonesInput,
        }
        help_texts = {
            "name": _("The events' journey_name: triggers find the campaign by it."),
            "description": "",
            "week_days": "",
            "timezone": _("The clock that the time and the dates go by."),
            "start_date": _("Empty: open from now on."),
            "end_date": _("This day included. Empty: no end."),
            "control_group_rate": _(
                "Share of contacts that get nothing on purpose, to measure what the campaign brings. A person is always"
                " on the same side. 0 sends to everybody."
            ),
            "external_id": _("The campaign's key in another system, if any."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A reader without the right to change gets no fields.
        if "in_segments" in self.fields:
            field: Any = self.fields["in_segments"]
            chosen = [] if self.instance._state.adding else list(self.instance.segments.values_list("pk", flat=True))
            segments = Segment.objects.filter(tenant_id=self.tenant_id or 0).order_by("name")
            field.queryset = segments.filter(Q(is_active=True) | Q(pk__in=chosen))
            self.initial["in_segments"] = chosen
        for name in ("trigger_time", "week_days"):
            if name in self.fields:
                self.fields[name].widget.attrs["data-when-scheduled"] = ""

    def clean_week_days(self) -> str:
        value: str = self.cleaned_data["week_days"]
        with suppress(ValidationError):  # the model's own validator tells it, and once is enough
            return format_week_days(parse_week_days(value)) if value else ""
        return value
