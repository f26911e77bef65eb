"""Storms happen in a world like that of the journeys, with enough partitions for consumers that come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.world import World


@pytest.fixture
def world(
    process_environment: dict[str, str], tmp_path: Path, group: Callable[[str], str], topic: Callable[..., str]
) -> Iterator[World]:
    """Prism on this test's database and topics; nothing runs yet."""
    opened = World(
        process_environment,
        tmp_path,
        triggers=topic("triggers", partitions=6),
        facts=topic("facts", partitions=6),
        group=group("consumers"),
    )
    yield opened
    opened.end()
