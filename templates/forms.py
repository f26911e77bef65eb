"""The form of a template: texts with placeholders, other wordings as boxes of their own, channels that exist."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from providers.models import Provider
from tenants.editions import EditionForm

ROWS = {"rows": 6, "data-previewed": ""}


class SuggestingInput(forms.TextInput):
    """Free text with suggestions."""

    template_name = "templates/suggesting.html"
    suggestions: list[str] = []

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, {**(attrs or {}), "class": "prism-input prism-short"})
        return {**context, "suggestions": self.suggestions}


class VariantsWidget(forms.Widget):
    """One box per wording; an empty one at the end, so that a page without JavaScript can add one too."""

    template_name = "templates/variants.html"

    def value_from_datadict(self, data: Any, _files: Any, name: str) -> list[str]:
        texts = data.getlist(name) if hasattr(data, "getlist") else data.get(name) or []
        return [text.replace("\r\n", "\n") for text in texts if text.strip()]

    def value_omitted_from_data(self, _data: Any, _files: Any, _name: str) -> bool:
        return False

    def id_for_label(self, _id: str) -> str:
        return ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"]["texts"] = [text for text in value or [] if isinstance(text, str)]
        return context


class VariantsField(forms.Field):
    """A list of texts. What is wrong in it is told by `templates.checks`."""

    widget = VariantsWidget

    def clean(self, value: Any) -> list[str]:
        return list(value or [])

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != list(data or [])


class TemplateForm(EditionForm):
    variants = VariantsField(
        label=_("Other wordings"),
        required=False,
        help_text=_("Each contact always gets the same one of the body and these."),
    )

    class Meta:
        # Model and fields come from the admin, which knows how each column is shown.
        widgets = {
            "body": UnfoldAdminTextareaWidget(ROWS),
            "channel": SuggestingInput,
            "locale": SuggestingInput,
        }
        help_texts = {
            "template_code": _("Stays the same for good: campaigns and reports go by it."),
            "channel": _("As the type of the provider that will send it: WHATSAPP, EMAIL, SMS, PUSH…"),
            "media_url": _("An image or file sent along, where the channel can."),
            "is_active": _("A template is switched off, never deleted: what was sent points at its versions."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        channel, locale = self.fields.get("channel"), self.fields.get("locale")
        if channel is not None:
            types = Provider.objects.filter(tenant_id=self.tenant_id or 0).order_by("provider_type")
            channel.widget.suggestions = list(types.values_list("provider_type", flat=True).distinct())
        if locale is not None:
            locale.widget.suggestions = ["pt-br", "en", "es"]

    def clean_body(self) -> str:
        """As it is counted and sent: browsers write line ends of two characters."""
        body: str = self.cleaned_data["body"]
        return body.replace("\r\n", "\n")
