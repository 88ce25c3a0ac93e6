"""Text metrics: how much room words take and how much there is, in points."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.plots.fonts import cjk_family, from_left, has_cjk, without_glyph_warnings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.font_manager import FontProperties
    from matplotlib.path import Path

_POINTS = 72.0
_HINTED = 1.07
"""Letters that are fitted to pixels are up to so much wider."""
MIDDLE = 0.38
"""The height of the middle of a line above its baseline, as a share of the font size, for a text that is centred by its baseline."""


def text_width(text: str, size: float) -> float:
    """Return how wide a line of text is in the default font, at most."""
    return _outline_width(text, size, "normal") * _HINTED


@functools.lru_cache(maxsize=4096)
def _outline_width(text: str, size: float, weight: str) -> float:
    from matplotlib.textpath import TextToPath

    with without_glyph_warnings():
        width, _, _ = TextToPath().get_text_width_height_descent(text, _font(size, weight, has_cjk(text)), ismath=False)
    return float(width)


class Outline(NamedTuple):
    """The shape of a line of text, in points: it ends at 0, and its middle is there; and how wide it is."""

    path: Path
    width: float


@functools.lru_cache(maxsize=512)
def outline(text: str, size: float, weight: str = "normal") -> Outline:
    """Return the shape of a line of text in the default font."""
    import numpy as np
    from matplotlib.path import Path
    from matplotlib.textpath import TextToPath

    setter, width = TextToPath(), _outline_width(text, size, weight)
    with without_glyph_warnings():
        vertices, codes = setter.get_text_path(_font(size, weight, has_cjk(text)), from_left(text))
    return Outline(Path(np.reshape(vertices, (-1, 2)) * size / setter.FONT_SCALE - (width, MIDDLE * size), codes or None), width)


@functools.lru_cache(maxsize=32)
def _font(size: float, weight: str, needs_cjk: bool) -> FontProperties:
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties

    other = cjk_family() if needs_cjk else None
    return FontProperties(size=size, weight=weight, family=None if other is None else [*mpl.rcParams["font.family"], other])


def shortened(text: str, width: float, size: float) -> str:
    """Return a text, or as much of its beginning as fits into a width, with an ellipsis.

    >>> shortened("short", 100, 8), shortened("a much longer text", 40, 8)
    ('short', 'a muc…')
    """
    if text_width(text, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle] + "…", size) <= width else (low, middle - 1)
    return text[:low] + "…"


def is_laid_out(ax: Axes) -> bool:
    """Return whether the figure has a layout, which makes room for words; without one an Axes stays as large as it is."""
    figure = ax.get_figure(root=True)
    return figure is not None and figure.get_layout_engine() is not None


def settle(ax: Axes) -> None:
    """Apply the figure's layout, so that the sizes below are those that will be drawn."""
    figure = ax.get_figure(root=True)
    engine = figure.get_layout_engine() if figure is not None else None
    if figure is not None and engine is not None:
        with without_glyph_warnings():
            engine.execute(figure)


def size_of(ax: Axes) -> tuple[float, float]:
    """Return the width and height of an Axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    width, height = figure.get_size_inches()
    box = ax.get_position()
    return float(width * box.width * _POINTS), float(height * box.height * _POINTS)


def figure_width(ax: Axes) -> float:
    """Return the width of the whole figure, or of the part that holds an Axes."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    spec = ax.get_subplotspec()
    columns = spec.get_gridspec().ncols / len(spec.colspan) if spec is not None else 1
    return float(figure.get_size_inches()[0] * _POINTS / columns)
