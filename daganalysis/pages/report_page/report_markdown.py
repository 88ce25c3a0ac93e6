"""The report as Markdown, short enough for a ticket: the worst run, what happened, what failed, what changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import words
from daganalysis.pages.report_page.definitions import SPENT_ON
from daganalysis.pages.report_page.report_html import heading, subtitle
from daganalysis.pages.shown_tables import cell_text, is_numeric
from daganalysis.text.escaping import for_markdown
from daganalysis.text.humanize import human_duration, human_share, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.pages.report_page.content import Collected
    from daganalysis.pages.shown_tables import ShownTable
    from daganalysis.tables.plain_rows import Row
    from daganalysis.text.zones import Zone

_MOST_ROWS = 10
_TABLES = ("failures", "retry_patterns", "runs", "stages", "stragglers_by_agent", "compare", "trend", "issues")


def report_markdown(collected: Collected, title: str = "") -> str:
    """Write the report as Markdown; every string of the archive is escaped, long tables are cut and say so."""
    parts = [f"# {for_markdown(title or heading(collected.overview))}", for_markdown(subtitle(collected.overview, collected.zone))]
    parts += _worst(collected.worst, collected.worst_runs)
    parts += ["## What happened", *_table(collected.tables["summary"], collected.zone)]
    parts += ["## Where the time went", *_time(collected)]
    for name in _TABLES:
        table = collected.tables.get(name)
        if table is not None and table.rows:
            parts += [f"## {table.title}", *_table(table, collected.zone)]
    parts.append(
        f"Every number, unrounded and with the meaning of its column, is in `report.json`, in UTC. Times here are in {collected.zone.name}."
    )
    return "\n\n".join(parts) + "\n"


def worst_sentence(worst: Row) -> str:
    """Return in a sentence which run went worst, at which stage, on which agent."""
    name = worst["name"] or "unnamed DAG"
    if not worst["trouble"]:
        return f"No run had trouble. The longest: {name}, run {worst['run_id']}, {human_duration(worst['elapsed_s'])}."
    text = f"Went worst: {name}, run {worst['run_id']}: {words(worst['outcome'])}"
    culprit = worst["culprit"]
    if culprit is None:
        return text + "."
    child = "" if culprit["run_id"] == worst["run_id"] else f" of its child DAG {culprit['run_id']}"
    others = f" and {plural(culprit['n_agents'] - 1, 'more agent')}" if culprit["n_agents"] > 1 else ""
    return (
        f"{text}, at stage {culprit['stage']}, {culprit['name'] or 'unnamed'}{child}, on {culprit['agent'] or 'an unknown agent'}{others}."
    )


def _worst(worst: Row | None, worst_runs: list[Row]) -> list[str]:
    if worst is None:
        return ["The archive holds no run."]
    lines = [f"**{for_markdown(worst_sentence(worst))}**"]
    if worst["trouble"] and worst["culprit"] and worst["culprit"]["line"]:
        lines.append(f"> {for_markdown(worst['culprit']['line'])}")
    lines += [
        f"- {for_markdown(row['name'] or 'unnamed DAG')}, run {for_markdown(row['run_id'])}: {for_markdown(row['conclusion'] or '')}"
        for row in worst_runs
    ]
    return lines


def _time(collected: Collected) -> list[str]:
    if not collected.time_spent:
        return ["No run has both a known start and a known end."]
    total = collected.overview["elapsed_total_s"]
    rows = []
    for category in SPENT_ON:
        seconds = sum(row[f"{category['name']}_s"] or 0 for row in collected.time_spent if not row["is_child"])
        if seconds:
            rows.append((category["label"], human_duration(seconds), human_share(seconds / total if total else None)))
    return [_rows(("spent on", "time", "share"), (False, True, True), rows)]


def _table(table: ShownTable, zone: Zone) -> list[str]:
    shown = table.rows[:_MOST_ROWS]
    cells = [[cell_text(row[column.name], column.kind, zone) for column in table.columns] for row in shown]
    parts = [_rows([column.label for column in table.columns], [is_numeric(column.kind) for column in table.columns], cells)]
    if table.n_all > len(shown):
        parts.append(f"The first {len(shown)} of {table.n_all:,}, {table.order}.")
    return parts


def _rows(labels: Iterable[str], right: Iterable[bool], cells: Iterable[Iterable[str]]) -> str:
    lines = ["| " + " | ".join(map(for_markdown, labels)) + " |", "|" + "|".join("---:" if is_right else "---" for is_right in right) + "|"]
    lines += ["| " + " | ".join(map(for_markdown, row)) + " |" for row in cells]
    return "\n".join(lines)
