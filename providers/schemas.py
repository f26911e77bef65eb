"""Is this configuration right? Every error with its path, for a person; nothing is accepted and ignored."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import jsonschema_rs
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from providers import credentials, registry
from providers.credentials import Problem
from providers.transports import Transport
from providers.wire import guard
from providers.wire.names import is_literal

# By the schema's keyword.
MESSAGES = {
    "type": _("must be of the type %(value)s"),
    "enum": _("must be one of: %(value)s"),
    "const": _("must be %(value)s"),
    "minimum": _("must be %(value)s or more"),
    "maximum": _("must be %(value)s or less"),
    "minLength": _("is too short (at least %(value)s)"),
    "maxLength": _("is too long (at most %(value)s)"),
    "minItems": _("has too few entries (at least %(value)s)"),
    "maxItems": _("has too many entries (at most %(value)s)"),
    "pattern": _("does not have the expected form (%(value)s)"),
    "maxProperties": _("has too many entries (at most %(value)s)"),
}

_HOST = re.compile(r"\s*[a-z]+://([^/?#]*)", re.IGNORECASE)

TRANSLATED = ("title", "description", "x-empty")


def validate_configuration(
    provider_type: str,
    configuration: Any,
    *,
    allow_list: Sequence[str],
    known_secrets: Iterable[str] | None = None,
    allow_private: bool = False,
) -> list[Problem]:
    """Everything that is wrong, as (dotted path, message); the path is "" for the whole. Values are never repeated.

    `allow_list`: the operator's list of environment variables (see providers.credentials). `known_secrets`: names of
    the provider's stored secrets, None where that is not checked yet. `allow_private`: the deployment sends to private
    addresses, and then also over plain http.
    """
    if not isinstance(configuration, dict):
        return [("", gettext("must be an object"))]
    found = credentials.problems(configuration, allow_list=allow_list, known_secrets=known_secrets)
    try:
        transport = registry.transport_for(provider_type, configuration)
    except registry.UnknownVendor as unknown:
        return [("provider_vendor", str(unknown)), *found]
    of_schema = _problems_of_schema(transport, configuration)
    found += of_schema or [
        *transport.check(provider_type, configuration),
        *_problems_of_reports(transport, configuration),
    ]
    found += _problems_of_hosts(configuration)
    if not allow_private:
        found += _problems_of_addresses(configuration)
    return _one_per_path(found)


def translated_schema(vendor: str) -> dict[str, Any]:
    """The vendor's JSON Schema with titles and descriptions in the active language, for forms."""
    schema = copy.deepcopy(registry.TRANSPORTS[vendor].schema)
    _translate(schema)
    return schema


def _translate(part: Any) -> None:
    if isinstance(part, dict):
        for key, value in part.items():
            if key in TRANSLATED and isinstance(value, str):
                part[key] = gettext(value)
            elif key == "x-titles":
                part[key] = {name: gettext(title) for name, title in value.items()}
            else:
                _translate(value)


@cache
def _validator(vendor: str) -> Any:
    return jsonschema_rs.validator_for(registry.TRANSPORTS[vendor].schema)


def _problems_of_schema(transport: Transport, configuration: dict[str, Any]) -> list[Problem]:
    found: list[Problem] = []
    for error in _validator(transport.vendor).iter_errors(configuration):
        path = [str(step) for step in error.instance_path]
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
            known = sorted(_part_of(transport.schema, path)["properties"])
            found += [(".".join([*path, key]), _unknown_key(key, known)) for key in error.kind.unexpected]
        elif isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
            found.append((".".join([*path, error.kind.property]), gettext("is required")))
        else:
            found.append((".".join(path), _message(transport.schema, path, error.kind)))
    return sorted(found)


def _problems_of_reports(transport: Transport, configuration: dict[str, Any]) -> list[Problem]:
    if "overdue_after_minutes" not in configuration or transport.may_report(configuration):
        return []
    return [("overdue_after_minutes", gettext("a provider that is set up so never tells what became of a message"))]


def _unknown_key(key: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    if close:
        return gettext("unknown key; did you mean %(key)s?") % {"key": close[0]}
    return gettext("unknown key; known here: %(keys)s") % {"keys": ", ".join(known)}


def _message(schema: dict[str, Any], path: Sequence[str], kind: Any) -> str:
    """In our own words: the library's repeat the value, which may be a credential in the wrong place."""
    if kind.name == "pattern":
        hint = _part_of(schema, path).get("description")
        if hint:
            return gettext("does not have the expected form. %(hint)s") % {"hint": gettext(hint)}
    words = MESSAGES.get(kind.name)
    if words is None:
        return gettext("does not follow the schema (%(rule)s)") % {"rule": kind.name}
    value = kind.value
    return gettext(words) % {"value": ", ".join(map(str, value)) if isinstance(value, list | tuple) else value}


def _part_of(schema: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    for step in path:
        free = schema.get("additionalProperties")
        other = free if isinstance(free, dict) else schema.get("items", {})
        schema = schema.get("properties", {}).get(step) or other
    return schema


def _problems_of_hosts(configuration: dict[str, Any]) -> list[Problem]:
    """One letter can look like another: which server is meant has to be readable where the address is approved."""
    message = gettext("the server's name must be written in ASCII letters (a name with others has a form with xn--)")
    hosts = ((path, _HOST.match(value)) for path, value in _urls(configuration))
    return [(path, message) for path, host in hosts if host and not host[1].isascii()]


def _problems_of_addresses(configuration: dict[str, Any]) -> list[Problem]:
    """What the wire would refuse anyway is told at once."""
    found: list[Problem] = []
    for path, value in _urls(configuration):
        is_url = "://" in value
        host = next(iter(credentials.hosts_of({"url": value})), "").rpartition(":")[0] if is_url else value
        if value.lower().startswith("http://"):
            found.append((path, gettext("must begin with https:// (OUTBOUND_ALLOW_PRIVATE is off)")))
        elif is_literal(host) and guard.refusal(host.strip("[]")) is not None:
            found.append((path, gettext("is a private address (OUTBOUND_ALLOW_PRIVATE is off)")))
    return found


def _urls(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Also where a host stands alone, as for SMTP."""
    if isinstance(value, str):
        return [(path, value)] if "://" in value or path.endswith(".host") else []
    if isinstance(value, dict):
        return [each for key, inner in value.items() for each in _urls(inner, f"{path}.{key}" if path else key)]
    return []


def _one_per_path(found: list[Problem]) -> list[Problem]:
    """The first problem of a path is the one to mend: a misplaced credential before the key that is unknown."""
    first: dict[str, str] = {}
    for path, message in found:
        first.setdefault(path, message)
    return list(first.items())
