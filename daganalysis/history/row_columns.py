"""Tables of very many rows, made column by column when all runs are judged: snapshots, sub-tasks, attempts and timelines."""

from __future__ import annotations

from itertools import chain, repeat
from typing import TYPE_CHECKING, cast

from daganalysis.engine.identifiers import agent_address, identify, split_run_key
from daganalysis.engine.records import SubTask
from daganalysis.engine.times import TRUE, sub_task_times
from daganalysis.history.failed_rows import failed_rows
from daganalysis.reading.answers import Kind
from daganalysis.tables.base_rows import AttemptColumns, EndedAt, SnapshotColumns, StartedAt, SubTaskColumns, TimelineColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from daganalysis.engine.records import Dag, Node
    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence, Snapshot
    from daganalysis.history.stretches import Stretch
    from daganalysis.history.views import TaskView
    from daganalysis.tables.base_rows import FailedAttemptRow, ServedEnd, ServedStart

    Served = tuple[ServedStart | None, ServedEnd | None]
    Happened = tuple[StartedAt | None, EndedAt | None]


def served_times(row: Dag | Node | SubTask) -> Served:
    """Return the start and the end as served, before they were moved to the true zone."""
    start, end = row.start, row.end
    if row.moved:
        start, end = None if start is None else start - row.moved, None if end is None else end - row.moved
    return start, end  # type: ignore[return-value]


def happened(start: int | None, end: int | None) -> Happened:
    """Return when something began and ended, as the rules of history found it."""
    return start, end  # type: ignore[return-value]


class SubTaskRows:
    """Gathers sub-tasks, each with its attempts, for the tables of both; ``failed`` are the attempts that failed."""

    def __init__(self) -> None:
        self.failed: list[FailedAttemptRow] = []
        self._tasks: list[TaskView] = []
        self._run_ids: list[str | None] = []
        self._stages: list[int | None] = []
        self._agents: list[str | None] = []
        self._served: list[SubTask] = []

    def add(
        self, run_id: str | None, tasks: Sequence[TaskView], stages: Mapping[str | None, int | None], run: RunEvidence | None = None
    ) -> set[str | None]:
        """Add the sub-tasks of a run, or of none; return the agents they were handed to."""
        newest = [task.newest for task in tasks]
        agents = [agent_address(new.agent_ip, new.agent_port) for new in newest]
        if run_id is not None:
            for task, agent in zip(tasks, agents, strict=True):
                if len(task.attempts) != 1 or task.attempts[0].outcome != "succeeded":
                    _name_agents(run_id, task, tasks, agent)
                    self.failed += failed_rows(run_id, stages.get(task.node_gid), task.gid, task.attempts, task.logs)
        self._agents += agents
        self._served += [_served_row(task, run) for task in tasks] if run is not None and run.logged_rows else newest
        self._tasks += tasks
        self._run_ids += repeat(run_id, len(tasks))
        self._stages += [stages.get(task.node_gid) for task in tasks]
        return set(agents)

    def sub_task_columns(self) -> SubTaskColumns:
        """Return the columns of ``sub_tasks``."""
        newest = [task.newest for task in self._tasks]
        started_at, ended_at = _happened(self._tasks)
        return SubTaskColumns(
            run_id=self._run_ids,
            stage=self._stages,
            node_gid=[task.node_gid for task in self._tasks],
            task_gid=[task.gid for task in self._tasks],
            task_id=[new.task_id for new in newest],
            name=[new.name for new in newest],
            state=[new.state for new in newest],
            operator=[new.operator for new in newest],
            outcome=[task.rule.outcome for task in self._tasks],
            execute_times=[new.execute_times for new in newest],
            agent=self._agents,
            agent_ip=[new.agent_ip for new in newest],
            agent_port=[new.agent_port for new in newest],
            start_time=_served_starts(self._served),
            end_time=_served_ends(self._served),
            started_at=started_at,
            ended_at=ended_at,
            task_logs=[task.logs for task in self._tasks],
            additional_data=[task.additional_data for task in self._tasks],
        )

    def attempt_columns(self) -> AttemptColumns:
        """Return the columns of ``attempts``."""
        counts = [len(task.attempts) for task in self._tasks]
        attempts = list(chain.from_iterable([task.attempts for task in self._tasks]))
        return AttemptColumns(
            run_id=list(chain.from_iterable(map(repeat, self._run_ids, counts))),
            stage=list(chain.from_iterable(map(repeat, self._stages, counts))),
            task_gid=list(chain.from_iterable(map(repeat, [task.gid for task in self._tasks], counts))),
            attempt=[one.number or None for one in attempts],
            kind=[one.kind for one in attempts],
            started_at=_starts(attempts),
            ended_at=_ends(attempts),
            outcome=[one.outcome for one in attempts],
            agent=[one.agent for one in attempts],
            evidence=[one.evidence for one in attempts],
        )


def _happened(tasks: Iterable[TaskView]) -> tuple[list[StartedAt | None], list[EndedAt | None]]:
    """Return when the last attempt of each sub-task began and ended, where its newest row has these times."""
    starts: list[int | None] = []
    ends: list[int | None] = []
    for task in tasks:
        new, own = task.newest, task.attempts
        times = sub_task_times(new.state, new.operator, len(own) if new.execute_times is None else new.execute_times)
        starts.append(new.start if times.start is TRUE and own and own[-1].start is not None else None)
        ends.append(new.end if times.end is TRUE else None)
    return cast("list[StartedAt | None]", starts), cast("list[EndedAt | None]", ends)


def _name_agents(run_id: str, task: TaskView, tasks: Sequence[TaskView], agent: str | None) -> None:
    """Give the attempts that no answer shows the agent of their sub-task, if every hand-out goes to that agent.

    The scheduler sends the only sub-task of a normal node of a cluster DAG to its own agent, which can be another one each time; no other
    sub-task changes its agent (engine-semantics §4).
    """
    unnamed = [one for one in task.attempts if one.agent is None]
    if not unnamed or agent is None:
        return
    is_alone = [other.node_gid for other in tasks].count(task.node_gid) < 2
    if is_alone and identify(split_run_key(run_id)[1]).scope == "cluster":
        return
    for one in unnamed:
        one.agent = agent


def _served_row(task: TaskView, run: RunEvidence) -> SubTask:
    """Return the newest row of a sub-task that an answer showed; a row without fields if none did."""
    if id(task.newest) not in run.logged_rows:
        return task.newest
    shown = (task_snapshot.task for task_snapshot in reversed(run.sub_tasks[task.gid]))
    return next((row for row in shown if row.state is not None and id(row) not in run.logged_rows), SubTask(task.gid))


def _served_starts(rows: Iterable[SubTask]) -> list[ServedStart | None]:
    starts = [row.start if not row.moved or row.start is None else row.start - row.moved for row in rows]
    return cast("list[ServedStart | None]", starts)


def _served_ends(rows: Iterable[SubTask]) -> list[ServedEnd | None]:
    return cast("list[ServedEnd | None]", [row.end if not row.moved or row.end is None else row.end - row.moved for row in rows])


def _starts(attempts: Iterable[Attempt]) -> list[StartedAt | None]:
    return cast("list[StartedAt | None]", [one.start for one in attempts])


def _ends(attempts: Iterable[Attempt]) -> list[EndedAt | None]:
    return cast("list[EndedAt | None]", [one.end for one in attempts])


class SnapshotRows:
    """Collects each response about a DAG, for the table ``snapshots``."""

    def __init__(self) -> None:
        self._run_ids: list[str] = []
        self._snapshots: list[Snapshot] = []

    def add(self, run: RunEvidence) -> None:
        """Add the responses about a run."""
        own = [snapshot for snapshot in run.snapshots if snapshot.answer.kind is Kind.DAG]
        self._snapshots += own
        self._run_ids += repeat(run.run_id, len(own))

    def columns(self) -> SnapshotColumns:
        """Return the columns of ``snapshots``."""
        answers, dags = [one.answer for one in self._snapshots], [one.dag for one in self._snapshots]
        return SnapshotColumns(
            run_id=self._run_ids,
            source=[answer.source for answer in answers],
            position=[answer.position for answer in answers],
            observed_at=[answer.observed_at for answer in answers],
            trace_id=[answer.trace_id for answer in answers],
            http_status=[answer.http_status for answer in answers],
            request_ms=[answer.request_ms for answer in answers],
            state=[dag.state for dag in dags],
            operator=[dag.operator for dag in dags],
            stage=[dag.stage for dag in dags],
            n_nodes=[None if one.nodes is None else len(one.nodes) for one in self._snapshots],
        )


class TimelineRows:
    """Collects how the runs spent their time, for the table ``timeline``."""

    def __init__(self) -> None:
        self._run_ids: list[str] = []
        self._seq: list[int] = []
        self._stretches: list[Stretch] = []

    def add(self, run_id: str, stretches: Sequence[Stretch]) -> None:
        """Add the stretches of a run, in order of time."""
        self._stretches += stretches
        self._run_ids += repeat(run_id, len(stretches))
        self._seq += range(1, len(stretches) + 1)

    def columns(self) -> TimelineColumns:
        """Return the columns of ``timeline``."""
        return TimelineColumns(
            run_id=self._run_ids,
            seq=self._seq,
            started_at=cast("list[StartedAt]", [one.start for one in self._stretches]),
            ended_at=cast("list[EndedAt]", [one.end for one in self._stretches]),
            category=[one.category for one in self._stretches],
            leg=[one.leg for one in self._stretches],
            from_stage=[one.from_stage for one in self._stretches],
            to_stage=[one.to_stage for one in self._stretches],
            direction=[one.direction for one in self._stretches],
            evidence=[one.evidence for one in self._stretches],
        )
