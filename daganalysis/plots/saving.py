"""Figures to files, the same bytes every time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.plots.fonts import give_fonts, without_glyph_warnings
from daganalysis.whole_files import whole_file

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

_METADATA: dict[str, dict[str, str | None]] = {
    ".svg": {"Date": None, "Creator": "daganalysis"},
    ".png": {"Software": "daganalysis"},
    ".pdf": {"CreationDate": None, "ModDate": None, "Producer": "daganalysis", "Creator": "daganalysis"},
}


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> bool:
    """Write a figure as SVG, PNG or PDF, by the ending of the path; equal figures give equal bytes.

    Returns whether this system has fonts for all characters in it; in an SVG, the program that shows it chooses them.
    Raises :class:`UsageError` for another ending, :class:`DagAnalysisError` where the file cannot be written.
    """
    import matplotlib as mpl

    target = Path(path)
    kind = target.suffix.lower()
    if kind not in _METADATA:
        raise UsageError("no such kind of picture", where=str(target), hint="end the name with .svg, .png or .pdf")
    has_fonts = kind == ".svg" or give_fonts(figure)
    with (
        without_glyph_warnings(),
        whole_file(target, "the picture") as file,
        mpl.rc_context({"svg.hashsalt": "daganalysis", "svg.fonttype": "none", "pdf.fonttype": 42}),
    ):
        figure.savefig(file, format=kind[1:], metadata=_METADATA[kind], dpi=120)
    return has_fonts
