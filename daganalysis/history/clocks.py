"""Attempts on the clock of their DAG: how far the clocks of the agents are off, and times moved by that much.

In a cluster DAG, nodes have the times of the maintainer's server, and sub-tasks those of the agents that executed them. A local DAG has one
clock (engine-semantics §5). A node starts before its sub-tasks and ends after them. Times that contradict this show how far a clock is
ahead: at most `sub-task start − node start`, at least `sub-task end − node end`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from daganalysis.engine.identifiers import identify
from daganalysis.engine.states import BEGUN
from daganalysis.engine.times import QUARTER_HOUR_NS, SCHEDULER_STAMPED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence

    AttemptsIn = dict[str, dict[str, list[Attempt]]]

_USUAL_DISPATCH_NS = 20_000_000
"""A sub-task starts this long after its node, give or take 10 ms (engine-semantics §5)."""
_LATE_DISPATCH_NS = 5_000_000_000
"""A clock that shows another zone is off by whole quarter hours; its node began at most this much before the sub-task."""


class Offset(NamedTuple):
    """How far the clock of an agent is ahead of the clock of the DAG's own rows, nanoseconds; negative if it is behind.

    It lies between ``low`` and ``high`` (None: not bounded). Times are moved by ``used``. It is None if no offset fits (low is above high),
    because the clock was set in between.
    """

    low: int | None
    high: int | None
    used: int | None


class Offsets(dict[tuple[str, str], Offset]):
    """The offset of each agent whose clock is off, by node and agent. No difference is seen for all other agents.

    ``node_starts`` has the start of the first execution of each node, if it is known.
    """

    def __init__(self, node_starts: Mapping[str, int] | None = None) -> None:
        super().__init__()
        self.node_starts = node_starts or {}

    def of_agents(self) -> dict[str, list[Offset]]:
        """Return the different offsets of each agent, by agent."""
        found: dict[str, list[Offset]] = {}
        for (_, agent), offset in self.items():
            known = found.setdefault(agent, [])
            if offset not in known:
                known.append(offset)
        return {agent: found[agent] for agent in sorted(found)}


def in_common(bounds: Iterable[tuple[int | None, int | None]]) -> tuple[int | None, int | None]:
    """Return the bounds that satisfy all of the given ones. The lower is above the upper if they contradict each other.

    >>> in_common([(1, 5), (None, 4), (2, None)])
    (2, 4)
    """
    lows, highs = [], []
    for low, high in bounds:
        if low is not None:
            lows.append(low)
        if high is not None:
            highs.append(high)
    return max(lows, default=None), min(highs, default=None)


class _Window(msgspec.Struct, gc=False):
    start: int
    end: int | None


def find_offsets(run: RunEvidence, attempts_in: AttemptsIn) -> Offsets:
    """Find how far each agent's clock is off, from the first attempts in the first execution of each node.

    Only a first execution certainly holds the first attempts of its sub-tasks: a retry does not execute what had succeeded before
    (engine-semantics §2.3). One offset is used for the whole run if it fits everywhere. Otherwise each node has its own. ``attempts_in``
    are the attempts by node and sub-task.
    """
    if identify(run.gid).scope != "cluster":
        return Offsets()
    windows = {gid: window for gid in attempts_in if (window := _first_execution(run, gid)) is not None}
    off = {
        first.agent
        for gid, window in windows.items()
        for first in _firsts(attempts_in[gid].values())
        if first.agent is not None and not _is_inside(first, window) and _is_outside(first, window)
    }
    return _measure(off, windows, attempts_in) if off else Offsets()


def on_dag_clock(attempts_in: AttemptsIn, offsets: Offsets) -> AttemptsIn:
    """Return the attempts of a run with the times of agents that are ahead or behind moved to the clock of the DAG's own rows.

    Attempts that need no correction are the same objects.
    """
    if not offsets:
        return attempts_in
    return {
        node_gid: {gid: [_moved(attempt, node_gid, offsets) for attempt in attempts] for gid, attempts in own.items()}
        for node_gid, own in attempts_in.items()
    }


def _moved(attempt: Attempt, node_gid: str, offsets: Offsets) -> Attempt:
    offset = offsets.get((node_gid, attempt.agent or ""))
    if offset is None or attempt.start is None:
        return attempt
    if offset.used is None:
        start = offsets.node_starts.get(node_gid, attempt.start)
        return replace(attempt, start=start, end=None if attempt.end is None else start, is_unplaced=True)
    start, end = attempt.start - offset.used, attempt.end
    if end is not None and (attempt.ending not in SCHEDULER_STAMPED or end < start):
        end -= offset.used
    return replace(attempt, start=start, end=end)


def _firsts(attempts_of: Iterable[list[Attempt]]) -> Iterable[Attempt]:
    """Yield the first attempts that are runs with a known start."""
    for attempts in attempts_of:
        if attempts and attempts[0].kind == "run" and attempts[0].start is not None:
            yield attempts[0]


def _is_inside(first: Attempt, window: _Window) -> bool:
    """Return whether both times of an attempt lie in an execution, as nearly all do, so that its clock may agree."""
    start, end = first.start, first.end
    return start is not None and end is not None and window.end is not None and window.start <= start <= end <= window.end


def _is_outside(first: Attempt, window: _Window) -> bool:
    low, high = _bounds(first, window)
    return (high is not None and high < 0) or (low is not None and low > 0)


def _bounds(first: Attempt, window: _Window) -> tuple[int | None, int | None]:
    """Return the least and the most by which an agent's clock is ahead, as one of its attempts shows."""
    if first.start is None:
        return None, None
    high = first.start - window.start
    if first.end is None:
        return None, high
    if first.ending == "cancelled":
        return first.start - first.end, high
    if first.ending == "timeout":
        return None, high
    return None if window.end is None else first.end - window.end, high


def _measure(agents: set[str], windows: dict[str, _Window], attempts_in: AttemptsIn) -> Offsets:
    by_node: dict[str, dict[str, tuple[int | None, int | None]]] = {agent: {} for agent in sorted(agents)}
    for gid, own in attempts_in.items():
        for attempts in own.values():
            for attempt in attempts:
                if attempt.agent in agents:
                    by_node[attempt.agent].setdefault(gid, (None, None))
        if gid in windows:
            for first in _firsts(own.values()):
                if first.agent in agents:
                    by_node[first.agent][gid] = in_common([by_node[first.agent][gid], _bounds(first, windows[gid])])
    found = Offsets({gid: window.start for gid, window in windows.items()})
    for agent, bounds in by_node.items():
        low, high = in_common(bounds.values())
        one_fits = low is None or high is None or low <= high
        for gid, own_bounds in bounds.items():
            offset = _offset(low, high) if one_fits else _offset(*own_bounds)
            if offset is not None:
                found[gid, agent] = offset
    return found


def _offset(low: int | None, high: int | None) -> Offset | None:
    """Choose an offset within bounds; None if the clocks may agree."""
    if (low is None or low <= 0) and (high is None or high >= 0):
        return Offset(None, None, None) if low is None and high is None else None
    if low is not None and high is not None and low > high:
        return Offset(low, high, None)
    if high is None:
        return Offset(low, None, low)
    zones = high // QUARTER_HOUR_NS * QUARTER_HOUR_NS
    if zones and high - zones <= _LATE_DISPATCH_NS and (low is None or low <= zones):
        return Offset(low, high, zones)
    usual = high - _USUAL_DISPATCH_NS
    return Offset(low, high, usual if low is None or low <= usual else (low + high) // 2)


def _first_execution(run: RunEvidence, node_gid: str) -> _Window | None:
    """Return the start, and the end if an answer showed it, of the execution of a node that no operator had asked for."""
    found: _Window | None = None
    for _, node in run.nodes.get(node_gid, ()):
        if node.operator == "RUN" and node.state in BEGUN and node.start is not None:
            ended = node.state != "RUNNING" and node.end is not None and node.end >= node.start
            found = _Window(node.start, node.end if ended else found.end if found else None)
    return found
