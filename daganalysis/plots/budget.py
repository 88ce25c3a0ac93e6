"""Where the time of runs went, as stacked bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import CATEGORIES, SCENARIOS, WAITS
from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.styles import CATEGORY_COLOURS, CATEGORY_HATCHES, INK, SCENARIO_MARKS
from daganalysis.tables.pictures import BUDGET_BARS
from daganalysis.text.humanize import human_duration, plural

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_TOTAL_SIZE = 6.5
_MOSTLY = 3.0
"""A bar is cut if it is this many times as long as the longest work of a run."""
_WORTH_SHOWING = 0.05
"""A prediction is shown if it certainly saves this share of the run."""


def budget_bars(budget: pd.DataFrame, *, most: int = 30, predictions: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the parts of a time budget, stacked into bars.

    A bar is as long as its run took, or as much of it as is known.

    Args:
        budget: A result of :func:`daganalysis.time_budget`.
        most: The number of runs with a bar. One more bar shows the mean of all the others.
        predictions: A result of :func:`daganalysis.what_if`. Its predictions for the runs shown have rows of their own if they save at
            least a twentieth of the run.

    Returns:
        One row per bar and part, the longest runs first, in seconds.

    Example:
        >>> import daganalysis as da
        >>> bars = da.plots.budget_bars(da.time_budget(da.load("sample_data/documented/scale-out.json")))
        >>> bars[["category", "end_s"]].round(3).to_dict("records")[-1]
        {'category': 'handoff', 'end_s': 28.614}
    """
    import pandas as pd

    parts = budget[[f"{category}_s" for category in CATEGORIES]].fillna(0.0).to_numpy("float64")
    order = sorted(range(len(budget)), key=lambda n: (-parts[n].sum(), budget["run_id"].iloc[n]))
    single = order if len(order) <= most else order[: most - 1]
    bars: list[tuple[str, str | None, int, Any]] = [(budget["run_id"].iloc[n], budget["run_id"].iloc[n], 1, parts[n]) for n in single]
    rest = order[len(single) :]
    if rest:
        bars.append((f"mean of {len(rest):,} others", None, len(rest), parts[rest].mean(axis=0)))
    rows: list[dict[str, Any]] = []
    for lane, (label, run_id, n_runs, seconds) in enumerate(bars):
        reached, total = 0.0, float(seconds.sum())
        for category, part in zip(CATEGORIES, seconds.tolist(), strict=True):
            if part > 0:
                row = {"lane": lane, "label": label, "run_id": run_id, "n_runs": n_runs, "category": category}
                rows.append(row | {"start_s": reached, "end_s": reached + part, "share": part / total})
                reached += part
        rows += _predicted(predictions, lane, label, run_id)
    return BUDGET_BARS.conform(pd.DataFrame(rows, columns=BUDGET_BARS.names))


def _predicted(predictions: pd.DataFrame | None, lane: int, label: str, run_id: str | None) -> list[dict[str, Any]]:
    """Return the predictions of one run that are worth showing."""
    if predictions is None or run_id is None:
        return []
    own = predictions[predictions["run_id"].eq(run_id) & predictions["saved_share"].ge(_WORTH_SHOWING)]
    columns = (own[name].tolist() for name in ("scenario", "predicted_min_s", "predicted_max_s", "saved_share"))
    row = {"lane": lane, "label": label, "run_id": run_id, "n_runs": 1}
    return [
        row | {"scenario": scenario, "start_s": low, "end_s": high, "share": share}
        for scenario, low, high, share in zip(*columns, strict=True)
    ]


def draw_budget(bars: pd.DataFrame, ax: Axes | None = None, *, shares: bool = False) -> Axes:
    """Draw the frame of :func:`budget_bars`.

    If one wait is much longer than the work of any run, longer bars are cut at the end of the axis and labelled with their length. A mark
    below a bar shows when the run would have ended under a prediction, with a line to its lower bound.

    Args:
        bars: The frame to draw.
        ax: The Axes to draw into. None creates a figure.
        shares: Draw every bar at the same length, as shares of its run.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> budget = da.time_budget(da.load("sample_data/documented"))
        >>> da.plots.draw_budget(da.plots.budget_bars(budget)).get_xlabel() != ""
        True
    """
    bars, predicted = bars[bars["scenario"].isna()], bars[bars["scenario"].notna()]
    ax = axes_layout.lanes_axes(bars["lane"].nunique()) if ax is None else ax
    limit = 1.0 if shares else _limit(bars)
    handles: dict[str, Artist] = {}
    lengths = bars.groupby("lane")["end_s"].max()
    scale = bars["lane"].map(1 / lengths) if shares else 1.0
    # A part ends at the edge of the axis, or its hatching shows beyond.
    left, right = (bars["start_s"] * scale).clip(upper=limit), (bars["end_s"] * scale).clip(upper=limit)
    width = right - left
    for category, colour in CATEGORY_COLOURS.items():
        own = bars["category"] == category
        if own.any():
            look: dict[str, Any] = {"color": colour, "hatch": CATEGORY_HATCHES.get(category), "edgecolor": "#777777", "linewidth": 0.3}
            drawn = ax.barh(bars.loc[own, "lane"].tolist(), width[own].tolist(), left=left[own].tolist(), height=0.7, **look)
            handles[CATEGORIES[category].label] = drawn[0]
    ax.set_xlim(0, limit * 1.14)
    axes_layout.label_rows(ax, axes_layout.lane_labels(bars))
    if not shares and len(lengths) and float(lengths.max()) > limit:
        ax.axvline(limit, color="#777777", linewidth=0.8, linestyle=(0, (2, 2)), zorder=5)
    ax.set_xlabel("share of the run's time" if shares else "seconds", fontsize=8)
    ax.tick_params(axis="x", labelsize=axes_layout.LABEL_SIZE)
    marks = _draw_predictions(ax, predicted, lengths, limit, shares=shares)
    axes_layout.legend_below(ax, [("", handles), ("would have ended", marks)] if marks else [("", handles)])
    _title(ax, bars, text_metrics.figure_width(ax) * (1 - axes_layout.LABEL_SHARE))
    text_metrics.settle(ax)
    width_points, height_points = text_metrics.size_of(ax)
    if height_points / max(len(lengths), 1) >= _TOTAL_SIZE * axes_layout.LINE:
        for lane, total in zip(lengths.index.tolist(), lengths.tolist(), strict=True):
            cut = total > limit and not shares
            words: dict[str, Any] = {"va": "center", "fontsize": _TOTAL_SIZE, "fontweight": "bold" if cut else "normal", "zorder": 6}
            end = limit if cut or shares else total
            ax.text(end + limit * 5 / width_points, lane, f"{human_duration(total)}{' ≫' if cut else ''}", **words)
    _title(ax, bars, width_points)
    return ax


def _draw_predictions(ax: Axes, predicted: pd.DataFrame, lengths: pd.Series[float], limit: float, *, shares: bool) -> dict[str, Artist]:
    """Mark where runs would have ended, and return a mark of each scenario with its words."""
    handles: dict[str, Artist] = {}
    scale = predicted["lane"].map(1 / lengths) if shares else 1.0
    places = predicted.assign(low=predicted["start_s"] * scale, high=predicted["end_s"] * scale)
    for scenario, rows in places[places["high"] <= limit].groupby("scenario"):
        look = SCENARIO_MARKS.get(str(scenario))
        colour, marker = (look.colour, look.marker) if look is not None else (INK, "|")
        lanes = [lane + 0.35 for lane in rows["lane"].tolist()]
        ax.hlines(lanes, rows["low"].tolist(), rows["high"].tolist(), colors=colour, linewidth=1.0, zorder=6)
        [mark] = ax.plot(
            rows["high"].tolist(), lanes, linestyle="none", marker=marker, color=colour, markersize=4, markeredgecolor=INK, zorder=7
        )
        handles[SCENARIOS.get(str(scenario), str(scenario))] = mark
    return handles


def _limit(bars: pd.DataFrame) -> float:
    """How far the axis goes, seconds: to the longest bar, unless that is mostly waiting; waits come last in a bar."""
    longest = float(bars["end_s"].max()) if len(bars) else 1.0
    at_work = bars[~bars["category"].isin(WAITS)].groupby("lane")["end_s"].max()
    most = float(at_work.max()) if len(at_work) else 0.0
    return most * 1.25 if 0 < most * _MOSTLY < longest else longest


def _title(ax: Axes, bars: pd.DataFrame, width: float) -> None:
    runs = bars.drop_duplicates("lane")
    n, single = int(runs["n_runs"].sum()), int(runs["run_id"].notna().sum())
    facts = [plural(n, "run")] + ([f"the {single:,} longest, and the others' mean"] if single < n else [])
    axes_layout.set_title(ax, "Where the time went", facts, width)
