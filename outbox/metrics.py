"""What a relay tells Prometheus of itself. How much waits and what is parked lies in the database: prism.gauges."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SHARDS = Gauge("prism_outbox_shards", "Shards this relay holds", multiprocess_mode="livesum")
PUBLISHED = Counter("prism_outbox_published", "Facts that Kafka acknowledged", ["topic"])
PARKED = Counter("prism_outbox_parked", "Facts parked because Kafka refused them for good", ["problem"])
RESETS = Counter("prism_outbox_producer_resets", "Times the producer was given up and made anew", ["reason"])
LATENCY = Histogram(
    "prism_outbox_publish_seconds",
    "From the making of the oldest fact of a read to Kafka's acknowledgement of that read",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
