"""What the conformance kit needs to know of Blip."""

from __future__ import annotations

HEALTH_POSTS = True
"""It is asked for by a command, /ping, which reaches nobody."""
