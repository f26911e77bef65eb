"""Numbers that lie in the database and in Kafka, not in a process: queues, outbox, workers, lag.

Every process can tell them; ask one of them. One look takes one statement with a time limit, and is good for a few
seconds, so that scraping often costs nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

import msgspec
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from prism.offsets import OffsetsUnavailableError, end_offsets

LIMIT_MS = 2_000
GOOD_FOR_S = 5.0

NAMES = {
    "lane_waiting": ("prism_due_waiting", "Dispatches that wait for their moment, per lane (counted up to 10,000)"),
    "lane_due": ("prism_due_now", "Dispatches whose moment has come, per lane (counted up to 10,000)"),
    "lane_oldest_seconds": ("prism_due_oldest_seconds", "How long the first dispatch of a lane has been due"),
    "outbox_depth": ("prism_outbox_depth", "Facts that wait for Kafka (counted up to 10,000)"),
    "outbox_oldest": ("prism_outbox_age_seconds", "Age of the first fact that waits for Kafka"),
    "outbox_parked_facts": ("prism_outbox_parked_facts", "Facts that Kafka refused for good"),
    "unknown": ("prism_unknown_recent", "UNKNOWN among the newest 20,000 dispatches"),
    "workers": ("prism_workers_alive", "Processes whose heartbeat is fresh, by kind"),
    "webhooks_waiting": ("prism_webhooks_waiting", "Calls of vendors that wait to be read (counted up to 10,000)"),
    "webhooks_oldest": ("prism_webhooks_oldest_seconds", "How long the first of them has waited"),
    "relays": ("prism_relays_alive", "Relays seen within the lease"),
}


_LOOK = """
SELECT name, labels::text, value FROM prism_gauges(%s)
UNION ALL SELECT name, labels::text, value FROM prism_webhook_gauges()
"""


class Gauge(msgspec.Struct, frozen=True):
    name: str
    labels: dict[str, Any]
    value: float


def read_gauges() -> list[Gauge]:
    """One look, by whichever role this process has. Raises DatabaseError, also when it takes too long."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('prism.system', 'on', true), set_config('statement_timeout', %s, true)",
            [str(LIMIT_MS)],
        )
        cursor.execute(_LOOK, [settings.WORKER_DEAD_AFTER_SECONDS])
        return [Gauge(name, msgspec.json.decode(labels), value) for name, labels, value in cursor.fetchall()]


class GaugeCollector(Collector):
    """For a Prometheus registry. A database that does not answer is told as such, never as an error of the scrape."""

    def __init__(self, *, own_connection: bool) -> None:
        self._own_connection = own_connection
        self._lock = threading.Lock()
        self._at = 0.0
        self._families: list[GaugeMetricFamily] = []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        with self._lock:
            if time.monotonic() - self._at > GOOD_FOR_S or not self._families:
                self._families = list(self._look())
                self._at = time.monotonic()
            return self._families

    def _look(self) -> Iterable[GaugeMetricFamily]:
        try:
            gauges = read_gauges()
        except DatabaseError:
            yield GaugeMetricFamily("prism_database_up", "Whether the database answered in time", 0)
            return
        finally:
            if self._own_connection:
                connection.close()
        yield GaugeMetricFamily("prism_database_up", "Whether the database answered in time", 1)
        yield from families_of(gauges)
        yield from lag_of([gauge for gauge in gauges if gauge.name == "position"])


def families_of(gauges: list[Gauge]) -> Iterable[GaugeMetricFamily]:
    for source, (name, text) in NAMES.items():
        found = [gauge for gauge in gauges if gauge.name == source]
        family = GaugeMetricFamily(name, text, labels=sorted(found[0].labels) if found else [])
        for gauge in found:
            family.add_metric([str(gauge.labels[label]) for label in sorted(gauge.labels)], gauge.value)
        yield family


def lag_of(positions: list[Gauge]) -> Iterable[GaugeMetricFamily]:
    """How far each partition's position is behind the end of its log, and whether it stands still on purpose."""
    stopped = GaugeMetricFamily(
        "prism_position_stopped", "1 where a partition stopped with an alarm", labels=["group", "topic", "partition"]
    )
    for one in positions:
        stopped.add_metric(_place(one), 1 if one.labels["stopped"] else 0)
    yield stopped
    if not positions:
        return
    try:
        ends = end_offsets({(one.labels["topic"], one.labels["partition"]) for one in positions})
    except OffsetsUnavailableError:
        yield GaugeMetricFamily("prism_kafka_up", "Whether Kafka answered in time", 0)
        return
    yield GaugeMetricFamily("prism_kafka_up", "Whether Kafka answered in time", 1)
    lag = GaugeMetricFamily(
        "prism_position_lag",
        "Records between a position and the end of its partition",
        labels=["group", "topic", "partition"],
    )
    for one in positions:
        end = ends.get((one.labels["topic"], one.labels["partition"]))
        if end is not None:
            lag.add_metric(_place(one), max(0, end - one.value))
    yield lag


def _place(position: Gauge) -> list[str]:
    return [str(position.labels[name]) for name in ("group", "topic", "partition")]
