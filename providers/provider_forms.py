"""The page of a provider as a form made from its vendor's schema, or as JSON for experts. Both end in one check."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _
from unfold import widgets

from providers import authoring, composing, configuration_fields
from providers.credentials import ENV_VAR, SECRET
from providers.models import Provider, ProviderSecret
from providers.registry import TRANSPORTS
from providers.schema_nodes import CREDENTIAL, Group, Leaf, groups_of
from providers.schemas import translated_schema
from tenants.editions import EditionForm

FormClass: Any = type(EditionForm)
KNOWN_TYPES = ("WHATSAPP", "EMAIL", "SMS", "PUSH", "TELEGRAM", "AI_AGENT")


class ProviderForm(EditionForm):
    """What both forms share: the type's suggestions, and errors of the configuration at the field they are about."""

    class Meta:
        model = Provider
        fields: tuple[str, ...] = ("provider_type", "provider_name", "max_messages_per_minute", "owner")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "provider_type" in self.fields:
            self.fields["provider_type"].widget.attrs.update({"list": "provider-types", "autocomplete": "off"})

    def _get_validation_exclusions(self) -> set[str]:
        # A vendor's form has no such field, yet what must be unique depends on it.
        return super()._get_validation_exclusions() - {"configuration"}

    def clean_provider_type(self) -> str:
        typed: str = self.cleaned_data["provider_type"].strip()
        return typed.upper() if typed.upper() in KNOWN_TYPES else typed

    def place_of(self, _path: str) -> str:
        """The field that shows an error about this path of the configuration."""
        return "configuration" if "configuration" in self.fields else NON_FIELD_ERRORS

    def _update_errors(self, errors: ValidationError) -> None:
        """The model's errors about its configuration, each at its own field."""
        if hasattr(errors, "error_dict") and "configuration" in errors.error_dict:
            self.tell(errors.error_dict.pop("configuration"))
        super()._update_errors(errors)

    def tell(self, errors: Iterable[ValidationError]) -> None:
        for error in errors:
            path = str((error.params or {}).get("path", ""))
            place = self.place_of(path)
            if self.is_told(place):
                continue  # in the form's own words
            self.add_error(place, self.worded(error, place, path))

    def is_told(self, place: str) -> bool:
        return place not in (NON_FIELD_ERRORS, "configuration") and place in self.errors

    def worded(self, error: ValidationError, _place: str, _path: str) -> ValidationError:
        return error


class ReadableJson(forms.JSONField):
    """Indented, and with the letters that people typed."""

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict | list):
            return json.dumps(value, ensure_ascii=False, indent=2)
        return super().prepare_value(value)


class JsonProviderForm(ProviderForm):
    """The configuration as a text: to paste an example."""

    configuration = ReadableJson(
        label=_("Configuration"),
        required=False,
        empty_value={},
        widget=widgets.UnfoldAdminTextareaWidget(
            attrs={"rows": 18, "spellcheck": "false", "style": "font-family: ui-monospace, monospace"}
        ),
    )

    class Meta(ProviderForm.Meta):
        fields: tuple[str, ...] = (*ProviderForm.Meta.fields, "configuration")

    def _post_clean(self) -> None:
        super()._post_clean()
        if "configuration" not in self.errors and isinstance(self.instance.configuration, dict):
            self.tell(authoring.errors_of(authoring.guard_problems(self.instance)))


class SchemaProviderForm(ProviderForm):
    """Fields from a schema. `vendor` and `groups` are put on the class by `schema_form`."""

    vendor: ClassVar[str]
    schema: ClassVar[dict[str, Any]]
    groups: ClassVar[list[Group]]
    before: ClassVar[dict[str, Any]]
    new_secrets: dict[str, str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = TRANSPORTS[self.vendor].per_minute
        if usual is not None and "max_messages_per_minute" in self.fields:
            pace = self.fields["max_messages_per_minute"]
            pace.widget.attrs["placeholder"] = usual
            pace.help_text = _("Pace that all workers share. Empty: %(count)s, this vendor's usual pace.") % {
                "count": usual
            }

    def _post_clean(self) -> None:
        self.new_secrets = {}
        values = self.cleaned_data
        provider_type = str(values.get("provider_type") or self.instance.provider_type)
        self.instance.configuration = composing.compose(
            self.schema, values, provider_type=provider_type, before=self.before
        )
        for leaf in self._credentials():
            self._keep_secret(leaf, provider_type)
        super()._post_clean()
        self.tell(authoring.errors_of(authoring.guard_problems(self.instance)))
        self.tell(authoring.errors_of(authoring.secret_problems(self.instance, self.new_secrets)))

    def place_of(self, path: str) -> str:
        steps = tuple(path.split(".")) if path else ()
        while steps:
            for leaf in self._leaves():
                if found := _field_of(leaf, steps):
                    return self._visible(leaf, found)
            for group in self.groups:
                if group.path == steps and group.leaves:
                    return self._anchor(group)
            steps = steps[:-1]
        return NON_FIELD_ERRORS

    def is_told(self, place: str) -> bool:
        """A credential has several fields: one of them in error is enough to mend."""
        leaf = self._leaf_at(place)
        if leaf is None or leaf.kind != CREDENTIAL:
            return super().is_told(place)
        return any(name.startswith(leaf.name) for name in self.errors)

    def worded(self, error: ValidationError, place: str, path: str) -> ValidationError:
        """At its own field an error needs no path; elsewhere it does."""
        leaf, params = self._leaf_at(place), error.params or {}
        own = {leaf.dotted, ".".join(leaf.path[:-1]), *_references(leaf)} if leaf else set()
        if path not in own or "text" not in params:
            return error
        return ValidationError("%(text)s", code=error.code, params=params)

    def _leaf_at(self, place: str) -> Leaf | None:
        found = [leaf for leaf in self._leaves() if place == leaf.name or place.startswith(f"{leaf.name}__")]
        return max(found, key=lambda leaf: len(leaf.name), default=None)

    def _keep_secret(self, leaf: Leaf, provider_type: str) -> None:
        values = self.cleaned_data
        value = values.get(leaf.name + composing.NEW_VALUE)
        is_used = composing.is_shown(leaf, values, provider_type) and composing.chosen_source(leaf, values) == SECRET
        if value and is_used:
            self.new_secrets[composing.secret_name(leaf, part_of(self.before, leaf))] = value

    def _credentials(self) -> Iterable[Leaf]:
        return (leaf for leaf in self._leaves() if leaf.kind == CREDENTIAL)

    def _leaves(self) -> Iterable[Leaf]:
        return (leaf for group in self.groups for leaf in group.leaves)

    def _anchor(self, group: Group) -> str:
        """Where an error about a whole object stands: at its credential, which is what usually lacks."""
        leaf = next((one for one in group.leaves if one.kind == CREDENTIAL), group.leaves[0])
        return self._visible(leaf, leaf.name)

    def _visible(self, leaf: Leaf, name: str) -> str:
        other = leaf.name + composing.OTHER_VARIABLE
        is_other = self.cleaned_data.get(leaf.name + composing.VARIABLE) == composing.OTHER
        if name.endswith(composing.VARIABLE) and is_other and other in self.fields:
            return other
        ends = ("", composing.SOURCE, composing.VARIABLE, composing.NEW_VALUE)
        return next(
            (found for found in (name, *(leaf.name + end for end in ends)) if found in self.fields), NON_FIELD_ERRORS
        )


def schema_form(vendor: str, provider: Provider | None) -> type[SchemaProviderForm]:
    """The form class of a vendor, filled with what the provider's configuration says."""
    schema = translated_schema(vendor)
    configuration = dict(provider.configuration) if provider else {}
    groups = groups_of(schema)
    values = composing.values_of(schema, configuration)
    stored = _secrets_of(provider)
    declared: dict[str, Any] = {}
    for group in groups:
        for leaf in group.leaves:
            name = composing.secret_name(leaf, part_of(configuration, leaf)) if leaf.kind == CREDENTIAL else ""
            for field_name, field in configuration_fields.fields_of(leaf, values, stored.get(name)):
                field.initial = values.get(field_name, "")
                declared[field_name] = field
    attributes = {"vendor": vendor, "schema": schema, "groups": groups, "before": configuration}
    form: type[SchemaProviderForm] = FormClass("VendorProviderForm", (SchemaProviderForm,), {**attributes, **declared})
    return form


def fits(vendor: str, provider: Provider) -> bool:
    """Whether the form shows everything that this configuration says."""
    schema = translated_schema(vendor)
    values = composing.values_of(schema, provider.configuration)
    again = composing.compose(schema, values, provider_type=provider.provider_type, before=provider.configuration)
    return bool(again == provider.configuration)


def part_of(configuration: dict[str, Any], leaf: Leaf) -> dict[str, Any]:
    part: Any = configuration
    for step in leaf.path[:-1]:
        part = part.get(step) if isinstance(part, dict) else None
    return part if isinstance(part, dict) else {}


def _secrets_of(provider: Provider | None) -> dict[str, ProviderSecret]:
    if provider is None or provider._state.adding:
        return {}
    return {secret.name: secret for secret in provider.secrets.defer("value")}


def _references(leaf: Leaf) -> list[str]:
    return [leaf.dotted + source for source in leaf.sources]


def _field_of(leaf: Leaf, steps: tuple[str, ...]) -> str:
    """The field of the leaf that a path leads to, "" where it leads elsewhere."""
    if leaf.path == steps:
        return leaf.name
    if leaf.kind != CREDENTIAL or leaf.path[:-1] != steps[:-1]:
        return ""
    ends = {ENV_VAR: composing.VARIABLE, SECRET: composing.NEW_VALUE}
    return next((leaf.name + end for source, end in ends.items() if leaf.path[-1] + source == steps[-1]), "")
