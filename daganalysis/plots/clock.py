"""Clock times below an axis of seconds from which long waits may be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.plots import text_metrics

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd
    from matplotlib.axes import Axes

_SIZE = 7.5
_NICE_STEPS_S = (
    *(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800),
)


def label_clock(ax: Axes, bars: pd.DataFrame, cuts: list[dict[Any, Any]], zone: dt.tzinfo, tz: str, length: float) -> None:
    """Label the axis with clock times at round instants, as many as have room, none within a cut; cuts come from the left."""
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
    ax.set_xticks([x for x, _ in ticks], _labels([moment for _, moment in ticks], step, zone), fontsize=_SIZE)
    ax.grid(axis="x", color="#E6E6E6", linewidth=0.6, zorder=0)
    ax.set_axisbelow(True)
    ax.set_xlabel(f"clock time ({tz}), from {begin.tz_convert(zone):%Y-%m-%d %H:%M:%S}", fontsize=8)


def _labels(moments: list[pd.Timestamp], step: float, zone: dt.tzinfo) -> list[str]:
    """Write the times of an axis; the first of each later day says the day, below."""
    days = [f"{moment.tz_convert(zone):%m-%d}" for moment in moments]
    texts = [_written(moment, step, zone) for moment in moments]
    is_new = [n > 0 and days[n] != days[n - 1] and step < 86400 for n in range(len(days))]
    return [f"{text}\n{day}" if new else text for text, day, new in zip(texts, days, is_new, strict=True)]


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
    """Return round instants that lie on the axis and in no cut, each with its place, at least ``apart`` seconds of the axis away.

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
    for start, low, high in segments:
        before = len(result)
        moment = -(-(start + shift) // unit) * unit - shift
        while low + (moment - start) / 1e9 <= high + 1e-9:
            place = low + (moment - start) / 1e9
            if not result or place - result[-1][0] >= apart:
                result.append((place, pd.Timestamp(moment, unit="ns", tz="UTC")))
            moment += unit
        if len(result) == before and cuts:
            _name_stretch(result, (low, high), start, apart)
    return result


def _name_stretch(ticks: list[tuple[float, pd.Timestamp]], stretch: tuple[float, float], moment: int, apart: float) -> None:
    """Name an instant of a stretch between cuts in which no round one has room.

    It is the start, at the cost of a tick before it that is not needed, or else the first whole second that has room.
    """
    import pandas as pd

    place, end = stretch
    if len(ticks) > 1 and place - ticks[-1][0] < apart <= place - ticks[-2][0] and ticks[-1][0] - ticks[-2][0] < 2 * apart:
        ticks.pop()
    if ticks and place - ticks[-1][0] < apart:
        later = moment + round((ticks[-1][0] + apart - place) * 1e9)
        whole = -(-later // 10**9) * 10**9
        place, moment = place + (whole - moment) / 1e9, whole
    if place <= end:
        ticks.append((place, pd.Timestamp(moment, unit="ns", tz="UTC")))
