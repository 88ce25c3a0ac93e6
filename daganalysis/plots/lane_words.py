"""Words beside the lanes of a chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import PathCollection
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, ScaledTranslation

from daganalysis.plots import text_metrics
from daganalysis.plots.axes_layout import LABEL_SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase

_BESIDE = 3.5
"""Points between the words and the chart."""


class LaneWord(NamedTuple):
    """Words about a lane, their height, and their style."""

    y: float
    text: str
    weight: str = "normal"
    colour: str = "black"


class LaneWords(Artist):
    """Words beside the lanes in view.

    They are not ticks, because a tick consists of five artists, and four of them would show nothing. In a vector format they are text. In a
    bitmap they are painted as the outlines that were measured: setting them again, letter by letter, would take longer than all the bars.
    """

    def __init__(self, ax: Axes, words: Sequence[LaneWord]) -> None:
        super().__init__()
        figure = ax.get_figure(root=True)
        assert figure is not None
        self.set_clip_on(False)
        self.set_zorder(ax.yaxis.get_zorder())
        self._lanes = ax.get_yaxis_transform()
        self._points = Affine2D().translate(-_BESIDE, 0).scale(1 / 72) + figure.dpi_scale_trans
        at = self._lanes + ScaledTranslation(-_BESIDE / 72, 0, figure.dpi_scale_trans)
        look: dict[str, Any] = {"ha": "right", "va": "center_baseline", "fontsize": LABEL_SIZE, "parse_math": False}
        self._texts = [Text(0, y, text, fontweight=weight, color=colour, transform=at, **look) for y, text, weight, colour in words]
        for text in self._texts:
            text.set_figure(figure)
        ax.add_artist(self)

    def get_children(self) -> list[Artist]:
        """Return the texts, one a lane."""
        return [*self._texts]

    def draw(self, renderer: RendererBase) -> None:
        """Draw the words of the lanes that are in view."""
        if self.get_visible():
            shown = self._in_view()
            for artist in [self._painted(shown)] if shown and isinstance(renderer, RendererAgg) else shown:
                artist.draw(renderer)
        self.stale = False

    def get_window_extent(self, renderer: RendererBase | None = None) -> Bbox:  # noqa: ARG002 - it is the same for all of them
        """Return the room that the words of the lanes in view take."""
        boxes = []
        for text in self._in_view():
            width = _outline(text).width
            room = Bbox.from_extents(-width, (text_metrics.MIDDLE - 1) * LABEL_SIZE, 0, text_metrics.MIDDLE * LABEL_SIZE)
            boxes.append(room.transformed(self._points).translated(*self._lanes.transform(text.get_position())))
        return Bbox.union(boxes or [Bbox.null()])

    def _in_view(self) -> list[Text]:
        assert self.axes is not None
        low, high = sorted(self.axes.get_ylim())
        return [text for text in self._texts if low <= text.get_position()[1] <= high]

    def _painted(self, texts: Sequence[Text]) -> PathCollection:
        """Texts as shapes, which end at the chart."""
        figure = self.get_figure(root=True)
        assert figure is not None
        shapes = PathCollection(
            [_outline(text).path for text in texts],
            offsets=[text.get_position() for text in texts],
            offset_transform=self._lanes,
            transform=self._points,
            facecolors=[text.get_color() for text in texts],
            linewidths=0,
            snap=False,  # letters of straight strokes are no boxes to be put on whole pixels
        )
        shapes.set_figure(figure)
        return shapes


def _outline(text: Text) -> text_metrics.Outline:
    return text_metrics.outline(text.get_text(), LABEL_SIZE, str(text.get_fontweight()))
