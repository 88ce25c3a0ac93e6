"""Where runs failed: the stage, the agent, and the cause in a few words."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from daganalysis.analysis.conclusions import Place
from daganalysis.analysis.failed_attempts import failed_attempts
from daganalysis.engine.log_lines import CANCELLED, TIMED_OUT, error_parts
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

_MYSQL_ERROR = re.compile(r"\bError (\d{3,5})\b")
_VAGUE = {"Common.Unexpected", None}
"""Codes that say nothing about the cause."""
_MOST_WORDS = 60
_BY_LINE = {TIMED_OUT: "timeout", CANCELLED: "cancelled"}


def short_cause(line: str | None) -> str | None:
    """Say in a few words why an attempt failed, from the line it ended with.

    >>> short_cause("ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: 10000000(us)")
    'MySQL 4012'
    >>> short_cause("ERROR: [OB.Server.Process.NotExist]: Observer process not exist")
    'OB.Server.Process.NotExist'
    >>> short_cause("ERROR: [Common.Unexpected]: Unexpected error: exit status 1")
    'exit status 1'
    >>> short_cause("sub task timeout") is None
    True
    """
    if line is None or line in _BY_LINE:
        return None
    code, message = error_parts(line)
    number = _MYSQL_ERROR.search(message)
    if number is not None and code in {"MySQL.Error", *_VAGUE}:
        return f"MySQL {number[1]}"
    if code not in _VAGUE:
        return code
    first = message.strip().partition("\n")[0].removeprefix("Unexpected error: ")
    words = first if len(first) <= _MOST_WORDS else first[: _MOST_WORDS - 1].rpartition(" ")[0] + " …"
    return words or None


def find_places(archive: Archive, run_ids: list[str], failed_children: pd.DataFrame, waits: Mapping[str, int]) -> dict[str, Place]:
    """Find where each of some runs failed; a run of which no failed attempt is known, and no child failed, has no entry.

    ``failed_children`` are the rows of ``dags`` of child runs that did not do their work: what their main DAGs report is the echo.
    ``waits`` names the stage after which a run waited longest for a person.
    """
    wanted = list(dict.fromkeys([*run_ids, *failed_children["run_id"]]))
    if not wanted:
        return {}
    source = archive.lazily(wanted)
    failures = rows_of(
        failed_attempts(source)[["run_id", "stage", "task_gid", "attempt", "outcome", "agent", "line"]].dropna(subset="stage")
    )
    stands = {row["run_id"]: row for row in rows_of(source.table("dags", ["run_id", "outcome", "stage"]))}
    nodes = source.table("nodes", ["run_id", "stage", "name"]).dropna()
    names = dict(zip(zip(nodes["run_id"], nodes["stage"].tolist(), strict=True), nodes["name"], strict=True))
    places = {}
    for run_id, group in itertools.groupby(failures, key=lambda row: row["run_id"]):
        rows = list(group)
        failed_at = _telling_stage({row["stage"] for row in rows}, stands[run_id], waits.get(run_id))
        places[run_id] = _place([row for row in rows if row["stage"] == failed_at], failed_at, names.get((run_id, failed_at)))
    asked = set(run_ids)
    for child, parent, workflow in zip(*(failed_children[name] for name in ("run_id", "parent_run_id", "workflow")), strict=True):
        inner, outer = places.get(child), places.get(parent)
        stage = outer.stage if outer is not None else stands.get(parent, {}).get("stage")
        # Of several children that failed, the first in order of run_id is told.
        if inner is None or parent not in asked or stage is None or (outer is not None and outer.child is not None):
            continue
        of = workflow if isinstance(workflow, str) else "of no name"
        places[parent] = inner._replace(stage=stage, name=names.get((parent, stage)), child=of, child_name=inner.name)
    return places


def _telling_stage(stages: set[int], dag: Row, waited_after: int | None) -> int:
    """Choose the stage to name: where the run stands failed, or after which it waited longest, or else the last that failed."""
    standing = dag["stage"] if dag["outcome"] in {"failed", "rollback_failed"} else None
    return next((stage for stage in (standing, waited_after) if stage in stages), max(stages))


def _place(failures: list[Row], stage: int, name: str | None) -> Place:
    """Tell of the failures of one stage: of those that have a line the last, or else of the last."""
    row = max(reversed(failures), key=lambda failure: (failure["line"] is not None, failure["attempt"] or 0))
    line = row["line"]
    outcome = row["outcome"] if row["outcome"] in {"timeout", "interrupted"} else _BY_LINE.get(line or "", "failed")
    agents = {failure["agent"] for failure in failures} - {None}
    return Place(stage, name, outcome, row["agent"], max(1, len(agents)), short_cause(line))


def find_undone(archive: Archive, run_ids: list[str]) -> dict[str, Place]:
    """Find sub-tasks that a retry rolled back and did not run again, though the stage succeeded (engine-semantics §2.3)."""
    import pyarrow.compute as pc

    flagged = archive.table("issues", ["run_id"], pc.field("code") == "rolled-back-not-redone")["run_id"].dropna()
    wanted = sorted(set(flagged) & set(run_ids))
    if not wanted:
        return {}
    source = archive.lazily(wanted)
    tasks = source.table("sub_tasks", ["run_id", "stage", "task_gid", "agent"], pc.field("outcome") == "rolled_back")
    nodes = source.table("nodes", ["run_id", "stage", "name"], pc.field("outcome") == "succeeded")
    found = tasks.merge(nodes, on=["run_id", "stage"]).sort_values(["run_id", "stage", "task_gid"])
    places = {}
    for run_id, rows in found.groupby("run_id"):
        first = rows.iloc[0]
        same = rows[rows["stage"].eq(first["stage"])]
        name, agent = (value if isinstance(value, str) else None for value in (first["name"], first["agent"]))
        places[str(run_id)] = Place(int(first["stage"]), name, "rolled_back", agent, max(1, same["agent"].nunique()), None)
    return places
