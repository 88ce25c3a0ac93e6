"""The runs of an archive in shares, for threads that work side by side. A run is in one share, whole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.chains.clock_bounds import RunClusters, clock_bounds
from daganalysis.chains.segments import Segments, Work, resolve
from daganalysis.tables.column_arrays import runs_of_keys
from daganalysis.tables.side_by_side import n_side_by_side, side_by_side

if TYPE_CHECKING:
    from daganalysis.archive import Archive
    from daganalysis.chains.run_arrays import Attempts, Stretches


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the runs; the places of their first stretch and of their first attempt are those among all runs."""

    stretches: Stretches
    attempts: Attempts
    work: Work
    first_stretch: int
    first_attempt: int


def in_shares(stretches: Stretches, attempts: Attempts) -> list[Share]:
    """Cut the runs into as many shares as threads are worth while, each with about as many attempts."""
    n_rows = len(attempts.start)
    n_shares = n_side_by_side(n_rows) if n_rows else 1
    run_of_stage = runs_of_keys(attempts.keys)
    middles = np.searchsorted(attempts.first, np.arange(1, n_shares) * n_rows // n_shares, side="right") - 1
    runs = np.concatenate([[0], run_of_stage[middles], [len(stretches.run_ids)]])
    lines, stages = np.searchsorted(stretches.run, runs), np.searchsorted(run_of_stage, runs)
    shares = []
    for number in range(n_shares):
        of_lines, of_stages = slice(*lines[number : number + 2].tolist()), slice(*stages[number : number + 2].tolist())
        own_stretches, own_attempts = stretches.part(of_lines), attempts.part(of_stages)
        first_attempt = int(attempts.sizes[: of_stages.start].sum())
        shares.append(Share(own_stretches, own_attempts, Work.of(own_stretches, own_attempts), of_lines.start, first_attempt))
    return shares


def resolved(archive: Archive, stretches: Stretches, attempts: Attempts) -> Segments:
    """Return the chain of every run with the drag of each segment, and without rivals."""
    clusters = RunClusters.of(archive, stretches.run_ids)

    def chain(share: Share) -> Segments:
        bounds = clock_bounds(share.stretches, share.attempts, share.work, clusters)
        return resolve(share.attempts, share.work, bounds, with_drag=True)

    shares = in_shares(stretches, attempts)
    parts = side_by_side([partial(chain, share) for share in shares], len(attempts.start))
    return Segments(
        np.concatenate([part.stretch + share.first_stretch for share, part in zip(shares, parts, strict=True)]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.attempt + share.first_attempt for share, part in zip(shares, parts, strict=True)]),
        np.concatenate([part.drag for part in parts]),
        np.zeros(0, np.int64),
        np.zeros(0, np.int64),
    )
