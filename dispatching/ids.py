"""UUIDv7 ids as text, minted many at a time from the database's clock (decision 17)."""

from __future__ import annotations

import datetime as dt
import os

_RANDOM_BYTES = 8


def milliseconds(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)


def mint_ids(moment: dt.datetime, count: int) -> list[str]:
    """`count` ids of this millisecond, ascending within the call; beyond 4,096 the order wraps, uniqueness does not."""
    head = f"{milliseconds(moment):012x}"
    head = f"{head[:8]}-{head[8:]}-7"
    random = os.urandom(_RANDOM_BYTES * count).hex()
    return [
        f"{head}{index & 0xFFF:03x}-{'89ab'[int(tail[0], 16) & 3]}{tail[1:4]}-{tail[4:]}"
        for index in range(count)
        for tail in (random[index * 16 : index * 16 + 16],)
    ]
