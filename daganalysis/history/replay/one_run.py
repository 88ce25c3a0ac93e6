"""What answers would have shown of a run at the moments in logs, added to what answers did show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.catalogue import begins_as_sub_dag, sub_dag_name
from daganalysis.engine.facts import LOG_PRECISION_NS
from daganalysis.engine.records import Dag, Node, SubTask
from daganalysis.engine.times import SECOND_NS
from daganalysis.history.causal_order import order_nodes, order_snapshots
from daganalysis.history.evidence import Snapshot, TaskSnapshot
from daganalysis.history.log_merge import merge_lines
from daganalysis.history.replay.hand_outs import LoggedAttempt, number_attempts
from daganalysis.history.replay.logged_creations import creation_of, name_of_creation
from daganalysis.history.replay.logged_legs import LoggedLeg, legs_of, node_runs_of
from daganalysis.history.replay.logged_requests import Operation, operations_of
from daganalysis.history.replay.logged_runs import row_of
from daganalysis.history.replay.row_stamps import RowStamps, dag_stamps, node_stamps, task_stamps
from daganalysis.history.stage_numbers import follows_directly
from daganalysis.history.written_lines import note_lines
from daganalysis.reading.answers import Answer, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.engine.facts import Line
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.replay.logged_facts import LoggedFacts

_SURE_NS = 10 * SECOND_NS
"""A scheduler that works for this long without a DAG has ended it."""
_AT_LAST = 5 * SECOND_NS
"""How far the clocks of the agent that executes a request and of the maintainer may differ before the request is not used."""
_OPERATORS = {"run": "RUN", "rollback": "ROLLBACK"}


def replay(run: RunEvidence, facts: LoggedFacts) -> list[Operation]:
    """Add the facts about a run to it; return the requests to it.

    Stamps that answers show replace a log's time of the same moment, because logs cut times to milliseconds.
    """
    return _Replay(run, facts).add()


class _Replay:
    """One run, replayed."""

    def __init__(self, run: RunEvidence, facts: LoggedFacts) -> None:
        self._run, self._facts = run, facts
        self._answer = Answer(Kind.DAG_FACTS, run.gid, b"", None, run.cluster, facts.source)
        self._is_served = bool(run.snapshots)
        self._dag = run.newest if run.snapshots else Dag(run.gid, dag_id=row_of(run.gid)[0] or None)
        self._dag_stamps = dag_stamps(run)
        self._node_stamps = {gid: node_stamps(run, gid) for gid in run.stages}
        self._snapshots: list[Snapshot] = []
        self._operations = operations_of(facts.requests)
        accepted = [one.effect_to or one.at for one in self._operations if one.result == "accepted"]
        self._legs = legs_of(node_runs_of(facts.passes), accepted)
        run.logged_creation = next(iter(facts.children), None)
        run.logged_offset_s = self._offset_s()
        if not self._is_served:
            self._dag = msgspec.structs.replace(self._dag, name=self._name())
            run.begins_at_first_stage = self._begins_at_first_stage()

    def _offset_s(self) -> int | None:
        """Return the offset from UTC of the scheduler's log at its last pass."""
        if not self._facts.passes:
            return None
        last = max(self._facts.passes, key=lambda passes: passes.last_at)
        log = self._facts.context.log_of(last, self._facts.source)
        return log.offset_at(last.last_at) if log is not None else None

    def _name(self) -> str | None:
        """Return the name of a DAG that no answer shows, where the request that created it has but one."""
        if self._run.logged_creation is not None:
            return self._run.logged_creation[0].name
        nodes = [self._run.node_names.get(gid) for gid in self._run.stages]
        if begins_as_sub_dag(None, nodes):
            return sub_dag_name(nodes)
        begun = self._legs[0].start if self._legs and self._tells_its_beginning() else None
        return name_of_creation(creation_of(self._run.gid, None, begun, self._facts.context, by_a_dag=False))

    def add(self) -> list[Operation]:
        self._run.created = min((creation.at for creation in self._facts.creations), default=None)
        for task in sorted(self._run.node_of):
            self._add_task(task)
        for index, leg in enumerate(self._legs):
            after = self._legs[index + 1] if index + 1 < len(self._legs) else None
            self._add_leg(leg, after)
        for operation in self._operations:
            if operation.result == "accepted":
                self._add_request(operation)
        run = self._run
        self._fill_gaps()
        if self._legs and self._legs[0].start is not None and self._tells_its_beginning():
            run.begun = self._dag_stamps.start(self._legs[0].start)
        if self._snapshots:
            run.snapshots = order_snapshots(sorted([*run.snapshots, *self._snapshots], key=lambda snapshot: snapshot.at))
        for gid, seen in run.nodes.items():
            run.nodes[gid] = order_nodes(sorted(seen, key=lambda pair: pair[0]))
        for task_snapshots in run.sub_tasks.values():
            task_snapshots.sort(key=lambda task_snapshot: task_snapshot.at)
        return self._operations

    def _fill_gaps(self) -> None:
        """Give nodes and sub-tasks that are only known to exist a row without a state."""
        at = min((snapshot.at for snapshot in self._snapshots), default=0)
        for gid, task_snapshots in self._run.sub_tasks.items():
            if not task_snapshots:
                task_snapshots.append(TaskSnapshot(at, at, self._blank(gid)))
                self._run.logged_rows.add(id(task_snapshots[0].task))
        for gid, seen in self._run.nodes.items():
            if not seen:
                seen.append((at, Node(gid, node_id=row_of(gid)[0] or None, name=self._run.node_names.get(gid))))
                self._run.logged_rows.add(id(seen[0][1]))

    # -- sub-tasks --------------------------------------------------------------------------------------------------------------------

    def _add_task(self, gid: str) -> None:
        run, facts = self._run, self._facts
        task_snapshots = run.sub_tasks[gid]
        node = run.node_of[gid]
        attempts = number_attempts(
            facts.hand_outs.get(gid, ()),
            facts.states.get(gid, ()),
            facts.executions.get(gid, ()),
            facts.lines.get(gid, ()),
            [passes for passes in facts.passes if passes.node_gid == node],
            [task_snapshot.task for task_snapshot in task_snapshots],
            facts.context,
        )
        if not attempts:
            self._add_lines(gid, attempts)
            return
        known = next((s.task for s in reversed(task_snapshots) if s.task.state is not None), None) or self._blank(gid)
        stamps = task_stamps(task_snapshots)
        replayed = [snapshot for attempt in attempts for snapshot in self._moments_of(attempt, known, stamps)]
        run.logged_rows.update(id(snapshot.task) for snapshot in replayed)
        task_snapshots += replayed
        self._add_lines(gid, attempts)

    def _blank(self, gid: str) -> SubTask:
        return SubTask(gid, task_id=row_of(gid)[0] or None, name=self._run.task_names.get(gid))

    def _moments_of(self, attempt: LoggedAttempt, known: SubTask, stamps: dict[int, RowStamps]) -> list[TaskSnapshot]:
        number = attempt.number or 0
        own = stamps.get(number, RowStamps())
        operator = _OPERATORS.get(attempt.kind or "")
        if operator is None or own.ends:
            return []  # an answer shows the whole attempt
        ip, port = _address(attempt.agent) if attempt.agent is not None else (known.agent_ip, known.agent_port)
        row = SubTask(known.gid, known.task_id, known.name, "READY", operator, None, None, None, number, ip, port, None)
        node = self._node_at(self._run.node_of[known.gid], attempt.handed_at)
        moments: list[TaskSnapshot] = []
        until = attempt.noticed_at
        at = attempt.handed_at
        if at is not None:
            moments.append(TaskSnapshot(at, at, _copy(row), node))
        start = own.start(attempt.started_at) if attempt.started_at is not None else None
        unstarted = attempt.ending == "cancelled_before_start"
        if not unstarted and (start is not None or attempt.ending is not None):
            at = _clamped(attempt.started_at if attempt.started_at is not None else at or attempt.moment, at, until)
            moments.append(TaskSnapshot(at, at, _copy(row, state="RUNNING", start=start), node))
        if attempt.ending is not None:
            end = own.end(attempt.ended_at) if attempt.ended_at is not None else None
            at = _clamped(attempt.ended_at if attempt.ended_at is not None else until or attempt.moment, at, until)
            state = "SUCCEED" if attempt.ending == "succeeded" else "FAILED"
            moments.append(TaskSnapshot(at, at, _copy(row, state=state, start=start, end=end), node))
        return moments

    def _node_at(self, gid: str, at: int | None) -> Node | None:
        """Return the node of a sub-task as it was when the sub-task was handed out; None if no scheduler's log shows it."""
        inside = (one for one in self._facts.passes if at is not None and one.node_gid == gid and one.dag_at <= at <= one.last_at)
        passes = next(inside, None)
        return None if passes is None or passes.operator is None else Node(gid, state="RUNNING", operator=passes.operator)

    def _add_lines(self, gid: str, attempts: list[LoggedAttempt]) -> None:
        """Add the lines of each attempt, and all of them as one answer would show them. A line in two sources counts once."""
        run = self._run
        per_attempt = run.attempt_lines.setdefault(gid, {})
        found = [(attempt.number or 0, attempt.texts()) for attempt in attempts]
        by_source = _by_source(self._facts.lines.get(gid, ()))
        note_lines(run, gid, self._facts.lines.get(gid, ()))
        for lines in by_source.values():
            numbers = {line.attempt for line in lines if line.attempt is not None}
            found += [(number, [line.text for line in lines if line.attempt == number]) for number in sorted(numbers)]
        for number, texts in found:
            if texts and len(texts) >= len(per_attempt.get(number, [])):
                per_attempt[number] = texts
        every = merge_lines(sorted(([line.text for line in lines] for lines in by_source.values()), key=len)).lines
        if every:
            at = max(lines[-1].at for lines in by_source.values())
            seen = SubTask(gid, execute_times=None, logs=every)
            run.logged_rows.add(id(seen))
            run.sub_tasks[gid].append(TaskSnapshot(at, at, seen))

    # -- nodes and the DAG ------------------------------------------------------------------------------------------------------------

    def _stage(self, node: str) -> int | None:
        """Return the number of a stage; None if an earlier stage may be missing in the logs."""
        if node not in self._run.stages:
            return None
        place = self._run.stages.index(node)
        if self._is_served or (self._run.begins_at_first_stage and follows_directly(self._run.stages[0], node, place)):
            return place + 1
        return None

    def _add_leg(self, leg: LoggedLeg, after: LoggedLeg | None) -> None:
        start = self._dag_stamps.start(leg.start) if leg.start is not None else None
        operator = leg.operator
        for node_run in leg.runs:
            self._see_dag(node_run.dag_at, "RUNNING", operator, node_run.node_gid, start)
            if node_run.stepped_over or node_run.operator is None:
                continue
            stamps = self._node_stamps.get(node_run.node_gid)
            if stamps is None:
                continue
            begun = stamps.start(node_run.start) if node_run.start is not None else None
            at = node_run.start if node_run.start is not None else node_run.dag_at
            self._see_node(at, node_run.node_gid, "RUNNING", node_run.operator, begun, begun)
            if node_run.end is not None:
                state = "SUCCEED" if node_run.succeeded else "FAILED"
                self._see_node(node_run.end, node_run.node_gid, state, node_run.operator, begun, stamps.end(node_run.end))
        failed_at = leg.failed_at
        if failed_at is not None:
            self._see_dag(failed_at, "FAILED", operator, leg.last.node_gid, start, self._dag_stamps.end(failed_at))
        elif after is None and self._has_succeeded(leg) and leg.last.end is not None:
            end = self._dag_stamps.end(leg.last.end)
            if self._dag.max_stage is None and operator == "RUN" and self._tells_its_beginning():
                # Every stage was run, and the logs show each of them.
                self._dag = msgspec.structs.replace(self._dag, max_stage=len(self._run.stages))
            self._see_dag(leg.last.end, "SUCCEED", operator, leg.last.node_gid, start, end)

    def _has_succeeded(self, leg: LoggedLeg) -> bool:
        last = leg.last
        if last.end is None or last.succeeded is False:
            return False
        stage = self._stage(last.node_gid)
        if leg.operator == "ROLLBACK" and last.node_gid == self._run.stages[0] and self._knows_first_stage():
            return True
        if leg.operator != "ROLLBACK" and self._dag.max_stage is not None and stage is not None:
            return stage == self._dag.max_stage == len(self._run.stages)
        context = self._facts.context
        log, until = context.logs.get(last.teller or ""), last.end + _SURE_NS
        moved = any(last.end <= at <= until and who != last.teller for at, _, who in context.maintainers)
        return log is not None and log.covers(last.end, until) and not moved

    def _tells_its_beginning(self) -> bool:
        """Return whether the first pass in the logs was the first of all: the same log has nothing about the DAG before it."""
        first = self._legs[0].runs[0]
        log = self._facts.context.logs.get(first.teller or "")
        if first.operator != "RUN" or first.start is None or log is None:
            return False
        return log.covers(first.dag_at - _AT_LAST, first.dag_at)

    def _begins_at_first_stage(self) -> bool:
        """Return whether the first of the known stages is stage 1: a log tells the beginning, or the stage is a child DAG's first."""
        nodes = [self._run.node_names.get(gid) for gid in self._run.stages]
        return begins_as_sub_dag(None, nodes) or (bool(self._legs) and self._tells_its_beginning())

    def _knows_first_stage(self) -> bool:
        return self._dag.max_stage == len(self._run.stages) or any(
            run.operator == "RUN" and run.start is not None and run.node_gid == self._run.stages[0]
            for leg in self._legs
            for run in leg.runs
        )

    def _see_dag(self, at: int, state: str, operator: str, node: str | None, start: int | None, end: int | None = None) -> None:
        known = self._dag
        stage = self._stage(node) if node is not None else known.stage
        dag = Dag(
            known.gid, known.dag_id, known.name, stage, known.max_stage, state, operator, start, end,
            known.maintenance_type, known.maintenance_key, None, known.utc_offset_s,
        )  # fmt: skip
        self._snapshots.append(Snapshot(self._answer, dag, None, at))

    def _see_node(self, at: int, gid: str, state: str, operator: str, start: int | None, end: int | None) -> None:
        seen = self._run.nodes[gid]
        known = seen[0][1] if seen else Node(gid, node_id=row_of(gid)[0] or None, name=self._run.node_names.get(gid))
        node = Node(gid, known.node_id, known.name, state, operator, start, end, None, self._handed_out(gid))
        self._run.logged_rows.add(id(node))
        seen.append((at, node))

    def _handed_out(self, node: str) -> list[SubTask] | None:
        """Return the sub-tasks of a node that no answer shows: a log has those that were handed out."""
        if self._is_served:
            return None
        own = [task for task, home in sorted(self._run.node_of.items()) if home == node]
        return [SubTask(task, execute_times=1) for task in own if any(s.task.execute_times for s in self._run.sub_tasks[task])]

    # -- requests ---------------------------------------------------------------------------------------------------------------------

    def _add_request(self, operation: Operation) -> None:
        """Write what a request did to the DAG's row, if the logs show the state that the request needs (engine-semantics §2)."""
        asked = operation.effect_from if operation.effect_from is not None else operation.at
        done = operation.effect_to if operation.effect_to is not None else asked
        before, after = self._around(asked)
        if operation.operation == "pass":
            self._add_pass(before, asked, done)
            return
        low = before.failed_at if before is not None else None
        high = after.start if after is not None else None
        if low is not None and (asked < low - _AT_LAST or done < low - _AT_LAST):
            return
        if high is not None and done > high + _AT_LAST:
            return
        asked, done = _clamped(asked, low, high), _clamped(done, low, high)
        if before is not None and low is not None:
            start = self._dag_stamps.start(before.start) if before.start is not None else None
            self._see_dag(asked, "FAILED", before.operator, before.last.node_gid, start, self._dag_stamps.end(low))
        operator = {"rollback": "ROLLBACK", "cancel": "CANCEL"}.get(operation.operation, "RUN")
        node = before.last.node_gid if before is not None else None
        if node is not None or not self._legs:
            self._see_dag(done, "READY", operator, node, None)
        if operation.operation == "pass_node" and operation.node_gid in self._node_stamps:
            self._pass_node(operation.node_gid or "", done)

    def _around(self, at: int) -> tuple[LoggedLeg | None, LoggedLeg | None]:
        """Return the legs before and after a request, as exactly as the clocks allow."""
        pairs: list[tuple[LoggedLeg | None, LoggedLeg | None]] = list(zip([None, *self._legs], [*self._legs, None], strict=True))

        def outside(pair: tuple[LoggedLeg | None, LoggedLeg | None]) -> int:
            before, after = pair
            low = at if before is None else before.failed_at or before.runs[0].dag_at
            high = at if after is None else after.runs[0].dag_at
            return max(0, low - at) + max(0, at - high)

        return min(pairs, key=outside)

    def _add_pass(self, before: LoggedLeg | None, asked: int, done: int) -> None:
        end = self._dag_stamps.end(done)
        if before is None:
            self._see_dag(done, "SUCCEED", "PASS", None, None, end)
            return
        start = self._dag_stamps.start(before.start) if before.start is not None else None
        low = before.failed_at
        if low is not None:
            self._see_dag(max(asked, low), "FAILED", before.operator, before.last.node_gid, start, self._dag_stamps.end(low))
        self._see_dag(max(done, low or done), "SUCCEED", "PASS", before.last.node_gid, start, end)
        stage = self._stage(before.last.node_gid)
        if stage is not None and self._dag.max_stage == len(self._run.stages):
            for gid in self._run.stages[stage - 1 :]:
                self._pass_node(gid, done)

    def _pass_node(self, gid: str, at: int) -> None:
        """A pass ends the node and every sub-task of it that had not succeeded, and keeps their starts (engine-semantics §2.6).

        Where no source shows how the last attempt of a sub-task ended, it had succeeded by then, or was passed.
        """
        end = self._node_stamps[gid].end(at)
        seen = sorted((pair for pair in self._run.nodes[gid] if pair[0] <= at), key=lambda pair: pair[0])
        newest = seen[-1][1] if seen else None
        if newest is not None and newest.state == "SUCCEED" and newest.operator != "PASS":
            return
        self._see_node(at, gid, "SUCCEED", "PASS", newest.start if newest is not None and newest.state == "FAILED" else None, end)
        for task, home in sorted(self._run.node_of.items()):
            if home != gid:
                continue
            rows = [s for s in self._run.sub_tasks[task] if s.task.execute_times is not None and s.at <= at]
            last = max(rows, key=lambda s: (s.task.execute_times or 0, s.at), default=None)
            if last is None or last.task.state == "SUCCEED" or last.task.operator == "PASS":
                continue
            row = _copy(last.task, state="SUCCEED", operator="PASS", end=end)
            if last.task.state in {"READY", "RUNNING"}:
                row = msgspec.structs.replace(row, operator=None, end=None)
            self._run.logged_rows.add(id(row))
            self._run.sub_tasks[task].append(TaskSnapshot(at, at, row))


def _by_source(lines: Iterable[Line]) -> dict[tuple[str | None, int], list[Line]]:
    """Return lines by who tells them and in which precision, each list in its own order: a database numbers its lines, a log times them."""
    by_source: dict[tuple[str | None, int], list[Line]] = {}
    for line in lines:
        by_source.setdefault((line.teller, line.precision_ns), []).append(line)
    for (_, precision_ns), own in by_source.items():
        if precision_ns != LOG_PRECISION_NS:
            own.sort(key=lambda line: line.place)
    return by_source


def _clamped(at: int, low: int | None, high: int | None) -> int:
    """Move an instant into an interval: clocks of two agents may put it outside."""
    if high is not None and at > high:
        at = high
    return low if low is not None and at < low else at


def _copy(
    row: SubTask, *, state: str | None = None, operator: str | None = None, start: int | None = None, end: int | None = None
) -> SubTask:
    return SubTask(
        row.gid, row.task_id, row.name, state or row.state, operator or row.operator, row.start if start is None else start,
        row.end if end is None else end, None, row.execute_times, row.agent_ip, row.agent_port, None,
    )  # fmt: skip


def _address(agent: str) -> tuple[str | None, int | None]:
    ip, _, port = agent.rpartition(":")
    return (ip.strip("[]"), int(port)) if port.isdigit() else (None, None)
