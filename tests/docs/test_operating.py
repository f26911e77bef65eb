"""What operators read is what the code does: every command, every alarm, every setting is there, and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from prism.jobs import JOBS
from tests.databases import CHECKOUT

OPERATING, ALARMS, SETTINGS, JOBS_PAGE = (
    CHECKOUT / "docs" / f"{name}.md" for name in ("operating", "alarms", "settings", "jobs")
)
ROOMS = sorted(path.parent for path in CHECKOUT.glob("*/apps.py"))
LEVELS = {"warning", "error", "exception", "critical"}
FIRST_COLUMN = re.compile(r"^\| (`[^|]+?`) \|", re.MULTILINE)


def first_columns(page: Path) -> set[str]:
    """Everything in code quotes in the first column of the page's tables."""
    return {name for cell in FIRST_COLUMN.findall(page.read_text()) for name in re.findall(r"`([^`]+)`", cell)}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for room in ROOMS:
        for path in room.rglob("*.py"):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text())


def calls(tree: ast.Module) -> Iterator[tuple[ast.Call, ast.Attribute]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node, node.func


def test_every_command_is_explained() -> None:
    ours = {path.stem for path in CHECKOUT.glob("*/management/commands/*.py")} - {"__init__"}
    table = OPERATING.read_text().partition("## Every command")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == ours


def test_every_alarm_is_explained_and_none_is_made_up() -> None:
    raised = set()
    for path, tree in sources():
        for call, function in calls(tree):
            if function.attr in LEVELS and isinstance(function.value, ast.Name) and function.value.id == "log":
                name = call.args[0]
                assert isinstance(name, ast.Constant), f"{path}:{call.lineno}: an alarm's name is a literal"
                raised.add(str(name.value))
    explained = {name for name in first_columns(ALARMS) if re.fullmatch(r"[a-z_]+", name)}
    assert explained == raised | {"action"}


def test_every_number_that_is_alerted_on_exists() -> None:
    text = "".join(path.read_text() for path, _tree in sources())
    text += "".join(path.read_text() for path in CHECKOUT.glob("*/migrations/*.py"))
    wanted = set(re.findall(r"\bprism_[a-z_]+", ALARMS.read_text()))
    assert len(wanted) > 8
    assert {name for name in wanted if name.removesuffix("_total") not in text} == set()


def test_every_setting_is_explained_and_every_explained_one_is_read() -> None:
    read = {
        node.args[0].value
        for path, tree in sources()
        if path.parent.name == "prism"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
        if isinstance(node.args[0].value, str) and re.fullmatch(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+", node.args[0].value)
    }
    explained = {name for name in first_columns(SETTINGS) if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}
    assert explained <= read | {"SECRET_KEY", "FERNET_KEYS"}, "explained, but read nowhere"
    settings = ast.parse((CHECKOUT / "prism" / "settings.py").read_text())
    asked = {
        call.args[0].value
        for call, function in calls(settings)
        if isinstance(function.value, ast.Name) and function.value.id == "read" and call.args
        if isinstance(call.args[0], ast.Constant)
    }
    assert asked - explained == set(), "read, but explained nowhere"


def test_every_periodic_job_is_explained_with_its_command() -> None:
    text = JOBS_PAGE.read_text()
    for job in JOBS:
        assert f"| {job.name} |" in text, job.name
        assert f"`{job.command}`" in text, job.name
