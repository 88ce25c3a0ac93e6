"""The report as one HTML page: a summary of the content, charts of the runs that have a section, tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import CHANGES_OF_LENGTH
from daganalysis.pages.report_page.content import run_labels
from daganalysis.pages.report_page.definitions import DEFINITIONS, SPENT_ON
from daganalysis.pages.report_page.figures import drawn_pictures
from daganalysis.pages.shell import render_page, trusted
from daganalysis.pages.shown_tables import ShownTable, cell_text
from daganalysis.pages.svg import figure_svg
from daganalysis.progress import silent
from daganalysis.text.humanize import human_duration, human_share, plural
from daganalysis.text.zones import UTC, Zone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daganalysis.archive import Archive
    from daganalysis.pages.report_page.content import Collected
    from daganalysis.progress import Progress
    from daganalysis.tables.plain_rows import Row

SCRIPTS = ("templates/text.js", "report_page/report.js")
_MOST_LANES = 36
"""Lanes of a chart inside a report. If a stage has more sub-tasks, one labelled bar replaces the unremarkable ones."""
_MOST_SUSPECTS = 3
"""Number of agents listed if none is shown to be slow: those that others waited for most."""
_CONTENTS = (
    ("time", "Where the time went"),
    ("failed", "What failed, and why"),
    ("slow", "Slowest stages"),
    ("stragglers", "Stragglers"),
    ("changed", "What changed"),
    ("each", "The worst and the slowest, one by one"),
    ("runs", "All runs"),
    ("issues", "Issues"),
    ("definitions", "Definitions"),
)


def report_html(archive: Archive, collected: Collected, title: str, progress: Progress = silent) -> str:
    """Write the page of a report; the same archive gives the same text."""
    sections: list[Row] = []
    for number, section in enumerate(collected.sections):
        sections.append({**section, "charts": _charts(archive, section, number + 1, collected.zone)})
        progress("drawing", number + 1, len(collected.sections))
    anchors = _anchors(sections)
    overview = collected.overview
    return render_page(
        "report_page/report.html.jinja",
        styles=("templates/page.css", "report_page/report.css"),
        scripts=SCRIPTS,
        title=title or heading(overview),
        heading=title or heading(overview),
        subtitle=subtitle(overview, collected.zone),
        overview=overview,
        zone=collected.zone,
        zone_name=collected.zone.name,
        worst=collected.worst,
        worst_runs=collected.worst_runs,
        clusters=collected.clusters,
        run_names=run_labels(collected.names, collected.zone),
        not_redone=collected.not_redone,
        tiles=_tiles(overview),
        outcomes=collected.outcomes,
        tables={name: collected.tables.get(name, _NO_TABLE) for name in TABLES} | _folded(collected),
        time_spent=collected.time_spent,
        categories=[category for category in SPENT_ON if any(row[f"{category['name']}_s"] for row in collected.time_spent)],
        comparison=collected.comparison,
        sections=sections,
        pictures=drawn_pictures(collected.pictures, collected.zone),
        anchors=anchors,
        n_unsectioned=overview["n_main_runs"] - len(sections),
        contents=[{"id": name, "label": label} for name, label in _CONTENTS],
        definitions=DEFINITIONS,
    )


TABLES = ("summary", "failures", "retry_patterns", "runs", "stages", "stragglers_by_agent", "stragglers", "compare", "trend", "issues")
"""The tables of a report, by name."""
_NO_TABLE = ShownTable("", "", "", "", "", (), [], 0)


def _folded(collected: Collected) -> dict[str, ShownTable]:
    """Keep the decisive rows of a table: shown changes, the agents that others waited for, the main runs. The rest is folded."""
    views: dict[str, ShownTable] = {}
    compared = collected.tables.get("compare")
    if compared is not None:
        views["compare"] = _kept(compared, lambda row: row["verdict"] in CHANGES_OF_LENGTH)
    agents = collected.tables["stragglers_by_agent"]
    flagged = _kept(agents, lambda row: row["flagged"])
    waited_for = _kept(agents, lambda row: (row.get("barrier_wait_s") or 0) > 0)
    views["stragglers_on_top"] = flagged if flagged.rows else replace(waited_for, rows=waited_for.rows[:_MOST_SUSPECTS])
    runs, overview = collected.tables["runs"], collected.overview
    views["main_runs"] = _kept(runs, lambda row: row.get("parent_run_id") not in collected.names, overview["n_main_runs"])
    views["child_runs"] = _kept(runs, lambda row: row.get("parent_run_id") in collected.names, overview["n_child_runs"])
    return views


def _kept(table: ShownTable, chosen: Callable[[Row], bool], n_all: int | None = None) -> ShownTable:
    """Keep some rows of a table, and the columns that have values in them. ``n_all`` is the number of such rows if the table lacks some."""
    rows = [row for row in table.rows if chosen(row)]
    columns = tuple(column for column in table.columns if any(row[column.name] is not None for row in rows))
    return replace(table, rows=rows, columns=columns, n_all=len(rows) if n_all is None else n_all)


def heading(overview: Row) -> str:
    """Return the subject of the report in words.

    >>> heading({"n_runs": 3, "n_workflows": 1})
    'Report of 3 runs of 1 workflow'
    """
    return f"Report of {plural(overview['n_runs'], 'run')} of {plural(overview['n_workflows'], 'workflow')}"


def subtitle(overview: Row, zone: Zone = UTC) -> str:
    """Return the period of the runs in words, and how much is known of them."""
    parts = []
    if overview["first_started_at"] and overview["last_observed_at"]:
        first, last = (cell_text(overview[name], "instant", zone) for name in ("first_started_at", "last_observed_at"))
        parts.append(f"from {first} to {last} {zone.name}")
    parts.append(f"{overview['n_snapshots']:,} responses about {plural(overview['n_agents'], 'agent')}")
    if overview["n_clusters"] > 1:
        parts.append(plural(overview["n_clusters"], "cluster"))
    return ", ".join(parts)


def _anchors(sections: Sequence[Row]) -> dict[str, str]:
    """Return in words where the page describes a run: in its own section, or in that of its main DAG."""
    anchors = {section["run_id"]: f"run-{number + 1}" for number, section in enumerate(sections)}
    for section in sections:
        for child in section["children"]:
            if child["run_id"] is not None:
                anchors.setdefault(child["run_id"], anchors[section["run_id"]])
    return anchors


def _charts(archive: Archive, section: Row, number: int, zone: Zone) -> list[Row]:
    """Draw the run and, if its trouble is in a child DAG, that child."""
    runs = [section["run_id"]]
    if section["culprit"] and section["culprit"]["why"] != "slowest":
        runs.append(section["culprit"]["run_id"])
    charts = []
    for place, run_id in enumerate(dict.fromkeys(runs)):
        svg = run_chart(archive, run_id, f"chart-{number}-{place}", zone)
        if svg:
            charts.append({"run_id": run_id, "svg": trusted(svg)})
    return charts


def run_chart(archive: Archive, run_id: str, key: str, zone: Zone = UTC) -> str:
    """Draw the Gantt chart of a run as an element of the page; empty if nothing of the run has a known time."""
    from daganalysis.plots import draw_gantt, gantt_bars

    bars = gantt_bars(archive.run(run_id), run_id=run_id, max_lanes=_MOST_LANES)
    if not bars["role"].isin(["attempt", "folded", "time"]).any():
        return ""
    figure = draw_gantt(bars, tz=zone.name).get_figure(root=True)
    assert figure is not None
    return figure_svg(figure, key=key, title=f"Gantt chart of run {run_id}: a bar an attempt, a lane a sub-task")


def _tiles(overview: Row) -> list[dict[str, Any]]:
    mains, children = overview["n_main_runs"], overview["n_child_runs"]
    return [
        {"label": "main runs", "value": f"{mains:,}", "note": f"and {plural(children, 'child DAG')}" if children else "no child DAGs"},
        {
            "label": "had trouble",
            "value": f"{overview['n_in_trouble']:,}",
            "note": f"{human_share(_share(overview['n_in_trouble'], mains))} of the main runs",
        },
        {"label": "retried by a person", "value": f"{overview['n_retried']:,}", "note": "runs, at least"},
        {
            "label": "elapsed in all",
            "value": human_duration(overview["elapsed_total_s"]),
            "note": f"of {plural(overview['n_timed_runs'], 'main run')}",
        },
        {"label": "the engine's share", "value": human_share(overview["engine_share"]), "note": "of the elapsed time"},
        {"label": "issues of the input", "value": f"{overview['n_issues']:,}", "note": "see below" if overview["n_issues"] else "none"},
    ]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
