"""The zone of the database's session, if it differs from the zone of the agents.

obshell labels the result of ``NOW(6)`` with the zone of its own agent, but the session of the database may have another zone. Then all
times of a cluster DAG are off by the difference, a number of quarter hours, and agents in two zones show one row at two instants
(engine-semantics §12). Two facts bound the zone: no time lies after the answer that shows it, and no time that a later answer adds to a
running DAG lies before an earlier answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from daganalysis.engine.identifiers import identify
from daganalysis.engine.times import DEFAULT_DATABASE_OFFSET_NS, QUARTER_HOUR_NS, SECOND_NS, TRUE, dag_times, node_times, sub_task_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.engine.records import Dag, Node, SubTask
    from daganalysis.history.evidence import Snapshot

_CLOCKS_DIFFER_NS = 1500 * SECOND_NS
"""Zones differ by at least half an hour. A smaller difference is a clock that is off."""
_SLACK_NS = 60 * SECOND_NS
"""How far the clocks of the agents may be off in addition."""
_EARTH = range(-12 * 4, 14 * 4 + 1)
"""The offsets of zones from UTC, in quarter hours."""


class DatabaseZone(NamedTuple):
    """The zone of the database's session, if it differs from the zone of the agents: its UTC offset in nanoseconds, or None with bounds."""

    offset: int | None
    low: int | None
    high: int | None

    def moves(self, label_s: int | None) -> int:
        """Return by how many nanoseconds the times of an answer are moved, from the offset with which its agent labels them."""
        return 0 if self.offset is None or label_s is None else label_s * SECOND_NS - self.offset


def in_database_zone(gid: str, snapshots: list[Snapshot]) -> tuple[list[Snapshot], DatabaseZone | None]:
    """Return the answers behind one id with times corrected by the zone of the database, and that zone; None if nothing is wrong."""
    if identify(gid).scope != "cluster":
        return snapshots, None
    usable = [s for s in snapshots if s.answer.observed_at is not None and s.answer.utc_offset_s is not None]
    if not _is_suspicious(usable):
        return snapshots, None
    zone = _find_zone(usable)
    if zone.offset is None:
        return snapshots, zone
    moved: dict[tuple[int, int], Node] = {}
    return [_moved(snapshot, zone.moves(_label(snapshot)), moved) for snapshot in snapshots], zone


def move_node(node: Node, by: int) -> Node:
    """Return a node and its sub-tasks with their times moved."""
    if not by:
        return node
    tasks = node.sub_tasks
    return msgspec.structs.replace(
        node,
        start=_plus(node.start, by),
        end=_plus(node.end, by),
        moved=by,
        sub_tasks=None if tasks is None else [move_sub_task(task, by) for task in tasks],
    )


def move_sub_task(task: SubTask, by: int) -> SubTask:
    """Return a sub-task with its times moved."""
    return msgspec.structs.replace(task, start=_plus(task.start, by), end=_plus(task.end, by), moved=by) if by else task


def _moved(snapshot: Snapshot, by: int, known: dict[tuple[int, int], Node]) -> Snapshot:
    """Move the times of one answer; a node that several answers show alike stays one object."""
    if not by:
        return snapshot
    dag = snapshot.dag
    nodes = None
    if snapshot.nodes is not None:
        for node in snapshot.nodes:
            if (id(node), by) not in known:
                known[id(node), by] = move_node(node, by)
        nodes = [known[id(node), by] for node in snapshot.nodes]
    return msgspec.structs.replace(
        snapshot, dag=msgspec.structs.replace(dag, start=_plus(dag.start, by), end=_plus(dag.end, by), moved=by), nodes=nodes
    )


def _plus(instant: int | None, by: int) -> int | None:
    return None if instant is None else instant + by


def _label(snapshot: Snapshot) -> int | None:
    """The offset from UTC that the agent labelled the times with."""
    return snapshot.answer.utc_offset_s if snapshot.dag.utc_offset_s is None else snapshot.dag.utc_offset_s


def _label_ns(snapshot: Snapshot) -> int:
    return (_label(snapshot) or 0) * SECOND_NS


def _events(dag: Dag) -> list[int]:
    """The true times of a DAG itself."""
    times = dag_times(dag.state, dag.operator)
    return [t for t, meaning in ((dag.start, times.start), (dag.end, times.end)) if t is not None and meaning is TRUE]


def _is_suspicious(snapshots: Sequence[Snapshot]) -> bool:
    """Return whether the DAG's own times, as they are labelled, contradict the envelopes or each other."""
    if any(event > s.at + _CLOCKS_DIFFER_NS for s in snapshots for event in _events(s.dag)):
        return True
    if len(snapshots) == 1:
        return False
    if len({_label(s) for s in snapshots}) > 1:
        # Agents in two zones show one start, by the wall clock, at two instants.
        starts = {(s.dag.start, s.dag.start + _label_ns(s)) for s in snapshots if s.dag.start is not None}
        if len({wall for _, wall in starts}) < len(starts):
            return True
    return any(event + _CLOCKS_DIFFER_NS < s.at for s, event in _first_news(snapshots, 0))


def _first_news(snapshots: Sequence[Snapshot], labelled: int) -> list[tuple[Snapshot, int]]:
    """Return each answer that shows the DAG running, with the first later time of the DAG that the answer does not show yet.

    Times are instants as labelled, or of the wall clock if ``labelled`` is 1.
    """
    events = sorted({event + labelled * _label_ns(s) for s in snapshots for event in _events(s.dag)})
    found = []
    for snapshot in snapshots:
        if snapshot.dag.state == "RUNNING" and snapshot.dag.start is not None:
            start = snapshot.dag.start + labelled * _label_ns(snapshot)
            news = next((event for event in events if event > start), None)
            if news is not None:
                found.append((snapshot, news))
    return found


def _find_zone(snapshots: Sequence[Snapshot]) -> DatabaseZone:
    """Bound the offset of the database's session. It is known if exactly one quarter hour fits, or if one of several is most likely."""
    low = max((_newest(s) + _label_ns(s) - s.at for s in snapshots if _newest(s)), default=None)
    high = min((news - s.at for s, news in _first_news(snapshots, 1)), default=None)
    fitting = [
        quarters * QUARTER_HOUR_NS
        for quarters in _EARTH
        if (low is None or quarters * QUARTER_HOUR_NS >= low - _SLACK_NS)
        and (high is None or quarters * QUARTER_HOUR_NS <= high + _SLACK_NS)
    ]
    likely = [offset for offset in fitting if offset in {_label_ns(s) for s in snapshots}]
    if len(fitting) != 1 and len(likely) == 1:
        fitting = likely
    elif len(fitting) > 1 and fitting[0] == DEFAULT_DATABASE_OFFSET_NS:
        fitting = fitting[:1]
    return DatabaseZone(fitting[0] if len(fitting) == 1 else None, low, high)


def _newest(snapshot: Snapshot) -> int:
    """The newest true time in an answer; 0 if there is none."""
    found = _events(snapshot.dag)
    for node in snapshot.nodes or ():
        times = node_times(node.state, node.operator, executed=True)
        found += [t for t, meaning in ((node.start, times.start), (node.end, times.end)) if t is not None and meaning is TRUE]
        for task in node.sub_tasks or ():
            own = sub_task_times(task.state, task.operator, task.execute_times or 0)
            found += [t for t, meaning in ((task.start, own.start), (task.end, own.end)) if t is not None and meaning is TRUE]
    return max(found, default=0)
