"""A vendor's JSON Schema as what a form shows: groups of fields, each with its path. Pure; knows no Django form.

Beside the standard keywords, a property may say how a form treats it (other readers of the schema ignore these):
  "x-when": {"type": ["header"]}   shown while the neighbouring key `type` has one of these values;
                                   `$provider_type` stands for the type of the provider
  "x-empty": "…"                   an empty string means something: the label of the box that says so
  "x-rare": true                   most leave it alone: it stands in a closed section
  "x-open": true                   on an optional object: its section is open although nothing is in it yet
  "x-titles": {"none": "…"}        what the values of an enum are called
  "x-icon": "webhook"              on the schema itself: the icon of the vendor's card
  "x-json": true                   any object or list, shown as JSON
  "x-rows": 1                      how high the box of several lines is at least
A pair `<name>_env_var` and `<name>_secret` is one credential with two possible sources. An object whose keys are free
(no `properties`, and `additionalProperties` a schema of texts) is shown as lines "name: value".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from providers.credentials import ENV_VAR, SECRET

CREDENTIAL = "credential"
CHOICE = "choice"
LINES = "lines"
PAIRS = "pairs"
JSON = "json"
FLAG = "flag"
WHOLE = "integer"
NUMBER = "number"
TEXT = "text"
PROVIDER_TYPE = "$provider_type"

_KINDS = {"boolean": FLAG, "integer": WHOLE, "number": NUMBER, "string": TEXT}


class Unsupported(Exception):  # noqa: N818 - reads as what it says
    """The schema says something that no field can be made of: extend this file with it."""


class Leaf(msgspec.Struct, frozen=True):
    """One value. A credential's path has no suffix; `sources` are the suffixes that its object knows."""

    path: tuple[str, ...]
    kind: str
    schema: dict[str, Any]
    required: bool
    sources: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of its form field: an identifier, and none of the model's."""
        return "__".join(("configuration", *self.path))

    @property
    def dotted(self) -> str:
        return ".".join(self.path)

    @property
    def when(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = self.schema.get("x-when", {})
        return found


class Group(msgspec.Struct, frozen=True):
    """An object of the configuration; the outermost has the path ()."""

    path: tuple[str, ...]
    schema: dict[str, Any]
    required: bool
    leaves: tuple[Leaf, ...]

    @property
    def dotted(self) -> str:
        return ".".join(self.path)


def groups_of(schema: dict[str, Any]) -> list[Group]:
    """The schema's objects, outermost first, each with its own fields. Raises Unsupported."""
    return list(_groups(schema, (), required=True))


def leaves_of(schema: dict[str, Any]) -> list[Leaf]:
    return [leaf for group in groups_of(schema) for leaf in group.leaves]


def flags_of(schema: dict[str, Any]) -> list[Leaf]:
    """What a configuration can have switched on: its features."""
    return [leaf for leaf in leaves_of(schema) if leaf.kind == FLAG]


def constants_of(schema: dict[str, Any]) -> dict[str, Any]:
    """The keys of the outermost object that have one possible value, such as provider_vendor."""
    return {key: part["const"] for key, part in schema["properties"].items() if "const" in part}


def _groups(schema: dict[str, Any], path: tuple[str, ...], *, required: bool) -> Iterator[Group]:
    inner = {key: part for key, part in schema["properties"].items() if _is_group(part)}
    yield Group(path, schema, required, tuple(_leaves(schema, path, required=required)))
    for key, part in inner.items():
        yield from _groups(part, (*path, key), required=required and key in schema.get("required", ()))


def _leaves(schema: dict[str, Any], path: tuple[str, ...], *, required: bool) -> Iterator[Leaf]:
    properties: dict[str, Any] = schema["properties"]
    seen: set[str] = set()
    for key, part in properties.items():
        # One suffix only: a credential may itself be called a secret, as Meta's app_secret.
        base = key.removesuffix(ENV_VAR if key.endswith(ENV_VAR) else SECRET)
        if "const" in part or _is_group(part) or base in seen:
            continue
        is_required = required and key in schema.get("required", ())
        if base != key:
            seen.add(base)
            sources = tuple(suffix for suffix in (ENV_VAR, SECRET) if base + suffix in properties)
            yield Leaf((*path, base), CREDENTIAL, part, is_required, sources)
        else:
            yield Leaf((*path, key), _kind_of(part, (*path, key)), part, is_required)


def _is_group(part: dict[str, Any]) -> bool:
    return part.get("type") == "object" and "properties" in part


def _kind_of(part: dict[str, Any], path: tuple[str, ...]) -> str:
    if part.get("x-json"):
        return JSON
    if "enum" in part:
        return CHOICE
    kind = part.get("type")
    if kind == "array" and part.get("items", {}).get("type") == "string":
        return LINES
    if kind == "object" and _is_text(part.get("additionalProperties")):
        return PAIRS
    if isinstance(kind, str) and kind in _KINDS:
        return _KINDS[kind]
    raise Unsupported(".".join(path))


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and (part.get("type") == "string" or "enum" in part)
