"""The maintenance locks that runs held: when, working or neglected, and how many requests were refused because of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from daganalysis.analysis.holdings import SLACK_NS, Holding
from daganalysis.analysis.lock_copies import hold_against_copies
from daganalysis.engine.lock_rules import REFUSED_BY, frees_lock, lock_of, names_which_stage
from daganalysis.engine.vocabulary import WAITS
from daganalysis.tables.explanations import LOCKS
from daganalysis.tables.plain_rows import columns_of, rows_at, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.engine.lock_rules import Lock
    from daganalysis.tables.plain_rows import Row

Directions: TypeAlias = "dict[tuple[str, int], str]"
HELD_BY = [
    *("run_id", "cluster", "name", "workflow", "scope", "owner_agent", "stage", "outcome", "created_at", "started_at", "ended_at"),
    *("maintenance_type", "maintenance_key", "first_observed_at", "last_observed_at", "retries_min", "rollbacks_min"),
]
_FREED = {"succeeded", "succeeded_after_retry", "succeeded_with_node_pass", "passed", "rolled_back"}
_FAILED = {"failed", "rollback_failed", "cancelled"}


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
    return as_frame(find_holdings(archive, run_ids))


def as_frame(holdings: list[Holding]) -> pd.DataFrame:
    """Return holdings as rows of the result, in its order."""
    rows = [one.row() for one in holdings]
    return LOCKS.conform(LOCKS.frame(LOCKS.arrow({name: [row[name] for row in rows] for name in LOCKS.names})))


class AlreadyRead(NamedTuple):
    """Rows for the holdings that were read already.

    The idle stretches, the directions of the legs of at least the runs that have some, and the logged requests.
    """

    line: list[Row]
    directions: Directions
    logged: list[Row]


def find_holdings(archive: Archive, run_ids: Iterable[str] | None = None, read: AlreadyRead | None = None) -> list[Holding]:
    """Work out every holding of a maintenance lock, in no order."""
    source = archive if run_ids is None else archive.lazily(run_ids)
    dags = columns_of(source.coded("dags", HELD_BY))
    told = zip(*(dags[name] for name in ("maintenance_type", "maintenance_key", "scope", "owner_agent", "name")), strict=True)
    locks_of = {place: lock for place, columns in enumerate(told) if (lock := _lock(*columns)) is not None}
    held = list(zip(rows_at(dags, locks_of), locks_of.values(), strict=True))
    copies = archive.table("maintenance_locks")
    if not held and copies.empty:
        return []
    idle: dict[str, list[Row]] = {}
    for row in idle_stretches(source) if read is None else read.line:
        idle.setdefault(row["run_id"], []).append(dict(row))
    names = _stage_names(archive, [row for row, _ in held], idle)
    _mark_hidden_failures(archive, [row for row, _ in held], idle, None if read is None else read.directions)
    _mark_unknown_beginnings(archive, [row for row, _ in held], idle)
    holdings = [one for row, lock in held for one in _holdings(row, lock, idle.get(row["run_id"], []), names)]
    if len(copies):
        holdings += hold_against_copies(holdings, rows_of(copies, in_nanoseconds=True), only_runs=run_ids is not None)
        _forget_unknown_runs(archive, holdings)
    _end_where_the_next_begins(holdings)
    _count_refusals(holdings, _logged_requests(archive) if read is None else read.logged)
    return holdings


def idle_stretches(archive: Archive) -> list[Row]:
    """Return the stretches of all timelines in which nothing worked or nothing is known, sorted by run and time."""
    columns = ["run_id", "seq", "started_at", "ended_at", "category", "from_stage", "to_stage", "leg"]
    table = archive.coded("timeline", columns, ("category", WAITS))
    return sorted(rows_at(columns_of(table), range(table.num_rows)), key=lambda row: (row["run_id"], row["seq"]))


def read_directions(archive: Archive, run_ids: Iterable[str]) -> Directions:
    """Return the direction in which each leg of some runs executed the stages, by the run and the number of the leg."""
    line = columns_of(archive.lazily(sorted(run_ids)).coded("timeline", ["run_id", "leg", "direction"]))
    return dict(zip(zip(line["run_id"], line["leg"], strict=True), line["direction"], strict=True))


def _lock(maintenance_type: int | None, key: str | None, scope: str | None, owner: str | None, name: str | None) -> Lock | None:
    return lock_of(maintenance_type, key, scope=scope, owner=owner, name=name)


def _stage_names(archive: Archive, held: list[Row], idle: dict[str, list[Row]]) -> dict[tuple[str, int], str]:
    """Return the names of the stages of runs that failed, if the stage of their failure matters. Other runs need no names."""
    failed = (row for row in held if row["run_id"] in idle or row["outcome"] in _FAILED)
    wanted = [row["run_id"] for row in failed if names_which_stage(row["workflow"])]
    if not wanted:
        return {}
    nodes = columns_of(archive.lazily(wanted).coded("nodes", ["run_id", "stage", "name"]))
    return {(run_id, stage): name for run_id, stage, name in zip(*nodes.values(), strict=True) if stage is not None and name is not None}


def _mark_hidden_failures(archive: Archive, held: list[Row], idle: dict[str, list[Row]], directions: Directions | None) -> None:
    """Mark each stretch in which a run failed and was started again unseen: the last one lost of a leg that is not the last."""
    freed = (row for row in held if names_which_stage(row["workflow"]) or frees_lock(row["workflow"], None))
    redone = [row["run_id"] for row in freed if row["run_id"] in idle and (row["retries_min"] or row["rollbacks_min"])]
    if not redone:
        return
    legs: dict[str, int] = {}
    for run_id, leg in read_directions(archive, redone) if directions is None else directions:
        legs[run_id] = max(leg, legs.get(run_id, 0))
    for run_id in redone:
        lost = {stretch["leg"]: stretch for stretch in idle[run_id] if stretch["category"] == "lost"}
        waited = {stretch["leg"] for stretch in idle[run_id] if stretch["category"] in {"wait_operator", "wait_protocol"}}
        for leg, stretch in lost.items():
            stretch["hides_failure"] = leg < legs[run_id] and leg not in waited


def _mark_unknown_beginnings(archive: Archive, held: list[Row], idle: dict[str, list[Row]]) -> None:
    """Let nothing count as work before the first stretch that is known of a run whose start was overwritten: it may have stood FAILED.

    It did where a person is known to have acted on it, and no wait for that person is known.
    """
    unknown = [row for row in held if row["started_at"] is None and row["created_at"] is not None and row["outcome"] != "not_started"]
    if not unknown:
        return
    line = columns_of(archive.lazily([row["run_id"] for row in unknown]).coded("timeline", ["run_id", "started_at"]))
    known_from: dict[str, int] = {}
    for run_id, start in zip(line["run_id"], line["started_at"], strict=True):
        known_from[run_id] = min(start, known_from.get(run_id, start))
    for row in unknown:
        until = known_from.get(row["run_id"], row["ended_at"] or row["last_observed_at"])
        if until is not None and until > row["created_at"]:
            own = idle.setdefault(row["run_id"], [])
            failed = bool(row["retries_min"] or row["rollbacks_min"]) and all(stretch["category"] != "wait_operator" for stretch in own)
            lost = {"category": "lost", "started_at": row["created_at"], "ended_at": until, "hides_failure": failed}
            own.insert(0, lost | {"from_stage": None, "to_stage": None})


def _holdings(row: Row, lock: Lock, idle: list[Row], names: dict[tuple[str, int], str]) -> list[Holding]:
    """Work out when a run held its lock, from its creation on."""
    run_id, workflow = row["run_id"], row["workflow"]
    is_sure = lock.is_told and row["created_at"] is not None
    begin = row["created_at"] or row["started_at"] or row["first_observed_at"]
    current = Holding(row["cluster"], lock, run_id, begin, evidence="observed" if is_sure else "inferred", idle=idle)
    found = [current]
    for stretch in idle:
        stage = stretch["from_stage"] if stretch["from_stage"] is not None else stretch["to_stage"]
        if not frees_lock(workflow, names.get((run_id, stage)) if stage is not None else None):
            continue
        is_wait = stretch["category"] in {"wait_operator", "wait_protocol"}
        if is_wait:
            current.released_at = stretch["started_at"]
        elif stretch.get("hides_failure"):
            # The DAG failed and took the lock again between two answers. It is only known to have been held before and after.
            current.until, current.evidence = stretch["started_at"], "inferred"
        else:
            continue
        if row["outcome"] == "passed" and row["ended_at"] is not None and stretch["ended_at"] >= row["ended_at"]:
            return found  # a pass frees a lock, but takes none
        evidence = "inferred" if not is_wait or not lock.is_told else "observed"
        current = Holding(row["cluster"], lock, run_id, stretch["ended_at"], evidence=evidence, idle=idle)
        found.append(current)
    _end(current, row, names)
    return found


def _end(last: Holding, row: Row, names: dict[tuple[str, int], str]) -> None:
    """Return in words how the last holding of a run ended, or until when it is known to have lasted."""
    outcome, ended = row["outcome"], row["ended_at"]
    seen = row["last_observed_at"]
    if outcome in _FREED:
        last.released_at = ended
        last.until = ended or seen
    elif outcome in _FAILED and frees_lock(row["workflow"], names.get((row["run_id"], row["stage"]))):
        last.released_at, last.until = ended, ended or seen
    else:
        last.until = max((moment for moment in (ended, seen) if moment is not None), default=None)
        if outcome in _FAILED:
            last.failed_at = ended
    if last.released_at is None and outcome in _FREED:
        last.evidence = "inferred"


def _end_where_the_next_begins(holdings: list[Holding]) -> None:
    """Record with every holding the later holdings of the same lock that begin before it ends.

    A lock that was still held when last seen, and that another run took later, was freed in between, perhaps by hand. The lock of the
    cluster excludes those of its tenants.
    """
    groups: dict[tuple[str | None, ...], list[Holding]] = {}
    for one in holdings:
        if one.taken_at is not None:
            own = ("cluster", None) if one.lock.kind in {"global", "tenant"} else (one.lock.kind, one.lock.key)
            place = (one.cluster, *own)
            groups.setdefault(place, []).append(one)
    for group in groups.values():
        group.sort(key=lambda one: (one.taken_at, one.run_id or ""))
        for number, one in enumerate(group):
            if number + 1 == len(group) or _ends_before(one, group[number + 1]):
                continue
            after = (group[place] for place in range(number + 1, len(group)))
            other = next((other for other in after if _exclude(one, other)), None)
            if other is not None:
                _meet(one, other)


def _forget_unknown_runs(archive: Archive, holdings: list[Holding]) -> None:
    """Name no run that is not in the archive: copies of databases also hold locks of DAGs without a run."""
    known = set(archive.table("dags", ["run_id"])["run_id"])
    for one in holdings:
        if one.run_id not in known:
            one.run_id = None


def _exclude(one: Holding, other: Holding) -> bool:
    if one.run_id is not None and one.run_id == other.run_id:
        return False
    if one.lock.kind == other.lock.kind == "tenant":
        return one.lock.key is not None and one.lock.key == other.lock.key
    return True


def _ends_before(one: Holding, other: Holding) -> bool:
    return one.end is None or other.taken_at is None or one.end - other.taken_at <= SLACK_NS


def _meet(one: Holding, other: Holding) -> None:
    if _ends_before(one, other):
        return
    if one.released_at is None:
        one.until, one.evidence = other.taken_at, "inferred"
    else:
        one.evidence = other.evidence = "contradicted"
        one.against.append(other)


def _logged_requests(archive: Archive) -> list[Row]:
    """Return of the requests that agents logged what tells which lock refused them."""
    import pyarrow.compute as pc

    columns = ["cluster", "run_id", "at", "agent", "result", "error_code"]
    table = archive.arrow("operations", columns, pc.field("evidence") == "log")
    return rows_at(columns_of(table), range(table.num_rows))


def _count_refusals(holdings: list[Holding], logged: list[Row]) -> None:
    """Count, where logs are in the archive, the requests that were refused while each lock was held, because of it."""
    if not logged:
        return
    refused = [row for row in logged if row["result"] == "refused" and row["error_code"] in REFUSED_BY]
    for one in holdings:
        end = one.end
        one.n_refused = sum(
            row["cluster"] == one.cluster
            and one.lock.kind in REFUSED_BY[row["error_code"]]
            and (row["run_id"] is None or row["run_id"] != one.run_id)
            and one.taken_at is not None
            and end is not None
            and row["at"] is not None
            and one.taken_at <= row["at"] <= end
            and (one.lock.kind in {"global", "tenant"} or row["agent"] in {None, one.lock.key})
            for row in refused
        )
