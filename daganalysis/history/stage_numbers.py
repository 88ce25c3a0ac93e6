"""The stages of nodes: their true numbers, or None. Answers may have been filtered, so a place in a list proves no stage."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify
from daganalysis.engine.states import ENDED
from daganalysis.history.completeness import n_stages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daganalysis.engine.records import Dag, Node
    from daganalysis.history.evidence import RunEvidence, Snapshot

_SAME_PASS_NS = 50_000_000
"""Two stamps of the same scheduler pass differ by less than this (engine-semantics §5: 13 to 30 ms)."""
_ROOM_FOR_A_STAGE_NS = 2_500_000_000
"""A stage costs two passes, and the next one starts a pass later (engine-semantics §5): less room than this holds none."""
_UNBOUNDED = 10**9

Numbers = dict[str, "int | None"]


def number_stages(run: RunEvidence) -> Numbers:
    """Return the number of each known node, by generic id, in order; None if the answers do not prove it.

    A list of ``max_stage`` nodes is complete. Otherwise each node has a least and a greatest number. Three things narrow them: the order of
    the nodes, the stage at which the DAG stands, and stages that followed each other too soon for another one.
    """
    n = n_stages(run)
    if n is not None and len(run.stages) == n and not any(snapshot.places for snapshot in run.snapshots):
        return {gid: stage for stage, gid in enumerate(run.stages, start=1)}
    bounds = _Bounds(run.stages, n)
    for snapshot in run.snapshots:
        for gid, low, high in _bounds_shown_by(snapshot, n):
            bounds.narrow(gid, low, high)
    if run.begins_at_first_stage:
        bounds.narrow(run.stages[0], 1, 1)
    bounds.settle(_neighbours(run))
    return bounds.numbers()


def follows_directly(one: str, other: str, n: int = 1) -> bool:
    """Return whether a node is the n-th after another one: one transaction creates the rows of all nodes of a DAG, in order.

    >>> follows_directly("1401", "1402"), follows_directly("1401", "1403")
    (True, False)
    """
    rows = [identify(gid).row_id for gid in (one, other)]
    return None not in rows and int(rows[1] or 0) - int(rows[0] or 0) == n


def ordinals(numbers: Numbers) -> dict[str, int]:
    """Return a number for each node that the rules use as its place: the true one if all are known.

    If a node may not follow the one before it directly, there is a gap between their ordinals, in which others may be hidden.

    >>> ordinals({"11": 1, "12": 2}), ordinals({"11": 1, "13": None, "14": None})
    ({'11': 1, '12': 2}, {'11': 1, '13': 3, '14': 5})
    """
    result: dict[str, int] = {}
    ordinal, before = 0, 0 if numbers else None
    for gid, number in numbers.items():
        ordinal += number - before if number is not None and before is not None else 2
        result[gid], before = ordinal, number
    return result


class _Bounds:
    """The least and the greatest number of each node."""

    def __init__(self, gids: Sequence[str], n: int | None) -> None:
        self._gids = list(gids)
        most = n if n is not None and n >= len(gids) else _UNBOUNDED
        self._low = {gid: place for place, gid in enumerate(gids, start=1)}
        self._high = {gid: most - len(gids) + place for place, gid in enumerate(gids, start=1)}

    def narrow(self, gid: str, low: int, high: int) -> None:
        if gid in self._low:
            self._low[gid] = max(self._low[gid], low)
            self._high[gid] = min(self._high[gid], high)

    def settle(self, neighbours: set[tuple[str, str]]) -> None:
        """Narrow the bounds of each node by those of its neighbours. Two rounds in both directions are enough."""
        pairs = list(pairwise(self._gids))
        for _ in range(2):
            for one, other in pairs:
                self._carry(one, other, adjacent=(one, other) in neighbours)
            for one, other in reversed(pairs):
                self._carry(one, other, adjacent=(one, other) in neighbours)

    def _carry(self, one: str, other: str, *, adjacent: bool) -> None:
        self.narrow(other, self._low[one] + 1, self._high[one] + 1 if adjacent else _UNBOUNDED)
        self.narrow(one, self._low[other] - 1 if adjacent else 1, self._high[other] - 1)

    def numbers(self) -> Numbers:
        if any(self._low[gid] > self._high[gid] for gid in self._gids):
            return dict.fromkeys(self._gids)
        return {gid: self._low[gid] if self._low[gid] == self._high[gid] else None for gid in self._gids}


def _bounds_shown_by(snapshot: Snapshot, n: int | None) -> Iterator[tuple[str, int, int]]:
    """Yield what one answer shows about the numbers of its nodes: (generic id, least, greatest)."""
    dag, nodes = snapshot.dag, snapshot.nodes or []
    if snapshot.n_listed == n:
        for place, node in enumerate(nodes, start=1):
            number = snapshot.places[place - 1] if snapshot.places else place
            yield node.gid, number, number
        return
    if dag.stage is not None and dag.operator in {"RUN", "ROLLBACK"} and dag.state in {"RUNNING", "FAILED"}:
        current = [node for node in nodes if node.state == dag.state]
        if len(current) == 1:
            yield current[0].gid, dag.stage, dag.stage
        if dag.operator == "RUN":
            yield from _beside_the_current(nodes, dag.stage, failed=dag.state == "FAILED")
    if dag.operator != "RUN" or dag.start is None:
        return
    for node in nodes:
        if node.operator == "RUN" and node.start is not None and 0 <= node.start - dag.start <= _SAME_PASS_NS and node.state != "PENDING":
            yield node.gid, 1, 1
        if n is not None and _ends_the_dag(node, dag):
            yield node.gid, n, n


def _ends_the_dag(node: Node, dag: Dag) -> bool:
    if dag.state != "SUCCEED" or node.operator not in {"RUN", "RETRY"} or node.end is None or dag.end is None:
        return False
    return 0 <= dag.end - node.end <= _SAME_PASS_NS


def _beside_the_current(nodes: Sequence[Node], stage: int, *, failed: bool) -> Iterator[tuple[str, int, int]]:
    """Bound the nodes of a DAG that runs forward: what never ran comes after its stage, what succeeded does not."""
    for node in nodes:
        if node.operator == "RUN" and node.state == "PENDING":
            yield node.gid, stage + 1 if failed else stage, _UNBOUNDED
        elif node.operator == "RUN" and node.state == "SUCCEED":
            yield node.gid, 1, stage - 1 if failed else stage


def _neighbours(run: RunEvidence) -> set[tuple[str, str]]:
    """Find pairs of nodes that have no other between them: their rows do not, or they followed each other too soon."""
    if run.begins_at_first_stage:
        return {(one, other) for one, other in pairwise(run.stages) if follows_directly(one, other)}
    newest = {gid: run.nodes[gid][-1][1] for gid in run.stages}
    return {
        (one, other)
        for one, other in pairwise(run.stages)
        if newest[one].operator in {"RUN", "RETRY"} and newest[one].state == "SUCCEED" and newest[other].operator == "RUN"
        if newest[other].state in {"RUNNING", *ENDED}
        if 0 <= (newest[other].start or 0) - (newest[one].end or _UNBOUNDED * 10**10) < _ROOM_FOR_A_STAGE_NS
    }
