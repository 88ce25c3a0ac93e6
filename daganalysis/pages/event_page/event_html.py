"""The swim lanes of :func:`daganalysis.plots.event_marks` as a self-contained page, with the events below them as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import words
from daganalysis.pages.shell import render_page, trusted
from daganalysis.pages.svg import figure_svg
from daganalysis.plots.event_lanes import draw_events
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import plural
from daganalysis.text.zones import Zone

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("at", "event", "run_id", "stage", "agent", "actor", "client", "detail", "evidence")
_MOST_ROWS = 3_000


def event_page(marks: pd.DataFrame, events: pd.DataFrame, *, tz: str = "UTC") -> str:
    """Write a chart of :func:`daganalysis.plots.event_marks` and its events as one page, with times in the zone ``tz``."""
    zone = Zone(tz)
    figure = draw_events(marks, tz=tz).get_figure(root=True)
    assert figure is not None
    clusters = events["cluster"].dropna().unique()
    shown = events.head(_MOST_ROWS)
    columns = [name for name in _COLUMNS if name in {"at", "event"} or shown[name].notna().any()]
    cells = [
        [zone.bare(row["at"]), words(row["event"]), *("" if row[name] is None else for_terminal(str(row[name])) for name in columns[2:])]
        for row in rows_of(shown[columns])
    ]
    return render_page(
        "event_page/events.html.jinja",
        styles=("templates/page.css", "report_page/report.css"),
        scripts=(),
        title=f"What happened in {for_terminal(clusters[0])}" if len(clusters) == 1 else "What happened",
        subtitle=f"{plural(len(events), 'event')}, times in {zone.name}",
        chart=trusted(figure_svg(figure, key="events", title="Swim lanes of the DAGs, with locks and people's actions")),
        heads=[words(name) for name in columns],
        rows=cells,
        n_left_out=max(0, len(events) - _MOST_ROWS),
    )
