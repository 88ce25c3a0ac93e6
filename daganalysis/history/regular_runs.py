"""Regular runs, which went well and leave nothing in doubt, or had one node retried, found for many runs at a time.

The newest answer about most runs shows that each sub-task was handed out once and succeeded, within its node, and that each node ran after
the one before it. Earlier answers, if there are any, show steps towards that (:mod:`daganalysis.history.regular_polls`). Some runs differ
in one node that was retried (:mod:`daganalysis.history.retried_runs`). The findings of the rules in such a run depend on the order of its
times, which is always the same. So the rules judge one run of each kind, and their findings hold for all
(:mod:`daganalysis.history.regular_rows`); only the times differ. A run that differs in anything else is left to the rules
(:func:`daganalysis.history.judging.judge_run`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain, compress, pairwise
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.identifiers import key_of
from daganalysis.engine.log_lines import may_name_a_dag
from daganalysis.history.clock_doubts import LATE_NS
from daganalysis.history.collecting import in_order_of_time
from daganalysis.history.links import may_name_relatives
from daganalysis.history.regular_examples import N_KINDS
from daganalysis.history.regular_polls import NO_POLLS, Polls, are_in_time, creations_of, polls_before
from daganalysis.history.retried_runs import RetriedNodes, place_of_retried
from daganalysis.history.stretches import LONGEST_STEP_NS
from daganalysis.reading.decoding import have_documented_keys_once
from daganalysis.reading.instants import usual_instants
from daganalysis.reading.lenient_fields import text_of
from daganalysis.reading.regular_answers import decode_regular, decode_retried

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    import numpy.typing as npt

    from daganalysis.reading.answers import Answer
    from daganalysis.reading.decoding import Agent
    from daganalysis.reading.regular_answers import RegularDag, RegularNode, RegularTask

    Numbers = npt.NDArray[np.int64]
    _Mask = npt.NDArray[np.bool_]

_GID, _START, _END = attrgetter("id"), attrgetter("start_time"), attrgetter("end_time")
_NEVER = (1 << 63) - 1


@dataclass(slots=True)
class RegularRun:
    """One run that may be regular, as its newest answer showed it; ``tasks`` are those of each node, in order of their ids.

    ``retried`` is the place of its only node that was retried; -1 if it went well at once.
    """

    run_id: str
    answer: Answer
    dag: RegularDag
    nodes: list[RegularNode]
    tasks: list[list[RegularTask]]
    polls: Polls = NO_POLLS
    retried: int = -1

    @property
    def answers(self) -> list[Answer]:
        """All answers about it, oldest first."""
        return [*self.polls.answers, self.answer]


class RegularRuns:
    """Regular runs in order of their keys, with their nodes, sub-tasks and spans one after the other.

    A span is a time in which at least one sub-task of a node ran. Arrays named ``x_of_y`` hold the place of the x that each y belongs to;
    all times are nanoseconds. ``times``, where they are known, are the starts and the ends of the runs, of their nodes and of their
    sub-tasks.
    """

    def __init__(self, runs: Sequence[RegularRun], times: Sequence[Numbers] | None = None) -> None:
        self.runs = runs
        self.nodes = list(chain.from_iterable([run.nodes for run in runs]))
        tasks = list(chain.from_iterable([run.tasks for run in runs]))
        self.tasks = list(chain.from_iterable(tasks))
        self.n_answers = _numbers([len(run.polls.answers) + 1 for run in runs])
        self.n_nodes = _numbers([len(run.nodes) for run in runs])
        self.n_tasks = _numbers([len(own) for own in tasks])
        self.run_of_node = np.repeat(np.arange(len(runs)), self.n_nodes)
        self.node_of_task = np.repeat(np.arange(len(self.nodes)), self.n_tasks)
        self.first_node = np.cumsum(self.n_nodes) - self.n_nodes
        self.last_node = self.first_node + self.n_nodes - 1
        self.first_task = np.cumsum(self.n_tasks) - self.n_tasks
        self.stage = np.arange(1, len(self.nodes) + 1) - self.first_node[self.run_of_node]
        self.polls = [run.polls for run in runs]
        self._times = times or [*_times([run.dag for run in runs], self.nodes, self.tasks), creations_of(self.polls)]
        self.start, self.end, self.node_start, self.node_end, self.task_start, self.task_end, self.created = self._times
        self.before_node = np.concatenate(([0], self.node_end[:-1]))
        """The end of the node before it, or the start of the DAG."""
        self.before_node[self.first_node] = self.start
        retried = np.flatnonzero([run.retried >= 0 for run in runs])
        self.retried = RetriedNodes(self, retried) if len(retried) else None
        self._find_spans()
        self.kinds = np.zeros(len(runs), np.int64)
        """The kind of each run (:mod:`daganalysis.history.regular_examples`)."""
        self.n_kinds = 1 if self.retried is None else N_KINDS
        self.begun = self.start
        """The first instant at which each run is known to have run."""
        if self.retried is not None:
            self.retried.correct(self)
            self.begun = self.start.copy()
            self.begun[self.retried.run] = self.retried.begun
            self.kinds[self.retried.run] = self.retried.kind

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
        starts = self.task_start[order]
        first, last = np.flatnonzero(is_first), np.flatnonzero(np.concatenate((is_first[1:], [True])))
        if self.retried is not None:  # what ran again came last
            last[self.retried.node] = first[self.retried.node] + np.maximum(self.retried.n_early - 1, 0)
        self.starts_apart = starts[last] - starts[first]
        """How far apart the first and the last sub-task began that each node handed out when it was reached."""

    def only(self, chosen: _Mask) -> RegularRuns | None:
        """Return the chosen runs; None if there is none."""
        if chosen.all():
            return self
        nodes = chosen[self.run_of_node]
        tasks = nodes[self.node_of_task]
        masks = (chosen, chosen, nodes, nodes, tasks, tasks, chosen)
        times = [all_times[mask] for all_times, mask in zip(self._times, masks, strict=True)]
        return RegularRuns(list(compress(self.runs, chosen)), times) if chosen.any() else None

    def are_regular(self) -> _Mask:
        """Return for each run whether its times are in order and no step takes longer than the engine may need."""
        observed = [run.answer.observed_at for run in self.runs]
        # A later time in it would show that its times are of another zone.
        doubtful = self.end > _numbers([_NEVER if at is None else at for at in observed])
        doubtful |= ~are_in_time(self.polls, self.created, self.start, self.end)
        doubtful |= _is_no_step(self.end - self.node_end[self.last_node])
        doubtful[self.run_of_node[_is_no_step(self.node_start - self.before_node)]] = True
        doubtful[self.run_of_node[_is_no_step(self.node_end - self.after_spans)]] = True
        # A part without length leaves no stretch of its own, and its neighbours would be joined.
        dispatch = self.span_start - self.before_span
        if self.retried is not None:  # to roll the failed sub-tasks back took any time
            dispatch[self.retried.late_spans] = np.minimum(dispatch[self.retried.late_spans], 0)
        wrong = _is_no_step(dispatch) | (self.span_end <= self.span_start)
        doubtful[self.run_of_node[self.node_of_span[wrong]]] = True
        doubtful[self.run_of_node[self.node_of_task[self.task_end < self.task_start]]] = True
        # All sub-tasks of a node are handed out together: agents whose sub-tasks begin apart may have different clocks.
        apart = self.run_of_node[self.starts_apart > LATE_NS]
        doubtful[apart] |= self.n_agents[apart] > 1
        if self.retried is not None:
            doubtful[self.retried.run] |= self.retried.are_doubtful(self)
        return ~doubtful

    def are_in_no_doubt(self) -> _Mask:
        """Return for each run whether no object has a key twice, no two objects have the same id, and no log line names a DAG."""
        doubtful = np.zeros(len(self.runs), np.bool_)
        # All texts, ids and lines at once are looked through in less time than run by run.
        if not have_documented_keys_once(list(chain.from_iterable([run.answer.nodes or () for run in self.runs])), self.nodes):
            doubtful |= [not have_documented_keys_once(run.answer.nodes or (), run.nodes) for run in self.runs]
        if not _are_different(self.nodes) or not _are_different(self.tasks) or may_name_a_dag("\n".join(_lines_of(self.tasks))):
            doubtful |= [_is_doubtful(run) for run in self.runs]
        return ~doubtful

    @cached_property
    def agents(self) -> tuple[Sequence[Agent], Numbers]:
        """The agents of the sub-tasks, each once, and the place there of each sub-task's own."""
        places: dict[Agent, int] = {}
        of_task = [places.setdefault(task.execute_agent, len(places)) for task in self.tasks]
        return list(places), _numbers(of_task)

    @cached_property
    def n_agents(self) -> Numbers:
        """The number of different agents of each run."""
        agents, agent_of_task = self.agents
        works = np.zeros((len(self.runs), len(agents)), np.bool_)
        works[self.run_of_node[self.node_of_task], agent_of_task] = True
        counts: Numbers = np.count_nonzero(works, axis=1)
        return counts


def find_regular_runs(answers: Sequence[Answer], but: Collection[str]) -> RegularRuns | None:
    """Find the regular runs among those that answers about DAGs show; None if there is none. ``but`` are clusters to leave out."""
    by_key: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        by_key.setdefault((answer.cluster or "", answer.gid), []).append(answer)
    found = [_as_it_went_well(own) for (cluster, _), own in by_key.items() if cluster not in but]
    runs = sorted((run for run in found if run is not None), key=attrgetter("run_id"))
    if not runs:
        return None
    regular = RegularRuns(runs)
    return regular.only(regular.are_regular() & regular.are_in_no_doubt())


def without(runs: RegularRuns | None, keys: Collection[tuple[str, str]]) -> tuple[RegularRuns | None, list[Answer]]:
    """Take the runs with some keys (cluster and generic id) out; also return their answers."""
    if runs is None or not keys:
        return runs, []
    taken = [(run.answer.cluster or "", run.answer.gid) in keys for run in runs.runs]
    return runs.only(~np.array(taken)), list(chain.from_iterable([run.answers for run in compress(runs.runs, taken)]))


def _as_it_went_well(answers: list[Answer]) -> RegularRun | None:
    """Return a run that succeeded with each sub-task handed out once, or one node retried, and without relatives; None for any other."""
    *earlier, answer = in_order_of_time(answers)
    decoded, retried = decode_regular(answer), -1
    if decoded is None:
        decoded = None if earlier else decode_retried(answer)
        if decoded is None or (retried := place_of_retried(*decoded)) < 0:
            return None
    dag, nodes = decoded
    if not (dag.max_stage == dag.stage == len(nodes) > 0) or may_name_relatives(text_of(dag.additional_data)):
        return None
    tasks = [node.sub_tasks if len(node.sub_tasks) == 1 else sorted(node.sub_tasks, key=_GID) for node in nodes]
    polls = polls_before(earlier, answer, dag, nodes) if earlier else NO_POLLS
    return None if polls is None else RegularRun(key_of(answer.cluster, answer.gid), answer, dag, nodes, tasks, polls, retried)


def _is_doubtful(run: RegularRun) -> bool:
    """Return whether two objects of a run have the same id, or a log line names a DAG."""
    tasks = list(chain.from_iterable(run.tasks))
    return not _are_different(run.nodes) or not _are_different(tasks) or may_name_a_dag("\n".join(_lines_of(tasks)))


def _are_different(rows: Sequence[RegularNode] | Sequence[RegularTask]) -> bool:
    return len(set(map(_GID, rows))) == len(rows)


def _lines_of(tasks: Iterable[RegularTask]) -> Iterator[str]:
    return chain.from_iterable([task.task_logs for task in tasks if task.task_logs])


def _is_no_step(took: Numbers) -> _Mask:
    return (took < 0) | (took > LONGEST_STEP_NS)


def _numbers(values: Sequence[int]) -> Numbers:
    return np.fromiter(values, np.int64, len(values))


def _times(*levels: Sequence[RegularDag | RegularNode | RegularTask]) -> list[Numbers]:
    """Return the starts and the ends of the rows of each level. A text that is no instant counts as 1970, when no step starts or ends."""
    texts = [list(map(of, rows)) for rows in levels for of in (_START, _END)]
    instants = usual_instants(list(chain.from_iterable(texts)))
    ends = np.cumsum([0, *map(len, texts)])
    return [instants[begin:end] for begin, end in pairwise(ends)]
