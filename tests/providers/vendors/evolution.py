"""What the conformance kit needs to know of Evolution."""

from __future__ import annotations

ECHOES = False
"""It has no place for our dispatch's id; reports name the key that it gave the message."""
HEALTH_IN_BODY = True
"""The state of the session stands there."""
