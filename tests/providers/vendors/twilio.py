"""What the conformance kit needs to know of Twilio."""

from __future__ import annotations

PROVIDER_TYPE = "SMS"
ECHOES = False
"""The dispatch's id is in the address for reports, which an example without a public address has not."""
