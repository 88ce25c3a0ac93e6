"""Attach answers of the node, sub-task and log endpoints to the runs that they belong to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.records import Node, SubTask
from daganalysis.history.causal_order import order_nodes
from daganalysis.history.database_zone import move_node, move_sub_task
from daganalysis.history.evidence import RunEvidence, TaskSnapshot
from daganalysis.history.written_lines import note_line, precision_of
from daganalysis.reading.answers import Answer, Issue, Kind
from daganalysis.reading.decoding import decode_logs, decode_nodes, decode_sub_task
from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from daganalysis.engine.records import LogRecord, Problem

_NO_DAG = "belongs to no DAG of this archive"


@dataclass(slots=True)
class Orphans:
    """Answers that belong to no run in the archive. They keep their rows, without a run."""

    nodes: dict[str, list[tuple[int, Node]]] = field(default_factory=dict)
    sub_tasks: dict[str, list[TaskSnapshot]] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)
    problems: list[tuple[Answer, Problem, int | None]] = field(default_factory=list)


def attach(runs: Sequence[RunEvidence], answers: Iterable[Answer]) -> Orphans:
    """Attach each answer to its run. The order of the answers changes nothing."""
    ordered = sorted(answers, key=lambda a: (a.observed_at or 0, a.source, a.position, a.body))
    orphans = Orphans()
    if not ordered:
        return orphans
    nodes = _by_id((run, run.nodes) for run in runs)
    tasks = _by_id((run, run.sub_tasks) for run in runs)
    for answer in ordered:
        if answer.kind is Kind.NODE:
            _attach_node(_nearest(nodes.get((answer.cluster, answer.gid), []), answer), answer, orphans)
        elif answer.kind is Kind.SUB_TASK:
            _attach_task(_nearest(tasks.get((answer.cluster, answer.gid), []), answer), answer, orphans)
    for answer in ordered:
        if answer.kind is Kind.LOGS:
            _attach_logs([run for run in runs if run.cluster == answer.cluster], answer, orphans)
    for run in runs:
        for seen in run.nodes.values():
            seen[:] = order_nodes(sorted(seen, key=lambda pair: pair[0]))
        for task_snapshots in run.sub_tasks.values():
            task_snapshots.sort(key=lambda s: s.at)
    return orphans


def _by_id(ids_of: Iterable[tuple[RunEvidence, Iterable[str]]]) -> dict[tuple[str | None, str], list[RunEvidence]]:
    """Return the runs that have an object, by the cluster and the generic id of the object."""
    found: dict[tuple[str | None, str], list[RunEvidence]] = {}
    for run, gids in ids_of:
        for gid in gids:
            found.setdefault((run.cluster, gid), []).append(run)
    return found


def _nearest(candidates: Sequence[RunEvidence], answer: Answer) -> RunEvidence | None:
    """Return, of the runs behind one id (of a re-created cluster), the one seen nearest in time."""
    at = answer.observed_at or 0

    def distance(run: RunEvidence) -> int:
        return max(run.first_at - at, at - run.snapshots[-1].at, 0)

    return min(candidates, key=lambda run: (distance(run), run.generation), default=None)


def _orphan(answer: Answer, what: str, orphans: Orphans, why: str = _NO_DAG) -> None:
    orphans.issues.append(
        issue(
            f"orphan-{what}",
            answer.source,
            answer.position,
            f"the {what} {answer.gid or '(no generic id)'} {why}",
        )
    )


def _attach_node(run: RunEvidence | None, answer: Answer, orphans: Orphans) -> None:
    (decoded,) = decode_nodes([answer.body])
    if run is None:
        _orphan(answer, "node", orphans)
        at = answer.observed_at or 0
        orphans.nodes.setdefault(answer.gid, []).append((at, decoded.value))
        for task in decoded.value.sub_tasks or ():
            orphans.sub_tasks.setdefault(task.gid, []).append(TaskSnapshot(at, at, task, decoded.value))
        orphans.problems.extend((answer, problem, None) for problem in decoded.problems)
        return
    run.problems.extend((answer, problem, None) for problem in decoded.problems)
    by = run.zone.moves(answer.utc_offset_s) if run.zone is not None else 0
    at, node = answer.observed_at or run.first_at, move_node(decoded.value, by)
    run.nodes[answer.gid].append((at, node))
    for task in node.sub_tasks or ():
        run.sub_tasks.setdefault(task.gid, []).append(TaskSnapshot(at, at, task, node))
        run.node_of.setdefault(task.gid, answer.gid)


def _attach_task(run: RunEvidence | None, answer: Answer, orphans: Orphans) -> None:
    decoded = decode_sub_task(answer.body)
    at = answer.observed_at or 0
    if run is None:
        _orphan(answer, "sub-task", orphans)
        orphans.sub_tasks.setdefault(answer.gid, []).append(TaskSnapshot(at, at, decoded.value))
        orphans.problems.extend((answer, problem, None) for problem in decoded.problems)
        return
    run.problems.extend((answer, problem, None) for problem in decoded.problems)
    by = run.zone.moves(answer.utc_offset_s) if run.zone is not None else 0
    run.sub_tasks[answer.gid].append(TaskSnapshot(at or run.first_at, at or run.first_at, move_sub_task(decoded.value, by)))


def _attach_logs(runs: Sequence[RunEvidence], answer: Answer, orphans: Orphans) -> None:
    """Attach a log answer. It names its sub-task by row id alone, so its lines decide between sub-tasks with that id."""
    decoded = decode_logs(answer.body)
    records = decoded.value
    runs_of: dict[str, list[RunEvidence]] = {}
    for owner, task_gid in _owners_of_logs(runs, records):
        runs_of.setdefault(task_gid, []).append(owner)
    fitting = [(run, task_gid) for task_gid, same in runs_of.items() if (run := _nearest(same, answer)) is not None]
    if len(fitting) != 1:
        _orphan(answer, "logs", orphans, f"fit {len(fitting)} sub-tasks of this archive equally well" if fitting else _NO_DAG)
        return
    ((run, gid),) = fitting
    run.problems.extend((answer, problem, None) for problem in decoded.problems)
    lines = [record.line for record in records]
    newest = run.sub_tasks[gid][-1]
    at = answer.observed_at or newest.at
    seen = SubTask(gid, execute_times=None, logs=lines)
    per_attempt = run.attempt_lines.setdefault(gid, {})
    fresh: dict[int, list[str]] = {}
    by = run.zone.moves(answer.utc_offset_s) if run.zone is not None else 0
    for record in records:
        if record.attempt is not None:
            fresh.setdefault(record.attempt, []).append(record.line)
            if record.at is not None:
                note_line(run.line_times.setdefault(gid, {}), record.attempt, record.at + by, precision_of(run.gid))
    for number, own in fresh.items():
        if len(own) >= len(per_attempt.get(number, [])):
            per_attempt[number] = own
    run.sub_tasks[gid].append(TaskSnapshot(at, at, seen))


def _owners_of_logs(runs: Sequence[RunEvidence], records: Sequence[LogRecord]) -> list[tuple[RunEvidence, str]]:
    """Return the sub-tasks that share most lines with a log answer. Databases of different agents have the same row ids."""
    row_ids = {record.task_id for record in records}
    if len(row_ids) != 1:
        return []
    (row_id,) = row_ids
    wanted = Counter(record.line for record in records)
    most, best = 1, list[tuple[RunEvidence, str]]()
    for run in runs:
        for gid, task_snapshots in run.sub_tasks.items():
            if task_snapshots[0].task.task_id != row_id:
                continue
            longest: list[str] = max((s.task.logs for s in task_snapshots if s.task.logs), key=len, default=[])
            known = Counter(longest)
            shared = sum((wanted & known).values())
            if shared > most:
                most, best = shared, []
            if shared == most:
                best.append((run, gid))
    return best
