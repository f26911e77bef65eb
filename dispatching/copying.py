"""COPY's text format, written by hand: the hot path has no time for an adapter per value."""

from __future__ import annotations

import psycopg

NULL = "\\N"


def text(value: str) -> str:
    """One value, escaped. Callers have refused NUL already (it has no place in PostgreSQL's text)."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value


def optional(value: str | None) -> str:
    return NULL if value is None else text(value)


def copy_rows(cursor: psycopg.Cursor, table: str, columns: str, lines: list[str]) -> None:
    """Append ready lines to a table in one COPY. `table` and `columns` are ours, never a caller's text."""
    if lines:
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            copy.write("\n".join(lines) + "\n")
