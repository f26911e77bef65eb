"""The processes of the demo: what each runs, and how it wants to be stopped."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from prism.embedded.services import CHECKOUT

MANAGE = (sys.executable, str(CHECKOUT / "manage.py"))


class Program(msgspec.Struct, frozen=True):
    """`group` decides the order of leaving: all of `doors` first, then `outlets`, which the doors still need."""

    name: str
    command: tuple[str, ...]
    group: str = "doors"
    environment: dict[str, str] = {}
    patience: int = 30
    """Seconds between SIGTERM and SIGKILL: longer than a process takes to finish what is on the wire."""


class Ports(msgspec.Struct, frozen=True):
    web: int
    vendor: int
    metrics: dict[str, int]


METERED = ("consumer", "sender", "relay")
"""Programs that tell Prometheus about themselves on a port of their own."""


def programs(ports: Ports, *, vendor_log: Path, vendor_told: Sequence[str] = ()) -> list[Program]:
    """Everything Prism is made of, once each, and a vendor to rehearse with; `vendor_told`: more options of it."""
    vendor = ("run_sandbox_vendor", "--port", str(ports.vendor), "--log", str(vendor_log), *vendor_told)
    manage = [
        Program("consumer", (*MANAGE, "consume_triggers")),
        Program("sender", (*MANAGE, "run_sender")),
        # django-q2's own signal handling wants SIGTERM on the parent alone.
        Program("worker", (*MANAGE, "run_worker")),
        Program("relay", (*MANAGE, "relay_outbox"), group="outlets"),
        Program("vendor", (*MANAGE, *vendor), group="outlets", patience=5),
    ]
    web = (
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(ports.web)),
        *("--blocking-threads", "8", "--no-ws", "--log-config", str(CHECKOUT / "prism" / "granian_logs.json")),
        "prism.wsgi:application",
    )
    return [
        Program("web", web, patience=5),
        *(
            msgspec.structs.replace(program, environment={"METRICS_PORT": str(ports.metrics[program.name])})
            if program.name in ports.metrics
            else program
            for program in manage
        ),
    ]
