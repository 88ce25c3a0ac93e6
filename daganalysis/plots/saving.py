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
    """Write a figure as SVG, PNG or PDF. Equal figures give equal bytes.

    Args:
        figure: The figure to write.
        path: The file; its ending sets the format.

    Returns:
        Whether this system has fonts for all characters of the figure. In an SVG, the program that shows it chooses the fonts.

    Raises:
        UsageError: The ending is unknown.
        DagAnalysisError: The file cannot be written.

    Example:
        >>> import daganalysis as da
        >>> import tempfile
        >>> budget = da.time_budget(da.load("sample_data/documented"))
        >>> ax = da.plots.draw_budget(da.plots.budget_bars(budget))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     da.plots.save_figure(ax.figure, f"{folder}/budget.svg")
        True
    """
    import matplotlib as mpl

    target = Path(path)
    kind = target.suffix.lower()
    if kind not in _METADATA:
        raise UsageError(
            "no such kind of picture",
            where=str(target),
            hint="end the name with .svg, .png or .pdf; `daganalysis gantt` and `events --picture` also write .html",
        )
    has_fonts = kind == ".svg" or give_fonts(figure)
    with (
        without_glyph_warnings(),
        whole_file(target, "the picture") as file,
        mpl.rc_context({"svg.hashsalt": "daganalysis", "svg.fonttype": "none", "pdf.fonttype": 42}),
    ):
        figure.savefig(file, format=kind[1:], metadata=_METADATA[kind], dpi=120)
    return has_fonts
