"""How a template reads before anybody gets it, and what a version changed."""

from __future__ import annotations

import pytest

from templates.differences import Change, changes_between
from templates.previewing import preview_texts, sms_parts


def test_what_nothing_fills_stays_in_sight() -> None:
    preview = preview_texts(
        subject="Oi {{name}}",
        body="100% {{name}} {{gone}}!",
        variants=["{{gone}}"],
        values={"name": "Ana"},
        channel="sms",
    )
    assert [(piece.text, piece.missing) for piece in preview.wordings[0].pieces] == [
        ("100% Ana ", False),
        ("{{gone}}", True),
        ("!", False),
    ]
    assert [piece.text for piece in preview.subject] == ["Oi Ana"]
    assert [wording.length for wording in preview.wordings] == [10, 0]


def test_a_value_that_looks_like_a_placeholder_is_a_value() -> None:
    preview = preview_texts(subject="", body="{{a}}", variants=[], values={"a": "{{b}} %s"}, channel="PUSH")
    assert [(piece.text, piece.missing) for piece in preview.wordings[0].pieces] == [("{{b}} %s", False)]


@pytest.mark.parametrize(("limit", "length", "over"), [(None, 4096, False), (None, 4097, True), (10, 11, True)])
def test_the_providers_limit_goes_before_the_channels(limit: int | None, length: int, over: bool) -> None:
    preview = preview_texts(subject="", body="x" * length, variants=[], values={}, channel="WHATSAPP", limit=limit)
    assert preview.wordings[0].over is over
    assert preview.limit == (limit or 4096)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ã" * 70, 1),
        ("ã" * 71, 2),
    ],
)
def test_short_messages_are_counted_as_networks_split_them(text: str, parts: int) -> None:
    assert sms_parts(text) == parts


@pytest.mark.parametrize(
    ("channel", "body", "html"), [("EMAIL", "<p>Oi</p>", True), ("EMAIL", "1 < 2", False), ("SMS", "<p>Oi</p>", False)]
)
def test_only_an_e_mail_with_markup_is_a_page(channel: str, body: str, html: bool) -> None:
    assert preview_texts(subject="", body=body, variants=[], values={}, channel=channel).html is html


def test_a_change_is_told_word_by_word() -> None:
    assert changes_between("Olá {{name}}, tudo bem?", "Oi {{name}}, tudo bem!") == [
        Change("Olá", "removed"),
        Change("Oi", "added"),
        Change(" {{name}}, tudo bem", "same"),
        Change("?", "removed"),
        Change("!", "added"),
    ]


def test_long_texts_are_compared_by_line_and_in_time() -> None:
    before = "\n".join(f"line {number} of the body" for number in range(1_500))
    changes = changes_between(before, before.replace("line 7 ", "row 7 "))
    assert [change.text for change in changes if change.kind == "added"] == ["row 7 of the body\n"]
