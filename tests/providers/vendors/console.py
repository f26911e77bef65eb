"""What the conformance kit needs to know of the console: it prints, so there is nothing to simulate."""

from __future__ import annotations
