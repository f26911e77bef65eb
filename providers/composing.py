"""Between a configuration and the values of its form: pure, both ways, and nothing is lost on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from providers.credentials import ENV_VAR, SECRET
from providers.schema_nodes import (
    CREDENTIAL,
    FLAG,
    JSON,
    LINES,
    PAIRS,
    PROVIDER_TYPE,
    TEXT,
    Group,
    Leaf,
    constants_of,
    groups_of,
)

SOURCE, VARIABLE, OTHER_VARIABLE, NEW_VALUE, EMPTY = "__source", "__env", "__other", "__value", "__empty"
"""Ends of the names of fields that share one leaf."""
OTHER = "*"
"""The choice of a variable that the list does not name in full."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_MISSING = object()


def values_of(schema: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Initial values of the form's fields, by their names."""
    values: dict[str, Any] = {}
    for group in groups_of(dict(schema)):
        part = _part(configuration, group.path)
        for leaf in group.leaves:
            values |= _values_of_leaf(leaf, part)
    return values


def compose(
    schema: Mapping[str, Any], values: Mapping[str, Any], *, provider_type: str, before: Mapping[str, Any]
) -> dict[str, Any]:
    """The configuration that the values of a form make.

    `before` is the one that the form was opened with: what it says although it need not (a default, the vendor's
    name, the name of a secret) stays as it is.
    """
    required = schema.get("required", ())
    composed = {
        key: value
        for key, value in constants_of(dict(schema)).items()
        if key in required or key in before or not before
    }
    for group in groups_of(dict(schema)):
        part = dict(_composed_group(group, values, provider_type, _part(before, group.path)))
        if not group.path:
            composed |= part
        elif part or group.required or _is_there(before, group.path, {}):
            _place(composed, group.path, part)
    return composed


def pairs_of(text: str) -> Iterator[tuple[str, str]]:
    """Lines "name: value"; a line without a colon is a name without value."""
    for line in text.splitlines():
        name, _colon, value = line.partition(":")
        if line.strip():
            yield name.strip(), value.strip()


def readable_json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def secret_name(leaf: Leaf, part: Mapping[str, Any]) -> str:
    """The name under which a credential typed into the form is stored: the one in use, else made of its path."""
    named = part.get(leaf.path[-1] + SECRET)
    if isinstance(named, str) and named:
        return named
    return _NOT_IN_A_NAME.sub("-", "-".join(leaf.path[-2:]))[:100]


def is_shown(leaf: Leaf, values: Mapping[str, Any], provider_type: str) -> bool:
    """Whether the leaf's own conditions hold; what is not shown is not part of the configuration."""
    for key, wanted in leaf.when.items():
        if key == PROVIDER_TYPE:
            given = provider_type.upper()
        else:
            given = values.get("__".join(("configuration", *leaf.path[:-1], key))) or ""
        if given not in wanted:
            return False
    return True


def chosen_source(leaf: Leaf, values: Mapping[str, Any]) -> str:
    """The suffix of the reference that the person chose, "" for none."""
    if len(leaf.sources) == 1:
        return leaf.sources[0]
    return str(values.get(leaf.name + SOURCE) or "")


def chosen_variable(leaf: Leaf, values: Mapping[str, Any]) -> str:
    variable = values.get(leaf.name + VARIABLE) or ""
    return str(values.get(leaf.name + OTHER_VARIABLE) or "") if variable == OTHER else str(variable)


def _values_of_leaf(leaf: Leaf, part: Mapping[str, Any]) -> dict[str, Any]:
    key = leaf.path[-1]
    if leaf.kind == CREDENTIAL:
        named = next((source for source in leaf.sources if key + source in part), "")
        return {leaf.name + SOURCE: named, leaf.name + VARIABLE: part.get(key + ENV_VAR, "")}
    value = part.get(key, _MISSING)
    if leaf.kind == LINES:
        return {leaf.name: "\n".join(map(str, value)) if isinstance(value, list) else ""}
    if leaf.kind == PAIRS:
        pairs = value.items() if isinstance(value, Mapping) else ()
        return {leaf.name: "\n".join(f"{name}: {inner}" for name, inner in pairs)}
    if leaf.kind == JSON:
        return {leaf.name: "" if value is _MISSING else readable_json(value)}
    if leaf.kind == FLAG and value is _MISSING:
        return {leaf.name: leaf.schema.get("default", False)}
    values = {leaf.name: "" if value is _MISSING else value}
    if "x-empty" in leaf.schema:
        values[leaf.name + EMPTY] = value == ""
    return values


def _composed_group(
    group: Group, values: Mapping[str, Any], provider_type: str, before: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for leaf in group.leaves:
        if is_shown(leaf, values, provider_type):
            yield from _composed_leaf(leaf, values, before)


def _composed_leaf(leaf: Leaf, values: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    key, value = leaf.path[-1], values.get(leaf.name)
    if leaf.kind == CREDENTIAL:
        yield from _composed_credential(leaf, values, before)
    elif leaf.kind == FLAG:
        # An unticked box says "no" only where that differs from saying nothing.
        if key in before or bool(value) != leaf.schema.get("default", False):
            yield key, bool(value)
    elif leaf.kind in (LINES, PAIRS, JSON):
        yield from _composed_text(leaf, str(value or ""), before.get(key, _MISSING))
    elif leaf.kind == TEXT and values.get(leaf.name + EMPTY):
        yield key, ""
    elif value not in (None, ""):
        yield key, value


def _composed_text(leaf: Leaf, text: str, before: Any) -> Iterator[tuple[str, Any]]:
    """What is typed as a text of several lines; an empty one is said only where it was said before."""
    key = leaf.path[-1]
    if leaf.kind == LINES:
        lines = [line.strip() for line in text.splitlines()]
        if any(lines) or before == []:
            yield key, [line for line in lines if line]
    elif leaf.kind == PAIRS:
        pairs = dict(pairs_of(text))
        if pairs or before == {}:
            yield key, pairs
    elif text.strip():
        yield key, msgspec.json.decode(text)


def _composed_credential(leaf: Leaf, values: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    key, source = leaf.path[-1], chosen_source(leaf, values)
    if source == ENV_VAR:
        variable = chosen_variable(leaf, values)
        if variable:
            yield key + ENV_VAR, variable
    elif source == SECRET and (len(leaf.sources) > 1 or values.get(leaf.name + NEW_VALUE) or key + SECRET in before):
        yield key + SECRET, secret_name(leaf, before)


def _part(configuration: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    found = _reach(configuration, path)
    return found if isinstance(found, Mapping) else {}


def _is_there(configuration: Mapping[str, Any], path: tuple[str, ...], value: Any) -> bool:
    return bool(_reach(configuration, path) == value)


def _reach(configuration: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        configuration = configuration.get(step) if isinstance(configuration, Mapping) else None
    return configuration


def _place(configuration: dict[str, Any], path: tuple[str, ...], value: dict[str, Any]) -> None:
    for step in path[:-1]:
        configuration = configuration.setdefault(step, {})
    configuration[path[-1]] = value
