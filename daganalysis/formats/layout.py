"""Columns of text in a given width: the choice of columns, their widths, and their lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.text.humanize import MISSING
from daganalysis.text.widths import cell_width, shorten_end, shorten_middle, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

GAP = "  "
_INDENT = "    "
_MOST_LINES = 5
"""Of a sentence below its row."""
_NARROWEST = 6
"""Less room than this takes no further column, with the gap before it."""
_COMFORTABLE = 28
"""No column is made wider than this before all others have had their share of the room."""


@dataclass(slots=True)
class ColumnLayout:
    """One column being laid out: its cells as text, and how wide it would, must and will be."""

    name: str
    kind: str
    cells: list[str]
    header: list[str]
    natural: int
    least: int
    width: int = 0


def broken(name: str, width: int) -> list[str]:
    """Break a column's name after underscores so that no line is wider than its cells need; a unit alone is no line.

    >>> broken("n_candidate", 4), broken("candidate_s", 6), broken("elapsed_p50_s", 6)
    (['n_', 'candidate'], ['candidate_s'], ['elapsed_', 'p50_s'])
    """
    lines: list[str] = []
    for part in re.sub(r"_(?!s$)", "_ ", name).split(" "):
        if lines and len(lines[-1]) + len(part) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return lines


def fit(names: Sequence[str], by_importance: Sequence[str], width: int, make: Callable[[str], ColumnLayout]) -> list[ColumnLayout]:
    """Choose the columns that fit a width.

    The most important columns come first, as narrow as is readable. Then they are widened to a comfortable width, then other columns are
    added while there is room. The remaining room goes to columns that are still cut.
    """
    chosen: dict[str, ColumnLayout] = {}
    left = width + len(GAP)
    for name in [name for name in by_importance if name in names] or names[:1]:
        column = make(name)
        if column.least + len(GAP) > left and chosen:
            break
        chosen[name] = column
        column.width = column.least
        left -= column.width + len(GAP)
    left = _widened(chosen, left, _COMFORTABLE)
    order = dict.fromkeys((*(name for name in by_importance if name in names), *names))
    for name in order:
        if left < _NARROWEST:
            break
        if name not in chosen and (column := make(name)).natural + len(GAP) <= left:
            chosen[name] = column
            column.width = column.natural
            left -= column.width + len(GAP)
    _widened(chosen, left, width)
    return [chosen[name] for name in names if name in chosen]


def _widened(chosen: dict[str, ColumnLayout], left: int, limit: int) -> int:
    """Give room to columns that are cut, none beyond a limit; return the room that is left. Ids come last: cut, they still name a run."""
    for column in sorted(chosen.values(), key=lambda column: column.kind == "id"):
        more = max(0, min(left, min(column.natural, limit) - column.width))
        column.width += more
        left -= more
    return left


def header_lines(chosen: Sequence[ColumnLayout]) -> Iterator[str]:
    """Write the names of the columns, over a rule."""
    height = max(len(column.header) for column in chosen)
    for line in range(height):
        parts = []
        for column in chosen:
            text = (["" for _ in range(height - len(column.header))] + column.header)[line]
            parts.append(text.rjust(column.width) if column.kind == "number" else text.ljust(column.width))
        yield GAP.join(parts)
    yield GAP.join("─" * column.width for column in chosen)


def row_line(chosen: Sequence[ColumnLayout], row: int) -> str:
    """Write one row: numbers to the right, an id that is too long without its middle, a text without its end."""
    parts = []
    for column in chosen:
        cell = (shorten_middle if column.kind == "id" else shorten_end)(column.cells[row], column.width)
        padding = " " * (column.width - cell_width(cell))
        parts.append(padding + cell if column.kind == "number" else cell + padding)
    return GAP.join(parts)


def row_lines(chosen: Sequence[ColumnLayout], prose: Sequence[Sequence[str]], n_rows: int, width: int) -> Iterator[str]:
    """Write every row, with its sentences below it."""
    for row in range(n_rows):
        yield row_line(chosen, row)
        for texts in prose:
            if texts[row] != MISSING:
                yield from sentence_lines(texts[row], width)


def sentence_lines(text: str, width: int) -> list[str]:
    """Wrap a sentence below its row; a long one loses its end."""
    room = width - len(_INDENT)
    lines = wrap(text, room)
    return [_INDENT + line for line in lines[: _MOST_LINES - 1]] + [
        _INDENT + shorten_end(" ".join(lines[_MOST_LINES - 1 :]), room) for _ in lines[_MOST_LINES - 1 : _MOST_LINES]
    ]
