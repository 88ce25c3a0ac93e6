"""Legs and node executions: the traces that each execution of a DAG and of its nodes left in the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.times import TRUE, dag_times, node_times
from daganalysis.history.causal_order import never_started

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from daganalysis.engine.records import Node
    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence

SKEW_NS = 300_000_000
"""How far the clocks of agents may differ before an attempt is put beside its node execution (engine-semantics §5: tens of
milliseconds)."""
CREATION_NS = 20_000_000
"""Rows of one DAG are created in one transaction, milliseconds apart (engine-semantics §3)."""


class Leg(msgspec.Struct, gc=False):
    """One execution of a DAG between two operator actions.

    ``end`` is when it failed or succeeded. ``stood_until`` is the time of the last answer that shows the DAG with that end.
    ``asked_from`` and ``asked_to`` bound the operator's request that began it. ``seen_running`` is the last answer that shows it running.
    """

    start: int
    operator: str | None = None
    end: int | None = None
    state: str | None = None
    stage: int | None = None
    stood_until: int | None = None
    asked_from: int | None = None
    asked_to: int | None = None
    seen_running: int | None = None


class NodeRun(msgspec.Struct, gc=False):
    """One execution of a node. ``start`` is None if only attempts of it are known. ``operator`` is why it was executed."""

    stage: int
    start: int | None
    operator: str | None = None
    end: int | None = None
    set_back: int = 0
    """How long its end is before its start, in nanoseconds. The clock of the DAG's own rows was set back by at least this much."""
    passed_at: int | None = None
    attempts: list[Attempt] = msgspec.field(default_factory=list)

    @property
    def begin(self) -> int:
        """Its start, or that of its first known attempt."""
        if self.start is not None:
            return self.start
        return min((a.start if a.start is not None else a.end or 0) for a in self.attempts)


def find_legs(run: RunEvidence) -> list[Leg]:
    """Return the legs whose start an answer showed, in order of time."""
    legs: dict[int, Leg] = {}
    asked_from: int | None = None
    asked_to: int | None = None
    asked_for: str | None = None
    for snapshot in run.snapshots:
        dag = snapshot.dag
        times = dag_times(dag.state, dag.operator)
        if dag.state == "READY":
            # A run that was created but has not begun has its creation time here. There was no request.
            if never_started(dag):
                continue
            asked_to = snapshot.at if asked_to is None or asked_for != dag.operator else asked_to
            asked_for = dag.operator
            continue
        if times.start is not TRUE or dag.start is None:
            # Before obshell 4.3.1 a pass wiped the start (engine-semantics §3).
            continue
        leg = legs.get(dag.start)
        if leg is None:
            # The leg that another request began may have been overwritten before an answer showed it.
            leg = legs[dag.start] = Leg(dag.start, asked_from=asked_from, asked_to=asked_to if dag.operator == asked_for else None)
        asked_to = None
        if dag.state == "RUNNING":
            leg.seen_running = snapshot.at
        if dag.operator == "PASS":
            leg.stage = dag.stage if leg.stage is None else leg.stage
        else:
            leg.operator = dag.operator
            leg.stage = dag.stage
            if times.end is TRUE and dag.end is not None and dag.end >= dag.start:
                leg.end, leg.state, leg.stood_until = dag.end, dag.state, snapshot.at
                asked_from = snapshot.at
    return [legs[start] for start in sorted(legs)]


def is_first_execution(run: RunEvidence, leg: Leg) -> bool:
    """Return whether answers show that a leg is the first.

    While the first leg runs, the end is the creation time. Every later request removes it (engine-semantics §3).
    """
    return any(s.dag.state == "RUNNING" and s.dag.start == leg.start and s.dag.end is not None for s in run.snapshots)


def find_node_runs(
    run: RunEvidence, attempts_in: Mapping[str, Mapping[str, Sequence[Attempt]]], ordinals: Mapping[str, int]
) -> list[NodeRun]:
    """Return every known execution of every node, in order of time, each with the attempts that lie in it.

    ``attempts_in`` has the attempts of each sub-task, by node and sub-task. The function sets their stage.
    """
    result: list[NodeRun] = []
    for node_gid, stage in ordinals.items():
        ordered = _node_runs_of(run, node_gid, stage)
        latest_first = ordered[::-1]
        unplaced: list[tuple[str, Attempt]] = []
        for task_gid, attempts in attempts_in.get(node_gid, {}).items():
            before: Attempt | None = None
            for attempt in attempts:
                attempt.stage = stage
                if attempt.start is None:
                    continue
                own = _node_run_of(latest_first, attempt, attempt.start)
                if own is None or (own.end is None and (_had_its_turn(own, before) or _undoes_success(own, attempt, attempts))):
                    unplaced.append((task_gid, attempt))
                else:
                    own.attempts.append(attempt)
                    before = attempt
        for node_run in ordered:
            if node_run.operator is None and _was_rolled_back(run, attempts_in.get(node_gid, {}), node_run):
                node_run.operator = "ROLLBACK"
        result += ordered
        if unplaced:
            result += _gather(unplaced, stage, ordered)
    for node_run in result:
        if len(node_run.attempts) > 1:
            node_run.attempts.sort(key=_by_start)
    result.sort(key=lambda r: (r.begin, r.stage))
    return result


def _was_rolled_back(run: RunEvidence, attempts_of: Mapping[str, Sequence[Attempt]], node_run: NodeRun) -> bool:
    """Return whether an execution belonged to a rollback, if a pass overwrote its operator: it left a sub-task rolled back.

    A retry runs again what it has rolled back, unless an agent's clock is off (engine-semantics §2.3).
    """
    own = {id(attempt) for attempt in node_run.attempts}
    for task_gid, attempts in attempts_of.items():
        served = run.sub_tasks[task_gid][-1].task.start
        left = attempts and attempts[-1].kind == "rollback" and attempts[-1].state == "SUCCEED" and id(attempts[-1]) in own
        if left and served is not None and node_run.start is not None and served > node_run.start:
            return True
    return False


def _by_start(attempt: Attempt) -> tuple[int, int]:
    return attempt.start or 0, attempt.number


def was_executed(node: Node) -> bool | None:
    """Return whether the start of a node is the start of an execution. The start of a passed node may be the creation of its row.

    A node without an operator may have been passed. A node that was cancelled before any hand-out, and then passed, has the start of the
    cancel's leg (engine-semantics §13). None if the answer lacks the sub-tasks or their counters.
    """
    if node.operator not in {"PASS", None} or node.state != "SUCCEED":
        return True
    tasks = node.sub_tasks or ()
    if any(task.execute_times for task in tasks):
        return True
    created = min((task.start for task in tasks if task.start is not None), default=None)
    if created is None or node.start is None or any(task.execute_times is None for task in tasks):
        return None
    return node.start - created > CREATION_NS


def _node_runs_of(run: RunEvidence, node_gid: str, stage: int) -> list[NodeRun]:
    """Return the executions of a node whose start an answer showed, in order of time, without attempts."""
    known: dict[int, NodeRun] = {}
    for _, node in run.nodes.get(node_gid, ()):
        if node.start is None:
            continue
        times = node_times(node.state, node.operator, executed=bool(was_executed(node)) or node.start in known)
        if times.start is not TRUE:
            continue
        node_run = known.get(node.start)
        if node_run is None:
            node_run = known[node.start] = NodeRun(stage, node.start)
        if node.operator == "PASS":
            node_run.passed_at = node.end
            continue
        node_run.operator = node.operator
        if times.end is TRUE and node.end is not None:
            node_run.set_back = node.start - node.end if node.end < node.start else 0
            node_run.end = None if node_run.set_back else node.end
    return [known[start] for start in sorted(known)] if len(known) > 1 else list(known.values())


def _node_run_of(latest_first: Sequence[NodeRun], attempt: Attempt, start: int) -> NodeRun | None:
    """Return the execution that an attempt with a start lies in: the last one that began before it and had not ended long before."""
    for node_run in latest_first:
        if node_run.start is not None and node_run.start <= start + SKEW_NS:
            if node_run.end is not None and start > node_run.end + SKEW_NS:
                return None
            if node_run.end is None and node_run.operator == "RUN" and attempt.number > 1:
                # The first execution hands every sub-task out once (engine-semantics §2.2). No answer showed what came after it.
                return None
            return node_run
    return None


def _had_its_turn(node_run: NodeRun, before: Attempt | None) -> bool:
    """Return whether an execution had handed a sub-task out as often as it does, if ``before`` is the last attempt placed before.

    A rollback hands a sub-task out once, a retry runs it after its rollback run has succeeded (engine-semantics §2.3, §2.4). What an
    execution of unknown end seems to have handed out after that belongs to a later execution, which no answer showed.
    """
    if before is None or not any(attempt is before for attempt in node_run.attempts):
        return False
    if node_run.operator == "RETRY":
        return before.kind == "run" or before.state == "FAILED"
    return node_run.operator == "ROLLBACK"


def _undoes_success(node_run: NodeRun, attempt: Attempt, attempts: Sequence[Attempt]) -> bool:
    """Return whether an attempt undoes a success, which no retry does: its execution belongs to a rollback of the DAG."""
    return node_run.operator == "RETRY" and undone_success(attempts, attempts.index(attempt))


def undone_success(attempts: Sequence[Attempt], index: int) -> bool:
    """Return whether a hand-out rolls back what had succeeded. A retry rolls back only what failed (engine-semantics §2.3)."""
    if not index or attempts[index].kind != "rollback":
        return False
    before = attempts[index - 1]
    return before.number == attempts[index].number - 1 and before.state == "SUCCEED"


def _gather(unplaced: list[tuple[str, Attempt]], stage: int, known: list[NodeRun]) -> list[NodeRun]:
    """Make executions of unknown bounds for attempts whose execution no answer showed, one between each two known executions.

    A rollback run after another attempt of its sub-task belongs to a later execution (engine-semantics §2.3, §2.4).
    """
    result: list[NodeRun] = []
    reached = -1
    members: set[tuple[str, int]] = set()
    for task_gid, attempt in sorted(unplaced, key=lambda pair: (pair[1].start or 0, pair[1].number, pair[0])):
        place = sum(1 for node_run in known if node_run.start is not None and attempt.start is not None and node_run.start <= attempt.start)
        begins = attempt.kind == "rollback" and (task_gid, attempt.number - 1) in members
        if place != reached or begins:
            result.append(NodeRun(stage, None))
            reached, members = place, set()
        result[-1].attempts.append(attempt)
        members.add((task_gid, attempt.number))
    return result
