"""The texts of a drawing: where each lies, and what it covers."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def axes(width: float = 11, height: float = 4) -> Axes:
    """Make an Axes in a figure of its own, so many inches large."""
    return Figure(figsize=(width, height), layout="constrained").add_subplot()


def texts(ax: Axes) -> list[Text]:
    """List every text that is shown: title, labels, notes and legend, once the layout has taken place."""
    figure = ax.get_figure(root=True)
    assert isinstance(figure, Figure)
    if figure.stale or not isinstance(figure.canvas, FigureCanvasAgg):  # to draw takes most of the time of these tests
        FigureCanvasAgg(figure).draw()
    legend, beside = ax.get_legend(), [text for one in ax.artists for text in one.findobj(Text)]
    candidates = [ax.title, ax._left_title, ax.xaxis.label, ax.yaxis.label, *ax.texts, *beside, *(legend.get_texts() if legend else [])]
    for axis in (ax.xaxis, ax.yaxis):
        low, high = sorted(axis.get_view_interval())
        candidates += [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [text for text in candidates if text.get_visible() and text.get_text().strip()]


def overlapping(ax: Axes) -> list[tuple[str, str]]:
    """List the pairs of texts of which one covers a part of the other."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(ax)]
    return [(one, other) for (one, a), (other, b) in combinations(boxes, 2) if _common(a, b) > 1.0]


def cut_off(ax: Axes) -> list[str]:
    """List the texts that reach beyond the paper."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    paper = figure.bbox
    shown = [(text.get_text(), text.get_window_extent()) for text in texts(ax)]
    shown += [("words beside lanes", one.get_window_extent()) for one in ax.artists]
    return [text for text, box in shown if box.x0 < -1 or box.y0 < -1 or box.x1 > paper.x1 + 1 or box.y1 > paper.y1 + 1]


def _common(a, b) -> float:
    """How far two boxes reach into each other, in pixels, the narrower way."""
    return min(min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0))
