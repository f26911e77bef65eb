"""docs/adding-a-provider.md, followed to the letter: in a copy of the checkout, knowing only what it says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from providers.outcomes import Kind
from providers.sandbox.behaviours import BY_NAME
from providers.sandbox.dialects import DIALECTS
from providers.sandbox.dialects.dialect import Dialect
from providers.schemas import validate_configuration
from tests.databases import CHECKOUT
from tests.providers import makers
from tests.providers.delivering import Delivery
from tests.providers.sandbox.simulator import Simulator

DOCUMENT = (CHECKOUT / "docs" / "adding-a-provider.md").read_text()
BLOCK = re.compile(r"^```\w+ title=(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
BLOCKS = dict(BLOCK.findall(DOCUMENT))
REGISTRY = "providers/registry.py"
CATALOGUE = "providers/locale/pt_BR/LC_MESSAGES/django.po"
NOT_COPIED = (".git", ".venv", ".local", ".*_cache", "__pycache__", "staticfiles", "*.png", ".hypothesis")
ROW = "configuration"
KINDS = {
    "accept": Kind.ACCEPTED,
    "no-id": Kind.UNKNOWN,
    "reject": Kind.REJECTED,
    "invalid": Kind.RECIPIENT_INVALID,
    "opted-out": Kind.OPTED_OUT,
    "unauthorized": Kind.CONFIGURATION,
    "429": Kind.DEFERRED,
    "502": Kind.UNKNOWN,
    "503": Kind.DEFERRED,
}
KIT = ("test_conformance.py", "test_conformance_on_the_wire.py", "test_conformance_hearing.py")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The checkout with the vendor of the document."""
    place = tmp_path_factory.mktemp("adding") / "prism"
    shutil.copytree(CHECKOUT, place, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
    for name, text in BLOCKS.items():
        if name == ROW:
            continue
        path = place / name
        if name == REGISTRY:
            path.write_text(registered(path.read_text(), text))
        elif name == CATALOGUE:
            path.write_text(path.read_text() + "\n" + text)
        else:
            assert not path.exists(), "the document's vendor must not be one that is there"
            path.write_text(text)
    yield place
    shutil.rmtree(place)


def registered(registry: str, line: str) -> str:
    """The name in the import, and the line in the list."""
    name = line.strip().partition(".")[0]
    with_import = registry.replace("    Transport,\n", f"    Transport,\n    {name},\n", 1)
    with_line = with_import.replace("    for transport in (\n", f"    for transport in (\n{line}", 1)
    assert with_line.count(name) == 2, "the registry no longer looks as the document says"
    return with_line


def run(place: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=place, env=environment, capture_output=True, text=True, check=False
    )


def test_its_vendor_passes_the_kit(copy: Path) -> None:
    tests = [f"tests/providers/{name}" for name in KIT]
    done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-k", "pigeon", *tests)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 50, done.stdout


def test_its_code_is_written_as_ours_is(copy: Path) -> None:
    files = [name for name in BLOCKS if name.endswith(".py") and name != REGISTRY]
    checked = run(copy, "ruff", "check", *files)
    assert checked.returncode == 0, checked.stdout
    formatted = run(copy, "ruff", "format", "--check", *files)
    assert formatted.returncode == 0, formatted.stdout


def test_its_words_are_all_translated() -> None:
    code = BLOCKS["providers/transports/pigeon.py"]
    known = set(re.findall(r'^msgid "(.+)"$', (CHECKOUT / CATALOGUE).read_text(), re.MULTILINE))
    translated = set(re.findall(r'^msgid "(.+)"$', BLOCKS[CATALOGUE], re.MULTILINE))
    assert set(re.findall(r'\b_\("([^"]+)"\)', code)) - known == translated
    assert BLOCKS[CATALOGUE].count("msgstr") == len(translated)


def test_a_vendor_without_a_declaration_fails_the_kit(copy: Path) -> None:
    declaration = copy / "tests/providers/vendors/pigeon.py"
    text = declaration.read_text()
    declaration.unlink()
    try:
        done = run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-k", "declaration and pigeon", "tests/providers")
    finally:
        declaration.write_text(text)
    assert done.returncode == 1, done.stdout
    assert "tests/providers/vendors/pigeon.py is missing" in done.stdout


def test_its_row_does_the_same_without_code() -> None:
    """The same vendor, described: every behaviour that the file tells apart, the row tells apart too."""
    pigeon: dict[str, object] = {}
    exec(compile(BLOCKS["providers/sandbox/dialects/pigeon.py"], "pigeon", "exec"), pigeon)  # noqa: S102 - our own page
    dialect = pigeon["dialect"]
    assert isinstance(dialect, Dialect)
    row = msgspec.json.decode(BLOCKS[ROW])
    assert validate_configuration("SMS", row, allow_list=["PRISM_PROVIDER_*"]) == []
    with Simulator({"pigeon": makers.CANARY}, dialects={**DIALECTS, "pigeon": dialect}) as loft, Delivery() as delivery:
        settings = makers.settings({**row, "url": f"{loft.url}/pigeon/letters"}, "SMS")
        for behaviour, kind in KINDS.items():
            to = f"+5511970000{BY_NAME[behaviour].phone_code}"
            message = makers.message(to=to, dispatch_id=str(uuid.uuid4()))
            (outcome,) = delivery.deliver(settings, [message])
            assert outcome.kind is kind, (behaviour, outcome)
        assert [each.item.key for each in loft.taken] != []
