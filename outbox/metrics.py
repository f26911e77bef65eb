"""What Prometheus hears of the outbox. Every relay tells depth and age of the whole outbox; the rest is its own."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

WAITING = Gauge(
    "prism_outbox_waiting",
    "Facts that wait for Kafka (counted up to 100,000)",
    multiprocess_mode="mostrecent",
)
OLDEST = Gauge(
    "prism_outbox_oldest_seconds",
    "Age of the oldest fact that waits for Kafka",
    multiprocess_mode="mostrecent",
)
PARKED_NOW = Gauge(
    "prism_outbox_parked_now",
    "Facts that Kafka refused for good and a person has to look at",
    multiprocess_mode="mostrecent",
)
SHARDS = Gauge("prism_outbox_shards", "Shards this relay holds", multiprocess_mode="livesum")
PUBLISHED = Counter("prism_outbox_published", "Facts that Kafka acknowledged", ["topic"])
PARKED = Counter("prism_outbox_parked", "Facts parked because Kafka refused them for good", ["problem"])
RESETS = Counter("prism_outbox_producer_resets", "Times the producer was given up and made anew", ["reason"])
LATENCY = Histogram(
    "prism_outbox_publish_seconds",
    "From the making of the oldest fact of a read to Kafka's acknowledgement of that read",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
