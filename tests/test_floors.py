"""The floors hold only for the rooms that the contract names: none may be forgotten."""

from __future__ import annotations

import tomllib
from pathlib import Path

from django.apps import apps

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
ROOMS = {config.name for config in apps.get_app_configs() if Path(config.path).parent == CHECKOUT}


def test_every_room_stands_on_a_floor() -> None:
    (floors,) = [contract for contract in PROJECT["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"]
    assert {room for line in floors["layers"] for room in line.split(" | ")} == ROOMS
    assert set(PROJECT["tool"]["importlinter"]["root_packages"]) == ROOMS


def test_every_room_counts_for_coverage() -> None:
    assert set(PROJECT["tool"]["coverage"]["run"]["source"]) == ROOMS


def test_tests_mirror_the_rooms() -> None:
    tested = {path.name for path in (CHECKOUT / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py"))}
    assert tested >= ROOMS
