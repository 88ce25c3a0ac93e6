"""Earlier answers about a regular run: whether they show only steps towards the newest answer.

A run that is polled has many answers. If each of them shows every object in a state that comes before its state in the next one, without
another execution in between, the rules find in all of them together what they find in the newest one, and when the run was created.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.reading.decoding import served_offset
from daganalysis.reading.instants import usual_instants
from daganalysis.reading.lenient_fields import text_of
from daganalysis.reading.regular_answers import decode_untroubled_dag, decode_untroubled_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from daganalysis.reading.answers import Answer
    from daganalysis.reading.regular_answers import (
        RegularDag,
        RegularNode,
        UntroubledDag,
        UntroubledNode,
        UntroubledTask,
    )

    _Untroubled = UntroubledDag | UntroubledNode | UntroubledTask
    Numbers = npt.NDArray[np.int64]
    _Mask = npt.NDArray[np.bool_]

_PENDING, _READY, _RUNNING, _SUCCEED = range(4)
_PROGRESS = {"PENDING": _PENDING, "READY": _READY, "RUNNING": _RUNNING, "SUCCEED": _SUCCEED}
_HAND_OUTS = {"PENDING": 0, "READY": 1, "RUNNING": 1, "SUCCEED": 1}
_UNCHANGING = attrgetter("id", "dag_id", "name", "max_stage", "maintenance_type", "maintenance_key", "additional_data")
_UNCHANGING_OF_NODE = attrgetter("id", "node_id", "name")
_UNCHANGING_OF_TASK = attrgetter("id", "task_id", "name")
_NEVER = (1 << 63) - 1


@dataclass(slots=True, eq=False)
class Polls:
    """The answers about a run before its newest one, oldest first, with the DAG's own fields in each.

    ``creations`` are the instants at which rows were created, ``unused`` other instants that no rule uses, both as texts. The DAG was shown
    running from ``running_from`` to ``running_to``, and ended from ``ended_from`` on, by the times of the answers.
    """

    answers: Sequence[Answer] = ()
    dags: list[UntroubledDag] = field(default_factory=list)
    creations: set[str] = field(default_factory=set)
    unused: set[str] = field(default_factory=set)
    running_from: int = _NEVER
    running_to: int = 0
    ended_from: int = _NEVER

    def _may_become(self, before: _Untroubled, after: _Untroubled) -> bool:
        """Return whether an object may pass from one state to another without another execution; note the instants of the first."""
        progress, later = _PROGRESS[before.state], _PROGRESS[after.state]
        if progress < _RUNNING:
            self.creations.add(before.start_time)
        if progress < _SUCCEED:
            self.unused.add(before.end_time)
        return (
            progress <= later
            and (progress < _RUNNING or before.start_time == after.start_time)
            and (progress < _SUCCEED or before.end_time == after.end_time)
        )

    def dag_may_become(self, before: UntroubledDag, after: UntroubledDag) -> bool:
        """Return whether a DAG may pass from one state to another, and both label instants with the same zone."""
        return (
            _UNCHANGING(before) == _UNCHANGING(after)
            and self._may_become(before, after)
            and (before.start_time == after.start_time or _offset_of(before.start_time) == _offset_of(after.start_time))
        )

    def node_may_become(self, before: UntroubledNode, after: UntroubledNode) -> bool:
        """Return whether a node and its sub-tasks may pass from one state to another."""
        return (
            _UNCHANGING_OF_NODE(before) == _UNCHANGING_OF_NODE(after)
            and text_of(before.additional_data) == text_of(after.additional_data)
            and self._may_become(before, after)
            and len(before.sub_tasks) == len(after.sub_tasks)
            and all(map(self._task_may_become, before.sub_tasks, after.sub_tasks))
        )

    def _task_may_become(self, before: UntroubledTask, after: UntroubledTask) -> bool:
        if before == after:
            return True  # both are earlier answers, and the later one was checked already
        if before.execute_times != _HAND_OUTS[before.state]:
            return False
        lines, more = before.task_logs, after.task_logs
        return (
            _UNCHANGING_OF_TASK(before) == _UNCHANGING_OF_TASK(after)
            and text_of(before.additional_data) == text_of(after.additional_data)
            and self._may_become(before, after)
            and (before.state == "PENDING" or before.execute_agent == after.execute_agent)
            and (lines is None or (more is not None and more[: len(lines)] == lines))
        )


NO_POLLS = Polls()


def _offset_of(instant: str) -> int | None:
    """Return the offset from UTC with which an instant was served; None for a text that is no instant, which is found later."""
    try:
        return served_offset(instant)
    except ValueError:
        return None


def polls_before(earlier: Sequence[Answer], newest: Answer, dag: RegularDag, nodes: Sequence[RegularNode]) -> Polls | None:
    """Return the earlier answers about a run that succeeded, given in order of time; None if they show more than the way to that."""
    polls = Polls(earlier)
    at, body = newest.observed_at, newest.body
    own: UntroubledDag = dag
    texts: list[bytes] = list(newest.nodes or ())
    shown: list[UntroubledNode] = list(nodes)
    for answer in reversed(earlier):
        if at is None or answer.observed_at is None or answer.observed_at >= at or answer.utc_offset_s != newest.utc_offset_s:
            return None
        at = answer.observed_at
        if answer.body != body:
            before = decode_untroubled_dag(answer.body)
            if before is None or not polls.dag_may_become(before, own):
                return None
            body, own = answer.body, before
        polls.dags.append(own)
        if own.state == "RUNNING":
            polls.running_from, polls.running_to = at, max(polls.running_to, at)
        elif own.state == "SUCCEED":
            polls.ended_from = at
        if answer.nodes is not None and answer.nodes != texts and not _nodes_may_become(polls, answer.nodes, texts, shown):
            return None
    polls.dags.reverse()
    return polls


def _nodes_may_become(polls: Polls, nodes: Sequence[bytes], texts: list[bytes], shown: list[UntroubledNode]) -> bool:
    """Return whether the nodes of an answer may become those of the next one, which they replace in ``texts`` and ``shown``."""
    if len(nodes) != len(texts):
        return False
    for place, text in enumerate(nodes):
        if text != texts[place]:
            node = decode_untroubled_node(text)
            if node is None or not polls.node_may_become(node, shown[place]):
                return False
            texts[place], shown[place] = text, node
    return True


def creations_of(polls: Sequence[Polls]) -> Numbers:
    """Return when each run was created; 0 if no answer shows it, -1 if an answer has a placeholder or no instant where one belongs."""
    created = np.zeros(len(polls), np.int64)
    polled = [place for place, own in enumerate(polls) if own.creations or own.unused]
    if polled:
        texts = [text for place in polled for text in (*polls[place].creations, *polls[place].unused)]
        is_creation = np.concatenate([np.arange(_n_instants(polls[place])) < len(polls[place].creations) for place in polled])
        run = np.repeat(polled, [_n_instants(polls[place]) for place in polled])
        instants = usual_instants(texts)
        created[polled] = _NEVER
        np.minimum.at(created, run[is_creation], instants[is_creation])
        created[created == _NEVER] = 0
        created[run[instants == 0]] = -1
    return created


def _n_instants(polls: Polls) -> int:
    return len(polls.creations) + len(polls.unused)


def are_in_time(polls: Sequence[Polls], created: Numbers, start: Numbers, end: Numbers) -> _Mask:
    """Return whether the times of the answers agree with those of the runs, as they do unless a clock or a zone is wrong."""
    if not any(own.answers for own in polls):
        return np.ones(len(polls), np.bool_)
    bounds = [(own.running_from, own.running_to, own.ended_from) for own in polls]
    running_from, running_to, ended_from = np.array(bounds, np.int64).T
    in_time: _Mask = (created >= 0) & (created <= start) & (start <= running_from) & (running_to <= end) & (end <= ended_from)
    return in_time
