"""The system's Chromium, found and started so that it talks to nobody but this machine."""

from __future__ import annotations

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium here: apt install chromium (or name a Chrome by CHROMIUM=/path), then run the tests again"
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


def program() -> str:
    """Its path. Raises where there is none: a test that quietly leaves itself out proves nothing."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise AssertionError(MISSING)
    return found


def arguments() -> list[str]:
    """Chromium's own sandbox refuses to start as root, as in a container."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
