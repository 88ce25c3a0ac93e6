"""Separate the runs behind one key: a re-created cluster uses its ids again (contract, Identity)."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from daganalysis.engine.states import BEGUN, ENDED

if TYPE_CHECKING:
    from daganalysis.engine.records import Dag, Node
    from daganalysis.history.evidence import Snapshot


def generations_of(snapshots: list[Snapshot]) -> list[list[Snapshot]]:
    """Part the snapshots behind one key, which are in order of time, into those of each run."""
    if len(snapshots) == 1:
        return [snapshots]
    generations: list[_Generation] = []
    for snapshot in snapshots:
        generation = next((known for known in reversed(generations) if known.may_be(snapshot.dag)), None)
        if generation is None or generation.ended_before(snapshot):
            generation = _Generation()
            generations.append(generation)
        generation.add(snapshot)
    return [generation.snapshots for generation in generations]


@dataclass(slots=True)
class _Generation:
    """The snapshots of one of the DAGs with the same key, and the facts that the next snapshot is compared with."""

    snapshots: list[Snapshot] = field(default_factory=list)
    name: str | None = None
    max_stage: int | None = None
    ended: int | None = None
    succeeded: bool = False
    success: int | None = None
    """When it succeeded, if it did: a success is final."""
    counters: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """By sub-task: its highest execute_times, and the start of that attempt if it has begun, in the first ``n_counted`` snapshots."""
    n_counted: int = 0
    """Number of snapshots that ``counters`` covers. Most runs never need it."""
    nodes: dict[str, Node] = field(default_factory=dict)
    """By generic id: the node whose sub-tasks were counted last."""

    def may_be(self, dag: Dag) -> bool:
        """Return whether a DAG may be this one, by the fields that never change."""
        if self.success is not None and dag.state == "SUCCEED" and dag.end is not None and dag.end != self.success:
            return False
        return (dag.name is None or self.name is None or dag.name == self.name) and (
            dag.max_stage is None or self.max_stage is None or dag.max_stage == self.max_stage
        )

    def add(self, snapshot: Snapshot) -> None:
        """Add the next snapshot in order of time."""
        dag = snapshot.dag
        self.snapshots.append(snapshot)
        self.name = dag.name if self.name is None else self.name
        self.max_stage = dag.max_stage if self.max_stage is None else self.max_stage
        self.succeeded = self.succeeded or dag.state == "SUCCEED"
        if dag.state == "SUCCEED" and self.success is None:
            self.success = dag.end
        if dag.state in ENDED and dag.end is not None:
            self.ended = dag.end if self.ended is None else max(self.ended, dag.end)

    def _count(self) -> dict[str, tuple[int, int | None]]:
        for node in chain.from_iterable(snapshot.nodes or () for snapshot in self.snapshots[self.n_counted :]):
            if self.nodes.get(node.gid) is node:
                continue
            self.nodes[node.gid] = node
            for task in node.sub_tasks or ():
                known = self.counters.get(task.gid)
                if task.execute_times and (known is None or task.execute_times >= known[0]):
                    self.counters[task.gid] = (task.execute_times, task.start if task.state in BEGUN else None)
        self.n_counted = len(self.snapshots)
        return self.counters

    def ended_before(self, snapshot: Snapshot) -> bool:
        """Return whether this run had ended before the run of a snapshot was created.

        A DAG that has succeeded accepts no request. A retry of a failed one also moves starts beyond the end of the leg before it, but it
        raises execute_times.
        """
        ended = self.ended
        if ended is None or snapshot.dag.start is None or snapshot.dag.start <= ended:
            return False
        if self.succeeded:
            return True
        if snapshot.nodes is None:
            # Without nodes, only a DAG that never started can be recognised: a retried DAG has no start while it is READY.
            return snapshot.dag.state == "READY" and snapshot.dag.operator == "RUN"
        counters = self._count()
        for node in snapshot.nodes:
            for task in node.sub_tasks or ():
                before, now = counters.get(task.gid), task.execute_times
                if now is None or before is None:
                    continue
                restarted = task.state in BEGUN and task.start is not None and before[1] is not None and task.start > ended >= before[1]
                if now < before[0] or (now == before[0] and restarted):
                    return True
        return False
