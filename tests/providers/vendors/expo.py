"""What the conformance kit needs to know of Expo."""

from __future__ import annotations

PROVIDER_TYPE = "PUSH"
ADDRESS = "ExponentPushToken[xyz123]"
