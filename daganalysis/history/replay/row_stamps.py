"""The stamps of rows that answers show. They replace a log's time of the same moment, because logs cut times to milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.states import ENDED
from daganalysis.engine.times import TRUE, dag_times, node_times, sub_task_times

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.history.evidence import RunEvidence, TaskSnapshot

_SAME_NS = 750_000_000
"""A stamp of a row and the log line of the same moment differ by less than this."""


@dataclass(slots=True)
class RowStamps:
    """The stamps of rows that answers show."""

    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def start(self, at: int) -> int:
        """Return the row's time of a start that a log shows at some instant, or that instant if no row shows the start."""
        return _snapped(at, self.starts)

    def end(self, at: int) -> int:
        """Return the row's time of an end that a log shows at some instant, or that instant if no row shows the end."""
        return _snapped(at, self.ends)


def _snapped(at: int, stamps: Iterable[int]) -> int:
    nearest = min(stamps, key=lambda stamp: (abs(stamp - at), stamp), default=None)
    return nearest if nearest is not None and abs(nearest - at) <= _SAME_NS else at


def dag_stamps(run: RunEvidence) -> RowStamps:
    """Return the stamps of a DAG's own row."""
    found = RowStamps()
    for snapshot in run.snapshots:
        dag = snapshot.dag
        times = dag_times(dag.state, dag.operator)
        if times.start is TRUE and dag.start is not None:
            found.starts.append(dag.start)
        if dag.state in ENDED and dag.end is not None:
            found.ends.append(dag.end)
    return found


def node_stamps(run: RunEvidence, gid: str) -> RowStamps:
    """Return the stamps of a node's row."""
    found = RowStamps()
    for _, node in run.nodes.get(gid, ()):
        times = node_times(node.state, node.operator, executed=True)
        if times.start is TRUE and node.start is not None:
            found.starts.append(node.start)
        if node.state in ENDED and node.end is not None:
            found.ends.append(node.end)
    return found


def task_stamps(task_snapshots: Iterable[TaskSnapshot]) -> dict[int, RowStamps]:
    """Return the stamps of each attempt that answers show."""
    found: dict[int, RowStamps] = {}
    for snapshot in task_snapshots:
        task = snapshot.task
        if not task.execute_times:
            continue
        own = found.setdefault(task.execute_times, RowStamps())
        times = sub_task_times(task.state, task.operator, task.execute_times)
        if times.start is TRUE and task.start is not None:
            own.starts.append(task.start)
        if times.end is TRUE and task.end is not None:
            own.ends.append(task.end)
    return found
