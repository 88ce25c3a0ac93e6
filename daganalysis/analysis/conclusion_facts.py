"""Facts for the sentences about runs, gathered from the base tables. Each table is read at most once."""

from __future__ import annotations

import math
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from daganalysis.analysis.conclusions import WORTH_SAYING, ConclusionFacts
from daganalysis.analysis.culprits import (
    decisive_stages,
    find_eventful,
    find_places,
    find_undone,
    read_waits,
    spent_by_stage,
    stages_of_most_time,
)
from daganalysis.analysis.node_rows import archive_of, read_nodes
from daganalysis.analysis.usual_durations import find_usual_durations
from daganalysis.engine.times import SECOND_NS
from daganalysis.tables.column_arrays import integers, is_equal
from daganalysis.tables.plain_rows import columns_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    import pyarrow as pa

    from daganalysis.analysis.conclusions import UsualDuration
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Floats
    from daganalysis.tables.plain_rows import Columns, Row

FACTS_BY = (
    *("run_id", "cluster", "workflow", "name", "started_at", "ended_at", "elapsed_s", "outcome", "state", "operator", "work_ok", "stage"),
    *("max_stage", "n_agents", "elapsed_min_s", "elapsed_max_s", "retries_min", "retries_max", "parent_run_id", "last_observed_at"),
)
"""The columns of ``dags`` that the facts come from."""
_TOLD = tuple(field.name for field in fields(ConclusionFacts) if field.name in FACTS_BY)
"""The facts that are columns of ``dags``."""
NAMES_STAGE = {"failed", "rolled_back", "cancelled", "passed", "succeeded_with_node_pass", "running", "waiting", "rollback_failed"}
"""Outcomes whose sentence names the current stage of the run."""

_STANDS_ELSEWHERE = {"rolled_back", "succeeded_with_node_pass"}
"""Outcomes of runs that stand at another stage than the one that counts: a rollback ends at stage 1, a success at the last stage."""


def conclusion_facts(archive: Archive, run_ids: Iterable[str]) -> list[ConclusionFacts]:
    """Gather the facts for the sentences about some runs, in their order. They are compared with the other runs of the archive."""
    table = archive.coded("dags", FACTS_BY)
    dags = columns_of(table)
    place_of = {run_id: place for place, run_id in enumerate(dags["run_id"])}
    places = [place_of[run_id] for run_id in run_ids]
    gathered = GatheredFacts(archive, table, dags, places)
    return [gathered.of(place) for place in places]


class GatheredFacts:
    """The facts of the runs at some ``places`` in the columns ``dags`` of all runs. ``table`` has the same columns as arrays."""

    def __init__(self, archive: Archive, table: pa.Table, dags: Columns, places: Sequence[int]) -> None:
        self._table, self._dags = table, dags
        own = np.zeros(table.num_rows, bool)
        own[np.asarray(places, np.int64)] = True
        ids, n_runs = dags["run_id"], table.num_rows
        run_ids = [ids[place] for place in places]
        self._known, self._place_of = set(ids), {run_id: place for place, run_id in enumerate(ids)}
        self._eventful, self.usual = find_eventful(dags, run_ids), find_usual_durations(table, own)
        waits = read_waits(archive_of(archive, {*run_ids, *self._eventful.own}, n_runs))
        looked_into = (ids[place] for place in np.flatnonzero(self.usual.is_looked_into()).tolist())
        nodes = read_nodes(archive_of(archive, {*self._eventful.own, *looked_into}, n_runs), ids)
        self._names, self._decisive = nodes.stage_names(), decisive_stages(self._eventful.own, nodes)
        self._decisive = _passed_before_rollback(archive, self._eventful.own, self._decisive) | self._decisive
        self._spent = spent_by_stage(waits)
        decisive = {**stages_of_most_time(self._eventful.own, self._spent), **self._decisive}
        self._places = find_places(archive_of(archive, self._eventful.own, n_runs), self._eventful, run_ids, self._names, decisive)
        self._explained = self.usual.explained(nodes)
        self.longest = nodes.longest([ids[place] for place in np.flatnonzero(self.usual.is_unmatched).tolist()])
        self._undone, self._redone = find_undone(archive, run_ids), _redone(dags, places)
        self.wait_operator_share, self.lost_share = (self._share(waits, category) for category in ("wait_operator", "lost"))

    def _share(self, waits: list[Row], category: str) -> Floats:
        """Return the share of each run that is of a category; not-a-number where the run has no known length, or none at all."""
        import pandas as pd

        own = [row for row in waits if row["category"] == category]
        seconds = pd.Series([row["duration_s"] for row in own], dtype="float64").groupby([row["run_id"] for row in own]).sum()
        spent = np.zeros(self._table.num_rows)
        spent[[self._place_of[str(run_id)] for run_id in seconds.index]] = seconds.to_numpy()
        elapsed = self.usual.elapsed_s
        share: Floats = np.divide(spent, elapsed, out=np.full(len(spent), np.nan), where=elapsed > 0)
        return share

    def _share_of_stage(self, run_id: str, category: str, stage: int) -> float:
        """Return the share of the time of a category in a run that came after one stage had failed."""
        by_stage = self._spent.get((run_id, category), {})
        return by_stage.get(stage, 0.0) / sum(by_stage.values()) if by_stage else 0.0

    @cached_property
    def is_plain(self) -> Bools:
        """The runs whose sentence only says the length, or that it was unusual: they succeeded at once."""
        elapsed, retries = self.usual.elapsed_s, (integers(self._table.column(name), null=0) for name in ("retries_min", "retries_max"))
        found = is_equal(self._table.column("outcome"), "succeeded") & (elapsed > 0)
        found &= ~((self.wait_operator_share >= WORTH_SAYING) | (self.lost_share >= WORTH_SAYING))
        for number in retries:
            found &= number == 0
        found[[self._place_of[run_id] for run_id in (*self._eventful.own, *self._undone)]] = False
        return found

    def usual_of(self, places: Sequence[int]) -> list[UsualDuration | None]:
        """Return what each of some runs is measured by, with the stage that made it slow."""
        return [self._explained.get(place, usual) for place, usual in zip(places, self.usual.of_all(places), strict=True)]

    def of(self, place: int) -> ConclusionFacts:
        """Return the facts of one run."""
        dags, run_id = self._dags, self._dags["run_id"][place]
        run = ConclusionFacts(**{name: dags[name][place] for name in _TOLD})
        run.retries_min = run.retries_min or 0
        shares = (float(share[place]) for share in (self.wait_operator_share, self.lost_share))
        run.wait_operator_share, run.lost_share = (None if math.isnan(share) else share for share in shares)
        if run_id in self._eventful.own:
            run.is_child = dags["parent_run_id"][place] in self._known
            run.standing_s = _standing(dags["ended_at"][place], dags["last_observed_at"][place])
            run.stage = self._decisive.get(run_id, None if run.outcome in _STANDS_ELSEWHERE else run.stage)
            run.stage_name = self._names.get((run_id, run.stage)) if run.stage is not None and run.outcome in NAMES_STAGE else None
            run.place, run.redone_by = self._places.get(run_id), self._redone.get(run_id)
            if run.place is not None:
                run.waited_there, run.lost_there = (
                    self._share_of_stage(run_id, name, run.place.stage) for name in ("wait_operator", "lost")
                )
        run.usual = self._explained.get(place, self.usual.of(place))
        run.undone, run.longest = self._undone.get(run_id), self.longest.get(run_id)
        return run


def _passed_before_rollback(archive: Archive, own: Mapping[str, Row], known: Collection[str]) -> dict[str, int]:
    """Return the first passed stage of runs whose nodes do not show it, because a rollback overwrote the mark (engine-semantics §2.4)."""
    wanted = {run_id for run_id, row in own.items() if row["outcome"] == "succeeded_with_node_pass" and run_id not in known}
    if not wanted:
        return {}
    import pyarrow.compute as pc

    table = archive.arrow("operations", ["run_id", "stage"], pc.field("operation") == "pass_node")
    found: dict[str, int] = {}
    for run_id, stage in zip(table.column("run_id").to_pylist(), table.column("stage").to_pylist(), strict=True):
        if run_id in wanted and stage is not None:
            found[run_id] = min(stage, found.get(run_id, stage))
    return found


def _standing(ended_at: int | None, last_observed_at: int | None) -> float | None:
    """Return how many seconds a run had been in its last state when it was last seen."""
    return None if ended_at is None or last_observed_at is None else (last_observed_at - ended_at) / SECOND_NS


def _redone(dags: Columns, places: Sequence[int]) -> dict[str, str]:
    """Name the first run of the same DAG name and cluster that succeeded after a run was rolled back."""
    undone = [place for place in places if dags["outcome"][place] == "rolled_back" and dags["name"][place] is not None]
    wanted = {(dags["cluster"][place], dags["name"][place]) for place in undone}
    if not wanted:
        return {}
    good: dict[tuple[str | None, str], list[tuple[int, str]]] = {}
    rows = zip(dags["cluster"], dags["name"], dags["started_at"], dags["run_id"], dags["outcome"], strict=True)
    for cluster, name, started_at, run_id, outcome in rows:
        if (cluster, name) in wanted and started_at is not None and (outcome or "").startswith("succeeded"):
            good.setdefault((cluster, name), []).append((started_at, run_id))
    found = {}
    for place in undone:
        began = dags["started_at"][place]
        later = [one for one in good.get((dags["cluster"][place], dags["name"][place]), []) if began is not None and one[0] > began]
        if later:
            found[dags["run_id"][place]] = min(later)[1]
    return found
