"""What is remembered about a server between runs: ports, process, secrets. One small file per server, mode 0600."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from prism.embedded.accounts import give_to, owner_of
from prism.embedded.errors import EmbeddedError
from prism.embedded.processes import Process


class Record(msgspec.Struct):
    ports: dict[str, int] = {}
    process: Process | None = None
    secrets: dict[str, str] = {}
    # Where the data live if not below the root, because the server's user cannot reach that.
    outside: str = ""


def load(path: Path) -> Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except FileNotFoundError:
        return Record()
    except msgspec.DecodeError as error:
        raise EmbeddedError(
            f"{path} is unreadable ({error}): remove {path.parent} to start anew, without its data."
        ) from None


def save(path: Path, record: Record) -> None:
    """Atomic: a reader sees the old record or the new one, never half of one."""
    half = path.with_suffix(".new")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(record)))
    give_to(owner_of(path.parent), half)
    half.replace(path)
