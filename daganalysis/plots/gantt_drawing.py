"""Drawing a Gantt chart: bars in, artists out, no arithmetic but that of paper and ink."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import TYPE_CHECKING, Any

from daganalysis.errors import UsageError
from daganalysis.plots.styles import CATEGORIES, CATEGORY_HATCHES, CATEGORY_WORDS, DISPATCHED, INK, NOTICED, OUTCOMES
from daganalysis.plots.text import drawable, duration

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

_TALL, _THIN, _FLAT = 0.72, 0.26, 0.5
_LANE_POINTS = 11.0
"""A lane of this height takes a label of its own."""
_MOST_NOTES = 12
_LEGEND_INCHES = 0.5
"""Room for the clock times and their heading, between the axis and the legend."""
_NICE_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)


def draw_gantt(bars: pd.DataFrame, ax: Axes | None = None, *, tz: str = "UTC", title: str | None = None, notes: bool = True) -> Axes:
    """Draw the bars of :func:`daganalysis.gantt_bars` into ``ax`` (a new figure's, if None) and return it.

    Each attempt has three parts: a thin one while it was dispatched, a tall one while it ran, a thin one until the engine noticed its end.
    Rollback runs are striped, what was not observed is crossed, an end that is not known is left open with an arrow; failures have marks
    and, with ``notes``, their log line. ``tz`` is the time zone of the axis, a name such as ``Asia/Shanghai``. Raises
    :class:`UsageError` for a time zone that is none.
    """
    zone = _zone(tz)
    if ax is None:
        ax = _new_axes(bars)
    painter = _Painter(ax, bars)
    painter.draw_time()
    painter.draw_attempts()
    painter.draw_breaks()
    painter.label_lanes()
    painter.label_axis(zone, tz)
    if notes:
        painter.note_errors()
    ax.set_title(drawable(title if title is not None else _title(bars)), loc="left", fontsize=10, parse_math=False)
    painter.draw_legend()
    return ax


def _zone(tz: str) -> dt.tzinfo:
    try:
        return dt.UTC if tz == "UTC" else zoneinfo.ZoneInfo(tz)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError("no such time zone", where=tz, hint="a name such as UTC or Asia/Shanghai") from None


def _new_axes(bars: pd.DataFrame) -> Axes:
    from matplotlib.figure import Figure

    lanes = int(bars["lane"].max()) + 1 if len(bars) else 1
    height = min(max(2.6, 1.7 + 0.19 * lanes), 24.0)
    figure = Figure(figsize=(11, height), layout="constrained")
    return figure.add_subplot()


def _title(bars: pd.DataFrame) -> str:
    own = bars[(bars["depth"] == 0) & bars["role"].eq("time")]
    if own.empty:
        return "no run" if bars.empty else str(bars["run_id"].iloc[0])
    span = duration((own["ended_at"].max() - own["started_at"].min()).total_seconds())
    first = own.iloc[0]
    n = int((bars["role"] == "attempt").sum())
    return f"{first['stage_name']}: {str(first['outcome']).replace('_', ' ')}, {span}, {n} attempts (run {first['run_id']})"


class _Painter:
    """Puts one chart's artists into an Axes, a collection for each look, however many bars there are."""

    def __init__(self, ax: Axes, bars: pd.DataFrame) -> None:
        self.ax = ax
        self.bars = bars
        self.length = max(
            [float(bars[name].max()) for name in ("x_ended", "x_noticed", "x_started") if bars[name].notna().any()], default=1.0
        )
        self.handles: dict[str, Artist] = {}
        self.lanes = int(bars["lane"].max()) + 1 if len(bars) else 1
        self.top = -0.6
        ax.set_ylim(self.lanes - 0.4, self.top)
        ax.set_xlim(-0.005 * self.length, self.length * 1.01)
        # Nothing is narrower than what can be seen.
        self.narrowest = self.length * 0.0012

    # -- bars -------------------------------------------------------------------------------------------------------------------------

    def _boxes(self, rows: pd.DataFrame, left: str, right: str, height: float, name: str | None, **look: Any) -> None:
        from matplotlib.collections import PolyCollection
        from matplotlib.patches import Patch

        rows = rows[rows[left].notna() & rows[right].notna()]
        if rows.empty:
            return
        import numpy as np

        x0 = rows[left].to_numpy("float64")
        x1 = np.maximum(rows[right].to_numpy("float64"), x0 + (self.narrowest if height == _TALL else 0.0))
        y = rows["lane"].to_numpy("float64")
        low, high = y - height / 2, y + height / 2
        corners = np.stack([np.stack([x0, low], 1), np.stack([x1, low], 1), np.stack([x1, high], 1), np.stack([x0, high], 1)], 1)
        collection = PolyCollection(list(corners), closed=True, **look)
        collection.set_label(name or "_nolegend_")
        self.ax.add_collection(collection, autolim=False)
        if name is not None and name not in self.handles:
            self.handles[name] = Patch(
                **{k.removesuffix("s"): v for k, v in look.items() if k in {"facecolors", "edgecolors", "hatch"}}, label=name
            )

    def draw_time(self) -> None:
        """The timeline of each run: what every second was spent on."""
        rows = self.bars[self.bars["role"] == "time"]
        for category, colour in CATEGORIES.items():
            own = rows[rows["category"] == category]
            hatch = CATEGORY_HATCHES.get(category)
            edge = "#888888" if hatch else "none"
            self._boxes(
                own,
                "x_started",
                "x_ended",
                _FLAT,
                CATEGORY_WORDS[category],
                facecolors=colour,
                edgecolors=edge,
                hatch=hatch,
                linewidths=0.3,
            )
        for lane in sorted(set(rows["lane"].tolist())):
            self.ax.axhline(lane + 0.5, color="#DDDDDD", linewidth=0.6, zorder=0)

    def draw_attempts(self) -> None:
        """Attempts by outcome, kind and evidence; folded sub-tasks; stages never run."""
        rows = self.bars[self.bars["role"] == "attempt"]
        self._boxes(rows, "x_dispatched", "x_started", _THIN, None, facecolors=DISPATCHED, edgecolors="none")
        self._boxes(rows, "x_ended", "x_noticed", _THIN, None, facecolors=NOTICED, edgecolors="none")
        for outcome, style in OUTCOMES.items():
            own = rows[rows["outcome"] == outcome]
            for kind, observed in ((k, o) for k in ("run", "rollback", "unknown") for o in (True, False)):
                part = own[(own["kind"] == kind) & (own["evidence"].eq("observed") == observed)]
                hatch = ("////" if kind == "rollback" else "") + ("" if observed else "xx")
                words = outcome.replace("_", " ") + (", rollback" if kind == "rollback" else "") + ("" if observed else ", inferred")
                look = {"facecolors": style.colour, "edgecolors": "white" if hatch else INK, "hatch": hatch or None, "linewidths": 0.4}
                self._boxes(part, "x_started", "x_ended", _TALL, words, **look)
            self._marks(own, style.marker, style.colour)
        folded = self.bars[self.bars["role"] == "folded"]
        self._boxes(
            folded,
            "x_started",
            "x_ended",
            _FLAT,
            "several sub-tasks in one bar",
            facecolors="#DDE6EE",
            edgecolors="#0072B2",
            linewidths=0.8,
        )
        self._open_ends(rows)
        self._passes(rows)

    def _marks(self, rows: pd.DataFrame, marker: str | None, colour: str) -> None:
        if marker is None or rows.empty:
            return
        size = 26 if self.lanes <= 80 else 10
        self.ax.scatter(rows["x_ended"], rows["lane"], s=size, marker=marker, c=colour, edgecolors=INK, linewidths=0.5, zorder=4)

    def _open_ends(self, rows: pd.DataFrame) -> None:
        lost = rows[rows["is_open"].fillna(value=False) & (rows["outcome"] != "running")]
        if len(lost):
            self.handles["end not known"] = self.ax.scatter(
                lost["x_ended"], lost["lane"], s=30, marker="$→$", c=INK, linewidths=0.2, zorder=4, label="end not known"
            )

    def _passes(self, rows: pd.DataFrame) -> None:
        passed = rows[rows["passed_at"].notna()]
        if len(passed):
            at = passed["x_ended"]
            self.handles["passed by an operator"] = self.ax.scatter(
                at,
                passed["lane"] + 0.36,
                s=16,
                marker="^",
                c="#CC79A7",
                edgecolors=INK,
                linewidths=0.4,
                zorder=5,
                label="passed by an operator",
            )

    def draw_breaks(self) -> None:
        """A cut in the axis: a white band with its length."""
        for row in self.bars[self.bars["role"] == "break"].to_dict("records"):
            cut = (row["ended_at"] - row["started_at"]).total_seconds()
            middle = (row["x_started"] + row["x_ended"]) / 2
            self.ax.axvspan(row["x_started"], row["x_ended"], facecolor="white", edgecolor="none", alpha=0.85, zorder=2.5)
            for x in (row["x_started"], row["x_ended"]):
                self.ax.axvline(x, color="#999999", linewidth=0.8, linestyle=(0, (2, 2)), zorder=3)
            self.ax.text(
                middle, (self.lanes - 1) / 2, f"{duration(cut)} cut", rotation=90, ha="center", va="center", fontsize=7, color=INK, zorder=6
            )

    # -- words ------------------------------------------------------------------------------------------------------------------------

    def _points_per_lane(self) -> float:
        box = self.ax.get_position()
        return float(self.ax.figure.get_figure(root=True).get_size_inches()[1] * 72 * box.height / max(self.lanes, 1))

    def label_lanes(self) -> None:
        """Label as many lanes as there is room for; where there is too little, the first of each stage, then fewer."""
        labelled = self.bars[self.bars["label"] != ""].drop_duplicates("lane").sort_values("lane")
        step = max(1, round(_LANE_POINTS / max(self._points_per_lane(), 0.1)))
        if step > 1:
            first = labelled.drop_duplicates(["run_id", "stage", "role"])
            labelled = first if len(first) <= self.lanes / step else labelled
        chosen: list[tuple[int, str]] = []
        for row in labelled.to_dict("records"):
            if not chosen or row["lane"] - chosen[-1][0] >= step:
                chosen.append((int(row["lane"]), "   " * int(row["depth"]) + drawable(row["label"])))
        self.ax.set_yticks([lane for lane, _ in chosen], [text for _, text in chosen], fontsize=7.5, parse_math=False)
        self.ax.tick_params(axis="y", length=0)
        for side in ("top", "right", "left"):
            self.ax.spines[side].set_visible(False)
        for row in self.bars[self.bars["role"] == "lane"].to_dict("records"):
            if step == 1:
                self.ax.text(
                    0,
                    row["lane"],
                    " never run" if row["outcome"] != "passed" else " passed, never run",
                    fontsize=7,
                    va="center",
                    color="#777777",
                )

    def label_axis(self, zone: dt.tzinfo, tz: str) -> None:
        """Clock times below the axis, at round instants, and the length of the whole in words."""
        time = self.bars[self.bars["started_at"].notna()]
        if time.empty:
            return
        begin: Any = min(time[name].min() for name in ("started_at", "dispatched_at") if time[name].notna().any())
        step = next((s for s in _NICE_STEPS_S if self.length / s <= 9), _NICE_STEPS_S[-1])
        cuts: list[dict[Any, Any]] = self.bars[self.bars["role"] == "break"][["started_at", "ended_at", "x_started", "x_ended"]].to_dict(
            "records"
        )
        ticks = _ticks(begin, self.length, step, cuts, zone)
        form = "%H:%M:%S" if step >= 1 else "%H:%M:%S.%f"
        texts = [moment.astimezone(zone).strftime(form)[: 8 if step >= 1 else 10] for _, moment in ticks]
        self.ax.set_xticks([x for x, _ in ticks], texts, fontsize=7.5)
        self.ax.grid(axis="x", color="#E6E6E6", linewidth=0.6, zorder=0)
        self.ax.set_axisbelow(True)
        self.ax.set_xlabel(f"clock time ({tz}), from {begin.tz_convert(zone):%Y-%m-%d %H:%M:%S}", fontsize=8)

    def note_errors(self) -> None:
        """The log line of failed attempts, beside the bar, where the lanes leave room for it."""
        step = max(1, round(_LANE_POINTS / max(self._points_per_lane(), 0.1)))
        noted: list[int] = []
        rows = self.bars[self.bars["error"].notna()].drop_duplicates(["lane", "error"]).sort_values(["lane", "x_ended"])
        for row in rows.to_dict("records"):
            if len(noted) >= _MOST_NOTES or (noted and row["lane"] - noted[-1] < step) or row["lane"] in noted:
                continue
            noted.append(int(row["lane"]))
            left = row["x_ended"] < self.length * 0.55
            text = drawable(row["error"])
            self.ax.annotate(
                text if len(text) <= 72 else text[:70] + "…",
                (row["x_ended"], row["lane"]),
                xytext=(7 if left else -7, 0),
                textcoords="offset points",
                ha="left" if left else "right",
                va="center",
                fontsize=6.5,
                color="#8A3B00",
                parse_math=False,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6},
                zorder=6,
            )

    def draw_legend(self) -> None:
        """What is in the chart, and only that, below it."""
        from matplotlib.transforms import ScaledTranslation

        if self.handles:
            below = self.ax.transAxes + ScaledTranslation(0, -_LEGEND_INCHES, self.ax.figure.get_figure(root=True).dpi_scale_trans)
            self.ax.legend(
                handles=list(self.handles.values()),
                loc="upper center",
                bbox_to_anchor=(0.42, 0.0),
                bbox_transform=below,
                ncols=5,
                fontsize=7,
                frameon=False,
                borderaxespad=0.0,
            )


def _ticks(begin: Any, length: float, step: float, cuts: list[dict[Any, Any]], zone: dt.tzinfo) -> list[tuple[float, dt.datetime]]:
    """Round instants that lie on the axis and in no cut, none too near its neighbour."""
    import pandas as pd

    offset = begin.tz_convert(zone).utcoffset().total_seconds()
    segments: list[tuple[Any, float, float]] = []
    at, x = begin, 0.0
    for cut in cuts:
        segments.append((at, x, cut["x_started"]))
        at, x = cut["ended_at"], cut["x_ended"]
    segments.append((at, x, length))
    result: list[tuple[float, dt.datetime]] = []
    for start, low, high in segments:
        seconds = start.timestamp() + offset
        first = -(-seconds // step) * step
        while first - seconds + low <= high + 1e-9:
            place = first - seconds + low
            if not result or place - result[-1][0] >= length / 14:
                result.append((place, pd.Timestamp(round((first - offset) * 1e9), unit="ns", tz="UTC").to_pydatetime()))
            first += step
    return result
