"""Secrets on a provider's page: written, never read, and bound to the hosts that stand in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold import widgets

from providers.credentials import SECRET, hosts_of, references
from providers.models import Provider, ProviderSecret
from tenants.forms import TenantForm

if TYPE_CHECKING:
    FormSet = forms.BaseInlineFormSet[ProviderSecret, Provider, "SecretForm"]
else:
    FormSet = forms.BaseInlineFormSet


class SecretForm(TenantForm):
    """The stored value is not among the fields: the web role may not read it, and the page never shows it."""

    new_value = forms.CharField(
        label=_("Value"),
        required=False,
        max_length=8000,
        strip=True,
        widget=forms.PasswordInput(
            render_value=False, attrs={"autocomplete": "new-password", "class": " ".join(widgets.INPUT_CLASSES)}
        ),
        help_text=_("Write-only. Leave it empty to keep what is stored."),
    )

    class Meta:
        model = ProviderSecret
        fields = ("name",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The row's headings are no labels to a screen reader.
        for name in ("name", "new_value"):
            if name in self.fields:
                self.fields[name].widget.attrs["aria-label"] = self.fields[name].label

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.instance._state.adding and self.has_changed() and not cleaned.get("new_value"):
            self.add_error("new_value", ValidationError(_("A new secret needs a value."), code="required"))
        return cleaned


class SecretFormSet(FormSet):
    """All secrets of one provider, held against the configuration that is being saved with them."""

    def get_queryset(self) -> models.QuerySet[ProviderSecret]:
        return super().get_queryset().defer("value")

    def add_fields(self, form: SecretForm, index: int | None) -> None:
        super().add_fields(form, index)
        key = form.fields["id"]
        key.queryset = key.queryset.defer("value")  # type: ignore[attr-defined]  # a ModelChoiceField, hidden

    def clean(self) -> None:
        super().clean()
        configuration = self.instance.configuration
        if any(self.errors) or not isinstance(configuration, dict):
            return
        hosts = hosts_of(configuration)
        kept = {form.cleaned_data["name"]: form for form in self.kept_forms()}
        for reference in references(configuration):
            if reference.kind != SECRET:
                continue
            form = kept.get(reference.name)
            if form is None:
                raise ValidationError(
                    _("%(path)s names the secret “%(name)s”, which is not stored here. Add it below."),
                    code="unknown_secret",
                    params={"path": reference.key_path, "name": reference.name},
                )
            if not form.cleaned_data["new_value"] and not hosts <= set(form.instance.hosts):
                form.add_error("new_value", _other_hosts(hosts - set(form.instance.hosts)))

    def kept_forms(self) -> list[SecretForm]:
        """Rows that stay or come: neither left blank nor marked for deletion."""
        return [
            form
            for form in self.forms
            if not form.cleaned_data.get("DELETE") and (form.has_changed() or not form.instance._state.adding)
        ]

    def save_new(self, form: SecretForm, commit: bool = True) -> ProviderSecret:
        return super().save_new(self._furnished(form), commit=commit)

    def save_existing(self, form: SecretForm, obj: ProviderSecret, commit: bool = True) -> ProviderSecret:
        return super().save_existing(self._furnished(form), obj, commit=commit)

    def _furnished(self, form: SecretForm) -> SecretForm:
        """A value that was entered is stored for the hosts that the configuration names now."""
        if form.cleaned_data["new_value"]:
            form.instance.value = form.cleaned_data["new_value"]
            form.instance.hosts = sorted(hosts_of(self.instance.configuration))
            if not form.instance._state.adding:
                form.instance.created_at = timezone.now()
        return form


def _other_hosts(hosts: set[str] | frozenset[str]) -> ValidationError:
    return ValidationError(
        _("This secret was not entered for %(hosts)s. Enter it again, if it may be sent there."),
        code="other_hosts",
        params={"hosts": ", ".join(sorted(hosts))},
    )
