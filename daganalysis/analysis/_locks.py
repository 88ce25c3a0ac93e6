"""The maintenance locks that runs held: when, working or neglected, and how many requests were refused because of them."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from daganalysis.analysis.holdings import Holdings, mark_overlaps
from daganalysis.analysis.idle_stretches import read_timelines
from daganalysis.analysis.lock_copies import held_against_copies
from daganalysis.engine.lock_rules import REFUSED_BY, frees_lock, lock_of, names_which_stage
from daganalysis.tables.column_arrays import NONE, encoded, integers, is_equal, one_array
from daganalysis.tables.plain_rows import columns_of, rows_at, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.idle_stretches import IdleStretches, Timelines
    from daganalysis.archive import Archive
    from daganalysis.engine.lock_rules import Lock
    from daganalysis.tables.column_arrays import Bools, Ints
    from daganalysis.tables.plain_rows import Row

HELD_BY = [
    *("run_id", "cluster", "name", "workflow", "scope", "owner_agent", "stage", "state", "outcome"),
    *("created_at", "started_at", "ended_at"),
    *("maintenance_type", "maintenance_key", "first_observed_at", "last_observed_at", "retries_min", "rollbacks_min"),
]
_FREED = ("succeeded", "succeeded_after_retry", "succeeded_with_node_pass", "passed", "rolled_back")
_FAILED = ("failed", "rollback_failed", "cancelled")


def locks(archive: Archive, *, run_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """List every holding of a maintenance lock.

    A DAG under maintenance holds a lock from its creation until it succeeds, is rolled back or is passed. A failure keeps the lock, so
    nothing else that needs it can start. The failure of some nodes frees the lock, and a retry takes it again (engine-semantics §2.8). A
    lock of the cluster and a lock of a tenant exclude each other.

    Args:
        archive: The runs.
        run_ids: List only the holdings of these runs. The holdings of other runs are then ignored.

    Returns:
        One row per holding, sorted by cluster, lock, key and time. ``working_s`` and ``neglected_s`` are parts of ``held_s``; the rest was
        a wait for a main DAG, or is unknown. Two holdings of one lock never overlap. If they seem to, the evidence is ``contradicted``, and
        :func:`daganalysis.analysis.lock_conflicts` names the two. Copies of databases bound the holdings, and show holdings of DAGs without
        answers.

    Example:
        >>> import daganalysis as da
        >>> da.locks(da.load("sample_data/tenant/failed.json"))[["lock", "key", "working_s"]].round(1).to_dict("records")
        [{'lock': 'tenant', 'key': 'billing', 'working_s': 21.6}]
    """
    return find_holdings(archive, run_ids).frame()


class AlreadyRead(NamedTuple):
    """Tables for the holdings that were read already: the runs, their timelines and the logged requests."""

    dags: pa.Table
    timelines: Timelines
    logged: list[Row]


def find_holdings(archive: Archive, run_ids: Iterable[str] | None = None, read: AlreadyRead | None = None) -> Holdings:
    """Work out every holding of a maintenance lock, those of one run in order of time."""
    import pyarrow as pa

    source = archive if run_ids is None else archive.lazily(run_ids)
    dags = _Holders.of(source.coded("dags", HELD_BY) if read is None else read.dags)
    timelines = read_timelines(source, one_array(dags.rows.column("run_id")).cast(pa.string())) if read is None else read.timelines
    idle = timelines.idle.taken(dags.is_held[timelines.idle.run])
    idle = _with_unknown_beginnings(dags, timelines, _with_hidden_failures(dags, timelines, idle))
    holdings = _holdings(dags, idle, *_freeing(archive, dags, idle), timelines.known_from())
    copies = rows_of(archive.table("maintenance_locks"), in_nanoseconds=True) if archive.count("maintenance_locks") else []
    if copies:
        known = set(archive.table("dags", ["run_id"])["run_id"])
        holdings = held_against_copies(holdings, copies, known=known, only_runs=run_ids is not None)
    mark_overlaps(holdings)
    _count_refusals(holdings, _logged_requests(archive) if read is None else read.logged)
    return holdings


@dataclass(frozen=True, slots=True)
class _Holders:
    """The runs of an archive, and the lock that each held: its place in ``locks``, the different ones, or none."""

    rows: pa.Table
    lock: Ints
    locks: list[Lock]
    is_held: Bools

    @classmethod
    def of(cls, rows: pa.Table) -> _Holders:
        """Find the locks of runs. The name of a DAG decides only where no answer names a lock."""
        find = functools.cache(lambda kind, key, scope, owner, name: lock_of(kind, key, scope=scope, owner=owner, name=name))
        told = columns_of(rows.select(["maintenance_type", "maintenance_key", "scope", "owner_agent", "name"])).values()
        found = [find(kind, key, scope, owner, name if kind is None else None) for kind, key, scope, owner, name in zip(*told, strict=True)]
        places: dict[Lock | None, int] = {
            lock: place for place, lock in enumerate(dict.fromkeys(lock for lock in found if lock is not None))
        }
        lock = np.array([places.get(one, NONE) for one in found], np.int64)
        return cls(rows, lock, [one for one in places if one is not None], lock != NONE)

    def instants(self, name: str) -> Ints:
        """Return a column of instants or whole numbers, negative where there is none."""
        return integers(self.rows.column(name))

    def has_ended(self, *outcomes: str) -> Bools:
        """Return which runs ended in one of some ways."""
        return is_equal(self.rows.column("outcome"), *outcomes)

    def has_freed(self) -> Bools:
        """Return which runs freed their lock at their end: those that succeeded, also after a cancel, and those that were passed."""
        return self.has_ended(*_FREED) | is_equal(self.rows.column("state"), "SUCCEED")

    def is_redone(self) -> Bools:
        """Return which runs are known to have been retried or rolled back."""
        return (self.instants("retries_min") > 0) | (self.instants("rollbacks_min") > 0)

    def by_workflow(self, rule: Callable[[str | None], bool]) -> Bools:
        """Return of which runs a rule is true by their workflow."""
        codes, workflows = encoded(self.rows.column("workflow"))
        return np.array([*(rule(workflow) for workflow in workflows.to_pylist()), rule(None)], bool)[
            codes
        ]  # the last place is that of null

    def texts(self, name: str, rows: Ints) -> np.ndarray:
        """Return the texts of a column at some rows, None for null."""
        codes, texts = encoded(self.rows.column(name))
        return np.array([*texts.to_pylist(), None], object)[codes[rows]]


def _with_hidden_failures(dags: _Holders, timelines: Timelines, idle: IdleStretches) -> IdleStretches:
    """Mark each stretch in which a run failed, freed its lock and was started again unseen: the last one lost of a leg but the last."""
    redone = dags.is_redone() & dags.by_workflow(lambda workflow: names_which_stage(workflow) or frees_lock(workflow, None))
    return idle.with_hidden_failures(redone, timelines.last_leg()) if redone[idle.run].any() else idle


def _with_unknown_beginnings(dags: _Holders, timelines: Timelines, idle: IdleStretches) -> IdleStretches:
    """Let nothing count as work before the first stretch that is known of a run whose start was overwritten: it may have stood FAILED.

    It did where a person is known to have acted on it, and no wait for that person is known.
    """
    created = dags.instants("created_at")
    is_unknown = dags.is_held & (dags.instants("started_at") == NONE) & (created != NONE) & ~dags.has_ended("not_started")
    if not is_unknown.any():
        return idle
    until = timelines.known_from()
    for name in ("ended_at", "last_observed_at"):
        until = np.where(until == NONE, dags.instants(name), until)
    run = np.flatnonzero(is_unknown & (until > created))
    was_waited_for = np.isin(run, idle.run[idle.is_neglect])
    return idle.with_beginnings(run, created[run], until[run], dags.is_redone()[run] & ~was_waited_for)


def _freeing(archive: Archive, dags: _Holders, idle: IdleStretches) -> tuple[Bools, Bools]:
    """Return in which idle stretches a run stood at a stage whose failure frees its lock, and which runs failed at last at such a stage."""
    frees, depends = dags.by_workflow(lambda workflow: frees_lock(workflow, None)), dags.by_workflow(names_which_stage)
    at_stretch, at_end = frees[idle.run], frees & dags.has_ended(*_FAILED)
    asking = np.flatnonzero(depends[idle.run])
    ended = np.flatnonzero(depends & dags.is_held & dags.has_ended(*_FAILED))
    runs = np.append(idle.run[asking], ended)
    if not len(runs):
        return at_stretch, at_end
    run_ids, workflows = dags.texts("run_id", runs).tolist(), dags.texts("workflow", runs).tolist()
    stages = np.append(idle.stage[asking], dags.instants("stage")[ended]).tolist()
    nodes = columns_of(archive.lazily(list(dict.fromkeys(run_ids))).coded("nodes", ["run_id", "stage", "name"]))
    names = dict(zip(zip(nodes["run_id"], nodes["stage"], strict=True), nodes["name"], strict=True))
    told = zip(run_ids, stages, workflows, strict=True)
    is_freed = np.array([frees_lock(workflow, names.get((run_id, stage))) for run_id, stage, workflow in told], bool)
    at_stretch[asking], at_end[ended] = is_freed[: len(asking)], is_freed[len(asking) :]
    return at_stretch, at_end


def _held_since(dags: _Holders, known_from: Ints) -> Ints:
    """Return from when on each run is known to have held its lock, if its beginning is unknown: from the first moment that is known."""
    since = known_from
    for name in ("first_observed_at", "ended_at"):
        instants = dags.instants(name)
        since = np.where((since == NONE) | ((instants != NONE) & (instants < since)), instants, since)
    return since


def _holdings(dags: _Holders, idle: IdleStretches, frees: Bools, frees_at_end: Bools, known_from: Ints) -> Holdings:
    """Work out when each run held its lock: from its creation, or a request that took it again, to its end or a failure that frees it.

    A failure between two answers frees a lock, too. The lock is then only known to have been held before and after.
    """
    ended = dags.instants("ended_at")
    splits = idle.taken(frees & (idle.is_wait | idle.hides_failure))
    # A pass frees a lock, but takes none.
    is_last = dags.has_ended("passed")[splits.run] & (ended[splits.run] != NONE) & (splits.end >= ended[splits.run])
    n_before = np.cumsum(is_last) - is_last
    is_real = n_before == n_before[np.searchsorted(splits.run, splits.run)]
    splits, is_last = splits.taken(is_real), is_last[is_real]
    held, taken_again = np.flatnonzero(dags.is_held), splits.taken(~is_last)

    run = np.append(held, taken_again.run)
    order = np.argsort(run, kind="stable")
    run = run[order]
    begin = dags.instants("created_at")
    begin = np.where(begin == NONE, dags.instants("started_at"), begin)
    is_begin_known = begin != NONE
    begin = np.where(is_begin_known, begin, _held_since(dags, known_from))
    taken = np.append(begin[held], taken_again.end)[order]
    is_taken_known = np.append(is_begin_known[held], np.ones(len(taken_again), bool))[order]
    is_seen = np.append(dags.instants("created_at")[held] != NONE, taken_again.is_wait)[order]

    number = np.arange(len(run)) - np.searchsorted(run, run)  # of each holding within its run: the split of that number ends it
    split = np.searchsorted(splits.run, run) + number
    is_split = split < np.searchsorted(splits.run, run, side="right")
    split = split[is_split]
    end, seen, has_freed, has_failed = (
        ended[run],
        dags.instants("last_observed_at")[run],
        dags.has_freed()[run],
        dags.has_ended(*_FAILED)[run],
    )
    is_free = has_freed | frees_at_end[run]
    released, until = np.where(is_free, end, NONE), np.where(is_free & (end != NONE), end, np.where(is_free, seen, np.maximum(end, seen)))
    released[is_split] = np.where(splits.is_wait[split], splits.start[split], NONE)
    until[is_split] = np.where(splits.is_wait[split], NONE, splits.start[split])
    failed = np.where(has_failed & ~is_free & ~is_split, end, NONE)
    lock = dags.lock[run]
    is_told, kind, key = (
        np.array([*(getattr(one, name) for one in dags.locks), None], object)[lock] for name in ("is_told", "kind", "key")
    )
    is_left_open = (has_freed | is_split) & (released == NONE)
    return Holdings(
        run,
        dags.texts("cluster", run),
        kind,
        key,
        dags.texts("run_id", run),
        taken,
        is_taken_known,
        until,
        released,
        failed,
        np.where(is_told.astype(bool) & is_seen & ~is_left_open, "observed", "inferred").astype(object),
        np.full(len(run), NONE),
        idle,
    )


def _logged_requests(archive: Archive) -> list[Row]:
    """Return of the requests that agents logged what tells which lock refused them."""
    import pyarrow.compute as pc

    columns = ["cluster", "run_id", "at", "agent", "result", "error_code"]
    table = archive.arrow("operations", columns, pc.field("evidence") == "log")
    return rows_at(columns_of(table), range(table.num_rows))


def _count_refusals(holdings: Holdings, logged: list[Row]) -> None:
    """Count, where logs are in the archive, the requests that were refused while each lock was held, because of it."""
    if not logged:
        return
    holdings.n_refused[:] = 0
    end, of_cluster = holdings.end, holdings.is_of_cluster()
    for row in logged:
        if row["result"] != "refused" or row["error_code"] not in REFUSED_BY or row["at"] is None:
            continue
        refused = (holdings.taken != NONE) & (holdings.taken <= row["at"]) & (row["at"] <= end)
        refused &= (holdings.cluster == row["cluster"]) & np.isin(holdings.kind.astype(str), REFUSED_BY[row["error_code"]])
        if row["run_id"] is not None:
            refused &= holdings.run_id != row["run_id"]
        if row["agent"] is not None:
            refused &= of_cluster | (holdings.key == row["agent"])
        holdings.n_refused[refused] += 1
