"""The interactive Gantt chart as a value: a notebook shows it in a cell, and it can be saved as a page."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.text.escaping import for_terminal
from daganalysis.whole_files import whole_file

if TYPE_CHECKING:
    import os

    from daganalysis.archive import Archive

_ABOVE, _LANE, _MOST = 380, 24, 720
"""Heights in pixels: the parts above and below the lanes, one lane, and the largest cell."""


@dataclass(frozen=True, slots=True)
class GanttPage:
    """A Gantt chart of one run as a self-contained page; as the value of a notebook's cell it is shown there.

    ``run_id`` is the run it is of, ``html`` the page, ``n_lanes`` how many lanes it has.
    """

    run_id: str
    html: str = field(repr=False)
    n_lanes: int = field(repr=False, default=1)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file."""
        with whole_file(path, "the chart") as file:
            file.write(self.html.encode())

    def _repr_html_(self) -> str:
        """Show the page in its own frame: its scripts cannot see the notebook, and it makes no request to the network."""
        height = min(_MOST, _ABOVE + _LANE * self.n_lanes)
        title = html.escape(f"Gantt chart of run {for_terminal(self.run_id)}")
        style = f"width: 100%; height: {height}px; border: 0"
        return f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts" title="{title}" style="{style}"></iframe>'


def gantt(
    archive: Archive,
    run_id: str | None = None,
    *,
    lanes: str = "stage",
    children: bool = False,
    max_lanes: int | None = None,
    tz: str | None = None,
    title: str = "",
) -> GanttPage:
    """Return the interactive Gantt chart of one run, which a notebook shows in its cell.

    The chart zooms, filters, and shows the facts and log lines of a bar. It is one page that loads nothing. The attempts on the critical
    path are framed. For a picture, draw :func:`daganalysis.gantt_bars` with :func:`daganalysis.plots.draw_gantt`.

    Args:
        archive: The archive that holds the run.
        run_id: The run to draw. You can leave it out if the archive holds one run.
        lanes: ``"stage"`` groups the lanes of sub-tasks by stage, ``"agent"`` by agent.
        children: Also draw the child runs, nested below the run.
        max_lanes: Fold the least remarkable lanes beyond this number; None folds nothing.
        tz: The zone of the times: a name such as ``"Asia/Shanghai"``, or an offset such as ``"+08:00"``; None is the servers' own.
        title: The heading of the page; by default the name and the id of the run.

    Returns:
        The page. ``save`` writes it to a file.

    Raises:
        UsageError: The archive holds several runs or none and ``run_id`` is None, or ``tz`` is not a time zone.
        RunNotFoundError: The archive holds no such run.

    Example:
        >>> import daganalysis as da
        >>> da.gantt(da.load("sample_data/documented/scale-out.json"))
        GanttPage(run_id='11')
    """
    from daganalysis.analysis import critical_path
    from daganalysis.pages.gantt_page.gantt_html import gantt_page
    from daganalysis.plots import gantt_bars
    from daganalysis.plots.drawn_run import only_run

    run_id = only_run(archive, children=children) if run_id is None else run_id
    if run_id is None:
        raise UsageError("the archive holds no run", hint="load answers that describe a DAG")
    family = archive.run(run_id, children=True)
    drawn = family if children else family.run(run_id)
    bars = gantt_bars(drawn, run_id=run_id, lanes=lanes, children=children, max_lanes=max_lanes, path=critical_path(family))
    return GanttPage(run_id, gantt_page(bars, drawn, tz=tz, title=title), int(bars["lane"].max()) + 1 if len(bars) else 1)
