"""Stages of runs as columns, and the stages of sub-tasks, for analyses that process a whole archive at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.engine.vocabulary import NOT_EXECUTED
from daganalysis.tables.column_arrays import NONE, codes_of, find, integers, is_equal, one_array, ranked, run_stage_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints


@dataclass(frozen=True, slots=True)
class StageRows:
    """Stages of runs: columns of ``nodes``, and the place of each one's run among the ids of runs, which are sorted."""

    nodes: pa.Table
    run: Ints
    run_ids: pa.Array

    @property
    def keys(self) -> Ints:
        """A number for each stage, in the order of run and stage; none for a stage whose place in its run is not known."""
        return run_stage_keys(self.run, integers(self.nodes.column("stage")))

    def places_among(self, runs: pa.Table) -> Ints:
        """Return the row of each stage's run in a table that has a row a run, or none."""
        return codes_of(self.run_ids, one_array(runs.column("run_id")))[self.run]

    def places_of(self, archive: Archive, tasks: pa.Table) -> Ints:
        """Return the place of each sub-task's stage, or none. ``tasks`` are all sub-tasks of the archive, with their run and stage.

        Where the place of a stage in its run is not known, the id of the node tells which sub-tasks it has.
        """
        keys, run = self.keys, codes_of(tasks.column("run_id"), self.run_ids)
        order = np.argsort(keys, kind="stable")
        found = find(keys[order], run_stage_keys(run, integers(tasks.column("stage"))))
        places = np.where(found == NONE, NONE, order[found]) if len(order) else found
        if (keys == NONE).any():
            unplaced = np.flatnonzero(keys == NONE)
            gids = self.nodes.column("node_gid").take(unplaced).to_pylist()
            of_node = dict(zip(zip(self.run[unplaced].tolist(), gids, strict=True), unplaced.tolist(), strict=True))
            asked = np.flatnonzero((run != NONE) & (places == NONE) & (integers(tasks.column("stage")) == NONE))
            gids = archive.coded("sub_tasks", ["node_gid"]).column("node_gid").take(asked).to_pylist()
            places[asked] = [of_node.get(which, NONE) for which in zip(run[asked].tolist(), gids, strict=True)]
        return places


def read_stages(archive: Archive, columns: Sequence[str], kept: Callable[[pa.Table], Bools]) -> StageRows:
    """Read columns of the stages of runs for which a condition is true."""
    import pyarrow as pa

    nodes = archive.coded("nodes", list(dict.fromkeys(["run_id", "stage", *columns])))
    if nodes.column("stage").null_count and "node_gid" not in columns:
        nodes = nodes.append_column("node_gid", archive.coded("nodes", ["node_gid"]).column("node_gid"))
    nodes = nodes.filter(pa.array((integers(nodes.column("run_id").is_valid()) == 1) & kept(nodes))).combine_chunks()
    return StageRows(nodes, *ranked(nodes.column("run_id")))


def executed_stages(archive: Archive, columns: Sequence[str] = ()) -> StageRows:
    """Read columns of the stages that were executed."""

    def is_executed(nodes: pa.Table) -> Bools:
        is_left_out: Bools = is_equal(nodes.column("outcome"), *NOT_EXECUTED) | (integers(nodes.column("started_at")) == NONE)
        return ~is_left_out

    return read_stages(archive, ["outcome", "started_at", *columns], is_executed)
