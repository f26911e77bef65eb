"""Consumers come and go: partitions change hands in the middle of batches."""

from __future__ import annotations

import pytest

from tests.chaos.storm import Storm, storm
from tests.journeys.world import World


def come_and_go(begun: Storm, times: int) -> None:
    """A third consumer joins and leaves, politely or not."""
    for number in range(times):
        guest = begun.world.consumer()
        guest.wait_for_output("assigned")
        begun.wait(0.0, 2.0)
        if number % 2:
            guest.kill()
            begun.lost += 1
        else:
            assert guest.terminate() == 0
        begun.wait(0.2, 1.0)


def test_partitions_that_change_hands_lose_nothing_and_repeat_nothing(world: World) -> None:
    with storm(world) as begun:
        come_and_go(begun, 2)
        assert begun.fallen() == []
        begun.account()


@pytest.mark.long
def test_twenty_changes_of_hands(world: World) -> None:
    with storm(world) as begun:
        come_and_go(begun, 20)
        assert begun.fallen() == []
        begun.account()
