from __future__ import annotations

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.control import BUCKETS, bucket, in_control, person_key

SALT = uuid.UUID(int=1).bytes

rates = st.integers(0, BUCKETS).map(lambda points: Decimal(points) / 100)


@given(st.binary(min_size=16, max_size=16), st.text())
def test_a_person_keeps_one_bucket_within_range(salt: bytes, person: str) -> None:
    found = bucket(salt, person)
    assert 0 <= found < BUCKETS
    assert found == bucket(salt, person)


@given(st.integers(0, BUCKETS - 1), rates, rates)
def test_who_is_in_a_smaller_group_is_in_a_larger_one(number: int, one: Decimal, other: Decimal) -> None:
    low, high = sorted([one, other])
    assert in_control(number, high) or not in_control(number, low)


@given(st.integers(0, BUCKETS - 1))
def test_no_one_at_zero_and_everyone_at_a_hundred(number: int) -> None:
    assert not in_control(number, Decimal(0))
    assert in_control(number, Decimal(100))


def test_the_share_is_the_rate() -> None:
    people = [str(number) for number in range(100_000)]
    for rate in ("0.5", "10", "33.33"):
        share = sum(in_control(bucket(SALT, person), Decimal(rate)) for person in people) / len(people)
        assert share == pytest.approx(float(rate) / 100, abs=0.005)


def test_another_salt_draws_another_group() -> None:
    people = [str(number) for number in range(20_000)]
    both = sum(bucket(SALT, person) < 1000 and bucket(b"other salt", person) < 1000 for person in people)
    assert both / len(people) == pytest.approx(0.01, abs=0.004)


@pytest.mark.parametrize(
    ("attributes", "declared", "key"),
    [
        ({"tax_identification": "12345678000190"}, "", "12345678000190"),
        ({"tax_identification": "12.345.678/0001-90"}, "", "12345678000190"),
        ({"tax_identification": " 12.abc.345/01de-35 "}, "", "12ABC34501DE35"),
        ({"tax_identification": 12345678000190}, "", "12345678000190"),
        ({"tax_identification": "--"}, "", None),
        ({"tax_identification": ""}, "customer_id", None),
        ({"tax_identification": None, "customer_id": " c-1 "}, "customer_id", "c-1"),
        ({"customer_id": 7}, "customer_id", "7"),
        ({"customer_id": ["7"]}, "customer_id", None),
        ({"customer_id": "7"}, "", None),
        ({"tax_identification": "1", "customer_id": "7"}, "customer_id", "1"),
    ],
)
def test_a_person_is_told_by_tax_id_else_by_what_the_tenant_declares(
    attributes: dict[str, object], declared: str, key: str | None
) -> None:
    assert person_key(attributes, declared) == key


@given(st.text("0123456789abcXYZ", min_size=1), st.lists(st.sampled_from("./- "), max_size=5))
def test_punctuation_and_case_make_no_other_person(tax_id: str, marks: list[str]) -> None:
    written = tax_id
    for place, mark in enumerate(marks):
        written = written[:place] + mark + written[place:]
    assert person_key({"tax_identification": written.lower()}, "") == person_key({"tax_identification": tax_id}, "")
