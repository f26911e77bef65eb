"""What this room tells Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

TRIGGERS = Counter("prism_triggers", "Consumed events by outcome; rejected ones by code", ["outcome", "code"])
REPLAYS = Counter("prism_replayed_triggers", "Rejected events decided again, by outcome", ["outcome"])
BATCH_SIZE = Histogram(
    "prism_trigger_batch_size", "Events per planning transaction", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
)
BATCH_SECONDS = Histogram(
    "prism_trigger_batch_seconds",
    "From the first event of a batch to its commit",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30),
)
LAG = Gauge("prism_consumer_lag", "Events in the topic that this process has not planned yet", ["topic", "partition"])
STOPPED = Gauge("prism_stopped_partitions", "1 where a partition waits for recover_position", ["topic", "partition"])
FENCED = Counter("prism_fenced_batches", "Batches rolled back because another process had taken a partition")
BISECTED = Counter("prism_bisected_events", "Events that failed alone after their batch failed", ["code"])
TROUBLE = Counter("prism_ingestion_trouble", "Times that consuming paused for trouble of our own", ["error"])
PAUSED = Gauge("prism_ingestion_paused", "1 while consuming is paused for trouble of our own")
WEBHOOK_CALLS = Counter("prism_webhook_calls", "Calls of vendors by what they were answered", ["vendor", "result"])
WEBHOOK_READ = Counter("prism_webhook_calls_read", "Stored calls of vendors by what they were", ["vendor", "result"])
WEBHOOK_REPORTS = Counter("prism_webhook_reports", "Reports of messages in calls of vendors", ["vendor"])
WEBHOOK_SECONDS = Histogram(
    "prism_webhook_seconds",
    "From the arrival of a vendor's call to the commit of what it reports",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)
