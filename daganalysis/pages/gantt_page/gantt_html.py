"""The Gantt chart as a page: the frame of :func:`daganalysis.gantt_bars` with zoom, filters, facts and log lines.

The page computes nothing: it draws the bars of the frame. It is one file, needs no network, and runs only its own scripts.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from daganalysis.engine.vocabulary import CATEGORIES, WAITS, words
from daganalysis.pages.shell import render_page
from daganalysis.plots.gantt_words import only_agent, shares_of_time
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import human_duration, plural
from daganalysis.text.zones import Zone, offset_name, servers_zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

_STYLES = ("templates/page.css", "gantt_page/gantt.css")
SCRIPTS = (
    "templates/text.js",
    *(f"gantt_page/gantt_{part}.js" for part in ("scale", "draw", "data", "chart", "facts", "controls")),
)
_FIRST_LINES, _LAST_LINES, _LONGEST_LINE = 50, 150, 4_000
"""The numbers of first and last log lines of a sub-task that a page holds. The archive has all lines."""
_DEFINITIONS = (
    ("Bar", "One attempt of a sub-task: one hand-out to an executor, in the lane of the sub-task."),
    ("Ring", "A run after the first, because of a retry or of the hand-shake of a child DAG."),
    ("Triangle, low bar", "A rollback run: it undid the work, or prepared the next run of a retry."),
    ("Thin line before a bar", "Dispatched: from the start of the stage's execution to the start of the attempt."),
    ("Thin line after a bar", "Waiting to be noticed: from the end of the attempt to the end of the stage's execution."),
    ("Hatched bar", "No response showed this attempt's own times; they are inferred from its neighbours."),
    ("Bar with an arrow", "The end is not known: still running when last seen, or overwritten. It ran at least until here."),
    ("Cross", "The attempt left an error line."),
    ("Frame", "On the critical path: the run waited for this attempt. The box 'Critical path' hides the frames."),
    ("P", "The sub-task was passed there: by a person, or, in a child DAG, by its main DAG."),
    ("Zigzag", "A long wait is cut short there; the box 'Cut long waits' shows it at its full length."),
)


def gantt_page(bars: pd.DataFrame, archive: Archive | None = None, *, title: str = "", tz: str | None = None) -> str:
    """Write a frame of :func:`daganalysis.gantt_bars` as a self-contained HTML page.

    The archive gives the log lines, the names of sub-tasks and the server's time zone, which ``tz`` overrides; without it the page has
    none of these. The same input gives the same text. Raises :class:`UsageError` for an unknown time zone.
    """
    rows = rows_of(bars)
    attempts = [row for row in rows if row["role"] in {"attempt", "folded"} and row["started_at"] is not None]
    origin, end = _span(rows)
    run = _run(archive)
    data = _data(rows, attempts, archive, origin)
    zone = Zone(tz) if tz else servers_zone([run.get("utc_offset_s")])
    offsets = zone.offsets(origin, end)
    data |= {"origin_ms": origin / 1e6, "end": (end - origin) / 1e9, "zone": zone.name}
    data["offsets"] = [{"from": (at - origin) / 1e9, "s": seconds, "name": offset_name(seconds)} for at, seconds in offsets]
    untimed = sum(1 for row in rows if row["role"] in {"attempt", "folded"}) - len(attempts)
    return render_page(
        "gantt_page/gantt.html.jinja",
        styles=_STYLES,
        scripts=SCRIPTS,
        data=data,
        title=title or _title(run),
        subtitle=_subtitle(run, [*shares_of_time(bars), plural(_count(rows, archive), "attempt"), *only_agent(bars)], end - origin, zone),
        waits=data["waits"],
        has_path=any(data["bars"]["path"]),
        legend=_legend(attempts, rows),
        definitions=[*_DEFINITIONS, *((category.label, category.meaning) for category in CATEGORIES.values())],
        notes=_notes(untimed, offsets),
    )


def _span(rows: Sequence[Row]) -> tuple[int, int]:
    known = [
        row[name].value
        for row in rows
        for name in ("dispatched_at", "started_at", "ended_at", "noticed_at", "passed_at")
        if row[name] is not None
    ]
    return (min(known), max(known)) if known else (0, 0)


def _run(archive: Archive | None) -> Row:
    if archive is None or not len(archive):
        return {}
    dags = archive.dags
    known = set(dags["run_id"])
    return next((row for row in rows_of(dags) if row["parent_run_id"] not in known), rows_of(dags)[0])


def _title(run: Row) -> str:
    return f"{run['name'] or 'unnamed DAG'}, run {run['run_id']}" if run else "Gantt chart"


def _count(rows: Sequence[Row], archive: Archive | None) -> int:
    """Count the attempts of the chart, those of folded sub-tasks too where the archive tells them."""
    drawn = sum(1 for row in rows if row["role"] == "attempt")
    if archive is None:
        return drawn
    runs = {row["run_id"] for row in rows}
    return max(drawn, sum(run_id in runs for run_id in archive.table("attempts", ["run_id"])["run_id"]))


def _notes(untimed: int, offsets: list[tuple[int, int]]) -> list[str]:
    notes = [f"{plural(untimed, 'attempt')} without known times: no bar is drawn."] if untimed else []
    changes = itertools.pairwise(offset_name(seconds) for _, seconds in offsets)
    return notes + [f"Clocks change from {one} to {other} within the chart: times on its axis name their offset." for one, other in changes]


def _subtitle(run: Row, facts: list[str], length: int, zone: Zone) -> str:
    parts = [human_duration(length / 1e9), *facts]
    if run:
        parts.insert(0, words(str(run["outcome"])))
        if run["started_at"] is not None:
            parts.append(f"started {zone.full(run['started_at'])}")
    return ", ".join(parts)


def _data(rows: Sequence[Row], attempts: Sequence[Row], archive: Archive | None, origin: int) -> Row:
    seconds = _Seconds(origin)
    tasks, task_of = _tasks(attempts, archive)
    agents, agent_of = _coded(row["agent"] or "unknown agent" for row in attempts)
    outcomes, outcome_of = _coded(row["outcome"] or "unknown" for row in attempts)
    kinds, kind_of = _coded(row["kind"] or "unknown" for row in attempts)
    evidences, evidence_of = _coded(row["evidence"] or "unknown" for row in attempts)
    lanes = _lanes(rows)
    place = {lane["lane"]: n for n, lane in enumerate(lanes)}
    spans = [row for row in rows if row["role"] == "time" and row["started_at"] is not None]
    return {
        "categories": {name: category.label for name, category in CATEGORIES.items()},
        "waits_of_the_run": sorted(WAITS),
        "several": len({row["run_id"] for row in attempts}) > 1,
        "tasks": tasks,
        "agents": [for_terminal(agent) for agent in agents],
        "outcomes": outcomes,
        "kinds": kinds,
        "evidences": evidences,
        "lanes": [{name: lane[name] for name in ("label", "head", "group", "bare")} for lane in lanes],
        "spans": [{"lane": place[row["lane"]], "depth": row["depth"], "category": row["category"], **seconds.both(row)} for row in spans],
        "waits": _waits(rows, spans, seconds),
        "bars": {
            "lane": [place[row["lane"]] for row in attempts],
            "task": task_of,
            "agent": agent_of,
            "outcome": outcome_of,
            "kind": kind_of,
            "evidence": evidence_of,
            "attempt": [row["attempt"] for row in attempts],
            "n": [row["n"] or 1 for row in attempts],
            "from": [seconds.of(min(_known(row, "dispatched_at", "started_at"))) for row in attempts],
            "start": [seconds.of(row["started_at"]) for row in attempts],
            "end": [seconds.of(_end(row)) for row in attempts],
            "until": [seconds.of(max(_known(row, "noticed_at", "ended_at", "started_at"))) for row in attempts],
            "passed": [None if row["passed_at"] is None else seconds.of(row["passed_at"]) for row in attempts],
            "path": [1 if row["on_path"] else 0 for row in attempts],
            "open": [1 if row["is_open"] else 0 for row in attempts],
            "error": [None if row["error"] is None else for_terminal(row["error"][:_LONGEST_LINE]) for row in attempts],
        },
    }


class _Seconds:
    """Instants as seconds since the chart's origin, to the microsecond."""

    def __init__(self, origin: int) -> None:
        self._origin = origin

    def of(self, instant: Any) -> float:
        return float(round((instant.value - self._origin) / 1e9, 6))

    def both(self, row: Row) -> Row:
        return {"from": self.of(row["started_at"]), "to": self.of(_end(row))}


def _end(row: Row) -> Any:
    return max(_known(row, "ended_at", "started_at"))


def _known(row: Row, *names: str) -> list[Any]:
    return [row[name] for name in names if row[name] is not None]


def _lanes(rows: Sequence[Row]) -> list[Row]:
    """List the lanes from the top; ``group`` changes where a stage or a run begins, ``bare`` lanes are of stages never run."""
    lanes: dict[int, Row] = {}
    for row in rows:
        if row["role"] != "break" and row["lane"] is not None and row["lane"] not in lanes:
            label = for_terminal(row["label"] or "")
            # A chart names a stage in its first lane only; with filters another may become the first, and has to name it.
            names_stage = row["stage"] is None or row["label"] != row["agent"]
            lanes[row["lane"]] = {
                "lane": row["lane"],
                "label": "  " * (row["depth"] or 0) + label,
                "head": "" if names_stage else f"{row['stage']} {for_terminal(row['stage_name'] or '')} · ",
                "group": f"{row['run_id']} {row['stage']}",
                "bare": row["role"] == "lane",
            }
    return [lanes[number] for number in sorted(lanes)]


def _waits(rows: Sequence[Row], spans: Sequence[Row], seconds: _Seconds) -> list[Row]:
    """List the waits that the axis may cut short, each with its cause and the seconds of the axis that the cut takes."""
    waits = []
    for row in rows:
        if row["role"] == "break" and row["started_at"] is not None:
            over = [span for span in spans if span["depth"] == 0 and span["started_at"] < _end(row) and _end(span) > row["started_at"]]
            longest = max(over, key=lambda span: _end(span) - span["started_at"], default=None)
            width = float(round(row["x_ended"] - row["x_started"], 6))
            waits.append(
                {**seconds.both(row), "width": width, "said": CATEGORIES[longest["category"]].label if longest else "nothing happened"}
            )
    return sorted(waits, key=lambda wait: wait["from"])


def _tasks(attempts: Sequence[Row], archive: Archive | None) -> tuple[list[Row], list[int]]:
    """Give each sub-task once, with its names and log lines, and say for every bar which it is of."""
    keys, task_of = _coded((row["run_id"], row["stage"], row["task_gid"] or row["label"]) for row in attempts)
    first = dict(zip(reversed(task_of), reversed(attempts), strict=True))
    known = _sub_tasks(archive)
    runs = {row["run_id"]: row["name"] for row in rows_of(archive.dags[["run_id", "name"]])} if archive else {}
    tasks = []
    for number, (run_id, stage, gid) in enumerate(keys):
        own = known.get((run_id, gid), {})
        lines = own.get("task_logs") or []
        hidden = max(0, len(lines) - _FIRST_LINES - _LAST_LINES)
        shown = lines if not hidden else [*lines[:_FIRST_LINES], f"… {plural(hidden, 'line')} left out …", *lines[-_LAST_LINES:]]
        name = own.get("name") or first[number]["stage_name"] or "unnamed"
        tasks.append(
            {
                "name": for_terminal(name),
                "gid": for_terminal(gid or ""),
                "run": for_terminal(" ".join(filter(None, (runs.get(run_id), run_id)))),
                "stage": stage,
                "stage_name": for_terminal(first[number]["stage_name"] or ""),
                "times": own.get("execute_times")
                or max(row["attempt"] or 1 for row, of in zip(attempts, task_of, strict=True) if of == number),
                "logs": [for_terminal(part[:_LONGEST_LINE]) for line in shown for part in line.split("\n")],
                "logs_known": own.get("task_logs") is not None,
                "logs_left_out": hidden,
            }
        )
    return tasks, task_of


def _sub_tasks(archive: Archive | None) -> dict[tuple[str, str], Row]:
    if archive is None:
        return {}
    columns = ["run_id", "task_gid", "name", "execute_times", "task_logs"]
    return {(row["run_id"], row["task_gid"]): row for row in rows_of(archive.table("sub_tasks", columns))}


def _coded(values: Any) -> tuple[list[Any], list[int]]:
    """Number the different values in order of appearance; (the values, the number of each)."""
    numbers: dict[Any, int] = {}
    coded = [numbers.setdefault(value, len(numbers)) for value in values]
    return list(numbers), coded


def _legend(attempts: Sequence[Row], rows: Sequence[Row]) -> list[tuple[str, list[dict[str, str]]]]:
    """Name only what occurs in this chart: bars and their marks, then the categories of a run's time."""
    outcomes = sorted({row["outcome"] or "unknown" for row in attempts})
    entries = [{"css": f"bar-{outcome}", "label": words(outcome)} for outcome in outcomes]
    if any(row["kind"] != "rollback" and (row["attempt"] or 1) > 1 for row in attempts):
        entries.append({"css": "mark-again", "label": "handed out again"})
    if any(row["kind"] == "rollback" for row in attempts):
        entries.append({"css": "mark-rollback", "label": "rollback run"})
    if any(row["evidence"] != "observed" for row in attempts):
        entries.append({"css": "mark-hatched", "label": "inferred"})
    if any(row["on_path"] for row in attempts):
        entries.append({"css": "mark-path", "label": "on the critical path"})
    entries += [{"css": "mark-dispatched", "label": "dispatched"}, {"css": "mark-noticed", "label": "waiting to be noticed"}]
    categories = {row["category"] for row in rows if row["role"] == "time"}
    spans = [{"css": f"span-{name}", "label": category.label} for name, category in CATEGORIES.items() if name in categories]
    return [(heading, group) for heading, group in (("Bars", entries), ("Time", spans)) if group]
