"""One message, and many, as programs ask for them: read strictly, then a Wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from campaigns.mappings import mapping_errors
from dispatching.direct import AT_ONCE
from dispatching.wanted import Wanted
from tenants.api.fields import Flag, Identifier, Moment, Text, Whole
from tenants.api.serializers import StrictSerializer

MAX_BODY = 100_000
MAX_KEYS = 200
MAX_VALUE = 10_000
MAX_OBJECT = 65_536
_LARGEST = 2**63 - 1
_SCALAR = {"oneOf": [{"type": "string", "maxLength": MAX_VALUE}, {"type": "number"}]}


class _Object(serializers.JSONField):
    """An object of at most MAX_KEYS members and MAX_OBJECT bytes."""

    default_error_messages = {
        "not_a_dict": _("Give an object."),
        "too_many": _("At most %(most)d members.") % {"most": MAX_KEYS},
        "too_large": _("At most %(most)d bytes.") % {"most": MAX_OBJECT},
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_a_dict")
        if len(data) > MAX_KEYS:
            self.fail("too_many")
        if len(msgspec.json.encode(data)) > MAX_OBJECT:
            self.fail("too_large")
        return data


@extend_schema_field({"type": "object", "additionalProperties": _SCALAR, "maxProperties": MAX_KEYS})
class Variables(_Object):
    """Texts and numbers by placeholder."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values = super().to_internal_value(data)
        wrong = {name: [_told(value)] for name, value in values.items() if _told(value)}
        if wrong:
            raise serializers.ValidationError(wrong)
        return values


@extend_schema_field({"type": "object", "additionalProperties": {}, "maxProperties": MAX_KEYS})
class Attributes(_Object):
    """The contact, as an event of a campaign would bring it."""


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MAX_KEYS,
        "additionalProperties": {
            "oneOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["field"],
                    "properties": {"field": {"type": "string"}, "default": {"type": "string", "maxLength": 500}},
                    "additionalProperties": False,
                },
            ]
        },
    }
)
class Mappings(_Object):
    """Attribute by placeholder, as in a campaign."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        mapping = super().to_internal_value(data)
        fields = {entry.get("field") if isinstance(entry, dict) else entry for entry in _hashable(mapping)}
        if errors := mapping_errors(list(mapping), mapping, {field for field in fields if isinstance(field, str)}):
            raise serializers.ValidationError(errors)
        return mapping


class MessageSerializer(StrictSerializer):
    """Names one provider, and one of template_id, template_code and body."""

    provider_id = Identifier(required=False, allow_null=True, help_text="Which provider sends it.")
    provider_type = Text(
        required=False, max_length=50, help_text="Or its channel, where one active provider serves it: WHATSAPP."
    )
    template_id = Identifier(required=False, allow_null=True, help_text="Which template it says.")
    template_code = Text(required=False, max_length=100, help_text="Or the template's code.")
    template_locale = Text(
        required=False,
        max_length=10,
        help_text="Its language; by default the organisation's own, or the only one there is.",
    )
    body = Text(
        required=False,
        max_length=MAX_BODY,
        trim_whitespace=False,
        help_text="Or a text of its own, with {{placeholders}}; not for WHATSAPP.",
    )
    subject = Text(required=False, max_length=500, help_text="E-mail only, beside body.")
    variables = Variables(required=False, help_text="Values of placeholders; they come first.")
    contact_attributes = Attributes(
        required=False, help_text="The contact: placeholders without a variable are looked up here."
    )
    field_mappings = Mappings(
        required=False, help_text="Attribute by placeholder, where the names differ; or with a default."
    )
    to = Text(required=False, max_length=500, help_text="Phone, e-mail, …; by default the contact's attribute.")
    contact_tax_id = Text(
        required=False, max_length=50, help_text="By default the contact's attribute tax_identification."
    )
    correlation_id = Text(
        required=False,
        max_length=200,
        help_text="Yours, once per message: the same message again is told as a duplicate, another is refused.",
    )
    trace_id = Text(required=False, max_length=200, help_text="Passed on to the provider and into the facts.")
    scheduled_for = Moment(required=False, allow_null=True, help_text="When to send it; empty or past: at once.")
    not_after = Moment(
        required=False, allow_null=True, help_text="The latest moment; by default 24 hours after the first."
    )

    def validate(self, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
        errors: dict[str, str] = {}
        if len([name for name in ("provider_id", "provider_type") if attrs.get(name)]) != 1:
            errors["provider_id"] = str(_("Give one of provider_id and provider_type."))
        if len([name for name in ("template_id", "template_code", "body") if attrs.get(name)]) != 1:
            errors["template_code"] = str(_("Give one of template_id, template_code and body."))
        if attrs.get("subject") and not attrs.get("body"):
            errors["subject"] = str(_("A template brings its own subject."))
        if attrs.get("template_locale") and not attrs.get("template_code"):
            errors["template_locale"] = str(_("It goes with template_code only."))
        if errors:
            raise serializers.ValidationError(errors)
        return attrs

    def wanted(self) -> Wanted:
        """The message, once it is valid."""
        return wanted_of(self.validated_data)


def wanted_of(values: Mapping[str, Any]) -> Wanted:
    return Wanted(**{name: value for name, value in values.items() if value is not None})


@extend_schema_field(
    {"type": "array", "minItems": 1, "maxItems": AT_ONCE, "items": {"$ref": "#/components/schemas/MessageRequest"}}
)
class Messages(serializers.JSONField):
    """Each message is read by itself: one that is wrong stops no other."""

    default_error_messages = {
        "not_a_list": _("Give a list."),
        "out_of_range": _("From 1 to %(most)d messages.") % {"most": AT_ONCE},
    }

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        if not 1 <= len(data) <= AT_ONCE:
            self.fail("out_of_range")
        return data


class BatchSerializer(StrictSerializer):
    messages = Messages()


class AcceptedSerializer(serializers.Serializer[Any]):
    id = Identifier(help_text="The dispatch.")
    correlation_id = Text()
    duplicate = Flag(help_text="It was accepted before; this is the dispatch of that time.")
    url = Text(help_text="Where its state is told.")


class FieldErrorSerializer(serializers.Serializer[Any]):
    """As in a problem."""

    def get_fields(self) -> dict[str, Any]:
        return {
            "in": Text(),
            "pointer": Text(allow_null=True),
            "field": Text(),
            "code": Text(),
            "detail": Text(),
        }


class ResultSerializer(serializers.Serializer[Any]):
    """What became of one message: ids where it was accepted, errors where it was refused."""

    index = Whole()
    result = serializers.ChoiceField(choices=["accepted", "duplicate", "refused"])
    id = Identifier(allow_null=True)
    correlation_id = Text(allow_null=True)
    url = Text(allow_null=True)

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "errors": FieldErrorSerializer(many=True)}


class BatchResultSerializer(serializers.Serializer[Any]):
    accepted = Whole()
    duplicates = Whole()
    refused = Whole()
    results = ResultSerializer(many=True)


def _told(value: Any) -> str:
    if isinstance(value, str):
        return "" if len(value) <= MAX_VALUE else str(_("At most %(most)d characters.") % {"most": MAX_VALUE})
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(_("A text or a number."))
    return "" if abs(value) <= _LARGEST or isinstance(value, float) else str(_("The number is too large."))


def _hashable(mapping: Mapping[str, Any]) -> list[Any]:
    return [json.dumps(entry) if isinstance(entry, list) else entry for entry in mapping.values()]
