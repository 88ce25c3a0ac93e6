"""The words of a Gantt chart: title, lane labels, error lines and legend. No text covers another text or a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.engine.vocabulary import CATEGORIES, words
from daganalysis.plots import text_metrics
from daganalysis.plots.axes_layout import LABEL_SHARE, LABEL_SIZE, LINE, TITLE_SIZE, fitting, title_lines
from daganalysis.text.escaping import for_drawing
from daganalysis.text.humanize import human_duration, human_share, plural

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from matplotlib.axes import Axes

    from daganalysis.plots.lane_words import LaneWords
    from daganalysis.plots.lanes import Lanes

_NOTE_SIZE = 6.5
_MOST_NOTES = 12
_SHORTEST_NOTE = 24
"""An error line that has room for fewer letters than this is counted instead."""
_LONGEST_NOTE = 90
_BESIDE = 16.0
"""A note further from its bar than this would seem to belong to another bar."""


def gantt_title(bars: pd.DataFrame, title: str | None, left_out: int, width: float) -> str:
    """Return a chart's title: the run, its outcome, its length, and what is not drawn."""
    head, facts = (title, list[str]()) if title is not None else _run_and_facts(bars, width)
    facts += [f"{plural(left_out, 'error line')} without room"] if left_out else []
    return title_lines(head, facts, width)


def _run_and_facts(bars: pd.DataFrame, width: float) -> tuple[str, list[str]]:
    roles = bars["role"].to_numpy(object)
    lines = bars.loc[roles == "time", ["run_id", "depth", "stage_name", "outcome", "started_at", "ended_at", "n", "n_attempts", "category"]]
    own = lines[lines["depth"] == 0]
    if own.empty:
        return "no run" if bars.empty else str(bars["run_id"].iloc[0]), []
    first = own.iloc[0]
    span = human_duration((own["ended_at"].max() - own["started_at"].min()).total_seconds())
    runs = lines.drop_duplicates("run_id")
    drawn = bars["run_id"][(roles != "time") & (roles != "break")].unique()
    folded = int(bars["n"][roles == "folded"].sum()) + int(runs["n"][~runs["run_id"].isin(drawn)].sum())
    attempts = roles == "attempt"
    parts = [words(str(first["outcome"])), span, *shares_of_time(bars)]
    parts.append(plural(max(int(attempts.sum()), int(runs["n_attempts"].sum())), "attempt"))
    parts += only_agent(bars)
    untimed = int(bars["x_started"].isna().to_numpy()[attempts].sum())
    parts += [f"{untimed:,} of them without known times"] if untimed else []
    parts += [f"{plural(folded, 'more sub-task')} folded"] if folded else []
    run = f" (run {first['run_id']})"
    room = width - text_metrics.text_width(f"{run}:", TITLE_SIZE)
    return text_metrics.shortened(for_drawing(str(first["stage_name"])), room, TITLE_SIZE) + run, parts


def shares_of_time(bars: pd.DataFrame) -> list[str]:
    """Return in words what most of a run's time was spent on, where waits are cut from the axis: there its strip does not show it."""
    own = bars[bars["role"].eq("time") & bars["depth"].eq(0)]
    if own.empty or not bars["role"].eq("break").any():
        return []
    spent = (own["ended_at"] - own["started_at"]).dt.total_seconds().groupby(own["category"]).sum().sort_values(ascending=False)
    most = str(spent.index[0])
    named = dict.fromkeys((most, "execute"))
    return [f"{human_share(spent.get(name, 0.0) / spent.sum())} {CATEGORIES[name].label}" for name in named]


def only_agent(bars: pd.DataFrame) -> list[str]:
    """Return in words the agent of a chart of one run if only one is known, which its lanes do not name; otherwise nothing."""
    attempts = bars[bars["role"].eq("attempt")]
    agents = attempts["agent"].dropna().unique()
    is_one = len(agents) == 1 and len(attempts["run_id"].unique()) == 1 and not bars["role"].eq("folded").any()
    return [f"agent {for_drawing(agents[0])}"] if is_one else []


def label_lanes(ax: Axes, bars: pd.DataFrame, lanes: Lanes) -> LaneWords:
    """Label as many lanes as there is room for; a run's own lane in bold, a stage that never ran in grey, saying so."""
    from daganalysis.plots.lane_words import LaneWord, LaneWords

    room = text_metrics.figure_width(ax) * LABEL_SHARE
    rows = bars.loc[bars["role"] != "break", ["lane", "role", "x_started", "outcome"]]
    timelines = set(rows.loc[rows["role"] == "time", "lane"].tolist())
    remarks = _remarks(rows)
    words = []
    for label in lanes.labels(bars, LABEL_SIZE * LINE):
        remark = remarks.get(label.lane, "")
        text = fitting(label.text, room - text_metrics.text_width(remark, LABEL_SIZE)) + remark
        words.append(LaneWord(label.y, text, "bold" if label.lane in timelines else "normal", "#6B6B6B" if remark else "black"))
    ax.set_yticks([])
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    return LaneWords(ax, words)


def _remarks(rows: pd.DataFrame) -> dict[int, str]:
    """The words for lanes without a bar."""
    untimed = ~rows["lane"].isin(rows.loc[rows["x_started"].notna(), "lane"].unique())
    remarks: dict[int, str] = {}
    for row in rows[untimed].drop_duplicates("lane").to_dict("records") if untimed.any() else ():
        never = "passed, never run" if row["outcome"] == "passed" else "never run"
        remarks[row["lane"]] = f" ({never if row['role'] == 'lane' else 'times not known'})"
    return remarks


# -- error lines ----------------------------------------------------------------------------------------------------------------------


def note_errors(ax: Axes, bars: pd.DataFrame, cuts: list[dict[Any, Any]], lanes: Lanes, length: float) -> int:
    """Write the log line of failed attempts beside their bars, if it covers nothing; return the number of lines without room."""
    has_error = bars["error"].notna() & bars["x_ended"].notna()
    if not has_error.any():
        return 0
    rows = bars[has_error].sort_values(["lane", "x_ended"])
    width = text_metrics.size_of(ax)[0]
    room = _Room(bars, cuts, lanes, length / width)
    left_out = 0
    for n, (_, alike) in enumerate(rows.groupby(["lane", "error"], sort=False)):
        own = alike.to_dict("records")[::-1]
        text = for_drawing(own[0]["error"]).removeprefix("ERROR: ")
        text = text if len(text) <= _LONGEST_NOTE else text[: _LONGEST_NOTE - 1] + "…"
        places = (room.for_note(row, text) for row in own) if n < _MOST_NOTES else iter(())
        place = next((place for place in places if place is not None), None)
        if place is None:
            left_out += 1
            continue
        look: dict[str, Any] = {"color": "#111111" if place.within else "#8A3B00", "zorder": 6, "annotation_clip": False}
        ax.annotate(
            place.text, (place.x, lanes.middles[own[0]["lane"]]), ha=place.side, va="center", fontsize=_NOTE_SIZE, parse_math=False, **look
        )
    return left_out


class _Place(NamedTuple):
    """Where a line of text begins (``left``) or ends (``right``), so much of it as fits, and whether that is within its bar."""

    x: float
    text: str
    side: str
    within: bool


class _Room:
    """The occupied places in an Axes, and the free places for a line of text."""

    def __init__(self, bars: pd.DataFrame, cuts: list[dict[Any, Any]], lanes: Lanes, per_point: float) -> None:
        import numpy as np

        self._lanes = lanes
        self._per_point = per_point
        """Seconds of the axis that a point is wide."""
        self._end = float(np.nanmax([bars[name].max() for name in ("x_ended", "x_noticed", "x_started", "x_passed")]))
        rows = bars[bars["x_started"].notna() & bars["role"].ne("break")]
        # In objects a missing place is compared with nothing; the fmin of floats leaves it out.
        self._low = np.fmin(rows["x_dispatched"].to_numpy("float64"), rows["x_started"].to_numpy("float64"))
        self._high = np.fmax(rows["x_noticed"].to_numpy("float64"), rows["x_ended"].to_numpy("float64"))
        self._high = np.fmax(self._high, rows["x_passed"].to_numpy("float64")) + 4 * per_point
        of_bars = rows["lane"].to_numpy(int)
        self._y = lanes.middles[of_bars]
        self._half = lanes.heights[of_bars] * 0.36
        self._cuts = [(cut["x_started"], cut["x_ended"]) for cut in cuts]
        self._notes: list[tuple[float, float, float]] = []

    def for_note(self, bar: dict[Any, Any], text: str) -> _Place | None:
        """Find room right after a bar, within it, or before it: for the whole text, or else for most of it, or None."""
        import numpy as np

        y = float(self._lanes.middles[bar["lane"]])
        gaps = list(self._gaps(y))
        tail = np.nanmax([bar["x_ended"], bar["x_noticed"], bar["x_passed"]])
        behind = next((gap for gap in gaps if 0 <= gap[0] - tail < _BESIDE * self._per_point), None)
        head = np.nanmin([bar["x_started"], bar["x_dispatched"]])
        before = next((gap for gap in gaps if 0 <= head - gap[1] < _BESIDE * self._per_point), None)
        plain = bar["kind"] == "run" and bar["evidence"] == "observed" and self._lanes.points >= _NOTE_SIZE * LINE
        within = (bar["x_started"], bar["x_ended"] - 5 * self._per_point) if plain else None
        sides = [(gap, side, gap is within) for gap, side in ((behind, "left"), (within, "left"), (before, "right")) if gap is not None]
        need = (text_metrics.text_width(text, _NOTE_SIZE) + 4) * self._per_point
        best = next((one for one in sides if one[0][1] - one[0][0] >= need), None)
        best = best or max(sides, key=lambda one: one[0][1] - one[0][0], default=None)
        if best is None:
            return None
        (low, high), side, inside = best
        shown = text_metrics.shortened(text, (high - low) / self._per_point - 4, _NOTE_SIZE)
        if shown != text and len(shown) < _SHORTEST_NOTE:
            return None
        size = (text_metrics.text_width(shown, _NOTE_SIZE) + 4) * self._per_point
        at = low + 2 * self._per_point if side == "left" else high - 2 * self._per_point
        self._notes.append((y, *((at, at + size) if side == "left" else (at - size, at))))
        return _Place(at, shown, side, within=inside)

    def _gaps(self, y: float) -> Iterable[tuple[float, float]]:
        """The free stretches of a line of text's height around a lane."""
        reach = _NOTE_SIZE * 1.2 / self._lanes.points / 2
        near = abs(self._y - y) < self._half + reach
        taken = list(zip(self._low[near].tolist(), self._high[near].tolist(), strict=True)) + self._cuts
        taken += [(low, high) for other, low, high in self._notes if abs(other - y) < 2 * reach]
        reached = 0.0
        for low, high in sorted(taken):
            if low - 3 * self._per_point > reached:
                yield reached, low - 3 * self._per_point
            reached = max(reached, high)
        if reached < self._end:
            yield reached, self._end
