"""Retries over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.styles import INK
from daganalysis.tables.pictures import RETRY_PERIODS
from daganalysis.text.humanize import plural
from daganalysis.text.zones import zone_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_PERIODS_S = (60, 300, 900, 3600, 4 * 3600, 86400, 7 * 86400, 28 * 86400)


def retry_periods(dags: pd.DataFrame, *, most: int = 60) -> pd.DataFrame:
    """Count runs and retries by period of time.

    Hand-shakes between DAGs are not retries, and child runs are not counted: requests of people are counted at the main run. Runs without a
    known start are left out.

    Args:
        dags: The table ``dags`` of an archive.
        most: The largest number of periods.

    Returns:
        One row per period between the first and the last start, also for periods without runs, sorted by time.

    Example:
        >>> import daganalysis as da
        >>> periods = da.plots.retry_periods(da.load("sample_data/fleet", cluster_by="dir").dags, most=10)
        >>> int(periods["n_runs"].sum()), len(periods)
        (84, 7)
    """
    import pandas as pd

    rows = dags[dags["started_at"].notna() & ~dags["parent_run_id"].isin(set(dags["run_id"]))]
    if rows.empty:
        return RETRY_PERIODS.empty()
    starts = rows["started_at"].astype("int64") // 10**9
    first, last = int(starts.min()), int(starts.max())
    step = next((s for s in _PERIODS_S if last // s - first // s < most), _PERIODS_S[-1])
    period = starts // step
    every = pd.RangeIndex(first // step, last // step + 1)
    retried = rows["retries_min"].fillna(0).gt(0)
    rolled_back = rows["rollbacks_min"].fillna(0).gt(0) & ~retried
    counts = pd.DataFrame({"n_runs": 1, "n_retried": retried, "n_rolled_back": rolled_back, "n_retries": rows["retries_min"].fillna(0)})
    result = counts.astype("int64").groupby(period).sum().reindex(every, fill_value=0)
    result["from_at"] = pd.to_datetime(every * step, unit="s", utc=True)
    result["to_at"] = pd.to_datetime((every + 1) * step, unit="s", utc=True)
    return RETRY_PERIODS.conform(result)


def draw_retries(periods: pd.DataFrame, ax: Axes | None = None, *, tz: str = "UTC") -> Axes:
    """Draw the frame of :func:`retry_periods`.

    Args:
        periods: The frame to draw.
        ax: The Axes to draw into. None creates a figure.
        tz: The time zone of the axis: an offset such as ``+08:00``, or a name such as ``Asia/Shanghai``.

    Returns:
        The Axes.

    Example:
        >>> import daganalysis as da
        >>> dags = da.load("sample_data/versions/a").dags
        >>> da.plots.draw_retries(da.plots.retry_periods(dags)).get_ylabel() != ""
        True
    """
    from matplotlib.ticker import MaxNLocator

    zone = zone_of(tz)
    ax = axes_layout.new_axes(11, 3.6) if ax is None else ax
    places = list(range(len(periods)))
    handles: dict[str, Any] = {}
    retried, rolled_back = periods["n_retried"].tolist(), periods["n_rolled_back"].tolist()
    other = [n - a - b for n, a, b in zip(periods["n_runs"], retried, rolled_back, strict=True)]
    below = [0] * len(places)
    for words, values, colour, hatch in (
        ("retried", retried, "#D55E00", "////"),
        ("rolled back, not retried", rolled_back, "#CC79A7", "..."),
        ("neither", other, "#DDE6EE", None),
    ):
        if any(values):
            look: dict[str, Any] = {"color": colour, "hatch": hatch, "edgecolor": INK, "linewidth": 0.4, "width": 0.85}
            handles[words] = ax.bar(places, values, bottom=below, **look)[0]
        below = [a + b for a, b in zip(below, values, strict=True)]
    ax.set_xlim(-0.6, max(len(places), 1) - 0.4)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set_ylabel("runs", fontsize=8)
    ax.tick_params(axis="y", labelsize=axes_layout.LABEL_SIZE)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    step = (periods["to_at"] - periods["from_at"]).iloc[0] if len(periods) else None
    form = "%Y-%m-%d" if step is not None and step.total_seconds() >= 86400 else "%m-%d %H:%M"
    n, again = int(periods["n_runs"].sum()), int(periods["n_retried"].sum())
    facts = [f"{again:,} of {plural(n, 'run')} retried", f"at least {plural(int(periods['n_retries'].sum()), 'retry', 'retries')}"]
    facts += [f"{plural(int(periods['n_rolled_back'].sum()), 'run')} rolled back"] if any(rolled_back) else []
    axes_layout.set_title(ax, "Retries over time", facts, text_metrics.figure_width(ax) * 0.85)
    axes_layout.legend_below(ax, [("", handles)])
    text_metrics.settle(ax)
    starts = [f"{moment.tz_convert(zone):{form}}" for moment in periods["from_at"]]
    wide = max((text_metrics.text_width(text, axes_layout.LABEL_SIZE) for text in starts), default=1.0) + 12
    every = max(1, int(-(-wide * len(places) // text_metrics.size_of(ax)[0])))
    ax.set_xticks(places[::every], starts[::every], fontsize=axes_layout.LABEL_SIZE)
    ax.set_xlabel(f"start of the run ({tz}), a bar {_length(step)}", fontsize=8)
    return ax


def _length(step: Any) -> str:
    seconds = 0 if step is None else round(step.total_seconds())
    for unit, word in ((7 * 86400, "week"), (86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds and seconds % unit == 0:
            n = seconds // unit
            return f"{'an' if word == 'hour' else 'a'} {word}" if n == 1 else plural(n, word)
    return "a period"
