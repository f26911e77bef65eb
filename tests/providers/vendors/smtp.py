"""What the conformance kit needs to know of SMTP."""

from __future__ import annotations

PROVIDER_TYPE = "EMAIL"
ADDRESS = "ana@example.com"
HEALTH_POSTS = True
"""It is asked for by a NOOP, which is neither GET nor HEAD."""
