"""The pictures of a report: their frames are chosen while the content is collected, and drawn into the page later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.pages.shell import trusted
from daganalysis.pages.svg import figure_svg
from daganalysis.tables.pictures import PICTURE_FRAMES
from daganalysis.tables.plain_rows import raw_rows
from daganalysis.text.zones import UTC, Zone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import pandas as pd
    from markupsafe import Markup

    from daganalysis.archive import Archive

_MOST_BARS, _MOST_COLUMNS, _MOST_AGENTS, _MOST_PERIODS = 16, 40, 24, 40
_FEWEST_RUNS = 3
"""Of fewer runs a table is a better picture."""
_ZONED = frozenset({"retry_periods", "trend_marks"})
"""Pictures with clock times."""
_TITLES = {
    "budget_bars": "Where the time of the longest runs went, as stacked bars, and when they would have ended under scenarios",
    "stage_run_cells": "How long each stage took in each run, against its median, as a map",
    "straggler_cells": "How long others waited for each agent in each stage, as a map",
    "retry_periods": "Runs retried and rolled back over time, as bars",
    "trend_marks": "How long runs took over time, with the levels between shifts",
}


def picture_frames(
    archive: Archive,
    mains: pd.DataFrame,
    budget: pd.DataFrame,
    run_stragglers: pd.DataFrame,
    shifts: pd.DataFrame,
    labels: Mapping[str, str],
) -> dict[str, pd.DataFrame]:
    """Choose the pictures that have something to show, and make their frames.

    ``mains`` are the main runs, and ``labels`` are the labels of the runs' bars. The map of stages shows the workflow with the most runs,
    the trend the largest shift.
    """
    from daganalysis import plots
    from daganalysis.analysis import what_if

    frames: dict[str, pd.DataFrame] = {}
    if len(mains) >= _FEWEST_RUNS:
        own = budget[budget["run_id"].isin(mains["run_id"])]
        bars = plots.budget_bars(own, most=_MOST_BARS, predictions=what_if(archive))
        frames["budget_bars"] = bars.assign(label=bars["run_id"].map(labels).fillna(bars["label"]).astype(bars["label"].dtype))
        frames["stage_run_cells"] = _stage_cells(archive, mains)
    if run_stragglers["flagged"].any():
        frames["straggler_cells"] = plots.straggler_cells(run_stragglers, most=_MOST_AGENTS)
    periods = plots.retry_periods(mains, most=_MOST_PERIODS)
    if len(periods) > 1 and periods[["n_retried", "n_rolled_back"]].to_numpy().any():
        frames["retry_periods"] = periods
    shifts = shifts[shifts["kind"].eq("shift")]
    if len(shifts):
        size = shifts["ratio"].where(shifts["ratio"] >= 1, 1 / shifts["ratio"]).to_numpy()
        largest = shifts.iloc[int(size.argmax())]
        name = largest["name"] if isinstance(largest["name"], str) else None
        frames["trend_marks"] = plots.trend_marks(archive, shifts, workflow=largest["workflow"], name=name)
    return {name: frame for name, frame in frames.items() if len(frame)}


def _stage_cells(archive: Archive, mains: pd.DataFrame) -> pd.DataFrame:
    from daganalysis import plots
    from daganalysis.analysis import stage_latency

    counts = mains["workflow"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    if counts.empty or counts.iloc[0] < _FEWEST_RUNS:
        return PICTURE_FRAMES["stage_run_cells"].empty()
    workflow = str(counts.index[0])
    runs = mains[mains["workflow"] == workflow]
    return plots.stage_run_cells(stage_latency(archive.only(runs["run_id"])), runs, workflow=workflow, most=_MOST_COLUMNS)


def plain_pictures(frames: dict[str, pd.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    """Return the frames as plain rows, for ``report.json``."""
    return {name: list(raw_rows(frame, PICTURE_FRAMES[name])) for name, frame in frames.items()}


def drawn_pictures(frames: dict[str, pd.DataFrame], zone: Zone = UTC) -> dict[str, dict[str, Any]]:
    """Draw the frames as elements of the page, each with its title."""
    from daganalysis import plots

    drawn: dict[str, dict[str, Any]] = {}
    for name, frame in frames.items():
        options = {"tz": zone.name} if name in _ZONED else {}
        figure = getattr(plots, plots.PICTURES[name])(frame, **options).get_figure(root=True)
        svg: Markup = trusted(figure_svg(figure, key=name.replace("_", "-"), title=_TITLES[name]))
        drawn[name] = {"title": _TITLES[name], "svg": svg}
    return drawn
