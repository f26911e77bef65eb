"""docs/api.md: its examples are what happens, in the order in which they stand there."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.api.callers import Caller

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CALL = re.compile(r"^(curl .*?)\n# (\d{3})(.*?)$", re.MULTILINE | re.DOTALL)


class Shell:
    """As much of one as the page needs: variables, quotes, and curl."""

    def __init__(self, key: str) -> None:
        self.variables = {"PRISM": "", "KEY": key}
        self.client = Client(raise_request_exception=False)

    def run(self, command: str) -> Any:
        words = shlex.split(self._filled(command.replace("\\\n", " ")))[1:]
        method, headers, body, address = "GET", {}, b"", ""
        while words:
            word = words.pop(0)
            if word == "-X":
                method = words.pop(0)
            elif word == "-H":
                name, _, value = words.pop(0).partition(": ")
                headers[name] = value
            elif word == "-d":
                body = words.pop(0).encode()
            else:
                address = word
        content_type = headers.pop("Content-Type", "application/octet-stream")
        return self.client.generic(method, address, body, content_type, headers=headers)

    def remember(self, assignments: str, answer: Any) -> None:
        for name, source in re.findall(r"(\w+)=(\w+)", assignments):
            self.variables[name] = answer["ETag"] if source == "ETag" else str(answer.json()[source])

    def _filled(self, text: str) -> str:
        """Variables outside of single quotes, as a shell does it."""
        parts = re.split(r"('[^']*')", text)
        return "".join(
            part if part.startswith("'") else re.sub(r"\$(\w+)", lambda found: self._value(found[1]), part)
            for part in parts
        )

    def _value(self, name: str) -> str:
        # Quotes of an ETag belong to it.
        return self.variables[name].replace('"', '\\"')


def test_what_the_page_shows_is_what_happens(caller: Caller) -> None:
    shell = Shell(caller.key)
    answer: Any = None
    calls = shown = 0
    for kind, block in BLOCK.findall(TEXT):
        if kind == "sh":
            for command, status, assignments in CALL.findall(block):
                answer = shell.run(command)
                assert str(answer.status_code) == status, (command, answer.content.decode())
                shell.remember(assignments, answer)
                calls += 1
        else:
            assert_has(answer.json(), json.loads(block))
            shown += 1
    assert calls >= 15
    assert shown >= 9


def assert_has(actual: Any, wanted: Any) -> None:
    """Everything that is shown is there; what is not shown may be there too."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            assert_has(actual[name], value)
    elif isinstance(wanted, list):
        assert len(actual) == len(wanted), actual
        for one, other in zip(actual, wanted, strict=True):
            assert_has(one, other)
    else:
        assert actual == wanted


def test_the_page_names_no_code_that_there_is_not() -> None:
    from tenants.api.problem_types import TYPES

    for code in ("missing_scope", "malformed_json", "invalid_parameters", "in_use", "conflict"):
        assert code in TYPES
        assert f"`{code}`" in TEXT
