from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from templates.rendering import (
    choose,
    compile_text,
    is_missing,
    placeholders_of,
    render,
    suspicious_placeholders,
    value_text,
)

SEED_BODY = (
    "Olá {{name}}, chegou a Black Friday! Você tem uma oferta de crédito de {{creditvalue}}"
    " com taxa de {{credittax}}. Aproveite!"
)

names = st.from_regex(r"\A[A-Za-z0-9_]{1,8}\Z")
literals = st.text(st.sampled_from("ab{}% s\n1_ç\\$"), max_size=12)
texts = st.lists(st.one_of(literals, names.map(lambda name: "{{" + name + "}}")), max_size=8).map("".join)


def test_the_seeds_example_becomes_the_message() -> None:
    values = {"name": "João", "creditvalue": "R$ 50.000,00", "credittax": "1.99% a.m."}
    assert placeholders_of(SEED_BODY) == ["name", "creditvalue", "credittax"]
    assert render(compile_text(SEED_BODY), values) == (
        "Olá João, chegou a Black Friday! Você tem uma oferta de crédito de R$ 50.000,00"
        " com taxa de 1.99% a.m.. Aproveite!"
    )


def test_placeholders_are_listed_once_in_order_over_all_texts() -> None:
    assert placeholders_of("{{b}}", "{{a}} {{b}}", "{{c}}{{a}}") == ["b", "a", "c"]


@given(texts, st.data())
def test_rendering_is_the_seeds_regular_expression(text: str, data: st.DataObject) -> None:
    values = {name: data.draw(st.text(max_size=6)) for name in placeholders_of(text)}
    expected = re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], text, flags=re.ASCII)
    compiled = compile_text(text)
    assert render(compiled, values) == expected
    assert list(compiled.names) == placeholders_of(text)


@given(st.text())
def test_any_text_compiles_and_one_without_placeholders_stays_as_it_is(text: str) -> None:
    compiled = compile_text(text)
    if not compiled.names:
        assert render(compiled, {}) == text


def test_placeholders_inside_values_stay_text() -> None:
    compiled = compile_text("{{a}} {{b}}")
    assert render(compiled, {"a": "{{b}} %s %(b)s {b}", "b": "x"}) == "{{b}} %s %(b)s {b} x"


def test_a_value_that_is_not_there_is_an_error_not_a_gap() -> None:
    with pytest.raises(KeyError):
        render(compile_text("{{a}} {{b}}"), {"a": "x"})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("João", "João"),
        (" x ", " x "),
        (5, "5"),
        (0, "0"),
        (50000.00, "50000"),
        (1500.5, "1500.5"),
        (0.1, "0.1"),
        (-0.0, "0"),
        (1e300, "1e+300"),
        ("", None),
        (" \t\n", None),
        (None, None),
        (True, None),
        (["a"], None),
        ({"a": 1}, None),
        (float("nan"), None),
        (float("inf"), None),
        pytest.param(10**5000, None, id="huge"),
    ],
)
def test_attribute_values_become_text_or_nothing(value: object, text: str | None) -> None:
    assert value_text(value) == text


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists))
def test_no_attribute_value_fails_or_writes_blank(value: object) -> None:
    text = value_text(value)
    assert text is None or text.strip() or text == value
    if is_missing(value):
        assert text is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(value: float) -> None:
    assert float(value_text(value) or "nan") == value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Olá {{name}}", []),
        ("Olá {{ name }}", ["{{ name }}"]),
        ("Olá {{preço}}", ["{{preço}}"]),
        ("Olá {name}", ["{name}"]),
        ("Olá {{name}", ["{{name}"]),
        ("Olá {{}}", ["{{}}"]),
        ("Olá name}}", ["}}"]),
        ("Olá {{{name}}}", ["{", "}"]),
        ("{{first-name}} {{ok}} {{first-name}}", ["{{first-name}}"]),
        ("Olá {{name", ["{{name"]),
    ],
)
def test_what_only_looks_like_a_placeholder_is_named(text: str, found: list[str]) -> None:
    assert suspicious_placeholders(text) == found


@given(texts)
def test_texts_without_stray_braces_raise_no_suspicion(text: str) -> None:
    stray = re.search(r"[{}]", re.sub(r"\{\{\w+\}\}", "", text, flags=re.ASCII))
    if stray is None:
        assert suspicious_placeholders(text) == []


def test_each_person_keeps_one_wording_and_all_wordings_are_used() -> None:
    body, *variants = wordings = [compile_text(text) for text in ("a", "b", "c")]
    counts = dict.fromkeys("abc", 0)
    for number in range(3000):
        chosen = choose(body, variants, str(number))
        assert chosen is choose(body, variants, str(number))
        counts[chosen.pattern] += 1
    assert all(850 < count < 1150 for count in counts.values()), counts
    assert choose(body, [], "x") is wordings[0]
