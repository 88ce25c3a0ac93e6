"""What a notebook shows for an archive: a small table, plain HTML without scripts, safe whatever the names in it hold."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daganalysis.archive import Archive

_MOST_ROWS = 12
_LEFT = 'style="text-align: left"'


def card_html(archive: Archive) -> str:
    """Show an archive in a few lines: one run as its facts and stages, several as their workflows with how the runs ended.

    >>> from daganalysis import Archive
    >>> card_html(Archive.from_tables({}))
    '<div><p><b>Archive of 0 runs</b>, in memory</p></div>'
    """
    heading = f"<p><b>Archive of {len(archive)} run{'' if len(archive) == 1 else 's'}</b>, {_shown(archive.where)}</p>"
    if not len(archive):
        return f"<div>{heading}</div>"
    return f"<div>{heading}{_one_run(archive) if len(archive) == 1 else _workflows(archive)}</div>"


def _one_run(archive: Archive) -> str:
    columns = ["run_id", "name", "outcome", "elapsed_s", "started_at", "retries_min", "retries_max", "history"]
    run = archive.table("dags", columns).iloc[0]
    facts = [
        ("run", run["run_id"]),
        ("name", run["name"]),
        ("outcome", run["outcome"]),
        ("started", run["started_at"]),
        ("elapsed", _seconds(run["elapsed_s"])),
        ("retries", _bounds(run["retries_min"], run["retries_max"])),
        ("history", run["history"]),
    ]
    told = "<br>".join(f"{name}: <b>{_shown(value)}</b>" for name, value in facts)
    nodes = archive.table("nodes", ["stage", "name", "outcome", "duration_s"]).sort_values("stage")
    rows = [(row.stage, row.name, row.outcome, _seconds(row.duration_s)) for row in nodes.itertuples(index=False)]
    return f"<p>{told}</p>{_table(('stage', 'name', 'outcome', 'took'), rows, 'stages')}"


def _bounds(least: Any, most: Any) -> Any:
    if str(least) == str(most):
        return least
    return f"at least {least}" if str(most) == "<NA>" else f"{least} to {most}"


def _workflows(archive: Archive) -> str:
    dags = archive.table("dags", ["workflow", "outcome", "elapsed_s"])
    rows = []
    for workflow, runs in dags.groupby("workflow", dropna=False):
        counts = runs["outcome"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        ended = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
        rows.append((workflow, len(runs), ended, _seconds(runs["elapsed_s"].median())))
    rows.sort(key=lambda row: (-row[1], str(row[0])))
    return _table(("workflow", "runs", "how they ended", "median elapsed"), rows, "workflows")


def _table(heads: Sequence[str], rows: Sequence[Iterable[Any]], noun: str) -> str:
    head = "".join(f"<th {_LEFT}>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td {_LEFT}>{_shown(cell)}</td>" for cell in row) + "</tr>" for row in rows[:_MOST_ROWS])
    more = f"<p>and {len(rows) - _MOST_ROWS} more {noun}</p>" if len(rows) > _MOST_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _seconds(value: Any) -> str:
    """Say a duration in seconds, from a minute on as hours, minutes and seconds; null is a dash."""
    import pandas as pd

    if pd.isna(value):
        return "-"
    if value < 60:
        return f"{value:.2f} s"
    minutes, seconds = divmod(round(value), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def _shown(value: Any) -> str:
    """Escape a value; characters that would not be seen, or would turn what stands beside them around, are shown as escapes."""
    import pandas as pd

    text = "-" if pd.isna(value) else str(value)
    return html.escape("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))
