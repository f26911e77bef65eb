"""What the sandbox does on a connection: an answer, when, and what becomes of the connection then."""

from __future__ import annotations

import enum
from typing import NamedTuple, Protocol


class After(enum.Enum):
    """What becomes of the connection once the answer, if any, is out."""

    KEEP = enum.auto()
    CLOSE = enum.auto()
    RESET = enum.auto()
    HANG = enum.auto()
    ENCRYPT = enum.auto()
    """TLS begins (STARTTLS)."""


class Reply(NamedTuple):
    data: bytes
    after: After = After.KEEP
    delay_ms: int = 0


class Talk(Protocol):
    """What one connection speaks."""

    greeting: Reply | None
    """Said before anything is asked."""

    def take(self, inbox: bytes) -> tuple[Reply | None, int]:
        """The answer to what stands first in the inbox, None where that is not complete or needs none; and how many
        bytes of the inbox are done with."""
