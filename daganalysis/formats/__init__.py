"""A frame as text: a table for a terminal, JSON, CSV or Markdown.

JSON and CSV carry the raw values; the terminal and Markdown tables are for people. An archive's strings are escaped in all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.tables import Type
from daganalysis.tables.plain_rows import raw_rows
from daganalysis.text.escaping import for_csv, for_json, for_markdown
from daganalysis.text.widths import DEFAULT_WIDTH
from daganalysis.text.zones import UTC, Zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from daganalysis.tables import Table

FORMATS = ("table", "json", "csv", "markdown")
_CHUNK = 10_000
"""Rows turned into text at a time, so that a large table is never held twice."""


def formatted(frame: pd.DataFrame, table: Table, kind: str, width: int | None = DEFAULT_WIDTH, zone: Zone = UTC) -> Iterator[str]:
    r"""Write a frame of a declared table in one of :data:`FORMATS`, piece by piece.

    ``width`` applies only to the terminal's table, ``zone`` to that and to Markdown.

    >>> from daganalysis.tables import LINKS
    >>> "".join(formatted(LINKS.empty(), LINKS, "json"))
    '[\n]\n'
    """
    if kind == "table":
        from daganalysis.formats.terminal import terminal_table

        return iter([terminal_table(frame, table, width, zone)])
    if kind == "markdown":
        return _markdown(frame, table, zone)
    return {"json": _json, "csv": _csv}[kind](frame, table)


def _json(frame: pd.DataFrame, table: Table) -> Iterator[str]:
    import msgspec

    yield "[\n"
    before = ""
    for row in raw_rows(frame, table):
        # msgspec has no NaN and no infinity: both would be null.
        yield before + for_json(msgspec.json.encode(row).decode())
        before = ",\n"
    yield "\n]\n" if before else "]\n"


def _csv(frame: pd.DataFrame, table: Table) -> Iterator[str]:
    import csv
    import io

    columns = [column for column in table.columns if column.name in frame.columns]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for row in raw_rows(frame, table):
        writer.writerow([_csv_cell(value) for value in row.values()])
        if buffer.tell() > 1 << 16:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        import msgspec

        value = for_json(msgspec.json.encode(value).decode())
    return for_csv(value) if isinstance(value, str) else value


def _markdown(frame: pd.DataFrame, table: Table, zone: Zone) -> Iterator[str]:
    from daganalysis.formats.terminal import human_cells

    columns = [column for column in table.columns if column.name in frame.columns]
    yield "| " + " | ".join(column.name for column in columns) + " |\n"
    yield "|" + "|".join("---:" if column.type in {Type.INTEGER, Type.REAL} else "---" for column in columns) + "|\n"
    for first in range(0, len(frame), _CHUNK):
        part = frame.iloc[first : first + _CHUNK]
        cells = [[for_markdown(cell) for cell in human_cells(part[column.name], column, zone)] for column in columns]
        for row in zip(*cells, strict=True):
            yield "| " + " | ".join(row) + " |\n"
    if any(column.type is Type.INSTANT and frame[column.name].notna().any() for column in columns):
        yield f"\nTimes in {zone.name}.\n"
