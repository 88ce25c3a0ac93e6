"""How long runs took over time, with the levels between shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.errors import UsageError
from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.stage_names import numbered
from daganalysis.plots.styles import INK
from daganalysis.tables.pictures import TREND_MARKS
from daganalysis.text.humanize import plural
from daganalysis.text.zones import Zone, zone_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from daganalysis.archive import Archive

_NOTE_SIZE = 7.0
_DATES = (["%Y", "%Y-%m", "%m-%d", "%H:%M", "%H:%M", "%H:%M:%S"], ["", "%Y", "%m-%d", "%m-%d", "%H:%M", "%H:%M"])
"""How a tick is written where the axis counts years, months, days and so on: in general, and at the zero of the larger unit."""
_LIKE = ("cluster", "n_agents")


def trend_marks(
    archive: Archive, shifts: pd.DataFrame, *, workflow: str | None = None, name: str | None = None, most: int = 400
) -> pd.DataFrame:
    """Return the runs of one series with its level shifts.

    A series consists of succeeded runs of one workflow and one cluster on the same number of agents. If there are several series, the one
    with the largest shift is shown.

    Args:
        archive: The runs.
        shifts: A result of :func:`daganalysis.trend`.
        workflow: The workflow to show. You can leave it out if there is only one.
        name: The stage to show; None shows whole runs.
        most: The largest number of points. Beyond it, a row stands for several neighbouring runs.

    Returns:
        One row per run, level or shift, sorted by role and time, in seconds.

    Raises:
        UsageError: There are several workflows and ``workflow`` is None.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/versions/*")
        >>> marks = da.plots.trend_marks(archive, da.trend(archive), name="Import script for tenant")
        >>> marks["role"].value_counts().to_dict()
        {'run': 24, 'level': 2, 'shift': 1}
    """
    import pandas as pd

    history = _history(archive, workflow, name)
    # A drift and a cycle have no instant at which they begin.
    shifts = shifts[shifts["kind"].eq("shift")]
    own = shifts[shifts["workflow"].isin(set(history["workflow"])) & (shifts["name"].eq(name) if name else shifts["name"].isna())]
    history, own = _like_the_largest(history, own)
    per_row = max(1, -(-len(history) // most))
    rows: list[dict[str, Any]] = []
    for first in range(0, len(history), per_row):
        part = history.iloc[first : first + per_row]
        row = {"run_id": part["run_id"].iloc[0], "at": part["started_at"].iloc[0], "value_s": part["value_s"].median()}
        rows.append({"role": "run", "n_runs": len(part), **row})
    edges = [history["started_at"].min(), *own.sort_values("at")["at"], None]
    for begin, end in zip(edges, edges[1:], strict=False):
        part = history[history["started_at"].ge(begin) & (history["started_at"].lt(end) if end is not None else True)]
        if len(part):
            until = part["started_at"].max() if end is None else end
            rows.append(
                {"role": "level", "n_runs": len(part), "at": part["started_at"].min(), "until": until, "value_s": part["value_s"].median()}
            )
    rows += [
        {"role": "shift", "n_runs": 1, "run_id": row["at_run_id"], "at": row["at"], "value_s": row["after_s"], "ratio": row["ratio"]}
        for row in own.sort_values("at").to_dict("records")
    ]
    marks = pd.DataFrame(rows, columns=TREND_MARKS.names)
    marks["workflow"] = history["workflow"].iloc[0] if len(history) else None
    marks["name"] = name
    return TREND_MARKS.conform(marks)


def _like_the_largest(history: pd.DataFrame, shifts: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep the runs, and the shifts, of the series that the largest shift is in."""
    if shifts.empty:
        return history, shifts
    size = shifts["ratio"].where(shifts["ratio"] >= 1, 1 / shifts["ratio"]).to_numpy()
    largest = shifts.iloc[int(size.argmax())]
    for key in _LIKE:
        history, shifts = (_where(rows, key, largest[key]) for rows in (history, shifts))
    return history.reset_index(drop=True), shifts


def _where(rows: pd.DataFrame, key: str, wanted: Any) -> pd.DataFrame:
    """Rows that have a value, or a null, in a column."""
    import pandas as pd

    return rows[rows[key].isna()] if pd.isna(wanted) else rows[rows[key] == wanted]


def _history(archive: Archive, workflow: str | None, name: str | None) -> pd.DataFrame:
    """The runs that a trend is of, by their start, with how long they, or a stage of them, took."""
    dags = archive.table("dags", ["run_id", *_LIKE, "workflow", "outcome", "started_at", "elapsed_s"])
    dags = dags[dags["outcome"].eq("succeeded") & dags["started_at"].notna()]
    known = sorted(dags["workflow"].dropna().unique())
    if workflow is None and len(known) > 1:
        raise UsageError(f"{len(known)} workflows to draw", hint="name one with workflow: " + ", ".join(known[:5]))
    dags = dags[dags["workflow"].eq(workflow if workflow is not None else known[0] if known else "")]
    if name is None:
        rows = dags.rename(columns={"elapsed_s": "value_s"})
    else:
        nodes = archive.table("nodes", ["run_id", "stage", "name", "duration_s"])
        nodes = nodes[nodes["run_id"].isin(set(dags["run_id"])) & nodes["duration_s"].notna()]
        nodes = nodes.assign(name=numbered(nodes))
        rows = dags.merge(nodes[nodes["name"] == name], on="run_id").rename(columns={"duration_s": "value_s"})
    return rows[rows["value_s"].notna()].sort_values(["started_at", "run_id"], kind="stable", ignore_index=True)


def draw_trend(marks: pd.DataFrame, ax: Axes | None = None, *, tz: str = "UTC") -> Axes:
    """Draw the frame of :func:`trend_marks`.

    Args:
        marks: The frame to draw.
        ax: The Axes to draw into. None creates a figure.
        tz: The time zone of the axis: an offset such as ``+08:00``, or a name such as ``Asia/Shanghai``.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/versions/*")
        >>> marks = da.plots.trend_marks(archive, da.trend(archive), name="Import script for tenant")
        >>> da.plots.draw_trend(marks).get_ylabel() != ""
        True
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

    zone = zone_of(tz)
    ax = axes_layout.new_axes(11, 3.6) if ax is None else ax
    runs, levels, shifts = (marks[marks["role"] == role] for role in ("run", "level", "shift"))
    handles: dict[str, Any] = {}

    def days(column: pd.Series[Any]) -> list[float]:
        return [float(date2num(moment.to_pydatetime(warn=False))) for moment in column]  # type: ignore[no-untyped-call] # matplotlib's

    if len(runs):
        handles["one run" if runs["n_runs"].max() == 1 else "several runs"] = ax.scatter(
            days(runs["at"]), runs["value_s"], s=14, c="#A6CEE3", edgecolors=INK, linewidths=0.5, zorder=3
        )
    if len(levels):
        begin, until = days(levels["at"]), days(levels["until"])
        handles["median of a level"] = ax.hlines(levels["value_s"], begin, until, color="#D55E00", linewidth=2, zorder=4)
    top = float(marks["value_s"].max()) if len(marks) else 1.0
    ax.set_ylim(0, top * 1.25)
    for x in days(shifts["at"]):
        handles["shift"] = ax.axvline(x, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=2)
    locator = AutoDateLocator(tz=zone, maxticks=8)  # type: ignore[no-untyped-call] # matplotlib's
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, zone, _DATES[0], None, _DATES[1], show_offset=False))  # type: ignore[no-untyped-call] # matplotlib's
    ax.tick_params(labelsize=axes_layout.LABEL_SIZE)
    ax.set_ylabel("seconds", fontsize=8)
    ax.set_xlabel(f"start of the run ({tz})" + (f", from {Zone(tz).bare(marks['at'].min())}" if len(marks) else ""), fontsize=8)
    ax.grid(axis="y", color="#E6E6E6", linewidth=0.6)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    axes_layout.legend_below(ax, [("", handles)])
    first = marks.iloc[0] if len(marks) else None
    head = "no run" if first is None else str(first["workflow"]) + (f", {first['name']}" if isinstance(first["name"], str) else "")
    per_dot = int(runs["n_runs"].max()) if len(runs) else 1
    facts = [f"{int(runs['n_runs'].sum()):,} runs that succeeded", *([f"a dot the median of {per_dot}"] if per_dot > 1 else [])]
    facts += [plural(len(shifts), "level shift") if len(shifts) else "no level shifts"]
    axes_layout.set_title(ax, head, facts, text_metrics.figure_width(ax) * 0.85)
    text_metrics.settle(ax)
    _note_shifts(ax, shifts, days(shifts["at"]), top)
    return ax


def _note_shifts(ax: Axes, shifts: pd.DataFrame, places: list[float], top: float) -> None:
    """Write how large each shift is, above the dots, if the one before leaves room."""
    left, right = ax.get_xlim()
    per_point = (right - left) / text_metrics.size_of(ax)[0]
    reached = left
    for row, x in zip(shifts.to_dict("records"), places, strict=True):
        text = f"×{row['ratio']:.2f} from run {row['run_id']}"
        size = (text_metrics.text_width(text, _NOTE_SIZE) + 8) * per_point
        behind = x + size <= right
        begin = x if behind else x - size
        if begin < reached:
            continue
        look: dict[str, Any] = {"ha": "left" if behind else "right", "va": "bottom", "fontsize": _NOTE_SIZE}
        ax.text(x + (4 if behind else -4) * per_point, top * 1.14, text, **look)
        reached = begin + size
