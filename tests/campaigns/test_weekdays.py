from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from campaigns.weekdays import format_week_days, parse_week_days, validate_week_days


@pytest.mark.parametrize("form", ["1,2,3,4,5", [1, 2, 3, 4, 5], ["5", "4", "3", "2", "1"], " 5, 4,3 ,2,1,1"])
def test_both_forms_become_the_seeds_string(form: str | list[int | str]) -> None:
    assert format_week_days(parse_week_days(form)) == "1,2,3,4,5"


@given(st.sets(st.integers(1, 7), min_size=1))
def test_days_survive_the_round_trip(days: set[int]) -> None:
    assert parse_week_days(format_week_days(days)) == sorted(days)


def test_zero_is_refused_with_a_hint() -> None:
    with pytest.raises(ValidationError) as caught:
        parse_week_days([0, 1])
    assert caught.value.code == "week_day_zero"


@pytest.mark.parametrize("wrong", ["8", "1,,2", "seg", "1-5", "", "1.0", "１"])
def test_what_is_no_day_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_week_days(wrong)
    assert caught.value.code == "week_day_unknown"
