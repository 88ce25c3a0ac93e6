"""What all pictures have in common: a figure, labels that do not touch, a legend below, a title that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.plots import text_metrics
from daganalysis.text.escaping import for_drawing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

LABEL_SIZE, TITLE_SIZE, LEGEND_SIZE = 7.5, 10.0, 7.0
_END_OF_LABEL = 9
LINE = 1.35
"""The height of a line of text, as a multiple of the size of its letters."""
LABEL_SHARE = 0.36
"""The share of the figure's width that labels beside a chart may take."""
_SHADES = 20
_BELOW_INCHES = 0.46
"""Room for the axis's numbers and their heading, between the axis and the legend."""


def new_axes(width: float, height: float) -> Axes:
    """Make an Axes in a figure of its own, with a size in inches."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)).add_subplot()


def lanes_axes(lanes: int, per_lane: float = 0.22) -> Axes:
    """Make an Axes for a number of lanes."""
    return new_axes(11, min(max(2.8, 1.7 + per_lane * lanes), 24.0))


def lane_labels(rows: pd.DataFrame) -> dict[int, str]:
    """Return the label of each lane of a frame."""
    return dict(zip(rows["lane"].tolist(), rows["label"].tolist(), strict=True))


def label_rows(ax: Axes, labels: Mapping[int, str]) -> None:
    """Label lanes from the top, as many as have room; the end of a label, behind its last dot, is never left out."""
    height = text_metrics.size_of(ax)[1]
    lanes = max(labels, default=0) + 1
    ax.set_ylim(lanes - 0.4, -0.6)
    step = max(1, -(-LABEL_SIZE * LINE * lanes // max(height, 1.0)))
    shown = {lane: label for n, (lane, label) in enumerate(sorted(labels.items())) if n % step == 0}
    room = text_metrics.figure_width(ax) * LABEL_SHARE
    ax.set_yticks(list(shown), [fitting(label, room) for label in shown.values()], fontsize=LABEL_SIZE, parse_math=False)
    ax.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)


def label_columns(ax: Axes, labels: Sequence[str]) -> None:
    """Label columns from the left, upright, as many as have room."""
    width = text_metrics.size_of(ax)[0]
    step = int(max(1, -(-LABEL_SIZE * LINE * len(labels) // max(width, 1.0))))
    shown = range(0, len(labels), step)
    ax.set_xticks(list(shown), [_without_middle(labels[n], 130) for n in shown], fontsize=LABEL_SIZE, rotation=90, parse_math=False)
    ax.tick_params(axis="x", length=0)


def _without_middle(label: str, room: float) -> str:
    """Shorten a label of a run or an agent so that it fits, and keep its end, which differs from its neighbours."""
    text = for_drawing(label)
    if text_metrics.text_width(text, LABEL_SIZE) <= room:
        return text
    end = text[-_END_OF_LABEL:]
    return text_metrics.shortened(text[:-_END_OF_LABEL], room - text_metrics.text_width(end, LABEL_SIZE), LABEL_SIZE) + end


def fitting(label: str, room: float) -> str:
    """Shorten a label so that it fits, but keep the part after its last dot, which differs between labels."""
    head, dot, tail = for_drawing(label).rpartition(" · ")
    end = dot + tail if dot else ""
    return text_metrics.shortened(head or tail, room - text_metrics.text_width(end, LABEL_SIZE), LABEL_SIZE) + end


def set_title(ax: Axes, head: str, facts: Sequence[str], width: float) -> None:
    """Write the title of a picture and some facts, on as many lines as needed."""
    ax.set_title(title_lines(head, facts, width), loc="left", fontsize=TITLE_SIZE, parse_math=False)


def title_lines(head: str, facts: Sequence[str], width: float) -> str:
    """Put a heading and facts into lines no wider than that."""
    lines = [f"{for_drawing(head)}: " if facts else for_drawing(head)]
    for n, fact in enumerate(facts):
        part = for_drawing(fact) + ("," if n + 1 < len(facts) else "")
        if text_metrics.text_width(f"{lines[-1]} {part}", TITLE_SIZE) <= width:
            lines[-1] = f"{lines[-1].rstrip()} {part}"
        else:
            lines.append(part)
    return "\n".join(text_metrics.shortened(line.strip(), width, TITLE_SIZE) for line in lines)


def legend_below(ax: Axes, groups: Sequence[tuple[str, Mapping[str, Artist]]], below: float = _BELOW_INCHES) -> None:
    """Put a legend below the chart. It names only what the chart shows, in groups of one or more rows, each with a heading."""
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

    figure = ax.get_figure(root=True)
    assert figure is not None
    words = [word for _, group in groups for word in group]
    if not words:
        return
    headed = 1 if any(heading for heading, _ in groups) else 0
    widest = max(text_metrics.text_width(word, LEGEND_SIZE) for word in words) + 5 * LEGEND_SIZE
    longest = max(len(group) for _, group in groups)
    columns = max(1 + headed, min(headed + longest, int((text_metrics.figure_width(ax) - 20) // widest)))
    nothing: tuple[Artist, str] = (Patch(alpha=0.0), "")
    rows: list[list[tuple[Artist, str]]] = []
    for heading, group in groups:
        entries = list(group.items())
        for first in range(0, len(entries), columns - headed):
            head = [(Patch(alpha=0.0), heading if first == 0 else "")] if headed else []
            row: list[tuple[Artist, str]] = [*head, *((handle, word) for word, handle in entries[first : first + columns - headed])]
            rows.append(row + [nothing] * (columns - len(row)))
    # matplotlib fills a legend column by column, but people read its rows.
    cells = [row[column] for column in range(columns) for row in rows]
    look: dict[str, Any] = {"ncols": columns, "fontsize": LEGEND_SIZE, "frameon": False, "borderaxespad": 0.0, "columnspacing": 1.2}
    ax.legend(
        [handle for handle, _ in cells],
        [word for _, word in cells],
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=ax.transAxes + ScaledTranslation(0, -below, figure.dpi_scale_trans),
        handlelength=1.6,
        scatterpoints=1,
        **look,
    )


def lower_legend(ax: Axes, label_lines: int, below: float = _BELOW_INCHES) -> None:
    """Put the legend lower, below labels of the axis that take more than one line."""
    from matplotlib.transforms import ScaledTranslation

    figure, legend = ax.get_figure(root=True), ax.get_legend()
    if legend is None or figure is None:
        return
    more = (label_lines - 1) * LABEL_SIZE * LINE / 72
    legend.set_bbox_to_anchor((0.0, 0.0), transform=ax.transAxes + ScaledTranslation(0, -below - more, figure.dpi_scale_trans))


def draw_cells(ax: Axes, x: Sequence[int], y: Sequence[int], values: Sequence[float], *, scale: Any, words: str) -> list[str]:
    """Draw the cells of a map, darker for more, with a bar that explains the shades; return the readable ink for each cell."""
    import numpy as np
    from matplotlib import colormaps
    from matplotlib.collections import PolyCollection

    figure = ax.get_figure(root=True)
    assert figure is not None
    corners = [[(a - 0.5, b - 0.5), (a + 0.5, b - 0.5), (a + 0.5, b + 0.5), (a - 0.5, b + 0.5)] for a, b in zip(x, y, strict=True)]
    # Its lightness only falls: on paper without colour it is read the same. Of more shades, matplotlib would make a bitmap within the SVG.
    shades = colormaps["YlGnBu"].resampled(_SHADES)
    cells = PolyCollection(corners, cmap=shades, norm=scale, edgecolors="white", linewidths=0.5)
    cells.set_array(np.asarray(values, dtype="float64"))
    ax.add_collection(cells, autolim=False)
    ax.set_xlim(-0.5, max(x, default=0) + 0.5)
    ax.set_ylim(max(y, default=0) + 0.5, -0.5)
    for side in ax.spines.values():
        side.set_visible(False)
    if corners:
        bar = figure.colorbar(cells, ax=ax, pad=0.02, aspect=30)
        bar.set_label(words, fontsize=LABEL_SIZE)
        bar.ax.tick_params(labelsize=LABEL_SIZE, which="both")
    # Not quite black and white, which a page in a dark scheme would take for its ink and its paper.
    return ["#111111" if sum(shades(float(scale(value)))[:3]) > 1.25 else "#fefefe" for value in values]
