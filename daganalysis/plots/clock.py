"""Clock times below an axis of seconds from which long waits may be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.plots import axes_layout, text_metrics
from daganalysis.text.zones import Zone

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    from matplotlib.axes import Axes

_SIZE = 7.5
_MOST_LINES = 3
"""Of labels below the axis, where those of short stretches between cuts would touch on one."""
_NICE_STEPS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800),
)


def label_clock(ax: Axes, bars: pd.DataFrame, cuts: list[dict[Any, Any]], zone: dt.tzinfo, tz: str, length: float) -> None:
    """Label the axis with clock times at round instants, as many as have room, none within a cut; cuts come from the left.

    A legend below the axis is put lower where the labels take several lines.
    """
    columns = ("dispatched_at", "started_at", "noticed_at")
    begin: Any = min((bars[name].min() for name in columns if bars[name].notna().any()), default=None)
    if begin is None:
        ax.set_xticks([])
        return
    wide = text_metrics.size_of(ax)[0]
    step = next(
        (s for s in _NICE_STEPS_S if length / s * (text_metrics.text_width(_written(begin, s, zone), _SIZE) + 24) <= wide),
        _NICE_STEPS_S[-1],
    )
    apart = length * (text_metrics.text_width(_written(begin, step, zone), _SIZE) + 10) / wide
    ticks = clock_ticks(begin, length, step, cuts, zone, apart)
    labelled = _in_lines(ticks, _labels([moment for _, moment in ticks], step, zone), apart)
    ax.set_xticks([x for x, _ in labelled], [text for _, text in labelled], fontsize=_SIZE)
    axes_layout.lower_legend(ax, max((text.count("\n") + 1 for _, text in labelled), default=1))
    ax.grid(axis="x", color="#E6E6E6", linewidth=0.6, zorder=0)
    ax.set_axisbelow(True)
    ax.set_xlabel(f"clock time ({tz}), from {Zone(tz).bare(begin)}", fontsize=8)


def _labels(moments: list[pd.Timestamp], step: float, zone: dt.tzinfo) -> list[str]:
    """Write the times of an axis; the first of each later day says the day, below, and where clocks change, both offsets are said."""
    local = [moment.tz_convert(zone) for moment in moments]
    days = [f"{moment:%m-%d}" for moment in local]
    offsets = [f"{moment:%z}" for moment in local]
    result = []
    for n, moment in enumerate(moments):
        lines = [_written(moment, step, zone)]
        if n > 0 and days[n] != days[n - 1] and step < 86400:
            lines.append(days[n])
        if len(set(offsets)) > 1 and (n == 0 or offsets[n] != offsets[n - 1]):
            lines.append(f"{offsets[n][:3]}:{offsets[n][3:]}")
        result.append("\n".join(lines))
    return result


def _in_lines(ticks: list[tuple[float, pd.Timestamp]], texts: list[str], apart: float) -> list[tuple[float, str]]:
    """Put each text on the first line below the axis that has room for it there; leave out what has none on any."""
    reached = [float("-inf")] * _MOST_LINES
    result = []
    for (x, _), text in zip(ticks, texts, strict=True):
        takes = text.count("\n") + 1
        line = next((n for n in range(_MOST_LINES) if all(x - at >= apart for at in reached[n : n + takes])), None)
        if line is None:
            continue
        for n in range(line, min(line + takes, _MOST_LINES)):
            reached[n] = x
        result.append((x, "\n" * line + text))
    return result


def _written(moment: pd.Timestamp, step: float, zone: dt.tzinfo) -> str:
    local = moment.tz_convert(zone)
    if step >= 86400:
        return f"{local:%m-%d %H:%M}"
    if step >= 1:
        return f"{local:%H:%M:%S}"
    digits = 1 if step >= 0.1 else 2 if step >= 0.01 else 3
    return f"{local:%H:%M:%S.%f}"[: 9 + digits]


def clock_ticks(
    begin: pd.Timestamp, length: float, step: float, cuts: list[dict[Any, Any]], zone: dt.tzinfo, apart: float
) -> list[tuple[float, pd.Timestamp]]:
    """Return round instants on the axis and outside cuts, each with its place, at least ``apart`` seconds of the axis from each other.

    A stretch between cuts without a round instant gets another of its instants, even near its neighbours.

    >>> import pandas as pd, datetime as dt
    >>> begin = pd.Timestamp("2024-01-01 10:00:03", tz="UTC")
    >>> [(x, str(t.time())) for x, t in clock_ticks(begin, 20.0, 5, [], dt.UTC, 4.0)]
    [(2.0, '10:00:05'), (7.0, '10:00:10'), (12.0, '10:00:15'), (17.0, '10:00:20')]
    """
    import pandas as pd

    local = begin.tz_convert(zone).utcoffset()
    shift = round(local.total_seconds() * 1e9) if local is not None else 0
    unit = round(step * 1e9)
    segments: list[tuple[int, float, float]] = []
    at, x = begin.value, 0.0
    for cut in cuts:
        segments.append((at, x, cut["x_started"]))
        at, x = cut["ended_at"].value, cut["x_ended"]
    segments.append((at, x, length))
    result: list[tuple[float, pd.Timestamp]] = []
    alone = 0  # number of ticks that must stay: the last of them is the only one of its stretch
    for start, low, high in segments:
        before = len(result)
        moment = -(-(start + shift) // unit) * unit - shift
        while low + (moment - start) / 1e9 <= high + 1e-9:
            place = low + (moment - start) / 1e9
            if not result or place - result[-1][0] >= apart:
                result.append((place, pd.Timestamp(moment, unit="ns", tz="UTC")))
            moment += unit
        if len(result) == before and cuts:
            _name_stretch(result, (low, high), start, apart, alone)
        if len(result) <= before + 1:
            alone = len(result)
    return result


def _name_stretch(ticks: list[tuple[float, pd.Timestamp]], stretch: tuple[float, float], moment: int, apart: float, alone: int) -> None:
    """Return an instant for a stretch between cuts in which no round one has room.

    It is the start, if a tick before it can go; otherwise the first whole second that has room; otherwise the start without room.
    """
    import pandas as pd

    place, end = stretch
    first = place, moment
    if len(ticks) > max(1, alone) and place - ticks[-1][0] < apart <= place - ticks[-2][0] and ticks[-1][0] - ticks[-2][0] < 2 * apart:
        ticks.pop()
    if ticks and place - ticks[-1][0] < apart:
        later = moment + round((ticks[-1][0] + apart - place) * 1e9)
        whole = -(-later // 10**9) * 10**9
        place, moment = place + (whole - moment) / 1e9, whole
    if place > end:
        place, moment = first
    ticks.append((place, pd.Timestamp(moment, unit="ns", tz="UTC")))
