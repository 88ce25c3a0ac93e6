"""Pictures: what to draw is a frame, drawing takes an Axes and returns it.

Every picture has two functions: one makes the frame, the other draws it. Nothing here touches pyplot; matplotlib is imported when the first
picture is drawn.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from daganalysis.plots.bars import gantt_bars

if TYPE_CHECKING:
    from daganalysis.plots.aligned import aligned_bars, draw_aligned
    from daganalysis.plots.budget import budget_bars, draw_budget
    from daganalysis.plots.event_lanes import draw_events, event_marks
    from daganalysis.plots.gantt_drawing import draw_gantt
    from daganalysis.plots.heat import draw_stage_runs, draw_stragglers, stage_run_cells, straggler_cells
    from daganalysis.plots.latency import draw_latency, latency_marks
    from daganalysis.plots.retry_times import draw_retries, retry_periods
    from daganalysis.plots.saving import save_figure
    from daganalysis.plots.trend_lines import draw_trend, trend_marks

__all__ = [
    "aligned_bars",
    "budget_bars",
    "draw_aligned",
    "draw_budget",
    "draw_events",
    "draw_gantt",
    "draw_latency",
    "draw_retries",
    "draw_stage_runs",
    "draw_stragglers",
    "draw_trend",
    "event_marks",
    "gantt_bars",
    "latency_marks",
    "retry_periods",
    "save_figure",
    "stage_run_cells",
    "straggler_cells",
    "trend_marks",
]

PICTURES = MappingProxyType(
    {
        "gantt_bars": "draw_gantt",
        "budget_bars": "draw_budget",
        "latency_marks": "draw_latency",
        "stage_run_cells": "draw_stage_runs",
        "straggler_cells": "draw_stragglers",
        "retry_periods": "draw_retries",
        "aligned_bars": "draw_aligned",
        "trend_marks": "draw_trend",
        "event_marks": "draw_events",
    }
)
"""Every picture: what makes its frame, and what draws it."""

_PUBLIC_NAMES = {
    "aligned": ("aligned_bars", "draw_aligned"),
    "budget": ("budget_bars", "draw_budget"),
    "event_lanes": ("event_marks", "draw_events"),
    "gantt_drawing": ("draw_gantt",),
    "heat": ("stage_run_cells", "draw_stage_runs", "straggler_cells", "draw_stragglers"),
    "latency": ("latency_marks", "draw_latency"),
    "retry_times": ("retry_periods", "draw_retries"),
    "saving": ("save_figure",),
    "trend_lines": ("trend_marks", "draw_trend"),
}
_MODULE_OF = {name: module for module, names in _PUBLIC_NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import a picture when it is first asked for."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
