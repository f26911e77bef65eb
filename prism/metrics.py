"""What Prometheus reads: the process's own numbers (each room's metrics.py) and those of database and Kafka."""

from __future__ import annotations

import os
from collections.abc import Iterable

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    make_wsgi_app,
    start_http_server,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from prism.gauges import GaugeCollector
from prism.worker_pages import with_probes

CONTENT_TYPE = CONTENT_TYPE_LATEST

_gauges = CollectorRegistry()
_gauges.register(GaugeCollector(own_connection=False))


class MetricsPortError(ImproperlyConfigured):
    """METRICS_PORT cannot be had; the text says which and what to do."""


def exposition() -> bytes:
    """For the web process. Several of them on one host share PROMETHEUS_MULTIPROC_DIR, or each tells its own only."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it registers itself
    else:
        registry = REGISTRY
    return generate_latest(registry) + generate_latest(_gauges)


def start_metrics_server() -> int:
    """For workers: serve numbers and probes on METRICS_HOST:METRICS_PORT from a thread. Returns the port; 0 is off."""
    port: int = settings.METRICS_PORT
    if not port:
        return 0
    registry = _Both()
    try:
        server, _thread = start_http_server(port, addr=settings.METRICS_HOST, registry=registry)
    except OSError as error:
        raise MetricsPortError(
            f"METRICS_PORT: {settings.METRICS_HOST}:{port} cannot be listened on ({error.strerror or error})."
            " Give each process on a host a port of its own, or 0 for none"
        ) from error
    server.set_app(with_probes(make_wsgi_app(registry)))
    return port


class _Both(CollectorRegistry):
    """The process's registry, and the gauges with a connection that ends with the scrape's thread."""

    def __init__(self) -> None:
        super().__init__()
        self.register(GaugeCollector(own_connection=True))

    def collect(self) -> Iterable[Metric]:
        yield from REGISTRY.collect()
        yield from super().collect()
