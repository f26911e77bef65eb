"""What the documents point at exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.databases import CHECKOUT

DOCUMENTS = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
PATH = re.compile(
    r"`((?:prism|tenants|providers|outbox|templates|audiences|campaigns|dispatching|ingestion|tests|docs)/[\w./]+)`"
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_every_link_and_path_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    links = [document.parent / target for target in LINK.findall(text)]
    paths = [CHECKOUT / path for path in PATH.findall(text)]
    assert [str(target) for target in (*links, *paths) if not target.exists()] == []


def test_every_decision_record_has_its_line_in_the_table() -> None:
    place = CHECKOUT / "docs" / "decisions"
    records = {path.name for path in place.glob("0*.md")}
    assert set(LINK.findall((place / "README.md").read_text())) == records
    for name in records:
        assert (place / name).read_text().startswith(f"# {int(name[:4])}. ")


def test_every_management_command_in_the_readme_exists() -> None:
    named = set(re.findall(r"manage\.py (\w+)", (CHECKOUT / "README.md").read_text()))
    ours = {path.stem for path in CHECKOUT.glob("*/management/commands/*.py")}
    assert named - ours == {"migrate", "collectstatic", "createsuperuser"}
