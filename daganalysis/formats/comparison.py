"""The rows of ``compare`` for a terminal: each workflow and number of agents apart, with the ratio and its interval."""

from __future__ import annotations

from itertools import count, groupby
from typing import TYPE_CHECKING

from daganalysis.formats.layout import ColumnLayout, fit, header_lines, row_line, sentence_lines
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.comparison_words import comparison_sentence
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import MISSING, human_duration, plural
from daganalysis.text.widths import cell_width, shorten_end, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from daganalysis.tables.plain_rows import Row

_BY_IMPORTANCE = ("stage", "verdict", "ratio", "95 % interval", "runs", "before", "after")
_NUMBERS = frozenset({"runs", "before", "after", "ratio", "95 % interval"})
_OPTIONAL = frozenset({"ratio", "95 % interval"})
_LEAST_NAME = 16
_NOTE = "(runs: before : after; ratio: after to before; --wide shows every column)"


def comparison_table(compared: pd.DataFrame, width: int) -> str:
    """Lay out the rows of :func:`daganalysis.compare` at level ``stage`` in a width, and end with one sentence.

    A line names the workflow and the number of agents of the rows below it. ``runs`` is ``n_base : n_candidate``. The reason of a verdict
    is below the first row of its workflow. The stages of a workflow that only one side has are counted, not listed. Columns that do not fit
    are left out, the times before and after first. So are ratios and intervals if no row has one.
    """
    rows = rows_of(compared)
    groups = [list(group) for _, group in groupby(rows, lambda row: (row["workflow"], row["n_agents"]))]
    listed = [row for group in groups for row in (group[:1] if _is_one_sided(group) else group)]
    if not listed:
        return "no rows\n"
    columns = {name: _laid(name, cells) for name, cells in _cells(listed).items() if name not in _OPTIONAL or {*cells} != {MISSING}}
    chosen = fit(tuple(columns), [name for name in _BY_IMPORTANCE if name in columns], width, columns.__getitem__)
    lines = list(header_lines(chosen))
    places = count()
    for number, group in enumerate(groups):
        lines += ["" for _ in range(number > 0)]
        lines.append(shorten_end(_heading(group[0]), width))
        lines += _group_lines(group, chosen, places, width)
    below = ["", *wrap(_NOTE, width), "", *wrap(comparison_sentence(rows), width)]
    return "\n".join(line.rstrip() for line in lines + below) + "\n"


def _is_one_sided(group: list[Row]) -> bool:
    return group[0]["name"] is None and {row["verdict"] for row in group} <= {"only_base", "only_candidate"}


def _group_lines(group: list[Row], chosen: list[ColumnLayout], places: Iterator[int], width: int) -> Iterator[str]:
    if _is_one_sided(group):
        yield row_line(chosen, next(places))
        if len(group) > 1:
            yield f"  and its {plural(len(group) - 1, 'stage')}"
        return
    seen = set()
    for row in group:
        yield row_line(chosen, next(places))
        if row["reason"] and row["reason"] not in seen:
            yield from sentence_lines(for_terminal(row["reason"]), width)
            seen.add(row["reason"])


def _heading(row: Row) -> str:
    name = for_terminal(row["workflow"] or "the unnamed workflow")
    return f"{name} on {plural(row['n_agents'], 'agent')}" if row["n_agents"] else name


def _cells(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Write the columns in their order."""
    return {
        "stage": [f"  {for_terminal(row['name'] or 'whole run')}" for row in rows],
        "runs": [f"{row['n_base']} : {row['n_candidate']}" for row in rows],
        "before": [human_duration(row["base_s"]) for row in rows],
        "after": [human_duration(row["candidate_s"]) for row in rows],
        "ratio": [MISSING if row["ratio"] is None else f"{row['ratio']:.2f}" for row in rows],
        "95 % interval": [MISSING if row["ci_low"] is None else f"{row['ci_low']:.2f} to {row['ci_high']:.2f}" for row in rows],
        "verdict": [" + ".join(filter(None, (row["verdict"], row["also"]))) for row in rows],
    }


def _laid(name: str, cells: list[str]) -> ColumnLayout:
    widest = max(map(cell_width, (name, *cells)))
    least = min(widest, _LEAST_NAME) if name == "stage" else widest
    header = ["  stage"] if name == "stage" else [name]
    return ColumnLayout(name, "number" if name in _NUMBERS else "text", cells, header, natural=widest, least=least)
