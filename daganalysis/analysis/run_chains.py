"""The chains of all runs of an archive: as the load of a store found them, or found now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.run_shares import in_shares
from daganalysis.chains.chain_rows import chain_rows
from daganalysis.chains.clock_bounds import UNBOUNDED, RunClusters
from daganalysis.chains.run_arrays import read_attempts
from daganalysis.tables.arrays import array_of
from daganalysis.tables.column_arrays import NONE, encoded, integers, places_in
from daganalysis.tables.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.chains.run_arrays import Stretches
    from daganalysis.tables.column_arrays import Bools, Ints


@dataclass(frozen=True, slots=True)
class RunChains:
    """The attempts on the paths, in order of run and time.

    ``stretch`` is the stretch of work that an attempt is in, ``start`` where its segment starts, and ``rows`` has its task_gid, its number
    and its agent. ``is_uncertain`` says that another agent's attempt may have ended later.
    """

    stretch: Ints
    start: Ints
    rows: pa.Table
    is_uncertain: Bools


def found_now(archive: Archive, stretches: Stretches) -> list[tuple[pa.Table, pa.Table, Ints | int]]:
    """Find the chains of all runs from their attempts, each share of the runs with the place of its first stretch."""
    attempts = read_attempts(archive, stretches.run_ids, ["task_gid", "attempt", "agent"])
    clusters = RunClusters.of(archive, stretches.run_ids)
    shares = in_shares(stretches, attempts)
    finders = [partial(chain_rows, share.stretches, share.attempts, share.work, clusters) for share in shares]
    found = side_by_side(finders, len(attempts.start))
    return [(*chains, share.first_stretch) for chains, share in zip(found, shares, strict=True)]


def together(parts: Sequence[tuple[pa.Table, pa.Table, Ints | int]]) -> RunChains:
    """Put the chains of several parts in order. They come with the places of their first stretches, or of all of them."""
    import pyarrow as pa

    stretch = np.concatenate([_placed(integers(on_path.column("stretch")), places) for on_path, _, places in parts])
    rows = pa.concat_tables([on_path for on_path, _, _ in parts]).unify_dictionaries().combine_chunks()
    start = integers(rows.column("started_at"))
    is_uncertain = np.zeros(len(stretch), bool)
    is_uncertain[_uncertain([on_path for on_path, _, _ in parts], [doubts for _, doubts, _ in parts], rows.column("agent"))] = True
    if not (np.diff(stretch) >= 0).all():
        order = np.argsort(stretch, kind="stable")
        rows, stretch, start, is_uncertain = rows.take(array_of(order, pa.int64())), stretch[order], start[order], is_uncertain[order]
    return RunChains(stretch, start, rows, is_uncertain)


def _placed(stretch: Ints, places: Ints | int) -> Ints:
    return stretch + places if isinstance(places, int) else places[stretch]


def _uncertain(on_path: Sequence[pa.Table], doubts: Sequence[pa.Table], agents: pa.ChunkedArray) -> Ints:
    """Return the attempts on the path that another one may have ended after, as far as all runs together bound the clocks.

    ``agents`` are those of the attempts on the path, of all parts.
    """
    import pyarrow as pa

    rows = pa.concat_tables(doubts).unify_dictionaries().combine_chunks()
    of_row, earlier = integers(rows.column("of_row")), integers(rows.column("earlier_ns"))
    is_rival = of_row != NONE
    if not is_rival.any():
        return np.zeros(0, np.int64)
    (agent, known), (cluster, labels) = encoded(rows.column("agent")), encoded(rows.column("cluster"))
    # After the first place, that of one clock, come those of the agents of each cluster, first of no cluster.
    offset = 1 + (cluster + 1) * len(known)
    place = np.where(agent == NONE, 0, offset + agent)
    n_places = 1 + (len(labels) + 1) * len(known)
    least, most = np.full(n_places, -UNBOUNDED), np.full(n_places, UNBOUNDED)
    np.maximum.at(least, place[~is_rival], integers(rows.column("ahead_min_ns"))[~is_rival])
    np.minimum.at(most, place[~is_rival], integers(rows.column("ahead_max_ns"))[~is_rival])
    least[0] = most[0] = 0
    first = np.cumsum([0, *(len(table) for table in on_path[:-1])])
    rival = np.flatnonzero(is_rival)
    chosen = np.repeat(first, [len(table) for table in doubts])[rival] + of_row[rival]
    codes, texts = encoded(agents)
    own = places_in(texts, known)[codes[chosen]]
    own = np.where(own == NONE, 0, offset[rival] + own)
    found: Ints = chosen[earlier[rival] < most[own] - least[place[rival]]]
    return found
