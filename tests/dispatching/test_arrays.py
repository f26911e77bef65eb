"""Array literals and COPY lines by hand carry any text through PostgreSQL unchanged."""

from __future__ import annotations

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatching.arrays import plain, texts
from dispatching.copying import copy_rows, optional

# What the decoders let through: no NUL, no lone surrogate.
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40)
SETTINGS = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@SETTINGS
@given(values=st.lists(st.none() | TEXT, max_size=8))
def test_texts_arrive_as_they_were(connection: psycopg.Connection, values: list[str | None]) -> None:
    row = connection.execute("SELECT %s::text[]", [texts(values)]).fetchone()
    assert row == (values,)


@SETTINGS
@given(values=st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), max_size=8))
def test_numbers_arrive_as_they_were(connection: psycopg.Connection, values: list[int | None]) -> None:
    row = connection.execute("SELECT %s::bigint[]", [plain(values)]).fetchone()
    assert row == (values,)


@SETTINGS
@given(values=st.lists(st.none() | TEXT, min_size=1, max_size=8))
def test_copied_lines_arrive_as_they_were(connection: psycopg.Connection, values: list[str | None]) -> None:
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (id int, value text) ON COMMIT DROP")
        copy_rows(cursor, "copied", "id, value", [f"{index}\t{optional(value)}" for index, value in enumerate(values)])
        rows = cursor.execute("SELECT value FROM copied ORDER BY id").fetchall()
    assert [row[0] for row in rows] == values
