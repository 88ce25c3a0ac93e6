"""Pages: a report of an archive, and the chart of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daganalysis.pages.gantt_page.notebook_chart import GanttPage, gantt
    from daganalysis.pages.report_page.writing import write_report

__all__ = ["GanttPage", "gantt", "write_report"]

_MODULE_OF = {
    "GanttPage": "daganalysis.pages.gantt_page.notebook_chart",
    "gantt": "daganalysis.pages.gantt_page.notebook_chart",
    "write_report": "daganalysis.pages.report_page.writing",
}


def __getattr__(name: str) -> object:
    """Import a name on first use, because every command imports the package's formats."""
    import importlib

    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULE_OF[name]), name)
