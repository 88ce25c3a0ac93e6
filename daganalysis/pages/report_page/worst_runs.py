"""Where the trouble of a run lies: at which stage, on which agent, and what its log says.

Trouble in a child DAG is trouble of its main DAG, and lies where the child failed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from daganalysis.engine.log_lines import WAITING, error_parts, telling_lines
from daganalysis.engine.vocabulary import RUN_TROUBLE, UNDONE
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

_BAD_TASKS = UNDONE | {"rollback_failed", "passed"}
_WHYS = ("slowest", "stopped", "retried", "failed")
_MOST_EARLIER = 2


@dataclass(frozen=True, slots=True)
class Culprit:
    """Where a run's trouble lies.

    ``run_id`` is the DAG it lies in (the run itself, or a child); ``n_agents`` counts the agents that met it alike at that stage, ``agent``
    is the first of them; ``n_failed`` counts failed attempts at that stage; ``error_code`` and ``line`` are null where no log line tells;
    ``earlier_lines`` are other lines that failures of the same sub-task left before, the newest last; ``why`` says what made this stage
    the one named: it ``failed``, it was ``retried``, the run was ``stopped`` there by an operator, or, in a run without trouble, it was
    the ``slowest``.
    """

    run_id: str
    why: str
    stage: int | None
    name: str | None
    agent: str | None
    n_agents: int
    n_failed: int
    error_code: str | None
    line: str | None
    earlier_lines: tuple[str, ...]

    def plain(self) -> Row:
        """Return the facts as plain values."""
        return asdict(self)


def find_culprits(archive: Archive, run_ids: Iterable[str]) -> dict[str, Culprit]:
    """Say of each run where its trouble lies; a run of which no stage was executed has no entry."""
    wanted = list(dict.fromkeys(run_ids))
    families = _families(archive, wanted)
    part = archive.only([member for family in families.values() for member in family])
    found: dict[str, Culprit] = {}
    by_run = {run_id: rows_of(tasks) for run_id, tasks in part.sub_tasks.groupby("run_id")}
    attempts = {run_id: rows_of(rows) for run_id, rows in part.attempts.groupby("run_id")}
    dags = {row["run_id"]: row for row in rows_of(part.dags)}
    for run_id, family in families.items():
        candidates = [
            culprit
            for member in family
            if member in dags
            for culprit in _in_run(dags[member], by_run.get(member, []), attempts.get(member, []))
        ]
        # The deepest DAG is where it began; what its main DAGs report is the echo.
        if candidates:
            found[run_id] = max(
                candidates, key=lambda culprit: (_WHYS.index(culprit.why), culprit.line is not None, family.index(culprit.run_id))
            )
    return found


def _families(archive: Archive, run_ids: list[str]) -> dict[str, list[str]]:
    links = archive.table("links", ["parent_run_id", "child_run_id"]).dropna()
    children = links.groupby("parent_run_id")["child_run_id"].agg(sorted).to_dict()
    families = {}
    for run_id in run_ids:
        family = [run_id]
        for member in family:
            family.extend(child for child in children.get(member, []) if child not in family)
        families[run_id] = family
    return families


def _in_run(dag: Row, tasks: list[Row], attempts: list[Row]) -> list[Culprit]:
    """Find where one DAG failed, or else was retried, or else was slowest; at most one place."""
    failures: dict[str, int] = {}
    for attempt in attempts:
        if attempt["outcome"] in UNDONE:
            failures[attempt["task_gid"]] = failures.get(attempt["task_gid"], 0) + 1
    if dag["work_ok"] or dag["outcome"] == "waiting":
        bad = []  # a child DAG that did its work stands failed or passed by the hand-shake alone
    else:
        bad = [task for task in tasks if task["outcome"] in _BAD_TASKS and (task["execute_times"] or 0) > 0]
    standing = [task for task in tasks if task["stage"] == dag["stage"]]
    if dag["outcome"] == "cancelled" and standing:
        return [_culprit("stopped", dag, [task for task in bad if task in standing] or standing, failures)]
    if bad:
        return [_culprit("failed", dag, _at_stage(bad, dag), failures)]
    tried = [task for task in tasks if failures.get(task["task_gid"]) or (dag["outcome"] in RUN_TROUBLE and _was_retried(task))]
    if tried:
        most = max(tried, key=lambda task: (failures.get(task["task_gid"], 0), task["stage"] or 0))
        return [_culprit("retried", dag, [task for task in tried if task["stage"] == most["stage"]], failures)]
    timed = [task for task in tasks if task["duration_s"] is not None]
    if not timed:
        return []
    slowest = max(timed, key=lambda task: (task["duration_s"], task["task_gid"]))
    return [_culprit("slowest", dag, [slowest], failures)]


def _was_retried(task: Row) -> bool:
    """Tell whether a sub-task was in trouble before, though its failed attempts have left no row: the counter and the log still tell."""
    lines = task["task_logs"] or []
    return WAITING not in lines and ((task["execute_times"] or 0) > 1 or bool(_errors_of(task)))


def _at_stage(bad: list[Row], dag: Row) -> list[Row]:
    """Keep the sub-tasks of the stage where the run stands, or of the first stage in trouble if that is another."""
    stages = {task["stage"] for task in bad}
    stage = (
        dag["stage"]
        if dag["stage"] in stages and dag["outcome"] != "passed"
        else min(stages, key=lambda number: (number is None, number or 0))
    )
    return [task for task in bad if task["stage"] == stage]


def _culprit(why: str, dag: Row, tasks: list[Row], failures: Mapping[str, int]) -> Culprit:
    first = max(tasks, key=lambda task: (bool(_errors_of(task)), failures.get(task["task_gid"], 0), -_started(task)))
    *earlier, line = _errors_of(first) or [""]
    return Culprit(
        run_id=dag["run_id"],
        why=why,
        stage=first["stage"],
        name=first["name"],
        agent=first["agent"],
        n_agents=len({task["agent"] for task in tasks}),
        n_failed=sum(failures.get(task["task_gid"], 0) for task in tasks),
        error_code=error_parts(line)[0] if line else None,
        line=line or None,
        earlier_lines=tuple(earlier[-_MOST_EARLIER:]),
    )


def _started(task: Row) -> float:
    return task["started_at"].timestamp() if task["started_at"] is not None else float("inf")


def _errors_of(task: dict[str, Any]) -> list[str]:
    lines = telling_lines(task["task_logs"])
    return [] if lines[-1:] == [WAITING] else lines  # a child DAG waits on purpose: no error
