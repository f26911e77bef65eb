"""kill -9 of consumer, sender and relay at random moments under load: nothing lost, nothing twice."""

from __future__ import annotations

import pytest

from tests.chaos.storm import storm
from tests.journeys.world import World

ROLES = ("consumer", "sender", "relay")


def test_killed_workers_lose_nothing_and_repeat_nothing(world: World) -> None:
    with storm(world) as begun:
        for role in begun.luck.sample(ROLES, len(ROLES)):
            begun.kill(role)
        begun.account()


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_twenty_kills_of_the_same_role(world: World, role: str) -> None:
    with storm(world) as begun:
        for _ in range(20):
            begun.kill(role)
        begun.account()


@pytest.mark.long
def test_sixty_kills_of_anybody(world: World) -> None:
    with storm(world) as begun:
        for _ in range(60):
            begun.kill(begun.luck.choice(ROLES))
        begun.account()
