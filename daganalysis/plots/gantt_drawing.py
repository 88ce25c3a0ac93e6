"""Drawing a Gantt chart: from bars to artists. The only arithmetic is that of the layout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import CATEGORIES, words
from daganalysis.plots import axes_layout, text_metrics
from daganalysis.plots.clock import label_clock
from daganalysis.plots.cut_marks import draw_cut, label_cut
from daganalysis.plots.gantt_words import gantt_title, label_lanes, note_errors
from daganalysis.plots.lanes import Lanes
from daganalysis.plots.styles import CATEGORY_COLOURS, CATEGORY_HATCHES, DISPATCHED, INK, NOTICED, OUTCOMES
from daganalysis.text.humanize import human_duration
from daganalysis.text.zones import zone_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from daganalysis.plots.lane_words import LaneWords

_TALL, _THIN, _FLAT = 0.72, 0.26, 0.5
"""The heights of a bar, of the line before and after it, and of a stretch of a timeline, in a lane of height 1."""
_DENSE_POINTS = 4.0
"""Lanes lower than this touch, and have no edges: the edges would be all one sees."""
_LANE_INCHES, _FRAME_INCHES, _MOST_INCHES = 0.19, 1.7, 24.0
_OF_CUTS = ("category", "started_at", "ended_at", "x_started", "x_ended")
_PLACES = ("x_dispatched", "x_started", "x_ended", "x_noticed", "x_passed")


def draw_gantt(bars: pd.DataFrame, ax: Axes | None = None, *, tz: str = "UTC", title: str | None = None, notes: bool = True) -> Axes:
    """Draw the frame of :func:`daganalysis.gantt_bars`.

    Each attempt has three parts: a thin one while it was dispatched, a tall one while it ran, and a thin one until the engine noticed its
    end. Rollback runs are striped and begin with a triangle. Runs after the first begin with a ring. Attempts that were not observed are
    crossed, and an unknown end is open, with an arrow. Failures and passes have marks. Attempts with ``on_path`` are framed and joined by a
    line.

    Args:
        bars: The frame to draw.
        ax: The Axes to draw into. None creates a figure.
        tz: The time zone of the axis: an offset such as ``+08:00``, or a name such as ``Asia/Shanghai``.
        title: The title; None describes the run.
        notes: Print the log line of a failure if there is room.

    Returns:
        The Axes.

    Raises:
        UsageError: ``tz`` is not a time zone.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/documented/scale-out.json")
        >>> da.plots.draw_gantt(da.gantt_bars(archive), tz="+08:00").get_xlabel() != ""
        True
    """
    zone_of(tz)
    if ax is None:
        ax = _new_axes(bars)
    painter = _Painter(ax, bars)
    painter.draw_children()
    painter.draw_groups()
    painter.draw_time()
    painter.draw_attempts()
    painter.draw_breaks()
    axes_layout.legend_below(ax, [("Bars:", painter.outcomes), ("Time:", painter.categories)])
    if text_metrics.is_laid_out(ax):
        # Words need room, and how much there is depends on the words: they are set once, the layout takes place, and they are set again.
        labels = _set_words(painter, tz, title, 0, text_metrics.figure_width(ax) * 0.6)
        text_metrics.settle(ax)
        labels.remove()
    width, height = text_metrics.size_of(ax)
    painter.lanes.fit(height)
    painter.label_breaks()
    left_out = note_errors(ax, bars, painter.cuts, painter.lanes, painter.length) if notes else 0
    _set_words(painter, tz, title, left_out, width)
    return ax


def _set_words(painter: _Painter, tz: str, title: str | None, left_out: int, width: float) -> LaneWords:
    label_clock(painter.ax, painter.bars, painter.cuts, zone_of(tz), tz, painter.length)
    painter.ax.set_title(gantt_title(painter.bars, title, left_out, width), loc="left", fontsize=10, parse_math=False)
    return label_lanes(painter.ax, painter.bars, painter.lanes)


def _new_axes(bars: pd.DataFrame) -> Axes:
    lanes = int(bars["lane"].max()) + 1 if len(bars) else 1
    return axes_layout.new_axes(11, min(max(2.6, _FRAME_INCHES + _LANE_INCHES * lanes), _MOST_INCHES))


class _Painter:
    """Puts one chart's artists into an Axes, a collection for each look, however many bars there are."""

    def __init__(self, ax: Axes, bars: pd.DataFrame) -> None:
        import numpy as np

        self.ax = ax
        self.bars = bars
        self.roles = bars["role"].to_numpy(object)
        self.places = {name: bars[name].to_numpy("float64") for name in _PLACES}
        ends = [self.places[name] for name in _PLACES if name != "x_dispatched"]
        self.length = float(np.fmax.reduce(ends, axis=None, initial=0.0)) or 1.0
        self.cuts = bars.loc[self.roles == "break", list(_OF_CUTS)].sort_values("x_started").to_dict("records")
        self.outcomes: dict[str, Artist] = {}
        self.categories: dict[str, Artist] = {}
        self.lanes = Lanes(bars, text_metrics.size_of(ax)[1])
        self.dense = self.lanes.points < _DENSE_POINTS
        ax.set_ylim(self.lanes.total + 0.1, -0.1)
        ax.set_xlim(-0.005 * self.length, self.length * 1.01)
        # Nothing is narrower than what can be seen.
        self.narrowest = self.length * 0.0012
        of_bars = bars["lane"].to_numpy(int)
        self.middles, self.heights = self.lanes.middles[of_bars], self.lanes.heights[of_bars]

    def _boxes(self, rows: np.ndarray, left: str, right: str, height: float, **look: Any) -> Artist | None:
        """Draw a box for each of these rows; return their handle in a legend."""
        import numpy as np
        from matplotlib.patches import Patch

        from daganalysis.plots.boxes import Boxes

        x0, x1 = self.places[left][rows], self.places[right][rows]
        known = ~(np.isnan(x0) | np.isnan(x1))
        if not known.any():
            return None
        rows, x0, x1 = rows[known], x0[known], x1[known]
        x1 = np.maximum(x1, x0 + (self.narrowest if height > _THIN else 0.0))
        half = self.heights[rows] * (1.0 if self.dense else height) / 2
        drawn = look | {"edgecolors": "none"} if self.dense and not look.get("hatch") else look
        self.ax.add_collection(Boxes((x0, x1), (self.middles[rows] - half, self.middles[rows] + half), **drawn), autolim=False)
        return Patch(**{k.removesuffix("s"): v for k, v in look.items() if k in {"facecolors", "edgecolors", "hatch"}})

    # -- bars -------------------------------------------------------------------------------------------------------------------------

    def draw_children(self) -> None:
        """A ground for each child run, darker the deeper it is nested, so that one sees what belongs together."""
        own = self.bars.loc[self.bars["depth"].gt(0) & (self.roles != "break"), ["run_id", "lane", "depth"]]
        for _, rows in own.groupby("run_id", sort=False):
            top, bottom = self.lanes.tops[rows["lane"].min()], self.lanes.tops[rows["lane"].max() + 1]
            self.ax.axhspan(top, bottom, facecolor="#000000", alpha=min(0.045 * int(rows["depth"].iloc[0]), 0.15), zorder=0)
            self.ax.axhline(top, color="#999999", linewidth=0.5, zorder=1)

    def draw_groups(self) -> None:
        """A thin line where another stage, or another agent, begins."""
        if self.dense:
            return
        rows = self.bars.loc[self.roles != "break", ["lane", "run_id", "group"]].drop_duplicates("lane").sort_values("lane")
        begins = (rows["group"] != rows["group"].shift()) | (rows["run_id"] != rows["run_id"].shift())
        for lane in rows.loc[begins, "lane"].tolist():
            self.ax.axhline(self.lanes.tops[lane], color="#E6E6E6", linewidth=0.5, zorder=0)

    def draw_time(self) -> None:
        """The timeline of each run: what every second was spent on."""
        import numpy as np

        rows = np.flatnonzero(self.roles == "time")
        categories = self.bars["category"].to_numpy(object)[rows]
        for category, colour in CATEGORY_COLOURS.items():
            hatch = CATEGORY_HATCHES.get(category)
            look = {"facecolors": colour, "edgecolors": "#888888" if hatch else "none", "hatch": hatch, "linewidths": 0.3, "zorder": 3}
            drawn = self._boxes(rows[categories == category], "x_started", "x_ended", _FLAT, **look)
            if drawn is not None:
                self.categories[CATEGORIES[category].label] = drawn
        for lane in np.unique(self.bars["lane"].to_numpy(int)[rows]):
            self.ax.axhline(self.lanes.tops[lane + 1], color="#DDDDDD", linewidth=0.6, zorder=0)

    def draw_attempts(self) -> None:
        """Attempts by outcome, kind and evidence; folded sub-tasks; what begins and ends them."""
        import numpy as np

        rows = np.flatnonzero((self.roles == "attempt") & ~np.isnan(self.places["x_started"]))
        self._boxes(rows, "x_dispatched", "x_started", _THIN, facecolors=DISPATCHED, edgecolors="none")
        self._boxes(rows, "x_ended", "x_noticed", _THIN, facecolors=NOTICED, edgecolors="none")
        outcomes, kinds, evidence = (self.bars[name].to_numpy(object) for name in ("outcome", "kind", "evidence"))
        present = set(outcomes[rows])
        for outcome, style in OUTCOMES.items():
            if outcome not in present:
                continue
            own = rows[outcomes[rows] == outcome]
            for kind, observed in ((k, o) for k in ("run", "rollback", "unknown") for o in (True, False)):
                part = own[(kinds[own] == kind) & ((evidence[own] == "observed") == observed)]
                hatch = ("////" if kind == "rollback" else "") + ("" if observed else "xx")
                label = words(outcome) + (", rollback" if kind == "rollback" else "") + ("" if observed else ", inferred")
                look = {"facecolors": style.colour, "edgecolors": "white" if hatch else INK, "hatch": hatch or None, "linewidths": 0.4}
                drawn = self._boxes(part, "x_started", "x_ended", _TALL, **look)
                if drawn is not None:
                    self.outcomes[label] = drawn
        look = {"facecolors": "#DDE6EE", "edgecolors": "#0072B2", "linewidths": 0.8}
        folded = self._boxes(np.flatnonzero(self.roles == "folded"), "x_started", "x_ended", _FLAT, **look)
        if folded is not None:
            self.outcomes["several sub-tasks in one bar"] = folded
        self._draw_marks(rows, outcomes[rows], kinds[rows], present)
        self._draw_path(rows)

    def _draw_path(self, rows: np.ndarray) -> None:
        """The chain of attempts that the run waited for: a frame around each, and a line from the end of one to the start of the next."""
        import numpy as np
        from matplotlib.collections import LineCollection

        own = rows[self.bars["on_path"].to_numpy(bool, na_value=False)[rows]]
        if not len(own):
            return
        look = {"facecolors": "none", "edgecolors": INK, "linewidths": 1.4, "zorder": 4}
        self._boxes(own, "x_started", "x_ended", _TALL, **look)
        start, end, middle = self.places["x_started"][own], self.places["x_ended"][own], self.middles[own]
        runs = np.unique(self.bars["run_id"].to_numpy(object)[own].astype(str), return_inverse=True)[1]
        order = np.lexsort((end, start, runs))
        steps = [
            ((end[a], middle[a]), (max(end[a], start[b]), middle[a]), (max(end[a], start[b]), middle[b]))
            for a, b in zip(order, order[1:], strict=False)
            if runs[a] == runs[b]
        ]
        self.ax.add_collection(LineCollection(steps, colors=INK, linewidths=0.9, zorder=4), autolim=False)
        self.outcomes["on the critical path"] = LineCollection([], colors=INK, linewidths=1.4)

    def _draw_marks(self, rows: np.ndarray, outcomes: np.ndarray, kinds: np.ndarray, present: set[str]) -> None:
        """What tells outcomes, retries, rollbacks and passes apart without colour."""
        import numpy as np

        for outcome, style in OUTCOMES.items():
            if style.marker is not None and outcome in present:
                self._marks(rows[outcomes == outcome], "x_ended", style.marker, "", c=style.colour, size=26)
        rollback, running = kinds == "rollback", outcomes == "running"
        again = (self.bars["attempt"].to_numpy("float64", na_value=np.nan)[rows] > 1) & ~rollback
        self._marks(rows[rollback], "x_started", "<", "rollback begins", c="white", size=24, shift=-3.5)
        self._marks(rows[again], "x_started", "o", "handed out again", c="white", size=16, shift=-3.5)
        still_open = self.bars["is_open"].to_numpy(bool, na_value=False)[rows]
        self._marks(rows[still_open & running], "x_ended", "$→$", "running when last seen", c=INK, size=34, shift=5.0)
        self._marks(rows[still_open & ~running], "x_ended", "$→$", "end not known", c=INK, size=34, shift=5.0)
        self._marks(rows[~np.isnan(self.places["x_passed"][rows])], "x_passed", "^", "passed", c="#CC79A7", size=24)

    def _marks(self, rows: np.ndarray, x: str, marker: str, words: str, *, c: str, size: float, shift: float = 0.0) -> None:
        """Draw marks at the ends of bars, a few points to the side and slightly higher than their lane."""
        if not len(rows):
            return
        from matplotlib.transforms import ScaledTranslation

        figure = self.ax.get_figure(root=True)
        assert figure is not None
        at = self.ax.transData + ScaledTranslation(shift / 72, 0, figure.dpi_scale_trans)
        shown = min(size, max(5.0, self.lanes.points) ** 2)
        look: dict[str, Any] = {
            "s": shown,
            "marker": marker,
            "c": c,
            "edgecolors": INK,
            "linewidths": 0.2 if marker.startswith("$") else 0.6,
            "zorder": 4,
        }
        drawn = self.ax.scatter(self.places[x][rows], self.middles[rows], transform=at, clip_on=False, **look)
        if words:
            self.outcomes.setdefault(words, drawn)

    # -- breaks -----------------------------------------------------------------------------------------------------------------------

    def draw_breaks(self) -> None:
        """A cut in the axis, at each wait that the frame leaves out."""
        for row in self.cuts:
            draw_cut(self.ax, row["x_started"], row["x_ended"])

    def label_breaks(self) -> None:
        """Write the length and the cause of a cut upright in the cut, if there is room."""
        width, height = text_metrics.size_of(self.ax)
        first = self.lanes.tops[1] if self.lanes.count > 1 else 0.0
        room = height * (1 - first / self.lanes.total) - 6
        for row in self.cuts:
            cut = f"{human_duration((row['ended_at'] - row['started_at']).total_seconds())} cut"
            words = [f"{cut}: {CATEGORIES[row['category']].label}"] if row["category"] in CATEGORIES else []
            label_cut(self.ax, (row["x_started"], row["x_ended"]), [*words, cut], first, room, width / self.length)
