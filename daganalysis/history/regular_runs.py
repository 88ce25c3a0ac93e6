"""Regular runs: those that went well and leave nothing in doubt, judged without asking every rule about every run.

One answer is all that is known of most runs in an archive. It shows that each sub-task was handed out once and succeeded, within its node,
and that each node ran after the one before it. What the rules find in such a run depends on the order of its times, which is always the
same. So the rules judge one regular run, and their findings hold for all; only the times differ. A run that differs in anything else is
left to the rules (:func:`daganalysis.history.judging.judge_by_rules`).
"""

from __future__ import annotations

from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import agent_address
from daganalysis.engine.records import Dag, Node, SubTask
from daganalysis.history.attempts import Attempt
from daganalysis.history.clocks import Offsets
from daganalysis.history.evidence import RunEvidence, Sighting, Snapshot
from daganalysis.history.stretches import LONGEST_STEP_NS, Stretch
from daganalysis.history.views import NodeView, RunView, TaskView
from daganalysis.reading.answers import Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_STATE, _OPERATOR = "SUCCEED", "RUN"
_GID = attrgetter("gid")
_NO_MORE = (1 << 63, 0)


def judge_regular(run: RunEvidence, judge: Callable[[RunEvidence], RunView]) -> RunView | None:
    """Judge a run of which nothing is in doubt; None for any other. ``judge`` is what judges every run."""
    if not _is_known_by_one_answer(run):
        return None
    snapshot = run.snapshots[0]
    dag, nodes = snapshot.dag, snapshot.nodes or []
    if dag.start is None or dag.end is None or not _is_whole(run, snapshot):
        return None
    like = _pattern(judge)
    line = _Line(dag.start, like.stretches)
    tasks: list[TaskView] = []
    node_views: list[NodeView] = []
    for stage, node in enumerate(nodes, start=1):
        if not line.pass_node(stage, node):
            return None
        node_views.append(NodeView(node.gid, stage, node, like.nodes[0].rule, node.start, node.end, node.additional_data))
        tasks += _task_views(node, stage, like.tasks[0])
    if not line.finish(dag.end):
        return None
    if len(tasks) != len(run.sub_tasks) or len(tasks) != sum(map(len, run.sub_tasks.values())):
        return None
    elapsed = dag.end - dag.start
    return RunView(
        run,
        tasks,
        node_views,
        line.stretches,
        like.rule,
        like.retries,
        like.rollbacks,
        like.work_ok,
        like.created,
        dag.start,
        dag.end,
        elapsed,
        (elapsed, elapsed),
        line.active,
        elapsed,
        like.history,
        like.missing,
        Offsets(),
        is_regular=True,
    )


def _is_known_by_one_answer(run: RunEvidence) -> bool:
    """Tell whether one answer is all that is known of a run: no log, no database and no other endpoint told more."""
    return (
        len(run.snapshots) == 1
        and run.snapshots[0].answer.kind is Kind.DAG
        and run.zone is None
        and run.created is None
        and run.begun is None
        and not run.told_rows
        and not run.attempt_lines
        and not run.line_times
        and sum(map(len, run.nodes.values())) == len(run.stages)
    )


def _is_whole(run: RunEvidence, snapshot: Snapshot) -> bool:
    """Tell whether the answer shows a DAG that succeeded, at its last stage, with all of its nodes."""
    dag, n = snapshot.dag, len(run.stages)
    return (
        dag.state == _STATE
        and dag.operator == _OPERATOR
        and dag.max_stage == n > 0
        and dag.stage == n
        and snapshot.places is None
        and len(snapshot.nodes or ()) == n
    )


def _task_views(node: Node, stage: int, like: TaskView) -> list[TaskView]:
    """Return the views of the sub-tasks of a node, in order of their ids."""
    one, rule, own = like.attempts[0], like.rule, node.sub_tasks or ()
    return [
        TaskView(
            task.gid,
            node.gid,
            task,
            [
                Attempt(
                    one.number,
                    one.kind,
                    task.start,
                    task.end,
                    one.state,
                    one.ending,
                    agent_address(task.agent_ip, task.agent_port),
                    one.seen,
                    one.seen_running,
                    one.passed_at,
                    one.outcome,
                    one.evidence,
                    stage,
                )
            ],
            task.logs,
            rule,
            task.additional_data,
        )
        for task in (sorted(own, key=_GID) if len(own) > 1 else own)
    ]


class _Line:
    """The timeline of a regular run, laid down node by node; ``active`` is for how long sub-tasks ran."""

    def __init__(self, start: int, like: Sequence[Stretch]) -> None:
        self.stretches: list[Stretch] = []
        self.active = 0
        self._cursor = start
        self._stage: int | None = None
        self._handoff, self._dispatch, self._execute, self._detect = like[:4]

    def pass_node(self, stage: int, node: Node) -> bool:
        """Go over a node that ran regularly, after the one before it; return whether it did."""
        start, end = node.start, node.end
        if node.state != _STATE or node.operator != _OPERATOR or start is None or end is None or not node.sub_tasks:
            return False
        if not self._hand_over(start, stage):
            return False
        self._stage = stage
        spans = _spans(node.sub_tasks)
        if not spans or spans[0][0] < start:
            return False
        step, cursor = self._dispatch, start
        begun, ended = spans[0]
        for after, later in [*spans[1:], _NO_MORE]:
            if after <= ended:
                ended = max(ended, later)
                continue
            # What takes no time leaves no stretch of its own, and what lies beside it would be one.
            if begun - cursor > LONGEST_STEP_NS or begun == ended or ended > end:
                return False
            if begun > cursor:
                self._lay(cursor, begun, step, stage)
            self._lay(begun, ended, self._execute, stage)
            self.active += ended - begun
            step, cursor, begun, ended = self._detect, ended, after, later
        if end - cursor > LONGEST_STEP_NS:
            return False
        if end > cursor:
            self._lay(cursor, end, self._detect, stage)
        self._cursor = end
        return True

    def finish(self, end: int) -> bool:
        """Go to the end of the DAG; return whether it came after all else."""
        return self._hand_over(end, None)

    def _hand_over(self, until: int, to_stage: int | None) -> bool:
        if not 0 <= until - self._cursor <= LONGEST_STEP_NS:
            return False
        if until > self._cursor:
            self._lay(self._cursor, until, self._handoff, to_stage)
        return True

    def _lay(self, since: int, until: int, like: Stretch, to_stage: int | None) -> None:
        self.stretches.append(Stretch(since, until, like.category, like.leg, self._stage, to_stage, like.direction, like.evidence))


def _spans(tasks: Sequence[SubTask]) -> list[tuple[int, int]]:
    """Return when the sub-tasks of a node ran, in order of time; nothing unless each was handed out once and succeeded."""
    found: list[tuple[int, int]] = []
    for task in tasks:
        begun, ended = task.start, task.end
        if task.state != _STATE or task.operator != _OPERATOR or task.execute_times != 1 or begun is None or ended is None or ended < begun:
            return []
        found.append((begun, ended))
    if len(found) > 1:
        found.sort()
    return found


@cache
def _pattern(judge: Callable[[RunEvidence], RunView]) -> RunView:
    """Return what the rules say of a regular run: one node, whose one sub-task begins after it and ends before it."""
    task = SubTask("11", 1, "work", _STATE, _OPERATOR, 30, 40, None, 1, "192.0.2.1", 2886, [])
    node = Node("11", 1, "work", _STATE, _OPERATOR, 20, 50, None, [task])
    dag = Dag("11", 1, "work", 1, 1, _STATE, _OPERATOR, 10, 60)
    run = RunEvidence(None, "11", 1, [Snapshot(Answer(Kind.DAG, "11", b""), dag, [node], 70, 1)], ["11"])
    run.nodes, run.sub_tasks, run.node_of = {"11": [(70, node)]}, {"11": [Sighting(70, 70, task, node)]}, {"11": "11"}
    return judge(run)
