from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from prism.embedded.kafka import Kafka
from prism.embedded.records import load

HYPHEN, PLAIN = uuid.UUID(bytes=b"\xf8" + bytes(15)), uuid.UUID(bytes=bytes(16))


def test_an_id_that_kafkas_tool_would_take_for_an_option_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter((HYPHEN, PLAIN, HYPHEN))
    monkeypatch.setattr("uuid.uuid4", lambda: next(drawn))
    for _ in range(2):
        Kafka(tmp_path, lambda _line: None).prepare()
        assert load(tmp_path / "kafka.json").secrets == {"cluster_id": "A" * 22}
