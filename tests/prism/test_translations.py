"""Every text for people is in its room's Portuguese catalogue, and the compiled catalogue is the written one."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

CHECKOUT = Path(__file__).resolve().parents[2]
ROOMS = sorted(path.parents[2].parent.name for path in CHECKOUT.glob("*/locale/pt_BR/LC_MESSAGES/django.po"))
NAMES = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
TAG = re.compile(r"""\{%\s*translate\s+(["'])(.+?)\1""")
BLOCK = re.compile(
    r"\{%\s*blocktranslate\b[^%]*%\}(.+?)(?:\{%\s*plural\s*%\}.+?)?\{%\s*endblocktranslate\s*%\}", re.DOTALL
)
VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def texts_of(room: str) -> Iterator[str]:
    """What the code of a room marks for translation."""
    for path in (CHECKOUT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in NAMES:
                yield from _constants(node.args[0])
    for path in (CHECKOUT / room).rglob("*.html"):
        source = path.read_text()
        yield from (found[1] for found in TAG.findall(source))
        # As Django looks for them: a per cent sign is written twice, a variable has its name.
        yield from (VARIABLE.sub(r"%(\1)s", text.replace("%", "%%")) for text in BLOCK.findall(source))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _constants(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        yield argument.value


def compiled(room: str) -> gettext.GNUTranslations:
    with (CHECKOUT / room / "locale" / "pt_BR" / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def written(room: str) -> dict[str, str]:
    """msgid → msgstr (the singular's) of the text that people edit."""
    source = (CHECKOUT / room / "locale" / "pt_BR" / "LC_MESSAGES" / "django.po").read_text()
    found = {}
    for entry in re.split(r"\n\s*\n", source):
        parts = re.split(r"^(msgid_plural|msgid|msgstr(?:\[\d\])?) ", entry, flags=re.MULTILINE)[1:]
        fields = {name: _unquoted(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
        if fields.get("msgid"):
            found[fields["msgid"]] = fields.get("msgstr", fields.get("msgstr[0]", ""))
    return found


def _unquoted(text: str) -> str:
    return "".join(str(ast.literal_eval(f'"{part}"')) for part in QUOTED.findall(text))


def test_the_rooms_with_texts_have_catalogues() -> None:
    assert set(ROOMS) >= {"tenants", "providers", "templates", "audiences", "campaigns", "dispatching", "prism"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_text_is_translated(room: str) -> None:
    catalogue = written(room)
    assert len(catalogue) > 5
    missing = sorted({text for text in texts_of(room) if not catalogue.get(text)})
    assert missing == []


@pytest.mark.parametrize("room", ROOMS)
def test_the_compiled_catalogue_is_the_written_one(room: str) -> None:
    """Not every machine has gettext's tools, so both are kept; `django-admin compilemessages` makes one of both."""
    messages = {
        (key[0] if isinstance(key, tuple) else key): value
        for key, value in compiled(room)._catalog.items()  # type: ignore[attr-defined]  # the only list of its entries
        if not isinstance(key, tuple) or key[1] == 0
    }
    messages.pop("", None)
    assert messages == {msgid: text for msgid, text in written(room).items() if text}


@pytest.mark.parametrize("room", ROOMS)
def test_translations_keep_their_placeholders(room: str) -> None:
    for msgid, text in written(room).items():
        wanted, given = (sorted(re.findall(r"%\((\w+)\)", one)) for one in (msgid, text))
        assert given == wanted or not text, msgid


def test_portuguese_is_what_django_shows() -> None:
    with translation.override("pt-br"):
        assert translation.gettext("All is well.") == "Está tudo bem."
