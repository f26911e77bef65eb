"""What the conformance kit needs to know of SendGrid."""

from __future__ import annotations

PROVIDER_TYPE = "EMAIL"
ADDRESS = "ana@example.com"
