"""The rows of the benchmark: a table for people, one JSON object per line for programs."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import msgspec
from rich.console import Console
from rich.table import Table


class Row(msgspec.Struct, omit_defaults=True):
    """One measured quantity of Prism. `ratio` is Prism's value over the floor's."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None


def row(name: str, unit: str, prism: list[float], floor: list[float] | None = None, *, digits: int = 0) -> Row:
    """Medians of the rounds."""
    value = median(prism)
    if not floor:
        return Row(name, round(value, digits), unit)
    under = median(floor)
    return Row(name, round(value, digits), unit, round(under, digits), round(value / under, 3))


class Report:
    """Writes each row when it is known, so that a run that is cut short leaves what it measured."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")

    def add(self, row: Row) -> None:
        self.rows.append(row)
        with self.path.open("ab") as lines:
            lines.write(msgspec.json.encode(row) + b"\n")

    def show(self, console: Console) -> None:
        table = Table("", "Prism", "floor", "ratio", "unit")
        for column in table.columns[1:4]:
            column.justify = "right"
        for row in self.rows:
            floor = "" if row.floor is None else f"{row.floor:,g}"
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            table.add_row(row.name, f"{row.value:,g}", floor, ratio, row.unit)
        console.print(table)
