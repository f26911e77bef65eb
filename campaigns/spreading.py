"""Which provider of a weighted campaign is a person's first, second, …: always the same for the same person. Pure.

Each provider draws a number for the person, larger weights smaller ones, and the smallest goes first. So the shares are
those of the weights, and where a provider drops out, its people spread over the others in proportion to theirs while
everybody else stays where he is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from hashlib import blake2b
from typing import Protocol, TypeVar

LEAST_WEIGHT, MOST_WEIGHT = 1, 1000


class Weighted(Protocol):
    @property
    def provider_id(self) -> str: ...

    @property
    def weight(self) -> int: ...


One = TypeVar("One", bound=Weighted)


def in_order_for(person: str, providers: Sequence[One], salt: bytes) -> list[One]:
    """The providers as this person meets them. `salt` (at most 64 bytes) is the campaign's."""
    return sorted(providers, key=lambda one: _draw(person, one, salt))


def _draw(person: str, provider: Weighted, salt: bytes) -> float:
    text = f"{provider.provider_id}\0{person}".encode("utf-8", "surrogatepass")
    drawn = int.from_bytes(blake2b(text, key=salt, digest_size=8).digest(), "big")
    return -math.log((drawn + 1) / 2**64) / max(LEAST_WEIGHT, provider.weight)
