"""The runs of an archive in shares, for threads that work side by side. A run is in one share, whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.chains import Segments, Work
from daganalysis.tables.column_arrays import NONE, runs_of_keys
from daganalysis.tables.side_by_side import n_side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.analysis.run_arrays import Attempts, Stretches


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


def segments_of_all(shares: Sequence[Share], parts: Sequence[Segments]) -> Segments:
    """Put the segments of the shares together, each with the places that its stretch and its attempt have among all."""
    attempts = [np.where(part.attempt == NONE, NONE, part.attempt + share.first_attempt) for share, part in zip(shares, parts, strict=True)]
    return Segments(
        np.concatenate([part.stretch + share.first_stretch for share, part in zip(shares, parts, strict=True)]),
        np.concatenate([part.start for part in parts]),
        np.concatenate([part.end for part in parts]),
        np.concatenate(attempts),
        np.concatenate([part.drag for part in parts]),
        np.concatenate([part.is_uncertain for part in parts]),
    )
