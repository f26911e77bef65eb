"""Which recipient gets which behaviour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.sandbox.behaviours import ACCEPT, BY_NAME, BY_PHONE, TABLE, UNKNOWN, behaviour_of


def test_names_and_phone_codes_are_each_used_once() -> None:
    assert len(BY_NAME) == len(BY_PHONE) == len(TABLE)
    assert all(len(code) == 3 for code in BY_PHONE)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_behaviour_can_be_asked_for_in_every_kind_of_address(name: str) -> None:
    behaviour = BY_NAME[name]
    delay = 1000 if name == "slow" else 0
    for recipient in (
        f"+55119000{behaviour.phone_code}".replace("000", "0000", 1),
        f"ana+sandbox-{name}@example.com",
        f"ANA+SANDBOX-{name.upper()}@EXAMPLE.COM",
        f"ExponentPushToken[sandbox-{name}]",
        f"sandbox-{name}",
    ):
        assert behaviour_of(recipient) == (behaviour, delay), recipient


@pytest.mark.parametrize(
    "recipient", ["+5511988887777", "ana@example.com", "", "0000", "0000429x", "+5511900000000", "x0000429", "sandbox"]
)
def test_everybody_else_is_accepted(recipient: str) -> None:
    assert behaviour_of(recipient) == (ACCEPT, 0)


def test_a_slow_one_says_how_slow() -> None:
    assert behaviour_of("a+sandbox-slow-2500@example.com") == (BY_NAME["slow"], 2500)
    assert behaviour_of("a+sandbox-slow-999999@example.com") == (BY_NAME["slow"], 600_000)


@pytest.mark.parametrize("recipient", ["a+sandbox-slwo@example.com", "sandbox-", "sandbox-slow-x"])
def test_a_misspelt_behaviour_is_refused_loudly(recipient: str) -> None:
    assert behaviour_of(recipient) == (UNKNOWN, 0)


@given(st.text())
def test_any_recipient_has_a_behaviour(recipient: str) -> None:
    behaviour, delay = behaviour_of(recipient)
    assert behaviour in (*TABLE, UNKNOWN)
    assert 0 <= delay <= 600_000
