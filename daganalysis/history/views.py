"""The result of judging: sub-tasks, nodes and runs with their outcomes, ready to become rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from daganalysis.engine.outcomes import Rule
    from daganalysis.engine.records import Node, SubTask
    from daganalysis.history.attempts import Attempt
    from daganalysis.history.clocks import Offsets
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.proven_requests import ProvenRequest
    from daganalysis.history.retry_bounds import Bounds
    from daganalysis.history.stretches import Stretch
    from daganalysis.history.timeouts import Timeout


class TaskView(msgspec.Struct, gc=False):
    """One sub-task: its newest fields, its attempts, all its lines."""

    gid: str
    node_gid: str | None
    newest: SubTask
    attempts: list[Attempt]
    logs: list[str] | None
    rule: Rule
    additional_data: str | None
    are_lines_in_order: bool = True
    """Whether its lines could be put in order. They cannot if answers differ too much."""


class NodeView(msgspec.Struct, gc=False):
    """One node: its newest fields and its outcome."""

    gid: str
    stage: int | None
    newest: Node
    rule: Rule
    start: int | None
    end: int | None
    additional_data: str | None


class RunView(msgspec.Struct):
    """One run, judged."""

    evidence: RunEvidence
    tasks: list[TaskView]
    nodes: list[NodeView]
    stretches: list[Stretch]
    rule: Rule
    retries: Bounds
    rollbacks: Bounds
    work_ok: bool | None
    created: int | None
    begin: int | None
    end: int | None
    elapsed_ns: int | None
    elapsed_bounds_ns: tuple[int | None, int | None]
    """The least and the most time that it can have taken, in nanoseconds. The maximum is None if nothing bounds it."""
    active_ns: int | None
    last_leg_ns: int | None
    history: str
    missing: frozenset[str]
    """What no answer shows of it (:func:`daganalysis.history.completeness.what_is_missing`)."""
    offsets: Offsets
    """How far the clocks of agents are off that do not agree with the DAG's own rows."""
    timeouts: list[Timeout] = msgspec.field(default_factory=list)
    """Sub-tasks that ran into their timeout within time that would be lost but for that."""
    proven_requests: list[ProvenRequest] = msgspec.field(default_factory=list)
    """The requests to it that its states prove, without the one that created it."""


class MainDag(msgspec.Struct, frozen=True, gc=False):
    """What a main DAG shows about a child.

    ``kind`` is the kind of their link. ``end`` is when the main DAG ended (None if it has not, or is not in the archive). ``created_from``
    and ``created_to`` are when the sub-task that created the child ran. All times are on the main DAG's clock.
    """

    kind: str
    end: int | None = None
    created_from: int | None = None
    created_to: int | None = None

    def end_for(self, created: int | None) -> int | None:
        """Return its end on the clock of a child that was created at some instant of that clock."""
        if self.end is None or created is None:
            return self.end
        behind = max(0, self.created_from - created) if self.created_from is not None else 0
        ahead = max(0, created - self.created_to) if self.created_to is not None else 0
        return self.end + ahead - behind
