"""Nothing appears at or below what a relay takes for settled, in any order of taking ids and ending transactions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from outbox.horizon import Horizon

STEPS = st.lists(st.sampled_from(["begin", "take", "end", "snapshot", "look"]), max_size=80)


class Database:
    """Transactions and ids as PostgreSQL gives them out; a snapshot is a moment older than the last id beside it."""

    def __init__(self) -> None:
        self.next_xid, self.last_id = 1, 0
        self.open: dict[int, list[int]] = {}
        self.snapshot = (1, 1)

    def take_snapshot(self) -> None:
        self.snapshot = (min(self.open, default=self.next_xid), self.next_xid)

    def begin(self) -> None:
        self.open[self.next_xid] = []
        self.next_xid += 1

    def take(self, which: int) -> None:
        if self.open:
            self.last_id += 1
            self.open[sorted(self.open)[which % len(self.open)]].append(self.last_id)

    def end(self, which: int) -> None:
        if self.open:
            del self.open[sorted(self.open)[which % len(self.open)]]


@given(steps=STEPS, picks=st.lists(st.integers(0, 5), min_size=80, max_size=80))
def test_no_open_transaction_holds_an_id_that_counts_as_settled(steps: list[str], picks: list[int]) -> None:
    database, horizon = Database(), Horizon()
    for step, pick in zip(steps, picks, strict=False):
        match step:
            case "begin":
                database.begin()
            case "take":
                database.take(pick)
            case "end":
                database.end(pick)
            case "snapshot":
                database.take_snapshot()
            case "look":
                xmin, xmax = database.snapshot
                horizon.look(last_id=database.last_id, xmin=xmin, xmax=xmax)
                # The next statement's snapshot is taken after this one has ended.
                database.take_snapshot()
        held = [one for ids in database.open.values() for one in ids]
        assert horizon.settled < min(held, default=database.last_id + 1)


def test_what_has_ended_is_settled_two_looks_later() -> None:
    horizon = Horizon()
    horizon.look(last_id=7, xmin=10, xmax=12)
    horizon.look(last_id=8, xmin=10, xmax=13)
    assert horizon.settled == 0
    horizon.look(last_id=9, xmin=13, xmax=13)
    assert horizon.settled == 7
    horizon.look(last_id=9, xmin=14, xmax=14)
    assert horizon.settled == 8
