"""A frame as a table for a terminal: what fits the width, aligned, with a note on what did not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.formats.layout import GAP, ColumnLayout, broken, fit, header_lines, row_lines
from daganalysis.tables import Column, Type
from daganalysis.text.columns import PROSE, SAID_BY, SUMMED, columns_by_importance
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import MISSING, human_duration, human_number, human_share, plural
from daganalysis.text.widths import DEFAULT_WIDTH, cell_width
from daganalysis.text.zones import UTC, Zone

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from daganalysis.tables import Table

_WORDS = frozenset({"outcome", "state", "operator", "category", "verdict", "severity", "kind", "direction", "evidence", "history", "code"})
"""Columns of a small vocabulary: half a word would be no word."""
_KINDS = frozenset({"n_agents", "n_base", "n_candidate"})
"""Counts that say of what kind a row is: where they are the same in every row they are said once."""
_LONGEST_WORD = len("succeeded_with_node_pass")
_OTHER = "other"
_LEAST_TEXT, _LEAST_ID = 16, 20
"""A text or an id is shortened to no less than this: ids of local DAGs differ in their middle too."""
_OTHER_COLUMN = Column(_OTHER, Type.INTEGER, "the sum of the counts that have no room")


def terminal_table(frame: pd.DataFrame, table: Table, width: int | None = DEFAULT_WIDTH, zone: Zone = UTC) -> str:
    """Lay a frame of a declared table out in ``width`` columns; None shows every column in full.

    Durations have units, shares are percents, instants are shown to the second in ``zone``, long ids lose their middle, and sentences are
    below their row. A column is left out if it is the same in every row, empty (null or 0 in every row), or without room; one line below
    says so. The column ``other`` has the sum of the counts without room.
    """
    if frame.empty:
        return "no rows\n"
    declared = [column for column in table.columns if column.name in frame.columns]
    if width is None:
        every = [_shown(column, frame[column.name], zone, break_header=False) for column in declared]
        for shown in every:
            shown.width = shown.natural
        return _joined(
            [*header_lines(every), *row_lines(every, [], len(frame), 0), *_notes({}, [], _zone_named(declared, frame, zone), 10_000)]
        )
    silent = [column.name for column in declared if _says_nothing(frame[column.name], column)]
    same = {column.name: str(frame[column.name].iloc[0]) for column in declared if _is_same(frame[column.name], column)}
    varying = [column for column in declared if column.name not in {*silent, *same}]
    in_prose = [column.name for column in varying if {other.name for other in varying}.intersection(SAID_BY.get(column.name, ()))]
    prose = [human_cells(frame[column.name], column, zone) for column in varying if column.name in PROSE and column.name not in in_prose]
    columns = {column.name: column for column in varying if column.name not in PROSE} or {column.name: column for column in declared[:1]}

    def layout(name: str) -> ColumnLayout:
        # A table may have many rows: the cells of a column are written when the column is considered, not before.
        return _shown(columns[name], frame[name], zone, break_header=True)

    chosen = fit(list(columns), columns_by_importance(table), width, layout)
    summed = SUMMED.get(table.name, ())
    unshown = [name for name in columns if name in summed and name not in {shown.name for shown in chosen}]
    if unshown:
        room = width - len(_OTHER) - len(GAP)
        chosen = fit(list(columns), columns_by_importance(table), room, layout)
        unshown = [name for name in columns if name in summed and name not in {shown.name for shown in chosen}]
        chosen.insert(_behind(chosen, summed), _shown(_OTHER_COLUMN, frame[unshown].sum(axis=1), zone, break_header=True))
        chosen[_behind(chosen, (*summed, _OTHER)) - 1].width = len(_OTHER)
    lines = [*header_lines(chosen), *row_lines(chosen, prose, len(frame), width)]
    shown_names = {shown.name for shown in chosen}
    without_room = [name for name in columns if name not in shown_names] + in_prose
    zone_note = _zone_named([columns[name] for name in columns if name in shown_names], frame, zone)
    cut = any(shown.width < shown.natural for shown in chosen)
    return _joined([*lines, *_notes(same, without_room, zone_note, width, cut=cut)])


def _behind(chosen: list[ColumnLayout], names: tuple[str, ...]) -> int:
    """Return the place behind the last of some columns."""
    return max((n for n, shown in enumerate(chosen, start=1) if shown.name in names), default=len(chosen))


def _zone_named(columns: list[Column], frame: pd.DataFrame, zone: Zone) -> str:
    """Name the zone where a table tells times at all."""
    has_times = any(column.type is Type.INSTANT and frame[column.name].notna().any() for column in columns)
    return f"times in {zone.name}" if has_times else ""


def _joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines) + "\n"


def human_cells(values: pd.Series[Any], column: Column, zone: Zone = UTC) -> list[str]:
    """Write every value of a column for a person. A null is a dash, or the text of the declaration."""
    write = _writer(column, zone)
    null = column.null_word or MISSING
    return [null if missing else write(value) for value, missing in zip(values.tolist(), values.isna().tolist(), strict=True)]


def _writer(column: Column, zone: Zone) -> Callable[[Any], str]:
    if column.type is Type.INSTANT:
        return zone.bare
    if column.type is Type.REAL:
        return human_duration if column.name.endswith("_s") else human_share if column.name.endswith("_share") else human_number
    if column.type is Type.BOOLEAN:
        return lambda value: "yes" if value else "no"
    if column.type is Type.STRINGS:
        return lambda value: for_terminal(" / ".join(value))
    return lambda value: for_terminal(str(value))


def _says_nothing(values: pd.Series[Any], column: Column) -> bool:
    return bool(values.isna().all() or (column.type is Type.INTEGER and (values == 0).all()))


def _is_same(values: pd.Series[Any], column: Column) -> bool:
    is_kind = column.type is Type.STRING or column.name in _KINDS
    return is_kind and len(values) > 1 and not values.isna().any() and bool((values == values.iloc[0]).all())


def _shown(column: Column, values: pd.Series[Any], zone: Zone, *, break_header: bool) -> ColumnLayout:
    kind = _kind(column)
    cells = human_cells(values, column, zone)
    widest = max(map(cell_width, cells))
    least = min(widest, {"id": _LEAST_ID, "text": _LEAST_TEXT, "word": _LONGEST_WORD}.get(kind, widest))
    header = broken(column.name, max(least, *map(len, column.name.split("_")))) if break_header else [column.name]
    at_least = max(map(len, header))
    return ColumnLayout(column.name, kind, cells, header, natural=max(widest, at_least), least=max(least, at_least))


def _kind(column: Column) -> str:
    if column.type in {Type.INTEGER, Type.REAL}:
        return "number"
    if column.type in {Type.INSTANT, Type.BOOLEAN}:
        return "fixed"
    if column.name in _WORDS:
        return "word"
    return "id" if column.name.endswith(("run_id", "_gid", "source", "trace_id", "agent")) else "text"


def _notes(same: dict[str, str], without_room: list[str], zone_note: str, width: int, *, cut: bool = False) -> list[str]:
    """Return the notes below the table in one line: the zone, the columns left out, and the values that all rows share."""
    parts = [zone_note] if zone_note else []
    hidden = bool(without_room) or cut
    room = width - 2 - len("; ".join(parts)) - len("; --wide shows all")
    if without_room:
        named = _named(without_room, room - 2)
        parts.append(named)
        room -= len(named) + 2
    for name, value in same.items():
        note = f"{name} {for_terminal(value)} in every row"
        if cell_width(note) + 2 <= room:
            parts.insert(0, note)
            room -= cell_width(note) + 2
        else:
            hidden = True
    if hidden:
        parts.append("--wide shows all")
    return ["", f"({'; '.join(parts)})"] if parts else []


def _named(names: list[str], room: int) -> str:
    """Name the columns left out, as many as there is room for.

    >>> _named(["n_agents", "engine_share", "last_run_id"], 40), _named(["n_agents", "last_run_id"], 60)
    ('left out: n_agents and 2 more columns', 'left out: n_agents, last_run_id')
    """
    for n in range(len(names), 0, -1):
        more = f" and {plural(len(names) - n, 'more column')}" if n < len(names) else ""
        note = f"left out: {', '.join(names[:n])}{more}"
        if len(note) <= room:
            return note
    return f"left out: {plural(len(names), 'column')}"
