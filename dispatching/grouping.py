"""Parcels that share a request: which may, and what is left of them when one of them can never be sent. Pure."""

from __future__ import annotations

from collections.abc import Hashable

import msgspec

from dispatching.parcels import Batch, Parcel
from dispatching.results import Sent
from providers.outcomes import SPOILT, Kind, Outcome, bounded_text
from providers.settings import ProviderSettings
from providers.transports import Asking, Grouping, Transport, Unsendable

Key = tuple[str, str, str]
"""Provider, a digest of its configuration and credentials, the key of a question."""


class Group(msgspec.Struct, eq=False):
    """The ticket of a request on the wire. `asking` is its transport where the vendor has to be asked first."""

    batch: Batch
    parcels: list[Parcel]
    asking: Asking | None = None
    known: dict[str, str] = {}
    """What it is built with, by the question's key. Whoever waited for an answer may use it, however short it holds."""
    open: set[Key] = set()
    """Questions whose answers it waits for."""
    failed: Outcome | None = None
    """Why it cannot be built, as an answer said."""
    again: bool = False
    """Its request was answered with "what you knew is outdated" before."""

    @property
    def settings(self) -> ProviderSettings:
        assert self.batch.settings is not None
        return self.batch.settings

    def with_parcels(self, parcels: list[Parcel]) -> Group:
        return Group(self.batch, parcels, self.asking, known=dict(self.known), again=self.again)


def group_parcels(transport: Transport, batch: Batch) -> tuple[list[Group], list[Sent]]:
    """What may share a request, in the order of the parcels; and the parcels of which nothing can be made."""
    assert batch.settings is not None
    size = transport.batch_size_of(batch.settings)
    alike: dict[Hashable, list[Parcel]] = {}
    refused: list[Sent] = []
    if size > 1 and isinstance(transport, Grouping):
        for parcel in batch.parcels:
            try:
                alike.setdefault(transport.group_key(batch.settings, parcel.message), []).append(parcel)
            except Unsendable as refusal:
                refused.append(_refused(batch, parcel, refusal))
    else:
        alike[None] = batch.parcels
    asking = transport if isinstance(transport, Asking) else None
    groups = [
        Group(batch, parcels[start : start + size], asking)
        for parcels in alike.values()
        for start in range(0, len(parcels), size)
    ]
    return groups, refused


def without_unsendable(group: Group, refusal: Unsendable) -> tuple[list[Sent], list[Group]]:
    """The message that can never be sent, and the others, to be built again; two halves where none was named."""
    parcels, index = group.parcels, refusal.index
    if len(parcels) == 1:
        index = 0
    if index is None or not 0 <= index < len(parcels):
        return [], _halves(group)
    others = parcels[:index] + parcels[index + 1 :]
    return [_refused(group.batch, parcels[index], refusal)], [group.with_parcels(others)] if others else []


def without_spoilt(group: Group, sents: list[Sent]) -> tuple[list[Sent], list[Group]]:
    """What the answer settled, and who goes out again at once because the vendor took nothing of a request for one
    other message in it; two halves where it did not say which. Smaller each time, so there is an end."""
    settled = [sent for sent in sents if not _is_spoilt(sent.outcome)]
    if len(settled) == len(sents) or len(sents) == 1:
        return sents, []
    if not settled:
        return [], _halves(group)
    return settled, [group.with_parcels([sent.parcel for sent in sents if _is_spoilt(sent.outcome)])]


def _is_spoilt(outcome: Outcome) -> bool:
    return outcome.kind is Kind.DEFERRED and outcome.reason == SPOILT


def _halves(group: Group) -> list[Group]:
    middle = len(group.parcels) // 2
    return [group.with_parcels(group.parcels[:middle]), group.with_parcels(group.parcels[middle:])]


def _refused(batch: Batch, parcel: Parcel, refusal: Unsendable) -> Sent:
    outcome = Outcome(refusal.kind, reason=refusal.reason, error=bounded_text(refusal.error))
    return Sent(parcel, batch, outcome, None, None)
