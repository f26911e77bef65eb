"""A fleet of workers under load, and what is done to it."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.chaos import accounting
from tests.chaos.load import BOTH_WAYS, ONE_WAY, Load
from tests.journeys import campaigns
from tests.journeys.processes import Worker
from tests.journeys.vendor import Vendor
from tests.journeys.world import World

SEED = "PRISM_CHAOS_SEED"
CONCURRENCY = 8
SLOTS = 4 * CONCURRENCY
LANES = 2
RATE = 120
"""Events a second: enough that every moment finds something under way, also on a busy machine."""


def chance() -> random.Random:
    """Seeded by PRISM_CHAOS_SEED, else by a new seed, printed so that a failure can be run again."""
    seed = os.environ.get(SEED) or secrets.token_hex(4)
    print(f"{SEED}={seed}")  # noqa: T201 - pytest shows it with a failure
    return random.Random(seed)


class Storm:
    """Two consumers, a sender and a relay under load; whoever dies is started again, as a supervisor does it."""

    def __init__(self, world: World, luck: random.Random, *, rate: int = RATE) -> None:
        self.world = world
        self.luck = luck
        self.load = Load(world, luck, rate)
        self.vendor: Vendor = world.vendor()
        self.lost = 0
        """Senders of messages that died or were taken for dead, each with at most its lanes' slots on the wire."""
        _make_campaigns(self.vendor)
        self._begin: dict[str, Callable[[], Worker]] = {
            "consumer": world.consumer,
            "second consumer": world.consumer,
            "sender": world.sender,
            "relay": world.relay,
        }
        self.fleet = {role: begin() for role, begin in self._begin.items()}

    def begin(self) -> None:
        """Load, once the fleet is at work."""
        self.load.start()
        self.world.wait_for_rows(
            "SELECT count(*) FROM dispatches WHERE status = 'SENT'", done=lambda rows: rows[0][0] >= 50, seconds=60
        )

    def choose(self, role: str) -> str:
        """One of the workers of this role."""
        names = [name for name in self.fleet if name.endswith(role)]
        return self.luck.choice(names)

    def wait(self, low: float, high: float) -> None:
        time.sleep(self.luck.uniform(low, high))

    def kill(self, role: str) -> None:
        """kill -9 at a random moment; started again at once."""
        self.wait(0.3, 2.5)
        name = self.choose(role)
        self.note(f"kill -9 {name}")
        self.fleet[name].kill()
        self.lost += role != "relay"
        self.fleet[name] = self._begin[name]()

    def freeze(self, role: str) -> None:
        """SIGSTOP for longer than the lease, then let go: it finds itself dead, and must not do harm."""
        self.wait(0.3, 2.5)
        name = self.choose(role)
        worker = self.fleet[name]
        self.note(f"freeze {name}")
        worker.freeze()
        self.lost += role != "relay"
        time.sleep(self.world.lease_s + 3.0)
        worker.thaw()
        self.wait(1.0, 2.0)
        self.restart_the_fallen()

    def note(self, what: str) -> None:
        """For whoever reads the output of a failure."""
        print(f"{time.strftime('%H:%M:%S', time.gmtime())} {what}")  # noqa: T201 - pytest shows it with a failure

    def restart_the_fallen(self) -> None:
        for name, worker in self.fleet.items():
            if worker.exit_code is not None:
                self.note(f"{name} left with {worker.exit_code}")
                self.fleet[name] = self._begin[name]()

    def fallen(self) -> list[str]:
        """Who ended, and with which code."""
        return [f"{name}: {worker.exit_code}" for name, worker in self.fleet.items() if worker.exit_code is not None]

    def account(self) -> accounting.Report:
        """Stop the load, wait for rest, count."""
        published = self.load.stop()
        accounting.settle(self.world, published, self.restart_the_fallen)
        report = accounting.account(self.world, self.vendor, published, unknown_at_most=self.lost * LANES * SLOTS)
        self.note(str(report))
        assert self.vendor.worker.exit_code is None
        return report


@contextmanager
def storm(world: World, luck: random.Random | None = None, *, rate: int = RATE) -> Iterator[Storm]:
    """A storm that has begun; what is left of it ends with the world."""
    begun = Storm(world, luck or chance(), rate=rate)
    begun.begin()
    try:
        yield begun
    finally:
        if begun.load.is_alive():
            begun.load.stop()


def _make_campaigns(vendor: Vendor) -> None:
    retry = {"max_attempts": 3, "base_delay_ms": 200, "max_delay_ms": 1000}
    whatsapp, email = (
        campaigns.provider(vendor.url, kind=kind, concurrency=CONCURRENCY, retry=retry)
        for kind in ("WHATSAPP", "EMAIL")
    )
    campaigns.sends(campaigns.campaign(BOTH_WAYS), whatsapp, email)
    # A provider of its own would give 500 to most of its messages, and rightly be left alone for a while.
    campaigns.sends(campaigns.campaign(ONE_WAY), whatsapp)
