"""Runs that are regular but for one node that was retried once and then succeeded, as most runs in which something failed.

Their newest answer shows when the node ran again, and when the sub-tasks that had succeeded at once had run. What happened to the failed
sub-tasks between is overwritten. The times of such a run have one order too, so the findings of the rules in one such run hold for all
(:mod:`daganalysis.history.regular_examples`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.catalogue import CHILD_WORKFLOWS
from daganalysis.engine.log_lines import ending_of_line
from daganalysis.history.legs import SKEW_NS
from daganalysis.history.operators import ROOM_FOR_A_RETRY_NS
from daganalysis.history.regular_examples import RETRIED, RETRIED_AT_FIRST

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from daganalysis.history.regular_runs import RegularRuns
    from daganalysis.reading.regular_answers import RegularDag, RegularNode

    Numbers = npt.NDArray[np.int64]
    _Mask = npt.NDArray[np.bool_]

REDONE = 3
"""How often a sub-task was handed out that failed, was rolled back, and ran again (engine-semantics §2.3)."""
_ONE_STEP_NS = 1_500_000_000
"""The first pass of a leg starts its node. A longer pause may hide more, whatever the scheduler's tick."""


def place_of_retried(dag: RegularDag, nodes: Sequence[RegularNode]) -> int:
    """Return the place of the only node that was retried, if nothing but an error of its sub-tasks made them fail; -1 otherwise."""
    places = [place for place, node in enumerate(nodes) if node.operator != "RUN"]
    if len(places) != 1 or dag.name in CHILD_WORKFLOWS:
        return -1
    redone_at = {place for place, node in enumerate(nodes) for task in node.sub_tasks if task.execute_times == REDONE}
    if redone_at != set(places):
        return -1
    for task in nodes[places[0]].sub_tasks:
        endings = {ending_of_line(line) for line in task.task_logs or ()} - {None}
        if endings - {"failed"} or (endings and task.execute_times != REDONE):
            return -1  # a timeout, a cancel or a wait for another DAG tells more
    return places[0]


class RetriedNodes:
    """The retried node of each run that has one; arrays have an entry for each such run.

    ``run`` and ``node`` are places among all runs and nodes. ``is_redone`` says of each sub-task of all runs whether it ran again, and
    ``n_early`` how many sub-tasks of each retried node succeeded before; the spans of these are ``early_spans``. The spans of the sub-tasks
    that ran again are ``late_spans``.
    """

    def __init__(self, runs: RegularRuns, run: Numbers) -> None:
        self.run = run
        self.node = runs.first_node[run] + np.array([runs.runs[place].retried for place in run.tolist()], np.int64)
        is_own = np.zeros(len(runs.nodes), np.bool_)
        is_own[self.node] = True
        self.tasks = np.flatnonzero(is_own[runs.node_of_task])
        """The sub-tasks of the retried nodes."""
        self.is_redone = np.zeros(len(runs.tasks), np.bool_)
        self.is_redone[self.tasks] = [runs.tasks[place].execute_times == REDONE for place in self.tasks.tolist()]
        self.n_early = runs.n_tasks[self.node] - np.bincount(runs.node_of_task[self.is_redone], minlength=len(runs.nodes))[self.node]
        self.has_early = self.n_early > 0
        self.is_first = self.node == runs.first_node[run]
        self.kind = np.where(self.is_first, RETRIED_AT_FIRST, RETRIED) + self.has_early
        first_node = runs.first_node[run]
        runs.before_node[first_node] = runs.node_start[first_node]
        runs.before_node[self.node] = runs.start[run]
        self.begun = np.where(self.is_first, runs.start[run], runs.node_start[first_node])
        """The first instant at which each run is known to have run."""
        self.known_until = np.where(self.is_first, runs.start[run], runs.node_end[self.node - 1])
        """The end of the last known work before the retry; the start of the retry if there is none."""

    def correct(self, runs: RegularRuns) -> None:
        """Set what comes before the spans of the retried nodes: the node before, or the start of the retry."""
        first, last = (np.searchsorted(runs.node_of_span, self.node, side) for side in ("left", "right"))
        self.n_spans, self.late_spans, self.early_spans = last - first, last - 1, first[self.has_early]
        early_start, at_once = runs.span_start[first], self.is_first & self.has_early
        runs.before_span[self.early_spans] = np.where(self.is_first, early_start, self.known_until)[self.has_early]
        runs.before_span[self.late_spans] = runs.node_start[self.node]
        self.begun[at_once] = early_start[at_once]
        self.known_until[self.has_early] = runs.span_end[self.early_spans]

    def are_doubtful(self, runs: RegularRuns) -> _Mask:
        """Return for each of these runs whether its times have another order than those of the example, or distances that tell more."""
        start, node_start = runs.start[self.run], runs.node_start[self.node]
        doubtful: _Mask = (
            (start > node_start) | (node_start - start > _ONE_STEP_NS) | (self.begun <= 0) | (self.n_spans != 1 + self.has_early)
        )
        doubtful |= (start - self.known_until <= SKEW_NS) & (~self.is_first | self.has_early)
        doubtful[self.has_early] |= runs.span_start[self.early_spans] - runs.before_span[self.early_spans] > ROOM_FOR_A_RETRY_NS
        own = np.searchsorted(self.node, runs.node_of_task[self.tasks])
        is_late = self.is_redone[self.tasks]
        doubtful[own[is_late & (runs.task_start[self.tasks] < node_start[own])]] = True
        doubtful[own[~is_late & (runs.task_end[self.tasks] >= start[own])]] = True
        return doubtful
