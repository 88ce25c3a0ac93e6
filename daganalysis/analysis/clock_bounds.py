"""How far the clocks of agents may be off those of the runs they worked for, as cause and effect bound it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.run_arrays import NEVER
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, is_equal, runs_of_keys
from daganalysis.tables.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from daganalysis.analysis.run_arrays import Attempts, Stretches
    from daganalysis.analysis.run_shares import Share
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints

_UNBOUNDED = np.iinfo(np.int64).max // 4


@dataclass(frozen=True, slots=True)
class ClockBounds:
    """Bounds on how far the clock of each agent is ahead of that of the run's own rows, in nanoseconds.

    ``place`` is, for each attempt, the place of its agent among the agents of all clusters. The first place is for attempts whose agent
    has the clock of the rows. ``behind`` is, for each stage with attempts, the most that the clock of any agent of its cluster may be
    behind.
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
        ends, agent = self.attempts.end, self.attempts.agent
        others = np.flatnonzero(agent[chosen] != agent[rivals])
        rivals, chosen = rivals[others], chosen[others]
        recorded, last = (np.where(ends[rows] == NEVER, NONE, ends[rows]) for rows in (rivals, chosen))
        ahead = self.most[self.place[chosen]] - self.least[self.place[rivals]]
        return others[last - recorded < ahead]


def clock_bounds(archive: Archive, run_ids: pa.Array, shares: Sequence[Share]) -> list[ClockBounds]:
    """Bound how far the clock of each agent is ahead of that of the run's rows, for each share; each run of any share narrows the bounds.

    A stage starts before its attempts and is seen to have ended after them, so an agent is ahead by at most the time to hand an attempt
    out, and behind by at most the time to notice its end (engine-semantics §5). A local DAG has one clock. A bound from one run of a
    cluster holds in all its runs.
    """
    dags = archive.coded("dags", ["run_id", "cluster", "scope"])
    run, scope = codes_of(dags.column("run_id"), run_ids), dags.column("scope")
    clusters, labels = encoded(dags.column("cluster"))
    has_several = np.flatnonzero((run != NONE) & (is_equal(scope, "cluster") | ~np.asarray(scope.is_valid())))
    n_agents = len(encoded(shares[0].attempts.rows.column("agent"))[1])
    # After the first place, that of one clock, come those of the agents of each cluster, first of no cluster.
    offset = np.full(len(run_ids), -n_agents)
    offset[run[has_several]] = 1 + (clusters[has_several] + 1) * n_agents
    n_places = 1 + (len(labels) + 1) * n_agents
    found = side_by_side([partial(_shown, share, offset, n_places) for share in shares], sum(len(share.attempts.start) for share in shares))
    least, most = np.maximum.reduce([one.least for one in found]), np.minimum.reduce([one.most for one in found])
    is_used = np.logical_or.reduce([one.is_used for one in found])
    least[0] = most[0] = 0
    lowest = np.minimum(np.where(is_used, least, 0)[1:].reshape(len(labels) + 1, n_agents).min(axis=1, initial=0), 0)
    behind = np.zeros(len(run_ids), np.int64)
    behind[run[has_several]] = -lowest[clusters[has_several] + 1]
    return [
        ClockBounds(share.attempts, one.place, least, most, behind[runs_of_keys(share.attempts.keys)])
        for share, one in zip(shares, found, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Shown:
    """What one share shows: the place of each attempt's agent, the bounds of each place, and which places have an attempt."""

    place: Ints
    least: Ints
    most: Ints
    is_used: Bools


def _shown(share: Share, offsets: Ints, n_places: int) -> _Shown:
    """Gather the bounds of each agent of each cluster from the first and last moments of the stages it worked in.

    ``offsets`` is, for each run, the number to add to that of an agent to get its place; the sum is negative if there is one clock.
    """
    attempts, work = share.attempts, share.work
    offset = offsets[runs_of_keys(attempts.keys)]
    place = np.maximum(np.repeat(offset, attempts.sizes) + attempts.agent, 0)
    place[attempts.agent == NONE] = 0
    # Only a stage that was executed once bounds both sides. The times of one that was executed again are those of different executions.
    stage = work.stage[work.executed_once]
    begin, end = np.zeros(len(offset), np.int64), np.zeros(len(offset), np.int64)
    begin[stage], end[stage] = _execution(share.stretches, work.stretch[work.executed_once])
    is_bounding = np.zeros(len(offset), bool)
    is_bounding[stage] = True
    bounds_nothing = ~np.repeat(is_bounding, attempts.sizes)
    bounded = place.copy()
    bounded[bounds_nothing] = 0
    least, most = np.full(n_places, -_UNBOUNDED), np.full(n_places, _UNBOUNDED)
    np.minimum.at(most, bounded, attempts.start - np.repeat(begin, attempts.sizes))
    has_no_end = (attempts.end == NEVER) | (attempts.end == NONE)
    bounded[has_no_end] = 0
    np.maximum.at(least, bounded, attempts.end - np.repeat(end, attempts.sizes))
    is_used = least != -_UNBOUNDED
    is_used[place[bounds_nothing | has_no_end]] = True
    return _Shown(place, least, most, is_used)


def _execution(stretches: Stretches, rows: Ints) -> tuple[Ints, Ints]:
    """Return the start and the end of the stage execution around each stretch of work, with its dispatch and its detection."""
    if not len(rows):
        return rows, rows
    stays, is_within = stretches.stays, stretches.stage == stretches.to_stage
    stay = stays.of_stretch[rows]
    has_before = (rows > stays.first[stay]) & is_within[rows]
    after = np.minimum(rows + 1, len(is_within) - 1)
    has_after = (rows + 1 < stays.first[stay] + stays.sizes[stay]) & is_within[rows] & is_within[after]
    return stretches.start[rows - has_before], stretches.end[rows + has_after]
