"""When a dispatch is tried again (seed 002 §9; contract.md, Providers). Pure."""

from __future__ import annotations

import random

from providers.settings import ProviderSettings

JITTER = 0.2
LONGEST_WAIT = 86400.0
"""A daily limit is over tomorrow; what a vendor asks for beyond that is not believed."""


def delay_before(
    attempt: int, settings: ProviderSettings, retry_after: float | None, jitter: float | None = None
) -> float:
    """Seconds before attempt `attempt` (the second is 2). What the vendor asks for counts where it is longer."""
    base = min(settings.max_delay_s, settings.base_delay_s * 2.0 ** min(attempt - 2, 40))
    spread = random.random() if jitter is None else jitter  # noqa: S311  (spreads load, keeps no secret)
    wait = base * (1 - JITTER + 2 * JITTER * spread)
    return max(wait, min(retry_after or 0.0, LONGEST_WAIT))
