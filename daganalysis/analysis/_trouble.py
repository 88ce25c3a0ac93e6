"""Which sub-tasks had trouble, and which runs were the worst. The post-mortem, the report and the ranking all follow this rule."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis.ranking import rank_runs
from daganalysis.engine.log_lines import error_parts, is_error, newest_failure_line
from daganalysis.engine.vocabulary import TASK_TROUBLE, UNDONE
from daganalysis.errors import UsageError
from daganalysis.tables.plain_rows import rows_of
from daganalysis.tables.results import TROUBLE, TROUBLE_BY_RUN

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

_TASK = ["run_id", "task_gid"]
_TOLD = ["run_id", "stage", "task_gid", "name", "agent", "outcome", "execute_times", "task_logs"]
_GROUNDS = ("outcome", "attempt", "line")
"""The evidence that a sub-task had trouble, most serious first: its outcome, a failed attempt, or only an error line."""


def trouble(archive: Archive, *, level: str = "sub_task") -> pd.DataFrame:
    """Return the sub-tasks that had trouble, or all runs from the worst to the best.

    A sub-task had trouble if it ended badly (failed, cancelled, passed after it had run, …) or if one of its attempts ended badly. If its
    attempts are not fully known, an error line in its log counts as well. These are not trouble: the hand-shake between a main DAG and
    its child DAGs (engine-semantics §7), a sub-task that was passed without having run, and a sub-task that was rolled back because its
    DAG was. A run had trouble if it ended in another way than ``succeeded``, if its outcome is unknown, or if one of its child DAGs did not
    do its work. A run that still runs, or a child DAG that waits for its main DAG, has had none so far.

    Args:
        archive: The runs to look at.
        level: ``"sub_task"``, one row per sub-task that had trouble; ``"run"``, one row per run, with or without trouble.

    Returns:
        For sub-tasks, rows sorted by run, then ``place``: similar sub-tasks of one stage share a place, and the most serious come first.
        For runs, rows from the worst to the best: main runs before child DAGs, trouble before the rest, then the longest first; of runs of
        one length, by ``rank``.

    Raises:
        UsageError: ``level`` is not one of the two.

    Example:
        >>> import daganalysis as da
        >>> upgrade = da.load("sample_data/upgrade")
        >>> da.trouble(upgrade)[["stage", "outcome", "n_failed", "error_code"]].to_dict("records")
        [{'stage': 3, 'outcome': 'succeeded', 'n_failed': 2, 'error_code': 'Common.DirNotEmpty'}]
    """
    if level == "run":
        ranked = rank_runs(archive).rename(columns={"trouble": "troubled"})
        return TROUBLE_BY_RUN.conform(ranked[TROUBLE_BY_RUN.names])
    if level != "sub_task":
        raise UsageError("no such level of trouble", where=level, hint="sub_task or run")
    found = _in_trouble(archive)
    rows = [row for _, tasks in itertools.groupby(found, key=lambda task: task.row["run_id"]) for row in _placed(list(tasks))]
    return TROUBLE.conform(_frame(rows))


class _Troubled(NamedTuple):
    """A sub-task in trouble, what shows it, and its attempts as (kind, outcome)."""

    row: Row
    grounds: str
    story: tuple[tuple[str, str], ...]


def _in_trouble(archive: Archive) -> list[_Troubled]:
    """List the sub-tasks in trouble, by run, stage and id."""
    from daganalysis.analysis._retries import retries

    tasks = _doubtful_tasks(archive)
    if tasks.empty:
        return []
    retried = retries(archive)
    by_protocol = set(retried.loc[retried["protocol"].fillna(value=False).astype(bool), _TASK].itertuples(index=False, name=None))
    attempts = archive.table("attempts", [*_TASK, "attempt", "kind", "outcome", "evidence"])
    attempts = attempts[attempts["task_gid"].isin(tasks["task_gid"])].sort_values([*_TASK, "attempt"], kind="stable")
    attempts_of: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for run_id, gid, _, *said in attempts.itertuples(index=False, name=None):
        attempts_of.setdefault((run_id, gid), []).append((said[0], said[1], said[2]))
    found = []
    for row in rows_of(tasks.sort_values(["run_id", "stage", "task_gid"], kind="stable")):
        own = attempts_of.get((row["run_id"], row["task_gid"]), [])
        grounds = _grounds(row, own, by_protocol=(row["run_id"], row["task_gid"]) in by_protocol)
        if grounds is not None:
            found.append(_Troubled(row, grounds, tuple((kind, outcome) for kind, outcome, _ in own)))
    return found


def _doubtful_tasks(archive: Archive) -> pd.DataFrame:
    """Return the sub-tasks that may have had trouble. Only their logs are read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    attempts = archive.arrow("attempts", ["task_gid", "outcome", "evidence"])
    doubtful = pc.or_(
        pc.is_in(attempts.column("outcome"), pa.array(sorted(UNDONE))), pc.not_equal(attempts.column("evidence"), pa.scalar("observed"))
    )
    gids = attempts.column("task_gid").filter(doubtful).unique().cast(pa.string())
    where = pc.field("outcome").isin(sorted(TASK_TROUBLE)) | pc.field("task_gid").isin(gids)
    tasks = archive.table("sub_tasks", _TOLD, where)
    return tasks[tasks["run_id"].notna()]


def _grounds(task: Row, attempts: list[tuple[str, str, str]], *, by_protocol: bool) -> str | None:
    """Return the evidence that a sub-task had trouble; None if there is none."""
    if task["outcome"] == "passed" and (not task["execute_times"] or (attempts and attempts[-1][1] == "waiting")):
        return None  # passed without having run, or `Wait for task to end`, which fails and is passed by design (engine-semantics §7 A)
    if task["outcome"] in TASK_TROUBLE:
        return "outcome"
    if not by_protocol and any(outcome in UNDONE for _, outcome, _ in attempts):
        return "attempt"
    # If attempts are unknown, an error line is the only trace of a failure.
    unsure = any(evidence != "observed" for *_, evidence in attempts)
    return "line" if unsure and is_error(newest_failure_line(task["task_logs"])) else None


def _placed(tasks: list[_Troubled]) -> list[Row]:
    """Group the sub-tasks of one run that differ only in the agent, and number the groups, the most serious first."""
    groups: dict[tuple[Any, ...], list[_Troubled]] = {}
    for task in tasks:
        line = newest_failure_line(task.row["task_logs"]).replace(task.row["agent"] or "\0", "")
        groups.setdefault((task.row["stage"], task.row["name"], task.row["outcome"], task.story, line), []).append(task)
    ordered = sorted(groups.values(), key=lambda group: _GROUNDS.index(group[0].grounds))
    return [_row(task, place) for place, group in enumerate(ordered, start=1) for task in group]


def _row(task: _Troubled, place: int) -> Row:
    line = newest_failure_line(task.row["task_logs"])
    return {
        **{name: task.row[name] for name in ("run_id", "stage", "task_gid", "name", "agent", "outcome")},
        "place": place,
        "grounds": task.grounds,
        "n_failed": sum(outcome in UNDONE for _, outcome in task.story),
        "error_code": error_parts(line)[0] if line else None,
        "line": line or None,
    }


def _frame(rows: list[Row]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=TROUBLE.names) if rows else TROUBLE.empty()
