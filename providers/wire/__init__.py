"""The wire: hardened once, so that no transport does I/O (architecture, decisions 13 and 14)."""

from providers.wire.driver import Wire, boottime

__all__ = ["Wire", "boottime"]
