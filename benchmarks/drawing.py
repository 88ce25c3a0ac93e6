"""Drawing: a Gantt chart of many bars against one ``barh`` a bar."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl

from benchmarks import archives
from benchmarks.goals import Row, spread
from benchmarks.measuring import in_turn, seconds
from daganalysis import gantt_bars, load, plots

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from benchmarks.sizes import Sizes


def gantt(sizes: Sizes, _work: Path) -> Iterator[Row]:
    """Draw the chart of one run to a PNG, against a loop that draws the same boxes and words, and one that draws a bare box an attempt.

    An attempt is up to three boxes (dispatched, ran, not noticed yet). The chart's words, some forty lines, take as long as its boxes.
    """
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    mpl.use("agg")
    for n_bars in sizes.bars:
        shape = archives.Shape((50, 50), (n_bars // 50, n_bars // 50), 1)
        bars = gantt_bars(load(archives.responses(1, shape)[0]))

        def ours(frame: pd.DataFrame = bars) -> None:
            figure = Figure(figsize=(12, 8))
            plots.draw_gantt(frame, ax=figure.subplots())
            figure.savefig(io.BytesIO(), format="png")

        words = Figure(figsize=(12, 8)).subplots()
        plots.draw_gantt(bars, ax=words)
        attempts = _spans(bars, "x_started", "x_ended")
        boxes = attempts + _spans(bars, "x_dispatched", "x_started") + _spans(bars, "x_ended", "x_noticed")
        for spans, like, name in ((boxes, words, "boxes and words"), (attempts, None, "a box an attempt, no words")):

            def loop(spans: list[tuple[int, float, float]] = spans, like: Axes | None = like) -> None:
                figure = Figure(figsize=(12, 8))
                axes = figure.subplots()
                for lane, left, width in spans:
                    axes.barh(lane, width, left=left)
                if like is not None:
                    axes.set_title(like.get_title(loc="left"), loc="left", fontsize=10)
                    axes.set_xlabel(like.get_xlabel(), fontsize=8)
                    axes.set_xticks(like.get_xticks(), [label.get_text() for label in like.get_xticklabels()], fontsize=7.5)
                    beside = [text for artist in like.artists for text in artist.findobj(Text)]
                    axes.set_yticks([text.get_position()[1] for text in beside], [text.get_text() for text in beside], fontsize=7.5)
                figure.savefig(io.BytesIO(), format="png")

            ratio, mine, theirs = in_turn(
                lambda: seconds(ours), lambda loop=loop: seconds(loop), min(sizes.repeats, 1 if n_bars > 10_000 else 3)
            )  # type: ignore[misc]
            detail = {"bars": len(bars), "boxes_of_the_loop": len(spans), "ours": spread(mine), "loop": spread(theirs)}
            yield Row(f"Gantt chart of {len(bars):,} bars", f"times as fast as a loop of barh ({name})", 20, True, ratio, detail)


def _spans(bars: pd.DataFrame, left: str, right: str) -> list[tuple[int, float, float]]:
    """Lane, begin and length of every box between two instants."""
    drawn = bars[bars[left].notna() & bars[right].notna()]
    return list(zip(drawn["lane"].tolist(), drawn[left].tolist(), (drawn[right] - drawn[left]).tolist(), strict=True))
