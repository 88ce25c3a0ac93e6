"""One run judged: its attempts, legs, timeline, outcomes and bounds, from the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING

from daganalysis.engine.catalogue import CHILD_WORKFLOWS, is_sub_dag
from daganalysis.engine.identifiers import identify
from daganalysis.engine.log_lines import WAITING
from daganalysis.engine.outcomes import Facts, Rule, judge, judge_node, judge_sub_task
from daganalysis.engine.times import Meaning, dag_times, node_times, sub_task_times
from daganalysis.history.attempts import Attempt, rebuild_attempts
from daganalysis.history.clocks import ahead_of_dag, on_dag_clock
from daganalysis.history.legs import SKEW_NS, Leg, NodeRun, find_legs, find_node_runs
from daganalysis.history.log_merge import merge_lines
from daganalysis.history.retry_bounds import Bounds, retry_bounds
from daganalysis.history.timeline import SECOND, Story, Stretch, build_timeline, estimate_tick

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.engine.records import Node, SubTask
    from daganalysis.history.evidence import RunEvidence, Sighting

_GID = attrgetter("gid")
_PROTOCOL_SLACK_NS = 2 * SECOND
"""A main DAG's last requests may seem to lie this much after its end: another clock, one pass of its scheduler."""


@dataclass(slots=True)
class TaskView:
    """One sub-task: its newest fields, its attempts, all its lines."""

    gid: str
    node_gid: str | None
    newest: SubTask
    attempts: list[Attempt]
    logs: list[str] | None
    rule: Rule
    additional_data: str | None


@dataclass(slots=True)
class NodeView:
    """One node: its newest fields and what they came to."""

    gid: str
    stage: int
    newest: Node
    rule: Rule
    start: int | None
    end: int | None
    additional_data: str | None


@dataclass(slots=True)
class RunView:
    """One run, judged."""

    evidence: RunEvidence
    tasks: list[TaskView]
    nodes: list[NodeView]
    legs: list[Leg]
    stretches: list[Stretch]
    rule: Rule
    retries: Bounds
    rollbacks: int
    work_ok: bool | None
    created: int | None
    begin: int | None
    end: int | None
    elapsed_ns: int | None
    active_ns: int | None
    last_leg_ns: int | None
    history: str
    node_runs: list[NodeRun] = field(default_factory=list)
    clocks_ahead: dict[str, int] = field(default_factory=dict)
    """By agent: how far its clock is ahead of that of the DAG's own rows at least, where it must be (negative: behind), nanoseconds."""


@dataclass(frozen=True, slots=True)
class MainDag:
    """What the main DAG tells of a child.

    ``kind`` is that of their link, ``end`` when the main DAG ended (None where it has not, or is not in the archive), ``created_from`` and
    ``created_to`` when the sub-task ran that created the child; all on the main DAG's clock.
    """

    kind: str
    end: int | None = None
    created_from: int | None = None
    created_to: int | None = None

    def end_for(self, created: int | None) -> int | None:
        """Return its end on the clock of a child created at some instant of that clock, which may be ahead or behind."""
        if self.end is None or created is None:
            return self.end
        behind = max(0, self.created_from - created) if self.created_from is not None else 0
        ahead = max(0, created - self.created_to) if self.created_to is not None else 0
        return self.end + ahead - behind


def judge_run(run: RunEvidence, *, main: MainDag | None, operators_received: Mapping[str, int]) -> RunView:
    """Judge one run; ``operators_received`` says how often another DAG's task asked this one to retry or roll back."""
    child_kind = main.kind if main is not None else None
    created = _created(run)
    tasks = {
        gid: judge_task(gid, run.node_of.get(gid), sightings, created, run.attempt_lines.get(gid))
        for gid, sightings in run.sub_tasks.items()
    }
    tasks_of: dict[str, list[TaskView]] = {gid: [] for gid in run.stages}
    for view in tasks.values():
        tasks_of[view.node_gid or ""].append(view)
    clocks_ahead = ahead_of_dag(run, {gid: [view.attempts for view in own] for gid, own in tasks_of.items()})
    attempts = on_dag_clock({gid: view.attempts for gid, view in tasks.items()}, clocks_ahead)
    attempts_in = {gid: {view.gid: attempts[view.gid] for view in own} for gid, own in tasks_of.items()}
    legs = find_legs(run)
    node_runs = find_node_runs(run, attempts_in)
    names = [run.nodes[gid][-1][1].name for gid in run.stages]
    is_child = run.newest.name in CHILD_WORKFLOWS and (
        child_kind == "scale_out" or is_sub_dag(run.newest.name, names) or (not names and (run.newest.max_stage or 0) > 1)
    )
    waits_deliberately = _stands_waiting(run, tasks) and (is_child or child_kind in {"sub_dag", "scale_out"})
    nodes = [_node_view(run, stage, gid, tasks_of[gid]) for stage, gid in enumerate(run.stages, start=1)]
    retries, rollbacks = _count_operators(run, node_runs, tasks_of, attempts_in, legs, operators_received)
    if child_kind == "scale_out":
        # Every retry of the main DAG is mirrored on the local one (engine-semantics §7 B): none of these need be an operator's.
        retries = Bounds(0, retries.high)
    rule = judge(
        "dag", _dag_facts(run, retries, deliberate=waits_deliberately, resumed=not names and not is_child and _forward_again(legs) > 0)
    )
    end = _end(run)
    begin, sure = _begin(run, legs, node_runs, attempts_in, created)
    stretches = _stretches(
        run,
        legs,
        node_runs,
        tasks,
        attempts,
        begin,
        sure,
        end,
        main.end_for(created) if main is not None else None,
        child_kind,
        is_child=is_child,
    )
    known = begin is not None and (sure or created is not None)
    elapsed = end - begin if known and end is not None and begin is not None and end >= begin else None
    ordered = [view for own in tasks_of.values() for view in sorted(own, key=_GID)]
    return RunView(
        run,
        ordered,
        nodes,
        legs,
        stretches,
        rule,
        retries,
        rollbacks,
        _work_ok(run, rule, tasks) if is_sub_dag(run.newest.name, names) else None,
        created,
        begin if known else None,
        end,
        elapsed,
        _union(attempts.values()),
        _last_leg(run),
        _history(attempts.values(), legs, sure=sure),
        node_runs,
        clocks_ahead,
    )


# -- single objects -------------------------------------------------------------------------------------------------------------------


def _created(run: RunEvidence) -> int | None:
    """When the rows were created, from any row that was never run (engine-semantics §3)."""
    found: list[int] = []
    for snapshot in run.snapshots:
        dag = snapshot.dag
        if dag_times(dag.state, dag.operator).start is Meaning.CREATED and dag.start is not None:
            found.append(dag.start)
    for seen in run.nodes.values():
        for _, node in seen:
            if node.sub_tasks is None or node.start is None:
                continue
            executed = node.operator == "PASS" and any(task.execute_times for task in node.sub_tasks)
            if node_times(node.state, node.operator, executed=executed).start is Meaning.CREATED:
                found.append(node.start)
    for sightings in run.sub_tasks.values():
        for sighting in sightings:
            task = sighting.task
            if task.start is not None and sub_task_times(task.state, task.operator, task.execute_times or 0).start is Meaning.CREATED:
                found.append(task.start)
    return min(found, default=None)


def judge_task(
    gid: str,
    node_gid: str | None,
    sightings: Sequence[Sighting],
    created: int | None = None,
    lines: Mapping[int, list[str]] | None = None,
) -> TaskView:
    """Judge one sub-task from its sightings, in order of time."""
    if len(sightings) == 1:  # as in most archives nearly all are
        newest = sightings[0].task
        attempts = rebuild_attempts(sightings, created=created, written=lines)
        logs, data = newest.logs, newest.additional_data
    else:
        rows = [s for s in sightings if s.task.execute_times is not None or s.task.state is not None]
        newest = max(rows, key=lambda s: (s.task.execute_times or 0, s.at)).task if rows else sightings[-1].task
        attempts = rebuild_attempts(rows, created=created, written=lines)
        shown = [s.task.logs for s in sightings if s.task.logs is not None]
        logs = merge_lines(shown) if len(shown) > 1 else shown[0] if shown else None
        data = next((s.task.additional_data for s in reversed(sightings) if s.task.additional_data is not None), None)
    verdict = attempts[-1].verdict if attempts else None
    rule = judge_sub_task(newest.state, newest.operator, verdict, executed=bool(attempts))
    return TaskView(gid, node_gid, newest, attempts, logs, rule, data)


def _node_view(run: RunEvidence, stage: int, gid: str, own: Sequence[TaskView]) -> NodeView:
    seen = run.nodes[gid]
    newest = seen[-1][1]
    executed = newest.operator != "PASS" or any(view.attempts for view in own)
    waiting = newest.state == "FAILED" and bool(own) and all(view.rule.outcome in {"waiting", "succeeded"} for view in own)
    rule = judge_node(newest.state, newest.operator, deliberate=waiting)
    times = node_times(newest.state, newest.operator, executed=executed)
    start = newest.start if times.start is Meaning.TRUE else None
    end = newest.end if times.end is Meaning.TRUE else None
    data = next((node.additional_data for _, node in reversed(seen) if node.additional_data is not None), None)
    return NodeView(gid, stage, newest, rule, start, end, data)


# -- the run --------------------------------------------------------------------------------------------------------------------------


def _stands_waiting(run: RunEvidence, tasks: Mapping[str, TaskView]) -> bool:
    """Every sub-task that keeps the DAG from going on failed on purpose."""
    if run.newest.state != "FAILED":
        return False
    failed = [view for view in tasks.values() if view.newest.state == "FAILED"]
    return bool(failed) and all(view.rule.outcome == "waiting" for view in failed)


def _dag_facts(run: RunEvidence, retries: Bounds, *, deliberate: bool, resumed: bool) -> Facts:
    """Gather what the rules look at; ``resumed`` says that a run whose nodes are not known went forward again."""
    dag = run.newest
    begun = not (dag.state == "READY" and dag.operator == "RUN" and dag.start is not None)
    return Facts(
        dag.state,
        dag.operator,
        begun=begun,
        deliberate=deliberate,
        retried=retries.low > 0 or resumed,
        # A later rollback or retry overwrites the operator of a node that was passed, but not what an earlier answer told.
        node_passed=any(node.operator == "PASS" for seen in run.nodes.values() for _, node in seen),
    )


def _count_operators(
    run: RunEvidence,
    node_runs: Sequence[NodeRun],
    tasks_of: Mapping[str, Sequence[TaskView]],
    attempts_in: Mapping[str, Mapping[str, Sequence[Attempt]]],
    legs: Sequence[Leg],
    received: Mapping[str, int],
) -> tuple[Bounds, int]:
    """Bound the retries by operators (hand-shakes between DAGs taken off) and count the rollbacks that left a trace."""
    rollback_legs = sum(1 for leg in legs if leg.operator == "ROLLBACK")
    asked = 1 if run.newest.state == "READY" and run.newest.operator == "ROLLBACK" else 0
    traced = any(node.operator == "ROLLBACK" for seen in run.nodes.values() for _, node in seen)
    rollbacks = max(rollback_legs + asked, 1 if traced else 0)
    if not run.stages:
        return _retries_of_headers(legs), rollbacks
    low = high = 0
    runs_of: dict[int, list[NodeRun]] = {}
    for node_run in node_runs:
        runs_of.setdefault(node_run.stage, []).append(node_run)
    cluster = identify(run.gid).scope == "cluster"
    for stage, gid in enumerate(run.stages, start=1):
        own = tasks_of[gid]
        node = run.nodes[gid][-1][1]
        bounds = retry_bounds(
            runs_of.get(stage, ()),
            [*attempts_in[gid].values()],
            pending_retry=node.state == "PENDING" and node.operator == "RETRY",
            rollback_possible=partial(_rollback_possible, run, stage, own, rollbacks),
            exact_counters=not (cluster and len(own) > 1),
        )
        if bounds.high:
            handshakes = sum(_handshakes(view) for view in own)
            low += max(0, bounds.low - handshakes)
            high += max(0, bounds.high - handshakes)
    low = max(0, low - received.get("RETRY", 0))
    high = max(low, high - received.get("RETRY", 0))
    return Bounds(low, high), rollbacks


def _retries_of_headers(legs: Sequence[Leg]) -> Bounds:
    """Bound the retries of a run whose nodes no answer showed: each later leg is a retry, or a node that was passed."""
    return Bounds(0, max(1, _forward_again(legs)))


def _forward_again(legs: Sequence[Leg]) -> int:
    return sum(1 for leg in legs[1:] if leg.operator == "RUN")


def _rollback_possible(run: RunEvidence, stage: int, own: Sequence[TaskView], rollbacks: int) -> bool:
    """Tell whether a rollback of the DAG may have handed out sub-tasks of a stage."""
    below = (run.nodes[gid][-1][1] for gid in run.stages[: stage - 1])
    return rollbacks > 0 or _leaves_no_trace(below) or any(_newer_than_nodes(run.sub_tasks[view.gid]) for view in own)


def _leaves_no_trace(below: Iterable[Node]) -> bool:
    """Tell whether a rollback that failed at a stage may have left no trace in the stages below it.

    It marks every one of them for good, unless a cancel fell upon it (engine-semantics §2.4, §2.5); below the first stage there are none.
    """
    return all(node.operator == "CANCEL" for node in below)


def _newer_than_nodes(sightings: Sequence[Sighting]) -> bool:
    """Tell whether only an answer without the nodes, which would bear the mark of a rollback, showed the newest hand-out."""
    newest = max(sightings, key=lambda s: (s.task.execute_times or 0, s.node is not None))
    return newest.node is None


def _handshakes(view: TaskView) -> int:
    """How often another DAG advanced this sub-task: each deliberate wait that was followed by another attempt (engine-semantics §7)."""
    seen = sum(1 for attempt in view.attempts[:-1] if attempt.outcome == "waiting") if len(view.attempts) > 1 else 0
    told = view.logs.count(WAITING) if view.logs else 0
    if view.attempts and view.attempts[-1].verdict == "waiting":
        told -= 1
    return max(seen, told)


def _end(run: RunEvidence) -> int | None:
    dag = run.newest
    if dag.state not in {"FAILED", "SUCCEED"}:
        return None
    return dag.end if dag_times(dag.state, dag.operator).end in {Meaning.TRUE, Meaning.REQUEST} else None


def _begin(
    run: RunEvidence,
    legs: Sequence[Leg],
    node_runs: Sequence[NodeRun],
    attempts_in: Mapping[str, Mapping[str, Sequence[Attempt]]],
    created: int | None,
) -> tuple[int | None, bool]:
    """Where the known span begins, and whether an answer shows it.

    It does if the first attempt of the first stage is known to have begun (or nothing has begun yet). Otherwise the first start was
    overwritten, and the run began at most one tick after its rows were created (engine-semantics §5).
    """
    starts = [leg.start for leg in legs] + [node_run.start for node_run in node_runs if node_run.start is not None]
    first_attempts = [own[0].start for own in attempts_in[run.stages[0]].values() if own] if run.stages else []
    first = min((start for start in first_attempts if start is not None), default=None)
    if first is not None:
        return (first if not starts or min(starts) > first + SKEW_NS else min(starts)), True
    every = starts + [a.start for of_node in attempts_in.values() for own in of_node.values() for a in own if a.start is not None]
    if not every:
        return None, False
    known = min(every)
    handed_out = any(own for of_node in attempts_in.values() for own in of_node.values())
    if not handed_out and legs and legs[0].operator == "RUN" and (run.stages or _first_execution_shown(run, legs[0])):
        return known, True
    if created is None or created > known:
        return known, False
    return min(known, created + estimate_tick(node_runs)[0]), False


def _first_execution_shown(run: RunEvidence, leg: Leg) -> bool:
    """Tell whether a leg is the first.

    While it ran, its end was still the creation time, which every later request wipes (engine-semantics §3).
    """
    return any(s.dag.state == "RUNNING" and s.dag.start == leg.start and s.dag.end is not None for s in run.snapshots)


def _stretches(
    run: RunEvidence,
    legs: Sequence[Leg],
    node_runs: Sequence[NodeRun],
    tasks: Mapping[str, TaskView],
    attempts: Mapping[str, list[Attempt]],
    begin: int | None,
    sure: bool,
    end: int | None,
    parent_end: int | None,
    child_kind: str | None,
    *,
    is_child: bool,
) -> list[Stretch]:
    if begin is None or (end is not None and end < begin):
        return []

    def wait_category(until: int) -> str:
        """A child's wait was for its main DAG, unless a sub-DAG's main DAG had ended before: then only an operator can have ended it."""
        if child_kind is None and not is_child:
            return "wait_operator"
        late = child_kind == "sub_dag" and parent_end is not None and until > parent_end + _PROTOCOL_SLACK_NS
        return "wait_operator" if late else "wait_protocol"

    last = [view.attempts[-1] for view in tasks.values() if view.attempts and view.newest.operator == "PASS"]
    passed = run.newest.state == "SUCCEED" and run.newest.operator == "PASS"
    ended_waiting = bool(last) and all(attempt.outcome == "waiting" for attempt in last)
    return build_timeline(
        Story(legs, node_runs, list(attempts.values()), begin, sure, end, wait_category, bool(run.stages), passed, ended_waiting)
    )


def _work_ok(run: RunEvidence, rule: Rule, tasks: Mapping[str, TaskView]) -> bool | None:
    """A sub-DAG has done its work if it stands, or was passed, at its last stage, waiting (engine-semantics §7 A 5 and 7)."""
    if rule.outcome not in {"passed", "waiting"} or not run.stages:
        return None
    reached = run.newest.stage == len(run.stages)
    last = [view for view in tasks.values() if view.node_gid == run.stages[-1]]
    return (
        reached
        and all(bool(view.attempts) for view in last)
        and all(view.attempts[-1].outcome in {"waiting", "succeeded"} for view in last)
    )


def _union(attempts_of: Iterable[Sequence[Attempt]]) -> int | None:
    """Time in which at least one attempt was running, of those with both ends known."""
    spans = [
        (a.start, a.end) for attempts in attempts_of for a in attempts if a.start is not None and a.end is not None and a.end >= a.start
    ]
    if not spans:
        return None
    spans.sort()
    total, (low, high) = 0, spans[0]
    for start, end in spans:
        if start > high:
            total += high - low
            low = start
        high = max(high, end)
    return total + high - low


def _last_leg(run: RunEvidence) -> int | None:
    dag = run.newest
    times = dag_times(dag.state, dag.operator)
    if times.start is not Meaning.TRUE or times.end not in {Meaning.TRUE, Meaning.REQUEST} or dag.start is None or dag.end is None:
        return None
    return dag.end - dag.start if dag.end >= dag.start else None


def _history(attempts_of: Iterable[Sequence[Attempt]], legs: Sequence[Leg], *, sure: bool) -> str:
    evidence = {a.evidence for attempts in attempts_of for a in attempts}
    if evidence <= {"observed"} and (sure or not evidence):
        return "complete"
    return "last_leg" if len(legs) <= 1 else "partial"
