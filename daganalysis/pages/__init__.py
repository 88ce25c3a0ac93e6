"""Reports: from frames to text, pages and machine-readable twins."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daganalysis.pages.report_page.writing import write_report

__all__ = ["write_report"]


def __getattr__(name: str) -> object:
    """Import the report when it is first asked for: the formats beside it start with every command."""
    if name != "write_report":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from daganalysis.pages.report_page.writing import write_report

    return write_report
