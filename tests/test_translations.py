"""Every room with a catalogue has all of its texts in it, and the compiled file is the one of the readable file."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
MARKS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
ENTRY = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?) (".*")$')

ROOMS = sorted(path.parent.name for path in CHECKOUT.glob("*/locale"))


def texts_of(room: str) -> set[str]:
    """The msgids of the room's code."""
    return {
        text
        for path in (CHECKOUT / room).rglob("*.py")
        if "migrations" not in path.parts
        for text in _marked(ast.parse(path.read_text()))
    }


def _marked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.func, ast.Name | ast.Attribute):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        argument = node.args[1 if name.startswith("pgettext") and len(node.args) > 1 else 0]
        if name in MARKS and isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value


def readable(path: Path) -> dict[str, list[str]]:
    """msgid → translations, one or one per plural form."""
    found: dict[str, list[str]] = {}
    field, msgid = "", ""
    for line in path.read_text().splitlines():
        entry = ENTRY.match(line)
        if entry is None and not line.startswith('"'):
            continue
        text = ast.literal_eval(entry[2] if entry else line)
        if entry and entry[1] == "msgid":
            field, msgid = "msgid", text
        elif entry:
            field = entry[1]
            if field.startswith("msgstr"):
                found.setdefault(msgid, []).append(text)
        elif field == "msgid":
            msgid += text
        elif field.startswith("msgstr"):
            found[msgid][-1] += text
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_every_text_of_the_room_is_translated(room: str) -> None:
    catalogue = readable(CHECKOUT / room / "locale/pt_BR/LC_MESSAGES/django.po")
    missing = {text for text in texts_of(room) if not all(catalogue.get(text, [""]))}
    assert missing == set()


def test_one_text_has_one_translation_in_all_rooms() -> None:
    """Django merges the catalogues of all rooms: of two translations one is shown everywhere, whichever room asks."""
    said: dict[str, dict[str, list[str]]] = {}
    for room in ROOMS:
        for text, translations in readable(CHECKOUT / room / "locale/pt_BR/LC_MESSAGES/django.po").items():
            said.setdefault(text, {})[room] = translations
    torn = {text: rooms for text, rooms in said.items() if text and len(set(map(tuple, rooms.values()))) > 1}
    assert torn == {}


@pytest.mark.parametrize("room", ROOMS)
def test_the_catalogue_holds_nothing_that_the_room_no_longer_says(room: str) -> None:
    catalogue = readable(CHECKOUT / room / "locale/pt_BR/LC_MESSAGES/django.po")
    templates = "".join(path.read_text() for path in CHECKOUT.glob("*/html/**/*.html"))
    templates += "".join(path.read_text() for path in CHECKOUT.glob("*/templates/**/*.html"))
    # {% blocktranslate %} writes its values as {{ name }}.
    templates += re.sub(r"\{\{ (\w+) \}\}", r"%(\1)s", templates)
    left_over = {text for text in set(catalogue) - texts_of(room) - {""} if text not in templates}
    assert left_over == set()


@pytest.mark.parametrize("room", ROOMS)
def test_the_compiled_catalogue_is_fresh(room: str) -> None:
    folder = CHECKOUT / room / "locale/pt_BR/LC_MESSAGES"
    with (folder / "django.mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for text, translations in readable(folder / "django.po").items():
        for count, translation in zip((1, 2), translations, strict=False):
            said = compiled.ngettext(text, "", count) if len(translations) > 1 else compiled.gettext(text)
            assert said == translation, f"run msgfmt on {folder}/django.po"


@pytest.mark.parametrize("room", ROOMS)
def test_translations_keep_the_values_of_their_text(room: str) -> None:
    value = re.compile(r"%\(\w+\)[sd]|\{\{\w+\}\}")
    for text, translations in readable(CHECKOUT / room / "locale/pt_BR/LC_MESSAGES/django.po").items():
        for translation in translations:
            assert set(value.findall(translation)) == set(value.findall(text)), text
