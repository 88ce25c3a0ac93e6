"""How far the clocks of agents may be off those of the runs they worked for, as cause and effect bound it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.chains import Ahead
from daganalysis.tables.column_arrays import NONE, codes_of, encoded

if TYPE_CHECKING:
    from daganalysis.analysis.chains import Attempts, Stretches
    from daganalysis.archive import Archive


def clocks_ahead(archive: Archive, stretches: Stretches, attempts: Attempts) -> Ahead:
    """Bound, for each attempt, how far its agent's clock is ahead of that of the run's rows; no bound is wider than a run shows.

    A stage starts before its attempts and is seen to have ended after them, so no agent is ahead by more than it took to hand an attempt
    out, nor behind by more than it took to notice its end (engine-semantics §5). A local DAG has one clock. What bounds an agent in one
    run of a cluster bounds it in all.
    """
    dags = archive.arrow("dags", ["run_id", "cluster", "scope"])
    run = codes_of(dags.column("run_id"), stretches.run_ids)
    clusters, _ = encoded(dags.column("cluster"))
    scopes, names = encoded(dags.column("scope"))
    is_cluster_dag = np.zeros(len(stretches.run_ids), bool)
    of_cluster = np.full(len(stretches.run_ids), NONE)
    known = run != NONE
    of_cluster[run[known]] = clusters[known]
    local = [place for place, name in enumerate(names.to_pylist()) if name != "cluster"]
    is_cluster_dag[run[known]] = ~np.isin(scopes[known], local)
    return _bounded(stretches, attempts, is_cluster_dag, of_cluster)


def _bounded(stretches: Stretches, attempts: Attempts, is_cluster_dag: np.ndarray, of_cluster: np.ndarray) -> Ahead:
    """Gather the bounds of each agent of each cluster from the first and last moments of the stages it worked in."""
    run = attempts.key >> 20
    asked = (attempts.key >= 0) & is_cluster_dag[np.maximum(run, 0)] & (attempts.agent != NONE)
    work = np.flatnonzero(stretches.is_execute)
    keys = (stretches.run[work] << 20) + stretches.stage[work]
    in_order = np.argsort(keys, kind="stable")  # a rollback goes through the stages backwards
    work, keys = work[in_order], keys[in_order]
    n_agents = int(attempts.agent.max(initial=0)) + 1
    who = (of_cluster[np.maximum(run, 0)] + 1) * n_agents + np.maximum(attempts.agent, 0)
    size = int(who.max(initial=0)) + 1
    most, least = np.full(size, np.iinfo(np.int64).max // 4), np.full(size, np.iinfo(np.int64).min // 4)
    # A stage that was executed once bounds both sides; of one that was executed again, the times lie in different executions.
    first, n_times = _found_once(keys, attempts.key)
    once = asked & (n_times == 1)
    row = work[np.minimum(first, max(len(work) - 1, 0))] if len(work) else first
    begin, end = _execution(stretches)
    rows = np.flatnonzero(once)
    np.minimum.at(most, who[rows], attempts.start[rows] - begin[row[rows]])
    known = rows[attempts.end[rows] != np.iinfo(np.int64).max]
    np.maximum.at(least, who[known], attempts.end[known] - end[row[known]])
    zero = ~asked
    return Ahead(np.where(zero, 0, least[who]), np.where(zero, 0, most[who]))


def _found_once(keys: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each wanted number stands first among ordered keys, and how often; equal wanted numbers stand together."""
    starts = np.flatnonzero(np.diff(wanted, prepend=NONE - 1))
    first, last = (np.searchsorted(keys, wanted[starts], side) for side in ("left", "right"))
    sizes = np.diff(starts, append=len(wanted))
    return np.repeat(first, sizes), np.repeat(last - first, sizes)


def _execution(stretches: Stretches) -> tuple[np.ndarray, np.ndarray]:
    """Return where the execution of the stage that each stretch of work lies in begins and ends, with its dispatch and its detection."""
    begin, end = stretches.start.copy(), stretches.end.copy()
    same = (
        (stretches.run[1:] == stretches.run[:-1])
        & (stretches.stage[1:] == stretches.stage[:-1])
        & (stretches.stage[1:] == stretches.to_stage[1:])
    )
    begin[1:] = np.where(same, stretches.start[:-1], begin[1:])
    end[:-1] = np.where(same & (stretches.to_stage[:-1] == stretches.stage[:-1]), stretches.end[1:], end[:-1])
    return begin, end
