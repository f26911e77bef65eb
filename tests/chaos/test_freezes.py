"""SIGSTOP for longer than the lease, then SIGCONT: who was taken for dead may finish, and must not begin."""

from __future__ import annotations

import pytest

from tests.chaos.storm import storm
from tests.journeys.world import World

ROLES = ("consumer", "sender", "relay")


def test_frozen_workers_are_replaced_and_do_no_harm_when_they_thaw(world: World) -> None:
    with storm(world) as begun:
        for role in begun.luck.sample(ROLES, 2):
            begun.freeze(role)
        begun.account()


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_twenty_freezes_of_the_same_role(world: World, role: str) -> None:
    with storm(world) as begun:
        for _ in range(20):
            begun.freeze(role)
        begun.account()
