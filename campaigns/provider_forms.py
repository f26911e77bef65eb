"""The rows of a campaign's page: a provider, its template and the mapping. Checks are `campaigns.provider_rows`'."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from campaigns.choices import Choices, choices_of, provider_options, template_options, template_text
from campaigns.fields import MappingField, PickField
from campaigns.models import CampaignProvider
from campaigns.provider_rows import ProviderRow, row_errors
from campaigns.spreading import LEAST_WEIGHT, MOST_WEIGHT
from campaigns.widgets import Line, lines_of
from providers.models import Provider
from templates.models import MessageTemplate
from tenants.forms import TenantForm

if TYPE_CHECKING:
    FormSet = forms.BaseInlineFormSet[Any, Any, Any]
else:
    FormSet = forms.BaseInlineFormSet

_FORM_FIELDS = {"provider_id": "provider", "template_id": "message_template"}


class ProviderRowForm(TenantForm):
    provider = PickField(label=_("Provider"), widget=UnfoldAdminSelectWidget)
    message_template = PickField(label=_("Message template"), widget=UnfoldAdminSelectWidget)
    field_mappings = MappingField(label=_("Where the values come from"), required=False)

    class Meta:
        model = CampaignProvider
        fields = ("provider", "label", "order", "weight")
        widgets = {
            "label": UnfoldAdminTextInputWidget,
            "order": UnfoldAdminIntegerFieldWidget,
            "weight": UnfoldAdminIntegerFieldWidget({"min": LEAST_WEIGHT, "max": MOST_WEIGHT}),
        }

    def __init__(self, *args: Any, choices: Choices | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A formset reads them once for all of its rows.
        self.choices = choices_of(_tenant_id(type(self))) if choices is None else choices
        self.fields["order"].required = self.fields["weight"].required = False
        self.fields["label"].help_text = _("How reports call this channel, as “WhatsApp VIP”.")
        link = None if self.instance._state.adding else getattr(self.instance, "template_link", None)
        if link is not None:
            self.initial.update(message_template=link.template_id, field_mappings=link.field_mappings)
        if self.instance._state.adding:
            self.initial["order"] = None
        self._offer()

    def _offer(self) -> None:
        """Choices as they are for what is chosen at this moment, stored or typed."""
        provider = _row_of(self.choices.providers, self["provider"].value())
        template = _row_of(self.choices.templates, self["message_template"].value())
        picks: dict[str, Any] = self.fields
        picks["provider"].rows = self.choices.providers
        picks["provider"].choices = provider_options(self.choices, self.initial.get("provider"))
        picks["message_template"].rows = self.choices.templates
        channel = provider.provider_type if isinstance(provider, Provider) else None
        # A template of another channel stays in sight, so that its error has something to stand beside.
        stays = template.pk if isinstance(template, MessageTemplate) and template.is_active else None
        kept = stays or self.initial.get("message_template")
        picks["message_template"].choices = template_options(self.choices, kept, channel)
        mapping = picks["field_mappings"].widget
        mapping.choices = self.choices
        mapping.placeholders = template.placeholders if isinstance(template, MessageTemplate) else ()

    def picks(self) -> list[Any]:
        return [self["provider"], self["message_template"]]

    @cached_property
    def changed_data(self) -> list[str]:
        """A new row that has nothing but its place is left blank."""
        changed: list[str] = super().changed_data
        unsaid = {"order", "weight", "field_mappings"}
        return [] if self.instance._state.adding and set(changed) <= unsaid else changed

    def clean_weight(self) -> int:
        """Empty is the usual one."""
        return self.cleaned_data["weight"] or 1

    def clean_field_mappings(self) -> dict[str, Any]:
        """Without what another template asked for: the page that chose this one may not have shown its own yet."""
        mapping: dict[str, Any] = self.cleaned_data["field_mappings"]
        template = self.cleaned_data.get("message_template")
        return {name: mapping[name] for name in template.placeholders if name in mapping} if template else mapping

    def row(self) -> ProviderRow:
        """What was filled in, as authoring takes it."""
        data = self.cleaned_data
        return ProviderRow(
            provider_id=data["provider"].pk,
            template_id=data["message_template"].pk,
            field_mappings=data["field_mappings"],
            label=data["label"],
            order=data["order"],
            weight=data["weight"],
        )


class ProviderRowFormSet(FormSet):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.choices = choices_of(_tenant_id(self.form))
        super().__init__(*args, **kwargs)

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        return {**super().get_form_kwargs(index), "choices": self.choices}

    def empty_lines(self) -> list[Line]:
        """The pattern of a mapping's line, for the page to copy."""
        return lines_of(["__placeholder__"], {}, self.choices)

    def page_data(self) -> dict[str, Any]:
        """What the page needs to follow a choice without asking the server."""
        return {
            "providers": {str(one.pk): one.provider_type for one in self.choices.providers.values()},
            "templates": [
                {
                    "id": str(one.pk),
                    "text": template_text(one),
                    "channel": one.channel,
                    "placeholders": one.placeholders,
                    "active": one.is_active,
                }
                for one in self.choices.templates.values()
            ],
            "attributes": [one.name for one in self.choices.attributes],
        }

    def validate_unique(self) -> None:
        """Nothing: `row_errors` tells which provider comes twice, beside its row."""

    def clean(self) -> None:
        super().clean()
        filled = [form for form in self.filled_forms() if not form.errors]
        for place, found in row_errors(_tenant_id(self.form), [form.row() for form in filled]).items():
            _providers, index, field = place.split(".")
            name = _FORM_FIELDS.get(field, field)
            form = filled[int(index)]
            form.add_error(name, [ValidationError(message) for message in found])

    def filled_forms(self) -> list[ProviderRowForm]:
        """Rows that stay or come, in the order of their places: neither left blank nor marked for deletion."""
        filled = [
            form
            for form in self.forms
            if (form.has_changed() or not form.instance._state.adding) and not _is_deleted(form)
        ]
        return sorted(filled, key=_place)


def _place(form: ProviderRowForm) -> int:
    place = getattr(form, "cleaned_data", {}).get("order")
    return place if isinstance(place, int) else 1_000_000


def _is_deleted(form: ProviderRowForm) -> bool:
    return bool(form.cleaned_data.get("DELETE")) if hasattr(form, "cleaned_data") else False


def _row_of(rows: Any, value: object) -> Provider | MessageTemplate | None:
    return next((row for key, row in rows.items() if str(key) == str(value)), None)


def _tenant_id(form: type[TenantForm]) -> int:
    assert form.tenant_id is not None, "the admin binds the form to its request's tenant"
    return form.tenant_id
