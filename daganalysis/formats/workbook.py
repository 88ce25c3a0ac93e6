"""A table as an Excel workbook of one sheet (extra ``excel``)."""

from __future__ import annotations

import datetime as dt
from typing import IO, TYPE_CHECKING, Any

import msgspec

from daganalysis.errors import MissingExtraError, UsageError
from daganalysis.tables.plain_rows import raw_rows
from daganalysis.text.escaping import for_terminal

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.tables import Table

_MOST_ROWS = 1_048_575
"""Rows of a sheet below its heading: a limit of the format."""
_LONGEST_TEXT = 32_767
"""Characters of a cell: a limit of the format."""
_MADE_AT = dt.datetime(2000, 1, 1, tzinfo=dt.UTC).replace(tzinfo=None)
"""A fixed time of creation, so that the same table gives the same bytes."""


def write_workbook(frame: pd.DataFrame, table: Table, file: IO[bytes]) -> None:
    """Write a frame of a declared table as a workbook; instants are RFC 3339 texts, and no text becomes a formula or a link.

    Raises :class:`MissingExtraError` if no writer is installed, and :class:`UsageError` for more rows than a sheet can hold.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise MissingExtraError("an Excel workbook", "excel") from error
    if len(frame) > _MOST_ROWS:
        raise UsageError("more rows than a sheet can hold", where=f"{len(frame)} rows", hint="choose fewer runs, or write .csv")
    plain = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, plain) as book:
        book.set_properties({"created": _MADE_AT})
        sheet = book.add_worksheet(table.name[:31])
        sheet.freeze_panes(1, 0)
        for place, column in enumerate(one for one in table.columns if one.name in frame.columns):
            sheet.write_string(0, place, column.name)
        for number, row in enumerate(raw_rows(frame, table), start=1):
            for place, value in enumerate(row.values()):
                if value is not None:
                    sheet.write(number, place, _cell(value))


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        value = msgspec.json.encode(value).decode()
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        value = str(value)  # a cell holds a double
    return for_terminal(value)[:_LONGEST_TEXT] if isinstance(value, str) else value
