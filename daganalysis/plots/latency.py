"""How long stages take, over runs, as boxes and dots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.stage_names import numbered
from daganalysis.plots.styles import INK
from daganalysis.tables.pictures import LATENCY_MARKS
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_QUANTILES = {"p5_s": 0.05, "p25_s": 0.25, "value_s": 0.5, "p75_s": 0.75, "p95_s": 0.95}
_LOG_RANGE = 30.0
"""Latencies further apart than this are drawn on a logarithmic scale: the short ones would be a line at zero."""


def latency_marks(latency: pd.DataFrame, *, most: int = 40, dots: int = 20) -> pd.DataFrame:
    """Return a summary of stage latencies: boxes, and dots for single runs.

    Stages that were still running are left out.

    Args:
        latency: A result of :func:`daganalysis.stage_latency`.
        most: The number of stages to keep: those with the largest medians.
        dots: Up to this number of runs, each run of a stage is a dot.

    Returns:
        One row per box or dot, sorted by workflow and the order of the stages, in seconds.

    Example:
        >>> import daganalysis as da
        >>> marks = da.plots.latency_marks(da.stage_latency(da.load("sample_data/versions/a")))
        >>> marks[marks["role"] == "box"]["label"].tolist()[:2]
        ['Create tenant · Create tenant', 'Create tenant · Modify tenant whitelist']
    """
    import pandas as pd

    rows = latency[latency["latency_s"].notna() & ~latency["censored"].fillna(value=False)]
    rows = rows.assign(name=numbered(rows), workflow=rows["workflow"].fillna("unnamed"))
    groups = rows.groupby(["workflow", "name"], sort=False)
    boxes = groups.agg(n=("latency_s", "size"), first=("stage", "min"))
    for column, quantile in _QUANTILES.items():
        boxes[column] = groups["latency_s"].quantile(quantile)
    kept = boxes.sort_values(["value_s", "first"], ascending=[False, True], kind="stable").head(most)
    kept = kept.reset_index().sort_values(["workflow", "first", "name"], kind="stable", ignore_index=True)
    result: list[dict[str, Any]] = []
    for lane, box in enumerate(kept.to_dict("records")):
        common = {"lane": lane, "label": f"{box['workflow']} · {box['name']}", "workflow": box["workflow"], "name": box["name"]}
        result.append(common | {"role": "box", "run_id": None, **{name: box[name] for name in ("n", *_QUANTILES)}})
        if box["n"] <= dots:
            own = groups.get_group((box["workflow"], box["name"])).sort_values("run_id")
            result += [
                common | {"role": "dot", "run_id": run_id, "value_s": value}
                for run_id, value in zip(own["run_id"], own["latency_s"], strict=True)
            ]
    return LATENCY_MARKS.conform(pd.DataFrame(result, columns=LATENCY_MARKS.names))


def draw_latency(marks: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Draw the frame of :func:`latency_marks`.

    Args:
        marks: The frame to draw.
        ax: The Axes to draw into. None creates a figure.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> latency = da.stage_latency(da.load("sample_data/versions/a"))
        >>> da.plots.draw_latency(da.plots.latency_marks(latency)).get_xlabel() != ""
        True
    """
    boxes = marks[marks["role"] == "box"]
    dots = marks[marks["role"] == "dot"]
    ax = axes_layout.lanes_axes(len(boxes)) if ax is None else ax
    lanes = boxes["lane"].tolist()
    low, high = boxes["p25_s"].tolist(), boxes["p75_s"].tolist()
    handles: dict[str, Any] = {}
    if lanes:
        handles["5 % to 95 %"] = ax.hlines(lanes, boxes["p5_s"], boxes["p95_s"], color="#777777", linewidth=1)
        widths = [b - a for a, b in zip(low, high, strict=True)]
        handles["middle half"] = ax.barh(lanes, widths, left=low, height=0.55, color="#A6CEE3", edgecolor=INK, linewidth=0.5)[0]
        handles["median"] = ax.scatter(boxes["value_s"], lanes, marker="|", s=90, c=INK, linewidths=1.8, zorder=4)
    if len(dots):
        handles["one run"] = ax.scatter(dots["value_s"], dots["lane"], s=9, c="#D55E00", edgecolors="white", linewidths=0.3, zorder=5)
    values = [value for name in ("value_s", "p5_s", "p95_s") for value in marks[name].tolist() if value > 0]
    wide = bool(values) and max(values) > _LOG_RANGE * min(values)
    if wide:
        from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        ax.set_xlim(left=0)
    axes_layout.label_rows(ax, axes_layout.lane_labels(boxes))
    ax.grid(axis="x", color="#E6E6E6", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.set_xlabel(f"latency, seconds{' (logarithmic)' if wide else ''}", fontsize=8)
    ax.tick_params(axis="x", labelsize=axes_layout.LABEL_SIZE, which="both")
    axes_layout.legend_below(ax, [("", handles)])
    facts = [plural(len(boxes), "stage")]
    fewest, most = (int(boxes["n"].min()), int(boxes["n"].max())) if len(boxes) else (0, 0)
    facts += [f"{most:,} runs each" if fewest == most else f"{fewest:,} to {most:,} runs each"]
    axes_layout.set_title(ax, "Stage latency by workflow", facts, text_metrics.figure_width(ax) * (1 - axes_layout.LABEL_SHARE))
    text_metrics.settle(ax)
    axes_layout.label_rows(ax, axes_layout.lane_labels(boxes))
    return ax
