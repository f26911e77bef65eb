"""Messages through everything that stands between a release and an outcome: grouping, asking, building, the real wire,
parsing. No database."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from dispatching.parcels import Batch, LaneKey, Parcel
from dispatching.results import Sent
from dispatching.sending import Sender
from providers.messages import Message
from providers.outcomes import Outcome
from providers.settings import ProviderSettings
from providers.wire import Wire, boottime

PATIENCE_S = 30
NEVER = dt.datetime.max.replace(tzinfo=dt.UTC)


class Delivery:
    """One sender's thread. `deliver` from the test's thread, one call at a time."""

    def __init__(self, ca_file: Path | None = None) -> None:
        wire = Wire(allow_private=True, ca_file=str(ca_file) if ca_file else None)
        self._sender = Sender(wire, self._take)
        self._thread = threading.Thread(target=self._sender.run, daemon=True)
        self._back: dict[str, Outcome] = {}
        self._came = threading.Condition()

    def deliver(self, settings: ProviderSettings, messages: Sequence[Message]) -> list[Outcome]:
        """The outcomes, in the order of the messages, whose ids must differ."""
        parcels = [_parcel(message) for message in messages]
        batch = Batch("b", LaneKey(settings.provider_id, 1), None, parcels, 0.0, boottime() + PATIENCE_S, settings)
        batch.left = len(parcels)
        with self._came:
            self._back.clear()
            self._sender.put([batch])
            assert self._came.wait_for(lambda: len(self._back) == len(parcels), PATIENCE_S)
            return [self._back[message.dispatch_id] for message in messages]

    def _take(self, sents: list[Sent]) -> None:
        with self._came:
            self._back |= {sent.parcel.id: sent.outcome for sent in sents}
            self._came.notify()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._sender.stop()
        self._thread.join(PATIENCE_S)


def _parcel(message: Message) -> Parcel:
    return Parcel(
        id=message.dispatch_id,
        tenant_id=1,
        campaign_id=None,
        campaign_provider_id=None,
        version=1,
        attempts=0,
        max_attempts=3,
        asynchronous=False,
        not_after=NEVER,
        since=NEVER,
        message=message,
    )
