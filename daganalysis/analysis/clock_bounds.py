"""How far the clocks of agents may be off those of the runs they worked for, as cause and effect bound it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.run_arrays import NEVER
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, is_equal

if TYPE_CHECKING:
    from daganalysis.analysis.chains import Pairs, Work
    from daganalysis.analysis.run_arrays import Attempts, Stretches
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Ints

_UNBOUNDED = np.iinfo(np.int64).max // 4


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """Bounds on how far the clock of each agent is ahead of that of the run's own rows, in nanoseconds.

    The first place is for attempts whose agent has the clock of the rows. ``offset`` is, for each stage with attempts, the number to add
    to that of an agent to get its place among the agents of all clusters; none if there is one clock. ``behind`` is, for each stage, the
    most that the clock of any agent of its cluster may be behind.
    """

    attempts: Attempts
    offset: Ints
    least: Ints
    most: Ints
    behind: Ints

    def widest(self, attempt: Ints, stage: Ints) -> Ints:
        """Return how much earlier than attempts of some stages a rival may have ended, as recorded, and yet have been the last."""
        reach: Ints = self.most[self._places(attempt, stage)] + self.behind[stage]
        return reach

    def doubtful(self, rivals: Pairs, chosen: Ints) -> Ints:
        """Return the stretches in which a rival may have ended after the attempt that was chosen, which is given for each rival."""
        ends, stage = self.attempts.end, self.attempts.stage_of(chosen)
        recorded, last = (np.where(ends[rows] == NEVER, NONE, ends[rows]) for rows in (rivals.attempt, chosen))
        ahead = self.most[self._places(chosen, stage)] - self.least[self._places(rivals.attempt, stage)]
        is_other = self.attempts.agent[chosen] != self.attempts.agent[rivals.attempt]
        return rivals.only(is_other & (last - recorded < ahead)).of_work

    def _places(self, attempt: Ints, stage: Ints) -> Ints:
        """Return the places of the agents of some attempts."""
        offset, agent = self.offset[stage], self.attempts.agent[attempt]
        return np.where((offset == NONE) | (agent == NONE), 0, offset + agent)


def clock_bounds(archive: Archive, stretches: Stretches, attempts: Attempts, work: Work) -> ClockBounds:
    """Bound how far the clock of each agent is ahead of that of the run's rows; each run narrows the bounds.

    A stage starts before its attempts and is seen to have ended after them, so an agent is ahead by at most the time to hand an attempt
    out, and behind by at most the time to notice its end (engine-semantics §5). A local DAG has one clock. A bound from one run of a
    cluster holds in all its runs.
    """
    dags = archive.coded("dags", ["run_id", "cluster", "scope"])
    run, scope = codes_of(dags.column("run_id"), stretches.run_ids), dags.column("scope")
    clusters, labels = encoded(dags.column("cluster"))
    has_several = np.flatnonzero((run != NONE) & (is_equal(scope, "cluster") | ~np.asarray(scope.is_valid())))
    # After the first place, that of one clock, come those of each cluster (first of no cluster): one for no agent, and one for each.
    n_places = int(attempts.agent.max(initial=NONE)) + 2
    offset = np.full(len(stretches.run_ids), NONE)
    offset[run[has_several]] = 2 + (clusters[has_several] + 1) * n_places
    return _bounded(stretches, attempts, work, offset[attempts.keys >> 20], (len(labels) + 1, n_places))


def _bounded(stretches: Stretches, attempts: Attempts, work: Work, offset: Ints, places: tuple[int, int]) -> ClockBounds:
    """Gather the bounds of each agent of each cluster from the first and last moments of the stages it worked in."""
    n_clusters, n_places = places
    unasked = 2 + n_clusters * n_places  # if no attempt needs it
    size = 1 + (n_clusters + 1) * n_places
    least, most, is_used = np.full(size, -_UNBOUNDED), np.full(size, _UNBOUNDED), np.zeros(size, bool)
    # Only a stage that was executed once bounds both sides. The times of one that was executed again are those of different executions.
    once = work.executed_once
    stage = work.stage[once]
    begin, end = np.zeros(len(offset), np.int64), np.zeros(len(offset), np.int64)
    begin[stage], end[stage] = _execution(stretches, work.stretch[once])
    is_bounding = np.zeros(len(offset), bool)
    is_bounding[stage] = offset[stage] != NONE
    place = np.repeat(np.where(is_bounding, offset, unasked), attempts.sizes) + attempts.agent
    np.minimum.at(most, place, attempts.start - np.repeat(begin, attempts.sizes))
    place[(attempts.end == NEVER) | (attempts.end == NONE)] = unasked - 1
    np.maximum.at(least, place, attempts.end - np.repeat(end, attempts.sizes))
    least[0] = most[0] = 0
    is_used[np.repeat(np.where(offset == NONE, unasked, offset), attempts.sizes) + attempts.agent] = True
    is_used[1::n_places] = False
    lowest = np.minimum(np.where(is_used, least, 0)[1:].reshape(-1, n_places).min(axis=1), 0)
    return ClockBounds(attempts, offset, least, most, np.where(offset == NONE, 0, -lowest[(offset - 2) // n_places]))


def _execution(stretches: Stretches, rows: Ints) -> tuple[Ints, Ints]:
    """Return the start and the end of the stage execution around each stretch of work, with its dispatch and its detection."""
    if not len(rows):
        return rows, rows
    run, stage, to_stage = stretches.run, stretches.stage, stretches.to_stage
    before, after = np.maximum(rows - 1, 0), np.minimum(rows + 1, len(run) - 1)
    is_within = stage[rows] == to_stage[rows]
    has_before = (before < rows) & (run[before] == run[rows]) & (stage[before] == stage[rows]) & is_within
    has_after = (after > rows) & (run[after] == run[rows]) & (stage[after] == stage[rows]) & (stage[after] == to_stage[after]) & is_within
    return (
        np.where(has_before, stretches.start[before], stretches.start[rows]),
        np.where(has_after, stretches.end[after], stretches.end[rows]),
    )
