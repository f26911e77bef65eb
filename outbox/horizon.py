"""How far a relay may read on without ever passing a row that is still to become visible: pure bookkeeping.

Ids are given out before their transactions commit, so a row may appear below ids that were read long ago. What follows
from it (the dispatch's next change) has a higher id and is written after that commit: a relay that reads past its last
id would tell the second before the first.
"""

from __future__ import annotations


class Horizon:
    """`settled`: every id up to here belongs to a transaction that has ended, whatever it did.

    Each look gives the last id given out and the bounds of the same statement's snapshot. Whoever took an id up to
    `last_id` of one look had a transaction id by then, hence one below `xmax` of the next look's snapshot; once all of
    those have ended (`xmin` has reached it), nothing can appear up to that id any more.
    """

    def __init__(self) -> None:
        self.settled = 0
        self._last_id: int | None = None
        self._candidate: tuple[int, int] | None = None

    def look(self, *, last_id: int, xmin: int, xmax: int) -> None:
        if self._candidate is not None and xmin >= self._candidate[1]:
            self.settled = max(self.settled, self._candidate[0])
            self._candidate = None
        if self._candidate is None and self._last_id is not None:
            self._candidate = (self._last_id, xmax)
            self._last_id = None
        if self._last_id is None:
            self._last_id = last_id
