"""Marks of the cuts in a time axis: the cause and the length of each cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.plots import text_metrics
from daganalysis.plots.styles import INK
from daganalysis.text.escaping import for_drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

_SIZE = 6.5


def draw_cut(ax: Axes, x_started: float, x_ended: float) -> None:
    """Draw one cut: a white band between two dotted lines, and a gap in the axis itself."""
    ax.axvspan(x_started, x_ended, facecolor="white", edgecolor="none", zorder=1.5)
    for x in (x_started, x_ended):
        ax.axvline(x, color="#777777", linewidth=0.8, linestyle=(0, (2, 2)), zorder=2.5)
    ends, across = [x_started, x_ended], ax.get_xaxis_transform()
    ax.plot(ends, [0, 0], transform=across, color="white", linewidth=3, clip_on=False, zorder=5, solid_capstyle="butt")
    stroke = [(-0.5, -1), (0.5, 1)]
    ax.plot(ends, [0, 0], transform=across, color=INK, marker=stroke, linestyle="", markersize=8, clip_on=False, zorder=6)


def label_cut(ax: Axes, ends: tuple[float, float], words: Sequence[str], top: float, room: float, points_per_second: float) -> None:
    """Write upright in a cut the first of some texts that has room there: ``room`` points from ``top`` down; none where none has."""
    text = next((one for one in words if text_metrics.text_width(one, _SIZE) <= room), None)
    if text is None or (ends[1] - ends[0]) * points_per_second < _SIZE + 1:
        return
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.4}
    look: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "top", "fontsize": _SIZE, "color": INK, "zorder": 6, "bbox": box}
    ax.annotate(for_drawing(text), (sum(ends) / 2, top), xytext=(0, -3), textcoords="offset points", **look)
