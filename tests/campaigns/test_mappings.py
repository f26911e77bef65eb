from __future__ import annotations

from typing import Any

import pytest
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from campaigns.mappings import compile_mapping, mapping_errors, resolve
from templates.rendering import compile_text, render

KNOWN = {"first_name", "max_offer_value_formatted", "credit_tax"}
SEED = {"name": "first_name", "creditvalue": "max_offer_value_formatted", "credittax": "credit_tax"}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=7), inner, max_size=3),
    max_leaves=8,
)


def errors(placeholders: list[str], mapping: object) -> list[str]:
    with translation.override("en"):
        return mapping_errors(placeholders, mapping, KNOWN)


def test_the_seeds_mapping_is_right_and_resolves() -> None:
    assert errors(list(SEED), SEED) == []
    values, missing = resolve(
        compile_mapping(SEED, SEED),
        {"first_name": "João", "max_offer_value_formatted": "R$ 50.000,00", "credit_tax": "1.99% a.m."},
    )
    assert values == {"name": "João", "creditvalue": "R$ 50.000,00", "credittax": "1.99% a.m."}
    assert missing == []


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({}, "not mapped: name"),
        ({"name": "first_name", "x": "first_name"}, "no such placeholder: x"),
        ({"name": "fist_name"}, "no such contact attribute: name → fist_name"),
        ({"name": {"field": "nope", "default": "x"}}, "no such contact attribute: name → nope"),
        ({"name": {"default": "x"}}, "“field” is missing"),
        ({"name": {"field": 3}}, "“field” is missing"),
        ({"name": {"field": "first_name", "default": 3}}, "“default” is a text"),
        ({"name": {"field": "first_name", "default": "x" * 501}}, "at most 500"),
        ({"name": {"field": "first_name", "deflaut": "x"}}, "not deflaut"),
        ({"name": 3}, "give an attribute's name"),
        ({"name": None}, "give an attribute's name"),
        ([["name", "first_name"]], "is an object"),
        (None, "is an object"),
        ({"name": "first_name", "y" * 300: "first_name"}, "y" * 60 + "…"),
    ],
)
def test_a_wrong_mapping_is_told_with_the_offending_name(mapping: object, message: str) -> None:
    found = errors(["name"], mapping)
    assert len(found) == 1
    assert message in found[0]


def test_several_errors_are_told_at_once() -> None:
    assert len(errors(["name", "credittax"], {"x": "nope"})) == 3


def test_a_default_stands_in_for_what_was_not_given() -> None:
    mapping = compile_mapping({"name": {"field": "first_name", "default": "cliente"}}, ["name"])
    for attributes in ({}, {"first_name": None}, {"first_name": "  "}):
        assert resolve(mapping, attributes) == ({"name": "cliente"}, [])
    assert resolve(mapping, {"first_name": "Ana"}) == ({"name": "Ana"}, [])


def test_a_default_does_not_hide_a_value_of_the_wrong_kind() -> None:
    mapping = compile_mapping({"name": {"field": "first_name", "default": "cliente"}}, ["name"])
    assert resolve(mapping, {"first_name": ["Ana"]}) == ({}, ["first_name"])


def test_an_empty_default_is_a_default() -> None:
    mapping = compile_mapping({"name": {"field": "first_name", "default": ""}}, ["name"])
    assert resolve(mapping, {}) == ({"name": ""}, [])


def test_missing_attributes_are_named() -> None:
    assert resolve(compile_mapping(SEED, SEED), {"first_name": "João"}) == (
        {"name": "João"},
        ["max_offer_value_formatted", "credit_tax"],
    )


def test_a_placeholder_added_after_the_mapping_stops_the_message() -> None:
    assert resolve(compile_mapping(SEED, [*SEED, "new"]), {"first_name": "x"})[1][-1] == "{{new}}"


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=5), st.dictionaries(st.text(max_size=8), json_values))
def test_whatever_is_stored_and_sent_either_renders_or_names_what_is_missing(
    mapping: dict[str, Any], attributes: dict[str, Any]
) -> None:
    body = compile_text("{{a}} {{b}}")
    values, missing = resolve(compile_mapping(mapping, body.names), attributes)
    if missing:
        assert set(values) < set(body.names)
    else:
        render(body, values)


@given(st.lists(st.text(max_size=5), unique=True, max_size=4), json_values)
def test_whatever_an_author_writes_is_judged_and_what_passes_resolves(placeholders: list[str], mapping: object) -> None:
    if not errors(placeholders, mapping):
        assert isinstance(mapping, dict)
        values, missing = resolve(compile_mapping(mapping, placeholders), dict.fromkeys(KNOWN, "x"))
        assert not missing
        assert set(values) == set(placeholders)
