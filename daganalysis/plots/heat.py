"""Maps: stages against runs, stages against agents; darker is slower."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.errors import UsageError
from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.stage_names import numbered
from daganalysis.tables.pictures import STAGE_RUN_CELLS, STRAGGLER_CELLS
from daganalysis.text.humanize import human_duration, plural

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_NUMBER_SIZE = 6.5
_LEAST_RATIO, _MOST_RATIO = 0.7, 2.8
"""The end of the shades: eight times as slow is as dark as three times."""
_ENDS = {_LEAST_RATIO: "≤ ", _MOST_RATIO: "≥ "}


def stage_run_cells(latency: pd.DataFrame, dags: pd.DataFrame, *, workflow: str | None = None, most: int = 80) -> pd.DataFrame:
    """Return a map of the stages of a workflow against its runs.

    A stage that a run did not execute, or was still executing, has no row.

    Args:
        latency: A result of :func:`daganalysis.stage_latency`.
        dags: The table ``dags`` of the archive.
        workflow: The workflow to show. You can leave it out if there is only one.
        most: The largest number of columns. Beyond it, a column stands for several neighbouring runs and holds their median.

    Returns:
        One row per stage and column, sorted by lane and column. Runs are ordered by their start; durations in seconds.

    Raises:
        UsageError: There are several workflows and ``workflow`` is None.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/versions/a")
        >>> cells = da.plots.stage_run_cells(da.stage_latency(archive), archive.dags)
        >>> len(cells), cells["column"].nunique(), cells["lane"].nunique()
        (60, 12, 5)
    """
    import pandas as pd

    rows = latency[latency["latency_s"].notna() & ~latency["censored"].fillna(value=False)]
    rows = rows[rows["workflow"] == _the_workflow(rows, workflow)]
    rows = rows.assign(name=numbered(rows))
    runs = dags[dags["run_id"].isin(set(rows["run_id"]))].sort_values(["started_at", "run_id"], kind="stable")["run_id"].tolist()
    per_column = max(1, -(-len(runs) // most))
    place = {run_id: n // per_column for n, run_id in enumerate(runs)}
    stages = rows.groupby("name")["stage"].min().sort_values(kind="stable")
    lanes = {name: lane for lane, name in enumerate(stages.index)}
    median = rows.groupby("name")["latency_s"].transform("median")
    rows = rows.assign(column=rows["run_id"].map(place), lane=rows["name"].map(lanes), ratio=(rows["latency_s"] / median).where(median > 0))
    grouped = rows.groupby(["lane", "column", "name"], as_index=False)
    cells = grouped.agg(n_runs=("run_id", "nunique"), latency_s=("latency_s", "median"), ratio=("ratio", "median"))
    ends: dict[int, tuple[str, str]] = {}
    for run_id, column in place.items():
        ends[column] = (ends.get(column, (run_id,))[0], run_id)
    cells["from_run_id"] = [ends[column][0] for column in cells["column"]]
    cells["to_run_id"] = [ends[column][1] for column in cells["column"]]
    cells["label"] = cells["name"]
    cells["workflow"] = rows["workflow"].iloc[0] if len(rows) else None
    return STAGE_RUN_CELLS.conform(pd.DataFrame(cells[STAGE_RUN_CELLS.names]))


def _the_workflow(rows: pd.DataFrame, wanted: str | None) -> str | None:
    known = sorted(rows["workflow"].dropna().unique())
    if wanted is None and len(known) > 1:
        raise UsageError(f"{len(known)} workflows to draw", hint="name one with workflow: " + ", ".join(known[:5]))
    return wanted if wanted is not None else known[0] if known else None


def draw_stage_runs(cells: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the frame of :func:`stage_run_cells`.

    Args:
        cells: The frame to draw.
        ax: The Axes to draw into. None creates a figure.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/versions/a")
        >>> cells = da.plots.stage_run_cells(da.stage_latency(archive), archive.dags)
        >>> len(da.plots.draw_stage_runs(cells).get_yticklabels())
        5
    """
    from matplotlib.colors import LogNorm
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    columns = int(cells["column"].max()) + 1 if len(cells) else 0
    labels = axes_layout.lane_labels(cells)
    ax = axes_layout.new_axes(11, min(max(3.2, 2.2 + 0.3 * len(labels)), 20)) if ax is None else ax
    scale = LogNorm(_LEAST_RATIO, _MOST_RATIO, clip=True)
    ratios = cells["ratio"].fillna(1.0).tolist()
    ink = axes_layout.draw_cells(
        ax, cells["column"].tolist(), cells["lane"].tolist(), ratios, scale=scale, words="times the stage's median"
    )
    for other in _others(ax):
        other.yaxis.set_major_locator(FixedLocator([0.7, 1, 1.4, 2, 2.8]))
        other.yaxis.set_minor_locator(NullLocator())
        other.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{_ENDS.get(value, '')}{value:g}"))
    first = cells.drop_duplicates("column").sort_values("column")
    several = int(cells["n_runs"].max()) > 1 if len(cells) else False
    names = [f"{a} …" if several and a != b else a for a, b in zip(first["from_run_id"], first["to_run_id"], strict=True)]
    facts = [f"{plural(columns, 'column')} of runs by their start" if several else f"{columns:,} runs by their start"]
    facts += [f"up to {int(cells['n_runs'].max()):,} runs a column, the median of each"] if several else []
    head = f"{cells['workflow'].iloc[0]}, stage latency against the stage's median" if len(cells) else "no stage"
    _finish(ax, labels, names, head, facts)
    _numbers(ax, cells, [f"{value:.3g}" for value in cells["latency_s"]], ink, "seconds in the cells")
    return ax


def straggler_cells(stragglers: pd.DataFrame, *, most: int = 30) -> pd.DataFrame:
    """Return a map of stages against agents.

    Args:
        stragglers: A result of :func:`daganalysis.stragglers`.
        most: The largest number of agents. Beyond it, the last column stands for all the others.

    Returns:
        One row per stage and agent, the worst first.

    Example:
        >>> import daganalysis as da
        >>> cells = da.plots.straggler_cells(da.stragglers(da.load("sample_data/upgrade")))
        >>> cells["agent"].iloc[0]
        '192.0.2.24:2886'
    """
    import pandas as pd

    rows = stragglers[stragglers["agent"].notna()]
    rows = rows.assign(workflow=rows["workflow"].fillna("unnamed"), name=rows["name"].fillna("unnamed"))
    if len(set(rows["cluster"].dropna())) > 1:
        # Agents of different clusters may have the same address.
        rows["agent"] = (rows["cluster"].fillna("") + " " + rows["agent"]).str.strip()
    worst = rows.groupby("agent")["barrier_wait_s"].sum().sort_values(ascending=False, kind="stable")
    agents = worst.index.tolist()
    single = agents if len(agents) <= most else agents[: most - 1]
    place = {agent: n for n, agent in enumerate(single)}
    other = f"{len(agents) - len(single):,} other agents"
    rows = rows.assign(agent=rows["agent"].where(rows["agent"].isin(single), other))
    rows["column"] = rows["agent"].map(place).fillna(len(single)).astype(int)
    wait = rows.groupby(["workflow", "name"])["barrier_wait_s"].sum().sort_values(ascending=False, kind="stable")
    lanes = {key: lane for lane, key in enumerate(wait.index)}
    grouped = rows.groupby(["workflow", "name", "column", "agent"], as_index=False)
    cells = grouped.agg(
        n=("n", "sum"), n_slowest=("n_slowest", "sum"), barrier_wait_s=("barrier_wait_s", "sum"), flagged=("flagged", "any")
    )
    keys = list(zip(cells["workflow"], cells["name"], strict=True))
    cells["lane"] = [lanes[key] for key in keys]
    one = len(set(cells["workflow"])) <= 1
    cells["label"] = [name if one else f"{workflow} · {name}" for workflow, name in keys]
    return STRAGGLER_CELLS.conform(pd.DataFrame(cells[STRAGGLER_CELLS.names]))


def draw_stragglers(cells: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the frame of :func:`straggler_cells`.

    Flagged agents have a ring.

    Args:
        cells: The frame to draw.
        ax: The Axes to draw into. None creates a figure.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> cells = da.plots.straggler_cells(da.stragglers(da.load("sample_data/upgrade")))
        >>> len(da.plots.draw_stragglers(cells).get_yticklabels()) == cells["lane"].nunique()
        True
    """
    from matplotlib.colors import PowerNorm

    labels = axes_layout.lane_labels(cells)
    ax = axes_layout.new_axes(11, min(max(3.6, 2.8 + 0.3 * len(labels)), 20)) if ax is None else ax
    waits = cells["barrier_wait_s"].tolist()
    # The square root leaves room for the many who were hardly waited for.
    scale = PowerNorm(0.5, 0.0, max(waits, default=1.0) or 1.0)
    ink = axes_layout.draw_cells(ax, cells["column"].tolist(), cells["lane"].tolist(), waits, scale=scale, words="others waited, seconds")
    agents = cells.drop_duplicates("column").sort_values("column")["agent"].tolist()
    flagged = cells[cells["flagged"].fillna(value=False)]
    facts = [f"{human_duration(sum(waits))} in all"] if waits else ["none"]
    facts += [f"{len(flagged)} slowest beyond chance (framed)"] if len(flagged) else []
    for row in flagged.to_dict("records"):
        from matplotlib.patches import Rectangle

        ax.add_patch(Rectangle((row["column"] - 0.46, row["lane"] - 0.46), 0.92, 0.92, fill=False, edgecolor="#D55E00", linewidth=2))
    _finish(ax, labels, agents, "How long a stage waited for its slowest agent", facts)
    _numbers(
        ax, cells, [f"{a}/{b}" for a, b in zip(cells["n_slowest"], cells["n"], strict=True)], ink, "in the cells: slowest of executions"
    )
    return ax


def _others(ax: Axes) -> list[Axes]:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return [other for other in figure.axes if other.get_label() == "<colorbar>"][-1:]


def _finish(ax: Axes, labels: dict[int, str], columns: Sequence[str], head: str, facts: list[str]) -> None:
    limits = ax.get_ylim()
    axes_layout.set_title(ax, head, facts, text_metrics.figure_width(ax) * (1 - axes_layout.LABEL_SHARE) * 0.85)
    for _ in range(2):
        axes_layout.label_rows(ax, labels)
        axes_layout.label_columns(ax, columns)
        ax.set_ylim(limits)
        text_metrics.settle(ax)
    axes_layout.set_title(ax, head, facts, text_metrics.size_of(ax)[0])


def _numbers(ax: Axes, cells: pd.DataFrame, texts: Sequence[str], ink: Sequence[str], words: str) -> None:
    """Write numbers into the cells, if all of them fit, and name their unit."""
    if not texts:
        return
    width, height = text_metrics.size_of(ax)
    columns, lanes = int(cells["column"].max()) + 1, int(cells["lane"].max()) + 1
    if max(text_metrics.text_width(text, _NUMBER_SIZE) for text in texts) + 3 > width / columns or height / lanes < _NUMBER_SIZE * 1.3:
        return
    look: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": _NUMBER_SIZE}
    for x, y, text, colour in zip(cells["column"], cells["lane"], texts, ink, strict=True):
        ax.text(x, y, text, color=colour, **look)
    ax.set_xlabel(words, fontsize=8)
