"""What a scheduler's lines tell: the passes over each node, what was handed out, and what was found to have ended.

One pass over a DAG is a few lines in a row under the scheduler's own trace: the DAG, its current node, the node's operator, its sub-tasks,
and what became of them. A cluster's scheduler and an agent's own write into one log, each under its own trace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.facts import HandOut, Passes, TaskState
from daganalysis.engine.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATORS = {b"1": "RUN", b"2": "RETRY", b"3": "ROLLBACK", b"4": "CANCEL", b"5": "PASS"}
_STATES = {b"1": "PENDING", b"2": "READY", b"3": "RUNNING", b"4": "FAILED", b"5": "SUCCEED"}
_KINDS = {b"1": "run", b"3": "rollback"}
_REPEATED_NS = 3_000_000_000
"""A sub-task that is not begun is handed out again in each pass; after a longer pause it is another hand-out."""


class SchedulerReader:
    """Reads the lines of one scheduler; ``gid_of`` makes a generic id of a row id, ``keep`` takes each fact with its DAG's id."""

    def __init__(self, gid_of: Callable[[bytes], str], keep: Callable[[str, Passes | HandOut | TaskState], None]) -> None:
        self._gid_of = gid_of
        self._keep = keep
        self._dag = b""
        self._dag_at = 0
        self._node = b""
        self._node_at = 0
        self._passes: dict[bytes, Passes] = {}
        self._hand_outs: dict[bytes, HandOut] = {}
        self._known_states: dict[bytes, str] = {}
        self.since = 0
        """When the log begins."""
        self.handed_last: tuple[bytes, int] | None = None
        """The sub-task that was handed out by the last line, for the executor's line that follows at once."""

    # -- lines ------------------------------------------------------------------------------------------------------------------------

    def idle_pass(self, at: int, dag: bytes, node: bytes, operator: bytes) -> None:
        """A whole pass that did nothing but look."""
        passes = self._passes.get(dag)
        if passes is None or passes.node_gid != self._gid_of(node) or passes.operator != _OPERATORS.get(operator):
            passes = self._begin(dag, node, operator, at, at)
        passes.last_at = at
        self._node = b""

    def advance_dag(self, at: int, text: bytes) -> None:
        """``advance dag D``."""
        self._dag, self._dag_at, self._node = text.strip(), at, b""

    def advance_node(self, at: int, text: bytes) -> None:
        """``advance node N``."""
        self._node, self._node_at = text.strip(), at

    def node(self, at: int, text: bytes) -> None:
        """``node N is finished``: it had ended before, and is stepped over."""
        node, _, rest = text.partition(b" ")
        if rest.startswith(b"is finished") and self._dag and node == self._node:
            fresh = Passes(
                dag_gid=self._gid_of(self._dag), node_gid=self._gid_of(node), operator=None, dag_at=self._dag_at, node_at=at, last_at=at
            )
            fresh.finished_at, fresh.stepped_over = at, True
            self._close(self._dag)
            self._keep(fresh.dag_gid, fresh)

    def advance_task(self, at: int, text: bytes) -> None:
        """``advanceTask: node N operator O``."""
        node, _, rest = text.partition(b" operator ")
        if not self._dag or node != self._node:
            return
        passes = self._passes.get(self._dag)
        if passes is None or passes.node_gid != self._gid_of(node) or passes.operator != _OPERATORS.get(rest.strip()):
            passes = self._begin(self._dag, node, rest.strip(), self._dag_at, at)
        passes.last_at = at

    def task_state(self, at: int, text: bytes) -> None:
        """``sub task T state S``, of nodes that run for the first time."""
        task, _, rest = text.partition(b" state ")
        state = _STATES.get(rest.strip())
        passes = self._passes.get(self._dag)
        if passes is None or state is None:
            return
        if state == "PENDING" and passes.dag_at == self._dag_at:
            passes.fresh = True
        if state in ENDED and self._known_states.get(task) != state:
            self._keep(
                passes.dag_gid, TaskState(dag_gid=passes.dag_gid, node_gid=passes.node_gid, task_gid=self._gid_of(task), at=at, state=state)
            )
        self._known_states[task] = state

    def cancelling(self, at: int, text: bytes) -> None:
        """``handle cancel sub task T, is local task: …``: the scheduler has ended it."""
        task = text.partition(b",")[0]
        passes = self._passes.get(self._dag)
        if passes is not None:
            gid = self._gid_of(task)
            self._keep(passes.dag_gid, TaskState(dag_gid=passes.dag_gid, node_gid=passes.node_gid, task_gid=gid, at=at, state="cancelled"))

    def passed(self, at: int, text: bytes) -> None:
        """``ready Task num K, isFinished B, isSucceed B``: how the pass ended."""
        passes = self._passes.get(self._dag)
        if passes is None:
            return
        passes.last_at = at
        if b"isFinished true" in text:
            passes.finished_at, passes.succeeded = at, b"isSucceed true" in text
            self._close(self._dag)

    def ready(self, at: int, text: bytes) -> None:
        """``ready sub task T operator O``: handed out, for the first time or again."""
        task, _, rest = text.partition(b" operator ")
        kind = _KINDS.get(rest.strip())
        passes = self._passes.get(self._dag)
        if passes is None or kind is None:
            return
        self.handed_last = (task, at)
        known = self._hand_outs.get(task)
        again = known is not None and known.kind == kind and known.node_gid == passes.node_gid and at - known.last_at <= _REPEATED_NS
        if known is not None and again:
            known.last_at = at
            return
        self._known_states.pop(task, None)
        if known is not None:
            self._keep(known.dag_gid, known)
        gid = self._gid_of(task)
        self._hand_outs[task] = HandOut(dag_gid=passes.dag_gid, node_gid=passes.node_gid, task_gid=gid, at=at, last_at=at, kind=kind)
        if passes.dag_at == self._dag_at and passes.operator != "RUN" and at - self.since > _REPEATED_NS:
            passes.fresh = True  # while it lasts, every second has a pass; a log that begins in its middle shows no pause before

    def sent(self, _: int, text: bytes) -> None:
        """``send run sub task T to A``."""
        task, __, agent = text.partition(b" to ")
        known = self._hand_outs.get(task)
        if known is not None:
            known.agent = agent.strip().decode(errors="replace")
        self.handed_last = None

    # -- series -----------------------------------------------------------------------------------------------------------------------

    def _begin(self, dag: bytes, node: bytes, operator: bytes, dag_at: int, node_at: int) -> Passes:
        before = self._passes.get(dag)
        self._close(dag)
        passes = Passes(
            dag_gid=self._gid_of(dag),
            node_gid=self._gid_of(node),
            operator=_OPERATORS.get(operator),
            dag_at=dag_at,
            node_at=node_at,
            last_at=node_at,
            fresh=before is not None,
        )
        self._passes[dag] = passes
        return passes

    def _close(self, dag: bytes) -> None:
        passes = self._passes.pop(dag, None)
        if passes is None:
            return
        self._keep(passes.dag_gid, passes)
        for task in [
            task for task, known in self._hand_outs.items() if known.node_gid == passes.node_gid and known.dag_gid == passes.dag_gid
        ]:
            known = self._hand_outs.pop(task)
            self._keep(known.dag_gid, known)

    def flush(self) -> None:
        """Hand on what is not closed."""
        for dag in list(self._passes):
            self._close(dag)
        for known in self._hand_outs.values():
            self._keep(known.dag_gid, known)
        self._hand_outs.clear()
