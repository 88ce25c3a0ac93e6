"""Two runs side by side, both from their beginning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.styles import INK
from daganalysis.tables.pictures import ALIGNED_BARS
from daganalysis.text.humanize import human_duration

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_SIDES = ("base", "candidate")
_LOOKS: dict[str, dict[str, Any]] = {"base": {"color": "#A6CEE3", "hatch": None}, "candidate": {"color": "#0072B2", "hatch": None}}
_OFFSETS = {"base": -0.2, "candidate": 0.2}
_DIFF_SIZE = 6.5
_LEAST_S = 0.0005
"""Less than this would be said as 0 ms."""


def aligned_bars(base: pd.DataFrame, candidate: pd.DataFrame) -> pd.DataFrame:
    """Return two runs side by side, stage by stage.

    A bar spans one execution of a stage, from its first hand-out to its last end. Stages are matched by name, in the order of the base.
    Long waits stay cut.

    Args:
        base: The :func:`daganalysis.gantt_bars` of one run.
        candidate: The :func:`daganalysis.gantt_bars` of another run.

    Returns:
        One row per execution of a stage, sorted by lane, side and time, in seconds.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/versions/a")
        >>> one, two = (da.gantt_bars(archive, run_id=run_id) for run_id in archive.dags["run_id"][:2])
        >>> da.plots.aligned_bars(one, two)[["label", "side"]].head(2).to_dict("records")
        [{'label': 'Create tenant', 'side': 'base'}, {'label': 'Create tenant', 'side': 'candidate'}]
    """
    import pandas as pd

    sides = {side: _executions(bars) for side, bars in zip(_SIDES, (base, candidate), strict=True)}
    lanes = {name: lane for lane, name in enumerate(_merged(*(rows["name"].unique().tolist() for rows in sides.values())))}
    whole = {side: rows.groupby("name")["seconds"].sum() for side, rows in sides.items()}
    diff = whole["candidate"] - whole["base"]
    parts = [
        rows.assign(side=side, lane=rows["name"].map(lanes), stage_s=rows["name"].map(whole[side]), diff_s=rows["name"].map(diff))
        for side, rows in sides.items()
    ]
    result = pd.concat(parts, ignore_index=True).assign(label=lambda rows: rows["name"])
    return ALIGNED_BARS.conform(result[ALIGNED_BARS.names])


def _executions(bars: pd.DataFrame) -> pd.DataFrame:
    """One row per stage and hand-out of a run: sub-tasks of a stage that were handed out together are one bar."""
    from daganalysis.plots.stage_names import numbered

    rows = bars[(bars["depth"] == 0) & bars["role"].isin({"attempt", "folded"}) & bars["x_started"].notna() & bars["x_ended"].notna()]
    rows = rows.assign(attempt=rows["attempt"].fillna(1), kind=rows["kind"].fillna("run").replace("unknown", "run"))
    origin = rows["x_started"].min() if len(rows) else 0.0
    grouped = rows.groupby(["run_id", "stage", "attempt"], as_index=False)
    result = grouped.agg(name=("stage_name", "first"), kind=("kind", "first"), x_start=("x_started", "min"), x_end=("x_ended", "max"))
    stages = result.drop_duplicates(["run_id", "stage"])
    names = dict(zip(stages["stage"], numbered(stages), strict=True))
    result["name"] = result["stage"].map(names)
    result["seconds"] = result["x_end"] - result["x_start"]
    result[["x_start", "x_end"]] -= origin
    return result


def _merged(base: list[str], candidate: list[str]) -> list[str]:
    """The names of both, in the order of the base. A name that only the candidate has comes after the name that it follows there.

    >>> _merged(["a", "c"], ["a", "b", "c", "d"])
    ['a', 'b', 'c', 'd']
    """
    result = list(base)
    at = 0
    for name in candidate:
        if name in base:
            at = result.index(name) + 1
        else:
            result.insert(at, name)
            at += 1
    return result


def draw_aligned(bars: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the frame of :func:`aligned_bars`.

    Args:
        bars: The frame to draw.
        ax: The Axes to draw into. None creates a figure.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/versions/a")
        >>> one, two = (da.gantt_bars(archive, run_id=run_id) for run_id in archive.dags["run_id"][:2])
        >>> da.plots.draw_aligned(da.plots.aligned_bars(one, two)).get_xlabel() != ""
        True
    """
    lanes = bars.drop_duplicates("lane")
    ax = axes_layout.lanes_axes(len(lanes), 0.3) if ax is None else ax
    handles: dict[str, Any] = {}
    for side in _SIDES:
        for kind in ("run", "rollback"):
            own = bars[(bars["side"] == side) & (bars["kind"] == kind)]
            if own.empty:
                continue
            look = _LOOKS[side] | ({"hatch": "////"} if kind == "rollback" else {})
            y = [lane + _OFFSETS[side] for lane in own["lane"]]
            widths = (own["x_end"] - own["x_start"]).tolist()
            drawn = ax.barh(y, widths, left=own["x_start"].tolist(), height=0.36, edgecolor=INK, linewidth=0.5, **look)
            handles[f"{side}: {own['run_id'].iloc[0]}{', rollback' if kind == 'rollback' else ''}"] = drawn[0]
    length = float(bars["x_end"].max()) if len(bars) else 1.0
    ax.set_xlim(0, length * 1.14)
    labels = axes_layout.lane_labels(lanes)
    axes_layout.label_rows(ax, labels)
    ax.grid(axis="x", color="#E6E6E6", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel("seconds since the first attempt, long waits cut", fontsize=8)
    ax.tick_params(axis="x", labelsize=axes_layout.LABEL_SIZE)
    axes_layout.legend_below(ax, [("", handles)])
    facts = _facts(bars)
    axes_layout.set_title(ax, "Two runs from their beginning", facts, text_metrics.figure_width(ax) * (1 - axes_layout.LABEL_SHARE))
    text_metrics.settle(ax)
    width, height = text_metrics.size_of(ax)
    axes_layout.label_rows(ax, labels)
    axes_layout.set_title(ax, "Two runs from their beginning", facts, width)
    if height / max(len(labels), 1) >= _DIFF_SIZE * axes_layout.LINE:
        ends = bars.groupby("lane")["x_end"].max()
        for row in lanes.to_dict("records"):
            text = _difference(row["diff_s"], row["side"])
            ax.text(ends[row["lane"]] + length * 4 / width, row["lane"], text, va="center", fontsize=_DIFF_SIZE)
    return ax


def _difference(seconds: float, side: str) -> str:
    if seconds != seconds:  # noqa: PLR0124 - NaN: one of the two never executed it
        return f"only in the {side}"
    if abs(seconds) < _LEAST_S:
        return "the same"
    return f"{'+' if seconds > 0 else '−'}{human_duration(abs(seconds))}"


def _facts(bars: pd.DataFrame) -> list[str]:
    ends = bars.groupby("side")["x_end"].max()
    if len(ends) < 2:
        return []
    base, candidate = float(ends["base"]), float(ends["candidate"])
    return [f"{human_duration(base)} and {human_duration(candidate)}", f"{_difference(candidate - base, '')} for the candidate"]
