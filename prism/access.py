"""What the web role may do with each table; applied after every migrate, proven complete by a test."""

from __future__ import annotations


def connect() -> None:
    """Placeholder until grants are declared below."""
