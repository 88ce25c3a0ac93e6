"""The stages of runs as arrays, read once for all facts in a list of runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.tables.column_arrays import NONE, codes_of, encoded, integers, is_equal, reals, run_stage_key, run_stage_keys

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Floats, Ints

_LARGE_PART = 4
"""Tables are read as a whole if at least every fourth run is wanted."""


def archive_of(archive: Archive, run_ids: Collection[str], n_runs: int) -> Archive:
    """Return an archive with the rows of some runs: the archive itself where they are many, because reading all rows then costs less."""
    return archive if len(run_ids) * _LARGE_PART >= n_runs else archive.lazily(sorted(run_ids))


@dataclass(frozen=True, slots=True)
class NodeRows:
    """Rows of ``nodes``: ``run`` and ``name`` are places in :attr:`run_ids` and :attr:`names`, the former found by :attr:`places`."""

    run_ids: Sequence[str]
    places: dict[str, int]
    run: Ints
    stage: Ints
    name: Ints
    names: np.ndarray[Any, np.dtype[np.object_]]
    duration_s: Floats
    is_passed: Bools
    is_rolled_back: Bools

    def of(self, run_ids: Iterable[str]) -> Bools:
        """Return which rows are of some runs."""
        chosen = np.zeros(len(self.run_ids) + 1, bool)  # the last place is that of null
        chosen[[self.places[run_id] for run_id in run_ids if run_id in self.places]] = True
        found: Bools = chosen[self.run]
        return found

    def run_ids_at(self, rows: Ints) -> list[str]:
        """Return the runs of some rows."""
        return [self.run_ids[run] for run in self.run[rows].tolist()]

    def stage_names(self) -> StageNames:
        """Return the names of the stages."""
        rows = np.flatnonzero((self.run != NONE) & (self.stage != NONE) & (self.name != NONE))
        keys = run_stage_keys(self.run[rows], self.stage[rows])
        if not (np.diff(keys) >= 0).all():
            order = np.argsort(keys, kind="stable")
            keys, rows = keys[order], rows[order]
        return StageNames(self, keys, rows)

    def first_passed(self, run_ids: Collection[str]) -> dict[str, int]:
        """Return the first stage that was passed of each of some runs."""
        rows = np.flatnonzero(self.of(run_ids) & self.is_passed & (self.stage != NONE))
        rows = rows[np.argsort(-self.stage[rows], kind="stable")]
        return dict(zip(self.run_ids_at(rows), self.stage[rows].tolist(), strict=True))

    def last_rolled_back(self, run_ids: Collection[str]) -> dict[str, int]:
        """Return the last stage that was rolled back of each of some runs."""
        rows = np.flatnonzero(self.of(run_ids) & self.is_rolled_back & (self.stage != NONE))
        rows = rows[np.argsort(self.stage[rows], kind="stable")]
        return dict(zip(self.run_ids_at(rows), self.stage[rows].tolist(), strict=True))

    def longest(self, run_ids: Collection[str]) -> dict[str, tuple[str, float]]:
        """Return the name and the length of the longest stage of each of some runs; of equally long ones, the first."""
        is_known = (self.stage != NONE) & (self.name != NONE) & ~np.isnan(self.duration_s)
        rows = np.flatnonzero(self.of(run_ids) & is_known)
        rows = rows[np.lexsort((-self.stage[rows], self.duration_s[rows]))]
        pairs = zip(self.names[self.name[rows]].tolist(), self.duration_s[rows].tolist(), strict=True)
        return dict(zip(self.run_ids_at(rows), pairs, strict=True))


@dataclass(frozen=True, slots=True)
class StageNames:
    """The names of stages by run and number, looked up one by one: few of them are asked for."""

    nodes: NodeRows
    keys: Ints
    rows: Ints

    def get(self, stage: tuple[str, int]) -> str | None:
        """Return the name of a stage of a run; None where it has none."""
        run = self.nodes.places.get(stage[0])
        if run is None:
            return None
        key = run_stage_key(run, stage[1])
        place = int(self.keys.searchsorted(key, side="right")) - 1
        if place < 0 or self.keys[place] != key:
            return None
        name: str = self.nodes.names[self.nodes.name[self.rows[place]]]
        return name


def read_nodes(archive: Archive, run_ids: Sequence[str]) -> NodeRows:
    """Read the stages of an archive's runs, which are numbered by their places in ``run_ids``."""
    import pyarrow as pa

    table = archive.coded("nodes", ["run_id", "stage", "name", "outcome", "duration_s"])
    name, names = encoded(table.column("name"))
    outcome = table.column("outcome")
    return NodeRows(
        run_ids,
        {run_id: place for place, run_id in enumerate(run_ids)},
        codes_of(table.column("run_id"), pa.array(run_ids, pa.string())),
        integers(table.column("stage")),
        name,
        np.array([*names.to_pylist(), None], object),
        reals(table.column("duration_s")),
        is_equal(outcome, "passed"),
        is_equal(outcome, "rolled_back"),
    )
