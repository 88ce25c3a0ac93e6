"""The view of an archive in a notebook: a small table in plain HTML without scripts. All names in it are escaped."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, TypeAlias

from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, plural
from daganalysis.text.widths import unbroken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd

    Table: TypeAlias = Callable[[str, Sequence[str]], pd.DataFrame]

_MOST_ROWS = 12
_LEFT = 'style="text-align: left"'


def card_html(n_runs: int, place: str, table: Table, worst: pd.DataFrame | None = None) -> str:
    """Show an archive in a few lines: one run with its facts and stages, several runs as workflows with their outcomes.

    ``place`` says where its tables are, ``table`` returns some columns of one of them. ``worst`` is the row of ``runs`` of the worst run;
    its conclusion is shown if it is the only run, or had trouble.

    >>> from daganalysis import Archive
    >>> empty = Archive.from_tables({})
    >>> card_html(0, "in memory", empty.table)
    '<div><p><b>Archive of 0 runs</b>, in memory</p></div>'
    """
    heading = f"<p><b>Archive of {plural(n_runs, 'run')}</b>, {_shown(place)}</p>"
    if not n_runs:
        return f"<div>{heading}</div>"
    return f"<div>{heading}{_concluded(worst, n_runs)}{_one_run(table) if n_runs == 1 else _workflows(table)}</div>"


def _concluded(worst: pd.DataFrame | None, n_runs: int) -> str:
    if worst is None or worst.empty:
        return ""
    run = worst.iloc[0]
    if n_runs == 1:
        return f"<p>{unbroken(_shown(run['conclusion']))}</p>"
    return (
        f"<p>worst: <b>{_shown(run['run_id'])}</b>, {_shown(run['name'])}<br>{unbroken(_shown(run['conclusion']))}</p>"
        if run["troubled"]
        else ""
    )


def _one_run(table: Table) -> str:
    columns = ["run_id", "name", "outcome", "elapsed_s", "started_at", "retries_min", "retries_max", "history"]
    run = table("dags", columns).iloc[0]
    facts = [
        ("run", run["run_id"]),
        ("name", run["name"]),
        ("outcome", run["outcome"]),
        ("started", run["started_at"]),
        ("elapsed", _duration(run["elapsed_s"])),
        ("retries", _bounds(run["retries_min"], run["retries_max"])),
        ("history", run["history"]),
    ]
    listed = "<br>".join(f"{name}: <b>{_shown(value)}</b>" for name, value in facts)
    nodes = table("nodes", ["stage", "name", "outcome", "duration_s"]).sort_values("stage")
    rows = [(row.stage, row.name, row.outcome, _duration(row.duration_s)) for row in nodes.itertuples(index=False)]
    return f"<p>{listed}</p>{_table(('stage', 'name', 'outcome', 'took'), rows, 'stages')}"


def _bounds(least: Any, most: Any) -> Any:
    if str(least) == str(most):
        return least
    return f"at least {least}" if str(most) == "<NA>" else f"{least} to {most}"


def _workflows(table: Table) -> str:
    dags = table("dags", ["workflow", "outcome", "elapsed_s"])
    rows = []
    for workflow, runs in dags.groupby("workflow", dropna=False):
        counts = runs["outcome"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        ended = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        rows.append((workflow, len(runs), ended, _duration(runs["elapsed_s"].median())))
    rows.sort(key=lambda row: (-row[1], str(row[0])))
    return _table(("workflow", "runs", "how they ended", "median elapsed"), rows, "workflows")


def _table(heads: Sequence[str], rows: Sequence[Iterable[Any]], noun: str) -> str:
    head = "".join(f"<th {_LEFT}>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td {_LEFT}>{_shown(cell)}</td>" for cell in row) + "</tr>" for row in rows[:_MOST_ROWS])
    more = f"<p>and {len(rows) - _MOST_ROWS} more {noun}</p>" if len(rows) > _MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _duration(value: Any) -> str:
    import pandas as pd

    return human_duration(None if pd.isna(value) else float(value))


def _shown(value: Any) -> str:
    """Escape a value, its invisible characters shown as escapes; null is a dash."""
    import pandas as pd

    text = "-" if pd.isna(value) else str(value)
    return html.escape(for_terminal(text))
