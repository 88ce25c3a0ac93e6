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

    from benchmarks.sizes import Sizes


def gantt(sizes: Sizes, _work: Path) -> Iterator[Row]:
    """Draw the chart of one run to a PNG, axes, labels and all, and the bars alone in a loop."""
    from matplotlib.figure import Figure

    mpl.use("agg")
    for n_bars in sizes.bars:
        shape = archives.Shape((50, 50), (n_bars // 50, n_bars // 50), 1)
        bars = gantt_bars(load(archives.responses(1, shape)[0]))
        drawn = bars[bars["x_started"].notna()]
        length = (drawn["x_ended"] - drawn["x_started"]).fillna(0.0)
        spans = list(zip(drawn["lane"].tolist(), drawn["x_started"].tolist(), length.tolist(), strict=True))

        def ours(frame: pd.DataFrame = bars) -> None:
            figure = Figure(figsize=(12, 8))
            plots.draw_gantt(frame, ax=figure.subplots())
            figure.savefig(io.BytesIO(), format="png")

        def loop(spans: list[tuple[int, float, float]] = spans) -> None:
            figure = Figure(figsize=(12, 8))
            axes = figure.subplots()
            for lane, left, width in spans:
                axes.barh(lane, width, left=left)
            figure.savefig(io.BytesIO(), format="png")

        ratio, mine, theirs = in_turn(lambda: seconds(ours), lambda: seconds(loop), min(sizes.repeats, 1 if n_bars > 10_000 else 3))
        detail = {"bars": len(bars), "ours": spread(mine), "loop": spread(theirs)}
        yield Row(f"Gantt chart of {len(bars):,} bars", "times as fast as a loop of barh", 20, True, ratio, detail)
