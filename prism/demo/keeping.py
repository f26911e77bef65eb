"""What the demo keeps between runs: generated keys and the administrator's password, in `.local/demo.env` (0600)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from prism.embedded.accounts import give_to, owner_of

PASSWORD = "ADMIN_PASSWORD"  # noqa: S105  (the variable's name, not a password)


def kept_environment(path: Path) -> dict[str, str]:
    """The variables of the file; what is missing is generated and written at once, so that later runs agree."""
    kept = _read(path)
    missing = {name: make() for name, make in _MAKERS.items() if not kept.get(name)}
    if missing:
        kept |= missing
        _write(path, kept)
    return kept


def _key() -> str:
    return secrets.token_urlsafe(48)


def _password() -> str:
    """Short enough to be typed."""
    return "-".join(secrets.token_hex(2) for _ in range(4))


_MAKERS = {"SECRET_KEY": _key, "FERNET_KEYS": _key, PASSWORD: _password}


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, sign, value in pairs if sign}


def _write(path: Path, values: dict[str, str]) -> None:
    """All of it or nothing: a run that is cut short leaves no half file behind."""
    half = path.with_suffix(".new")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    give_to(owner_of(path.parent), half)
    half.replace(path)
