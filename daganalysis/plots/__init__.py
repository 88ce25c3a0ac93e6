"""Pictures: what to draw is a frame, drawing takes an Axes and returns it.

Nothing here touches pyplot; matplotlib is imported when the first picture is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.plots.bars import gantt_bars

if TYPE_CHECKING:
    from daganalysis.plots.gantt_drawing import draw_gantt
    from daganalysis.plots.saving import save_figure

__all__ = ["draw_gantt", "gantt_bars", "save_figure"]

_HOME = {"draw_gantt": "gantt_drawing", "save_figure": "saving"}


def __getattr__(name: str) -> object:
    """Import a drawing when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
