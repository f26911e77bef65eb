"""The floor writes PostgreSQL's text itself: it has to mean what it says."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from bench.floor.records import array, iso, mint, quoted


class ArraysTests(TestCase):
    @given(texts=st.lists(st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"])), min_size=0, max_size=5))
    def test_a_quoted_array_comes_back_as_it_went(self, texts: list[str]) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT %s::text[]", [quoted(texts)])
            assert cursor.fetchone() == (texts,)

    def test_an_array_of_arrays_comes_back_as_it_went(self) -> None:
        ids = [str(uuid.uuid4()) for _ in range(4)]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT x::uuid[]::text[] FROM unnest(%s::text[]) AS x", [quoted([array(ids[:2]), array(ids[2:])])]
            )
            assert cursor.fetchall() == [(ids[:2],), (ids[2:],)]


def test_ids_are_uuids_of_version_seven_that_carry_their_moment() -> None:
    moment = dt.datetime(2026, 11, 20, 12, 0, 0, 123_000, tzinfo=dt.UTC)
    ids = [uuid.UUID(text) for text in mint(moment, 500)]
    assert len(set(ids)) == 500
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {uuid.RFC_4122}
    assert {one.int >> 80 for one in ids} == {int(moment.timestamp() * 1000)}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "1970-01-01T00:00:00.000Z"), (1795197372.833, "2026-11-20T17:56:12.833Z")]
)
def test_times_are_written_as_the_seed_writes_them(seconds: float, text: str) -> None:
    assert iso(seconds) == text
