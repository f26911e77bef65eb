"""Formatting for Telegram: places instead of a language to parse, and nothing that a contact's value could break."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.transports.telegram.markup import MARKERS, Marked, read_markup

ADDRESS = "https://example.com/a_b?c=*d*"
MEAN = st.text(st.sampled_from("*_~|`[]()\\ ab\n👋h:/.") | st.characters(exclude_categories=["Cs"]), max_size=40)


def marked(body: str, *values: str, buttons: bool = False) -> Marked:
    return read_markup(body, values, formatting=True, buttons=buttons)


def shown(given: Marked) -> list[tuple[str, str]]:
    """(type, the text that it covers), cut out as Telegram does: by UTF-16 code units."""
    units = given.text.encode("utf-16-le")
    return [
        (one["type"], units[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"))
        for one in given.entities
    ]


@pytest.mark.parametrize(
    ("body", "text", "entities"),
    [
        ("Olá *Ana*!", "Olá Ana!", [("bold", "Ana")]),
        ("Olá **Ana**!", "Olá Ana!", [("bold", "Ana")]),
        (
            "_a_ __b__ ~c~ ||d||",
            "a b c d",
            [("italic", "a"), ("underline", "b"), ("strikethrough", "c"), ("spoiler", "d")],
        ),
        ("*a _b_ c*", "a b c", [("bold", "a b c"), ("italic", "b")]),
        ("👋 *é👋*", "👋 é👋", [("bold", "é👋")]),
        ("use `a*b*` agora", "use a*b* agora", [("code", "a*b*")]),
        ("```\nx = 1\n```", "x = 1", [("pre", "x = 1")]),
        ("*veja `x` já*", "veja x já", [("code", "x")]),
        (f"[veja]({ADDRESS})", "veja", [("text_link", "veja")]),
        (f"*[veja]({ADDRESS})*", "veja", [("bold", "veja"), ("text_link", "veja")]),
        (r"\*não\* \_é\_", "*não* _é_", []),
        ("a\\b", "a\\b", []),
    ],
)
def test_what_is_complete_becomes_formatting(body: str, text: str, entities: list[tuple[str, str]]) -> None:
    found = marked(body)
    assert (found.text, shown(found)) == (text, entities)


def test_a_link_carries_its_address() -> None:
    (link,) = marked(f"a [b]({ADDRESS})").entities
    assert link == {"type": "text_link", "offset": 2, "length": 1, "url": ADDRESS}


@pytest.mark.parametrize(
    "body",
    [
        "*Ana",
        "Ana*",
        "5 * 3 * 2",
        "my_file_name",
        "* *",
        "**",
        "||",
        "`",
        "``",
        "[a]",
        "[a](b)",
        "[a](javascript:alert(1))",
        "[a](https://)",
        "[](https://example.com)",
        "[a](https://example.com",
        "R$ 10,00 - 20% (hoje)! #1 + {x} = > <b>",
        "\\",
    ],
)
def test_what_is_not_stays_as_it_was_typed(body: str) -> None:
    assert marked(body) == Marked(body, [], [])


def test_an_end_that_is_missing_takes_nothing_else_with_it() -> None:
    found = marked("*um e *dois*, _três")
    assert (found.text, shown(found)) == ("*um e dois, _três", [("bold", "dois")])


@pytest.mark.parametrize("value", ["Ana*", "_x_", "`", "[a](https://evil.example)", "A|B||", "\\*", "(1)", "a_b_c*d*"])
def test_a_contact_s_value_is_text_whatever_it_holds(value: str) -> None:
    plain = marked(f"Olá {value}!", value)
    assert plain == Marked(f"Olá {value}!", [], [])
    bold = marked(f"*{value}* e _{value}_", value)
    assert (bold.text, shown(bold)) == (f"{value} e {value}", [("bold", value), ("italic", value)])


@pytest.mark.parametrize("address", [ADDRESS, "https://example.com/(a)_b_", "https://example.com/a]b[c"])
def test_a_contact_s_address_can_be_linked_to(address: str) -> None:
    (link,) = marked(f"[veja]({address})", address).entities
    assert link["url"] == address
    assert marked(f"texto\n[veja]({address})", address, buttons=True).buttons == [[{"text": "veja", "url": address}]]


def test_lines_of_links_at_the_end_become_rows_of_buttons() -> None:
    found = marked(f"*Oi*\n\n[A]({ADDRESS})  [B](tg://x)\n\n[C](https://c.example)\n", buttons=True)
    assert (found.text, shown(found)) == ("Oi", [("bold", "Oi")])
    assert found.buttons == [
        [{"text": "A", "url": ADDRESS}, {"text": "B", "url": "tg://x"}],
        [{"text": "C", "url": "https://c.example"}],
    ]


@pytest.mark.parametrize(
    "body",
    [
        "[A](https://a.example)",
        "Oi [A](https://a.example)",
        "[A](https://a.example)\nOi",
        "Oi\n[A](https://a.example) agora",
        "Oi\n[A](javascript:x)",
    ],
)
def test_other_links_are_no_buttons(body: str) -> None:
    assert marked(body, buttons=True).buttons == []
    assert read_markup(body, (), formatting=False, buttons=True) == Marked(body, [], [])


def test_a_value_cannot_make_a_button() -> None:
    value = "Ana\n[Ganhe](https://evil.example)"
    assert marked(f"Oi {value}", value, buttons=True) == Marked(f"Oi {value}", [], [])


def test_buttons_work_without_formatting() -> None:
    body = "*Oi*\n[A](https://a.example)"
    found = read_markup(body, (), formatting=False, buttons=True)
    assert found == Marked("*Oi*", [], [[{"text": "A", "url": "https://a.example"}]])


@pytest.mark.parametrize("mean", ["[", "`", "*a", "*a ", "_ _", "[](", "||", "\\\\"])
def test_no_text_takes_long_to_read(mean: str) -> None:
    body = mean * (16_384 // len(mean))
    began = time.perf_counter()
    marked(body, "](" * 5000, buttons=True)
    marked("[" * 1000 + "](" * 5000, "](" * 5000)
    assert time.perf_counter() - began < 5


@given(MEAN, st.lists(MEAN, max_size=2), st.booleans(), st.booleans())
def test_whatever_is_typed_its_places_lie_in_the_text(
    body: str, values: list[str], formatting: bool, buttons: bool
) -> None:
    found = read_markup(body, values, formatting=formatting, buttons=buttons)
    units = len(found.text.encode("utf-16-le", "surrogatepass")) // 2
    ends: list[tuple[int, int]] = []
    for one in found.entities:
        start, end = one["offset"], one["offset"] + one["length"]
        assert 0 <= start < end <= units
        assert all(end <= a or start >= b or (a <= start and end <= b) for a, b in ends), "nested, or apart"
        ends.append((start, end))
    assert sum(map(len, found.text.split())) <= sum(map(len, body.split()))


@given(
    st.sampled_from(sorted(MARKERS)),
    st.text(st.characters(exclude_categories=["Cs", "Zs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20),
)
def test_a_marked_value_is_marked_as_a_whole(marker: str, value: str) -> None:
    found: Any = marked(f"x {marker}{value}{marker} y", value)
    if value in f"x {marker} y" or marker.startswith(value):
        return  # the value is also elsewhere in the text
    assert (found.text, shown(found)) == (f"x {value} y", [(MARKERS[marker], value)])
