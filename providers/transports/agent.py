"""The name that Prism's requests carry."""

from __future__ import annotations

import tomllib
from pathlib import Path

_PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def _version() -> str:
    """From the project's own file, which every deployment carries beside the code."""
    return str(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["version"])


USER_AGENT = f"User-Agent: prism/{_version()}"
