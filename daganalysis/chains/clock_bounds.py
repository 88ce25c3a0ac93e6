"""How far the clocks of agents may be off those of the runs they worked for, as cause and effect bound it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.chains.run_arrays import NEVER
from daganalysis.tables.arrays import present_in
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, is_equal, one_array, runs_of_keys

if TYPE_CHECKING:
    import pyarrow as pa

    from daganalysis.chains.run_arrays import Attempts, Stretches, TablesAtHand
    from daganalysis.chains.segments import Work
    from daganalysis.tables.column_arrays import Ints

UNBOUNDED = np.iinfo(np.int64).max // 4
"""Nanoseconds that stand for no upper bound; negative, for no lower one."""


@dataclass(frozen=True, slots=True)
class RunClusters:
    """The cluster of each run: its place in ``labels``, or none. ``has_several`` says which runs have agents whose clocks may differ."""

    cluster: Ints
    has_several: Ints
    labels: pa.Array

    @classmethod
    def of(cls, tables: TablesAtHand, run_ids: pa.Array) -> RunClusters:
        """Find the clusters of some runs. A local DAG has one clock."""
        dags = tables.coded("dags", ["run_id", "cluster", "scope"])
        run, scope = codes_of(dags.column("run_id"), run_ids), one_array(dags.column("scope"))
        codes, labels = encoded(dags.column("cluster"))
        cluster, has_several = np.full(len(run_ids), NONE), np.zeros(len(run_ids), bool)
        known = run != NONE
        cluster[run[known]] = codes[known]
        has_several[run[known]] = (is_equal(scope, "cluster") | ~present_in(scope))[known]
        return cls(cluster, has_several, labels)


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """Bounds on how far the clock of each agent is ahead of that of the run's own rows, in nanoseconds.

    ``place`` is, for each attempt, the place of its agent among the agents of all clusters. The first place is for attempts whose agent
    has the clock of the rows; then come all agents in no cluster, then all agents in the first cluster, and so on. ``behind`` is, for each
    stage with attempts, the most that the clock of any agent of its cluster may be behind.
    """

    attempts: Attempts
    place: Ints
    least: Ints
    most: Ints
    behind: Ints

    def widest(self, attempt: Ints, stage: Ints) -> Ints:
        """Return how much earlier than attempts of some stages a rival may have ended, as recorded, and yet have been the last."""
        reach: Ints = self.most[self.place[attempt]] + self.behind[stage]
        return reach

    def doubtful(self, rivals: Ints, chosen: Ints) -> Ints:
        """Return the places of the rivals that may have ended after the attempt that was chosen; ``chosen`` has one for each rival."""
        agent = self.attempts.agent
        others = np.flatnonzero(agent[chosen] != agent[rivals])
        rivals, chosen = rivals[others], chosen[others]
        ahead = self.most[self.place[chosen]] - self.least[self.place[rivals]]
        return others[self.earlier(rivals, chosen) < ahead]

    def earlier(self, rivals: Ints, chosen: Ints) -> Ints:
        """Return how much earlier than other attempts some attempts ended, as recorded."""
        ends = self.attempts.end
        recorded, last = (np.where(ends[rows] == NEVER, NONE, ends[rows]) for rows in (rivals, chosen))
        return last - recorded


def clock_bounds(stretches: Stretches, attempts: Attempts, work: Work, clusters: RunClusters) -> ClockBounds:
    """Bound how far the clock of each agent is ahead of that of the run's rows, from all of these runs.

    A stage starts before its attempts and is seen to have ended after them, so an agent is ahead by at most the time to hand an attempt
    out, and behind by at most the time to notice its end (engine-semantics §5). A bound from one run of a cluster holds in all its runs.
    """
    n_agents = len(encoded(attempts.rows.column("agent"))[1])
    run = runs_of_keys(attempts.keys)
    # A place below the first one is that of no agent in particular: it becomes the first.
    offset = np.where(clusters.has_several[run], 1 + (clusters.cluster[run] + 1) * n_agents, -n_agents)
    n_places = 1 + (len(clusters.labels) + 1) * n_agents
    place = np.maximum(np.repeat(offset, attempts.sizes) + attempts.agent, 0)
    place[attempts.agent == NONE] = 0
    # Only a stage that was executed once bounds both sides. The times of one that was executed again are those of different executions.
    stage = work.stage[work.executed_once]
    begin, end = np.zeros(len(offset), np.int64), np.zeros(len(offset), np.int64)
    begin[stage], end[stage] = _execution(stretches, work.stretch[work.executed_once])
    is_bounding = np.zeros(len(offset), bool)
    is_bounding[stage] = True
    bounds_nothing = ~np.repeat(is_bounding, attempts.sizes)
    bounded = place.copy()
    bounded[bounds_nothing] = 0
    least, most = np.full(n_places, -UNBOUNDED), np.full(n_places, UNBOUNDED)
    np.minimum.at(most, bounded, attempts.start - np.repeat(begin, attempts.sizes))
    has_no_end = (attempts.end == NEVER) | (attempts.end == NONE)
    bounded[has_no_end] = 0
    np.maximum.at(least, bounded, attempts.end - np.repeat(end, attempts.sizes))
    is_used = least != -UNBOUNDED
    is_used[place[bounds_nothing | has_no_end]] = True
    least[0] = most[0] = 0
    lowest = np.minimum(np.where(is_used, least, 0)[1:].reshape(-1, max(n_agents, 1)).min(axis=1, initial=0), 0)
    behind = np.where(clusters.has_several[run], -lowest[clusters.cluster[run] + 1], 0) if n_agents else np.zeros(len(run), np.int64)
    return ClockBounds(attempts, place, least, most, behind)


def _execution(stretches: Stretches, rows: Ints) -> tuple[Ints, Ints]:
    """Return the start and the end of the stage execution around each stretch of work, with its dispatch and its detection."""
    if not len(rows):
        return rows, rows
    run, stage, to_stage = stretches.run, stretches.stage, stretches.to_stage
    before, after = np.maximum(rows - 1, 0), np.minimum(rows + 1, len(run) - 1)
    is_within = stage[rows] == to_stage[rows]
    has_before = is_within & (before < rows) & (run[before] == run[rows]) & (stage[before] == stage[rows])
    has_after = is_within & (after > rows) & (run[after] == run[rows]) & (stage[after] == stage[rows]) & (to_stage[after] == stage[rows])
    return stretches.start[rows - has_before], stretches.end[rows + has_after]
