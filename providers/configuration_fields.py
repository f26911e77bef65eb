"""One schema node as Django form fields, with the theme's widgets: title, help, bounds, choices, when it is shown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from unfold import widgets

from providers.composing import EMPTY, NEW_VALUE, OTHER, OTHER_VARIABLE, SOURCE, VARIABLE, pairs_of
from providers.credentials import ENV_VAR, SECRET
from providers.models import ProviderSecret
from providers.schema_nodes import (
    CHOICE,
    CREDENTIAL,
    FLAG,
    JSON,
    LINES,
    NUMBER,
    PAIRS,
    PROVIDER_TYPE,
    TEXT,
    WHOLE,
    Leaf,
)
from providers.variables import choices_with_other, prefixes

LONGEST_SECRET = 8000
GROWS = "field-sizing: content"
"""A box that grows with what is typed, where the browser can; else it scrolls."""
Fields = Iterator[tuple[str, forms.Field]]
Stored = Mapping[str, ProviderSecret]


def fields_of(leaf: Leaf, values: Mapping[str, Any], stored: ProviderSecret | None) -> Fields:
    """(name, field) of a leaf. `values`: the initial ones, by name; `stored`: the credential's secret, if any."""
    shown = _conditions(leaf)
    if leaf.kind == CREDENTIAL:
        yield from _credential(leaf, values, stored, shown)
        return
    field = _MAKERS[leaf.kind](leaf)
    field.label = leaf.schema.get("title", leaf.path[-1])
    field.help_text = _help(leaf)
    field.widget.attrs.update(_attributes(shown))
    yield leaf.name, field
    if "x-empty" in leaf.schema:
        box = forms.BooleanField(required=False, label=leaf.schema["x-empty"], widget=widgets.UnfoldBooleanWidget())
        box.widget.attrs.update(_attributes(shown))
        yield leaf.name + EMPTY, box


def _credential(leaf: Leaf, values: Mapping[str, Any], stored: ProviderSecret | None, shown: dict[str, Any]) -> Fields:
    title = leaf.schema.get("title", leaf.path[-1])
    if len(leaf.sources) > 1:
        yield leaf.name + SOURCE, _source(leaf, title, shown)
        of_source = {source: {**shown, leaf.name + SOURCE: [source]} for source in leaf.sources}
    else:
        of_source = dict.fromkeys(leaf.sources, shown)
    if ENV_VAR in leaf.sources:
        yield from _variable(leaf, title, str(values.get(leaf.name + VARIABLE) or ""), of_source[ENV_VAR])
    if SECRET in leaf.sources:
        yield leaf.name + NEW_VALUE, _secret(title, stored, of_source[SECRET])


def _source(leaf: Leaf, title: str, shown: dict[str, Any]) -> forms.Field:
    choices = [
        ("", _("Choose where it comes from")),
        (SECRET, _("Secret kept here, encrypted")),
        (ENV_VAR, _("Environment variable of the server")),
    ]
    return forms.ChoiceField(
        required=False,
        label=title,
        choices=[choice for choice in choices if choice[0] in ("", *leaf.sources)],
        widget=widgets.UnfoldAdminSelectWidget(attrs=_attributes(shown)),
    )


def _variable(leaf: Leaf, title: str, current: str, shown: dict[str, Any]) -> Fields:
    allow_list: Sequence[str] = settings.PROVIDER_ENV_ALLOW_LIST
    found = prefixes(allow_list)
    yield (
        leaf.name + VARIABLE,
        forms.ChoiceField(
            required=False,
            label=_("%(title)s: variable") % {"title": title},
            choices=choices_with_other(allow_list, current),
            help_text=_(
                "Names that the operator allows (PROVIDER_ENV_ALLOW_LIST). What counts is the workers' environment."
            )
            if allow_list
            else _("The operator allows no variable yet (PROVIDER_ENV_ALLOW_LIST): use a secret, or ask for one."),
            widget=widgets.UnfoldAdminSelectWidget(attrs=_attributes(shown)),
        ),
    )
    if found:
        yield (
            leaf.name + OTHER_VARIABLE,
            forms.CharField(
                required=False,
                max_length=200,
                label=_("%(title)s: name of the variable") % {"title": title},
                widget=widgets.UnfoldAdminTextInputWidget(
                    attrs={
                        "placeholder": f"{found[0]}…",
                        "spellcheck": "false",
                        **_attributes({**shown, leaf.name + VARIABLE: [OTHER]}),
                    }
                ),
            ),
        )


def _secret(title: str, stored: ProviderSecret | None, shown: dict[str, Any]) -> forms.Field:
    return forms.CharField(
        required=False,
        max_length=LONGEST_SECRET,
        label=_("%(title)s: replace the value") % {"title": title}
        if stored
        else _("%(title)s: value") % {"title": title},
        help_text=_status(stored),
        widget=forms.PasswordInput(
            render_value=False,
            attrs={
                "class": " ".join(widgets.INPUT_CLASSES),
                "autocomplete": "new-password",
                "placeholder": "••••••••" if stored else "",
                **_attributes(shown),
            },
        ),
    )


def _status(stored: ProviderSecret | None) -> SafeString | str:
    if stored is None:
        return _("Stored encrypted and never shown again.")
    told = _("Set on %(when)s by %(who)s, for %(hosts)s. Leave it empty to keep it.") % {
        "when": date_format(localtime(stored.created_at), "SHORT_DATETIME_FORMAT"),
        "who": stored.created_by or "—",
        "hosts": ", ".join(stored.hosts) or "—",
    }
    rule = _("It is sent to these hosts only: where the address changes, it has to be entered again.")
    return format_html('<strong class="font-semibold">{}</strong><br>{}', told, rule)


def _choice(leaf: Leaf) -> forms.Field:
    titles = leaf.schema.get("x-titles", {})
    choices = [(value, titles.get(value, value)) for value in leaf.schema["enum"]]
    if not (leaf.required and "default" in leaf.schema):
        usual = leaf.schema.get("default")
        default = _("Default") if usual is None else f"{_('Default')}: {titles.get(usual, usual)}"
        choices.insert(0, ("", _("Choose") if leaf.required else default))
    return forms.TypedChoiceField(
        required=leaf.required,
        choices=choices,
        coerce={str(value): value for value in leaf.schema["enum"]}.__getitem__,
        widget=widgets.UnfoldAdminSelectWidget(),
    )


def _flag(_leaf: Leaf) -> forms.Field:
    return forms.BooleanField(required=False, widget=widgets.UnfoldBooleanSwitchWidget())


def _number(leaf: Leaf) -> forms.Field:
    kind = forms.IntegerField if leaf.kind == WHOLE else forms.FloatField
    return kind(
        required=leaf.required,
        widget=widgets.UnfoldAdminIntegerFieldWidget(
            attrs={
                "min": leaf.schema.get("minimum"),
                "max": leaf.schema.get("maximum"),
                "placeholder": leaf.schema.get("default", ""),
            }
        ),
    )


def _lines(leaf: Leaf) -> forms.Field:
    attrs = {"rows": leaf.schema.get("x-rows", 3), "style": GROWS}
    return forms.CharField(required=leaf.required, widget=widgets.UnfoldAdminTextareaWidget(attrs=attrs))


def _pairs(leaf: Leaf) -> forms.Field:
    example = next(iter(leaf.schema.get("examples", ())), "")
    return forms.CharField(
        required=leaf.required,
        validators=[_check_pairs],
        widget=widgets.UnfoldAdminTextareaWidget(
            attrs={
                "rows": leaf.schema.get("x-rows", 3),
                "placeholder": example,
                "spellcheck": "false",
                "style": GROWS,
            }
        ),
    )


def _json(leaf: Leaf) -> forms.Field:
    return forms.CharField(
        required=leaf.required,
        validators=[_check_json],
        widget=widgets.UnfoldAdminTextareaWidget(
            attrs={
                "rows": 10,
                "spellcheck": "false",
                "style": f"font-family: ui-monospace, monospace; {GROWS}; min-height: 12rem",
            }
        ),
    )


def _check_pairs(text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.partition(":")[0].strip():
            raise ValidationError(_("Line %(number)s has no name before the colon."), params={"number": number})
        if line.strip() and ":" not in line:
            raise ValidationError(_("Line %(number)s needs a colon after the name."), params={"number": number})
    names = [name for name, _value in pairs_of(text)]
    for name in names:
        if names.count(name) > 1:
            raise ValidationError(_("“%(name)s” is there twice."), params={"name": name})


def _check_json(text: str) -> None:
    try:
        msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ValidationError(_("This is no JSON.")) from None


def _text(leaf: Leaf) -> forms.Field:
    example = leaf.schema.get("default") or next(iter(leaf.schema.get("examples", ())), "")
    return forms.CharField(
        required=leaf.required,
        widget=widgets.UnfoldAdminTextInputWidget(attrs={"placeholder": example, "spellcheck": "false"}),
    )


_MAKERS = {
    CHOICE: _choice,
    FLAG: _flag,
    WHOLE: _number,
    NUMBER: _number,
    LINES: _lines,
    PAIRS: _pairs,
    JSON: _json,
    TEXT: _text,
}


def _help(leaf: Leaf) -> str:
    """Escaped: the theme shows help as HTML."""
    parts = [leaf.schema.get("description", "")]
    if leaf.kind == LINES:
        parts.append(_("One per line."))
    if leaf.kind == PAIRS:
        parts.append(_("One per line, as name: value."))
    if leaf.kind in (WHOLE, NUMBER) and "default" in leaf.schema:
        parts.append(_("Default: %(value)s.") % {"value": leaf.schema["default"]})
    return escape(" ".join(part for part in parts if part))


def _conditions(leaf: Leaf) -> dict[str, Any]:
    """By names of fields."""
    return {
        "provider_type" if key == PROVIDER_TYPE else "__".join(("configuration", *leaf.path[:-1], key)): wanted
        for key, wanted in leaf.when.items()
    }


def _attributes(shown: dict[str, Any]) -> dict[str, str]:
    return {"data-shown-when": json.dumps(shown)} if shown else {}
