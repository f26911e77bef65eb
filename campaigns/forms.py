"""Forms of the campaign's page. Checks are `campaigns.authoring`'s; here they find the field they belong to."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from audiences.models import Segment
from campaigns.models import CampaignProviderTemplate
from campaigns.provider_rows import ProviderRow, row_errors
from campaigns.weekdays import format_week_days, parse_week_days
from templates.models import MessageTemplate
from tenants.forms import TenantForm

if TYPE_CHECKING:
    FormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    FormSet = forms.BaseInlineFormSet

_FORM_FIELDS = {"provider_id": "provider", "template_id": "message_template"}


class CampaignForm(TenantForm):
    in_segments = forms.ModelMultipleChoiceField(
        queryset=Segment.objects.none(), required=False, label=_("Segments"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A reader without the right to change gets no fields.
        if "in_segments" in self.fields:
            segments = Segment.objects.filter(tenant_id=_tenant_id(self)).order_by("name")
            _choice(self, "in_segments").queryset = segments
            if not self.instance._state.adding:
                self.initial["in_segments"] = list(self.instance.segments.values_list("pk", flat=True))

    def clean_week_days(self) -> str:
        value: str = self.cleaned_data["week_days"]
        with suppress(ValidationError):  # the model's own validator tells it, and once is enough
            return format_week_days(parse_week_days(value)) if value else ""
        return value


class ProviderRowForm(TenantForm):
    message_template = forms.ModelChoiceField(queryset=MessageTemplate.objects.none(), label=_("Message template"))
    field_mappings = forms.JSONField(
        label=_("Field mappings"),
        required=False,
        initial=dict,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 60}),
        help_text=_(
            'Placeholder and contact attribute, as {"name": "first_name"};'
            ' with a text for contacts without it: {"name": {"field": "first_name", "default": "cliente"}}.'
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "message_template" not in self.fields:
            return
        _choice(self, "message_template").queryset = MessageTemplate.objects.filter(tenant_id=_tenant_id(self))
        self.fields["order"].required = False
        link = CampaignProviderTemplate.objects.filter(campaign_provider_id=self.instance.pk).first()
        if link is not None:
            self.initial.update(message_template=link.template_id, field_mappings=link.field_mappings)

    def clean_field_mappings(self) -> Any:
        value = self.cleaned_data["field_mappings"]
        return {} if value is None else value

    def row(self) -> ProviderRow:
        """What was filled in, as authoring takes it."""
        data = self.cleaned_data
        return ProviderRow(
            provider_id=data["provider"].pk,
            template_id=data["message_template"].pk,
            field_mappings=data["field_mappings"],
            label=data["label"],
            order=data["order"],
        )


class ProviderRowFormSet(FormSet):
    def clean(self) -> None:
        super().clean()
        filled = [form for form in self.filled_forms() if not form.errors]
        for place, found in row_errors(_tenant_id(self.form), [form.row() for form in filled]).items():
            _providers, index, field = place.split(".")
            name = _FORM_FIELDS.get(field, field)
            form = filled[int(index)]
            form.add_error(name, [ValidationError(message) for message in found])

    def filled_forms(self) -> list[ProviderRowForm]:
        """Rows that stay or come: neither left blank nor marked for deletion."""
        return [
            form
            for form in self.forms
            if (form.has_changed() or not form.instance._state.adding) and not _is_deleted(form)
        ]


def _is_deleted(form: ProviderRowForm) -> bool:
    return bool(form.cleaned_data.get("DELETE")) if hasattr(form, "cleaned_data") else False


def _choice(form: TenantForm, name: str) -> Any:
    return form.fields[name]


def _tenant_id(form: TenantForm | type[TenantForm]) -> int:
    assert form.tenant_id is not None, "the admin binds the form to its request's tenant"
    return form.tenant_id
