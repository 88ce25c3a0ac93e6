"""Regular runs, which went well and leave nothing in doubt, found for many runs at a time.

Most runs in an archive have one answer. It shows that each sub-task was handed out once and succeeded, within its node,
and that each node ran after the one before it. What the rules find in such a run depends on the order of its times, which is always the
same. So the rules judge one regular run, and their findings hold for all (:mod:`daganalysis.history.regular_rows`); only the times differ.
A run that differs in anything else is left to the rules (:func:`daganalysis.history.judging.judge_run`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.identifiers import key_of
from daganalysis.engine.log_lines import may_name_a_dag
from daganalysis.history.links import may_name_relatives
from daganalysis.history.stretches import LONGEST_STEP_NS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import numpy.typing as npt

    from daganalysis.engine.records import Dag, Node, SubTask
    from daganalysis.history.decoded_snapshots import Decoder
    from daganalysis.reading.answers import Answer

    Numbers = npt.NDArray[np.int64]
    _Mask = npt.NDArray[np.bool_]

STATE, OPERATOR = "SUCCEED", "RUN"
_GID = attrgetter("gid")


@dataclass(slots=True, frozen=True)
class RegularRun:
    """One run that may be regular, as its one answer showed it; ``tasks`` are those of each node, in order of their ids."""

    run_id: str
    answer: Answer
    dag: Dag
    nodes: list[Node]
    tasks: list[list[SubTask]]


class RegularRuns:
    """Regular runs in order of their keys, with their nodes, sub-tasks and spans one after the other.

    A span is a time in which at least one sub-task of a node ran. Arrays named ``x_of_y`` hold the place of the x that each y belongs to;
    all times are nanoseconds.
    """

    def __init__(self, runs: Sequence[RegularRun]) -> None:
        self.runs = runs
        self.nodes = list(chain.from_iterable([run.nodes for run in runs]))
        tasks = list(chain.from_iterable([run.tasks for run in runs]))
        self.tasks = list(chain.from_iterable(tasks))
        self.n_nodes = _numbers([len(run.nodes) for run in runs])
        self.n_tasks = _numbers([len(own) for own in tasks])
        self.run_of_node = np.repeat(np.arange(len(runs)), self.n_nodes)
        self.node_of_task = np.repeat(np.arange(len(self.nodes)), self.n_tasks)
        self.first_node = np.cumsum(self.n_nodes) - self.n_nodes
        self.last_node = self.first_node + self.n_nodes - 1
        self.stage = np.arange(1, len(self.nodes) + 1) - self.first_node[self.run_of_node]
        self.start, self.end = _times([run.dag for run in runs])
        self.node_start, self.node_end = _times(self.nodes)
        self.task_start, self.task_end = _times(self.tasks)
        self.before_node = np.concatenate(([0], self.node_end[:-1]))
        """The end of the node before it, or the start of the DAG."""
        self.before_node[self.first_node] = self.start
        self._find_spans()

    def _find_spans(self) -> None:
        order = np.lexsort((self.task_end, self.task_start, self.node_of_task))
        node, begun, ended = self.node_of_task[order], self.task_start[order], self.task_end[order]
        distance = 1
        while distance < self.n_tasks.max(initial=0):  # in the end each has the latest end of all up to it in its node
            same = node[distance:] == node[:-distance]
            ended[distance:] = np.where(same, np.maximum(ended[distance:], ended[:-distance]), ended[distance:])
            distance *= 2
        is_first = np.concatenate(([True], node[1:] != node[:-1]))
        begins = np.flatnonzero(is_first | np.concatenate(([True], begun[1:] > ended[:-1])))
        self.node_of_span, self.span_start = node[begins], begun[begins]
        self.span_end = ended[np.concatenate((begins[1:], [len(node)])) - 1]
        self.is_first_span = is_first[begins]
        self.before_span = np.where(self.is_first_span, self.node_start[self.node_of_span], np.concatenate(([0], self.span_end[:-1])))
        """The end of the span before it, or the start of its node."""
        self.after_spans = self.span_end[np.flatnonzero(np.concatenate((self.is_first_span[1:], [True])))]
        """The end of the last span of each node."""

    def are_regular(self) -> _Mask:
        """Return for each run whether its times are in order and no step takes longer than the engine may need."""
        doubtful = np.zeros(len(self.runs), np.bool_)
        doubtful |= _is_no_step(self.end - self.node_end[self.last_node])
        doubtful[self.run_of_node[_is_no_step(self.node_start - self.before_node)]] = True
        doubtful[self.run_of_node[_is_no_step(self.node_end - self.after_spans)]] = True
        # What takes no time leaves no stretch of its own, and what lies beside it would be one.
        wrong = _is_no_step(self.span_start - self.before_span) | (self.span_end <= self.span_start)
        doubtful[self.run_of_node[self.node_of_span[wrong]]] = True
        doubtful[self.run_of_node[self.node_of_task[self.task_end < self.task_start]]] = True
        return ~doubtful


def find_regular_runs(answers: Sequence[Answer], decoder: Decoder, but: Collection[str]) -> RegularRuns | None:
    """Find the regular runs among those that answers about DAGs show; None if there is none. ``but`` are clusters to leave out."""
    n_answers = Counter((answer.cluster or "", answer.gid) for answer in answers)
    alone = [
        answer
        for answer in answers
        if answer.nodes is not None and n_answers[answer.cluster or "", answer.gid] == 1 and (answer.cluster or "") not in but
    ]
    found = [_as_it_went_well(answer, decoder) for answer in alone]
    return _regular_among(sorted((run for run in found if run is not None), key=attrgetter("run_id")))


def without(runs: RegularRuns | None, keys: Collection[tuple[str, str]]) -> tuple[RegularRuns | None, list[Answer]]:
    """Take the runs with some keys (cluster and generic id) out; also return their answers."""
    if runs is None or not keys:
        return runs, []
    taken = [run.answer for run in runs.runs if (run.answer.cluster or "", run.answer.gid) in keys]
    if not taken:
        return runs, []
    return _regular_among([run for run in runs.runs if (run.answer.cluster or "", run.answer.gid) not in keys]), taken


def _regular_among(runs: Sequence[RegularRun]) -> RegularRuns | None:
    if not runs:
        return None
    found = RegularRuns(runs)
    regular = found.are_regular()
    return found if regular.all() else _regular_among([run for run, is_regular in zip(runs, regular, strict=True) if is_regular])


def _as_it_went_well(answer: Answer, decoder: Decoder) -> RegularRun | None:
    """Return a run that succeeded with each sub-task handed out once, and that speaks of no other; None for any other."""
    decoded = decoder.without_problems(answer)
    if decoded is None:
        return None
    dag, nodes = decoded
    n = len(nodes)
    if not (
        dag.state == STATE
        and dag.operator == OPERATOR
        and dag.max_stage == n > 0
        and dag.stage == n
        and dag.start is not None
        and dag.end is not None
        # A later time in it would show that its times are of another zone.
        and (answer.observed_at is None or dag.end <= answer.observed_at)
        and not may_name_relatives(dag.additional_data)
        and all(map(_went_well, nodes))
    ):
        return None
    tasks: list[list[SubTask]] = []
    lines: list[str] = []
    for node in nodes:
        own = node.sub_tasks
        if not own:
            return None
        tasks.append(own if len(own) == 1 else sorted(own, key=_GID))
        for task in own:
            if task.execute_times != 1 or not _went_well(task):
                return None
            if task.logs:
                lines += task.logs
    every = list(chain.from_iterable(tasks))
    if len(set(map(_GID, every))) < len(every) or len(set(map(_GID, nodes))) < n or may_name_a_dag("\n".join(lines)):
        return None
    return RegularRun(key_of(answer.cluster, answer.gid), answer, dag, nodes, tasks)


def _went_well(row: Node | SubTask) -> bool:
    return row.state == STATE and row.operator == OPERATOR and row.start is not None and row.end is not None


def _is_no_step(took: Numbers) -> _Mask:
    return (took < 0) | (took > LONGEST_STEP_NS)


def _numbers(values: Sequence[int]) -> Numbers:
    return np.fromiter(values, np.int64, len(values))


def _times(rows: Sequence[Dag | Node | SubTask]) -> tuple[Numbers, Numbers]:
    """Return the starts and the ends of rows that have both."""
    return tuple(np.fromiter(map(attrgetter(name), rows), np.int64, len(rows)) for name in ("start", "end"))  # type: ignore[return-value]
