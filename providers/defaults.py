"""Defaults of the knobs in a provider's configuration: named once, for schemas and for workers."""

DEFAULT_CONCURRENCY = 64
DEFAULT_TIMEOUT_MS = 15_000
DEFAULT_CONNECT_TIMEOUT_MS = 5_000
# Seed 002 §9.
DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_BASE_DELAY_MS = 1_000
DEFAULT_MAX_DELAY_MS = 30_000
