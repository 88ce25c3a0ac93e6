"""The order of answers by cause and effect, which outweighs the times of their envelopes.

An envelope has the time of the agent that built it, and clocks of agents differ. The engine does some things in one order only: a DAG that
was never started comes first, SUCCEED comes last, and within one execution RUNNING comes before the end (engine-semantics §2, §12).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from daganalysis.engine.records import Dag, Node, SubTask
    from daganalysis.history.evidence import Snapshot, TaskSnapshot

T = TypeVar("T")

_PASSED = 4
_PROGRESS: dict[str | None, int] = {"PENDING": 0, "READY": 1, "RUNNING": 2, "FAILED": 3, "SUCCEED": 3}


class _Row(Protocol):
    @property
    def state(self) -> str | None: ...
    @property
    def operator(self) -> str | None: ...


def progress(row: _Row) -> int:
    """Return how far a row has come within one execution: a pass comes after the end, the end after RUNNING."""
    return _PASSED if row.operator == "PASS" else _PROGRESS.get(row.state, -1)


def task_snapshot_order(snapshot: TaskSnapshot) -> tuple[int, int, int]:
    """Return the place of a snapshot among those of its sub-task: by hand-out, then by progress, then by the clock.

    >>> from daganalysis.engine.records import SubTask
    >>> from daganalysis.history.evidence import TaskSnapshot
    >>> ended = TaskSnapshot(96, 96, SubTask("11", state="SUCCEED", operator="RUN", execute_times=1))
    >>> running = TaskSnapshot(97, 97, SubTask("11", state="RUNNING", operator="RUN", execute_times=1))
    >>> task_snapshot_order(running) < task_snapshot_order(ended)
    True
    """
    return snapshot.task.execute_times or 0, progress(snapshot.task), snapshot.at


def order_snapshots(snapshots: list[Snapshot]) -> list[Snapshot]:
    """Return the answers of one run, which are in order of time, in the order in which the engine gave them."""
    if len(snapshots) == 1:
        return snapshots
    phases = [_phase(snapshot.dag) for snapshot in snapshots]
    if any(after < before for before, after in pairwise(phases)):
        snapshots = [snapshot for _, snapshot in sorted(zip(phases, snapshots, strict=True), key=lambda pair: pair[0])]
    return _each_execution_in_order(snapshots, lambda snapshot: snapshot.dag)


def order_nodes(seen: list[tuple[int, Node]]) -> list[tuple[int, Node]]:
    """Return the snapshots of one node, which are in order of time, in the order in which the engine gave them."""
    return seen if len(seen) == 1 else _each_execution_in_order(seen, lambda pair: pair[1])


def _phase(dag: Dag) -> int:
    if dag.state == "SUCCEED":
        return 2
    return 0 if never_started(dag) else 1


def never_started(dag: Dag) -> bool:
    """Return whether an answer shows that a DAG never started: it has its creation time, or Go's zero time if it was just created.

    A DAG that an operator started again has the Unix epoch instead (engine-semantics §3, §12).
    """
    return dag.state == "READY" and dag.operator == "RUN" and (dag.start is not None or dag.just_created)


def _each_execution_in_order(items: list[T], row: Callable[[T], Dag | Node | SubTask]) -> list[T]:
    """Sort the items of each execution (those with the same start) by progress. Each execution keeps its places."""
    furthest: dict[int, int] = {}
    wrong: set[int] = set()
    for item in items:
        one = row(item)
        if one.start is not None:
            now = progress(one)
            if now < furthest.setdefault(one.start, now):
                wrong.add(one.start)
            else:
                furthest[one.start] = now
    if not wrong:
        return items
    result = list(items)
    for start in sorted(wrong):
        places = [place for place, item in enumerate(items) if row(item).start == start]
        for place, item in zip(places, _by_progress([items[place] for place in places], row), strict=True):
            result[place] = item
    return result


def _by_progress(items: Sequence[T], row: Callable[[T], Dag | Node | SubTask]) -> list[T]:
    return sorted(items, key=lambda item: progress(row(item)))
