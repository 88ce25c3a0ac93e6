"""The maintenance locks that runs held: when, at work or neglected, and what was refused because of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daganalysis.engine.lock_rules import REFUSED_BY, frees_lock, lock_of
from daganalysis.tables.explanations import LOCKS
from daganalysis.tables.plain_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.engine.lock_rules import Lock
    from daganalysis.tables.plain_rows import Row

_DAGS = [
    *("run_id", "cluster", "name", "workflow", "scope", "owner_agent", "stage", "outcome", "created_at", "started_at", "ended_at"),
    *("maintenance_type", "maintenance_key", "first_observed_at", "last_observed_at", "retries_min", "rollbacks_min"),
]
_IDLE = ("wait_operator", "wait_protocol", "lost", "unattributed")
"""What a run is doing when it is not known to work."""
_FREED = {"succeeded", "succeeded_after_retry", "succeeded_with_node_pass", "passed", "rolled_back"}
_FAILED = {"failed", "rollback_failed", "cancelled"}
_SLACK_S = 1.5
"""Two holdings that overlap by no more than this may follow each other: clocks of agents, and one pass of the scheduler."""


def locks(archive: Archive, *, run_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """List every holding of a maintenance lock.

    A DAG under maintenance holds a lock from its creation until it succeeds, is rolled back or is passed; a failure keeps the lock, so that
    nothing else that needs it can start, except of the nodes whose failure frees it, which take it again for a retry (engine-semantics
    §2.8). A lock of the cluster and one of a tenant exclude each other too.

    Args:
        archive: The runs.
        run_ids: List the holdings of these runs only; what other runs held is then not looked at.

    Returns:
        One row per holding, sorted by cluster, lock, key and time. ``working_s`` and ``neglected_s`` are parts of ``held_s``; the rest was
        spent waiting for a main DAG, or is not known. Two holdings of one lock never overlap; where they seem to, the evidence is
        ``contradicted``.

    Example:
        >>> import daganalysis as da
        >>> da.locks(da.load("sample_data/tenant/failed.json"))[["lock", "key", "working_s"]].round(1).to_dict("records")
        [{'lock': 'tenant', 'key': 'billing', 'working_s': 21.6}]
    """
    import pandas as pd
    import pyarrow.compute as pc

    source = archive if run_ids is None else archive.lazily(run_ids)
    held = [(row, lock) for row in rows_of(source.table("dags", _DAGS)) if (lock := _lock(row)) is not None]
    if not held:
        return LOCKS.empty()
    idle: dict[str, list[Row]] = {}
    columns = ["run_id", "seq", "started_at", "ended_at", "category", "from_stage", "to_stage", "leg"]
    line = source.table("timeline", columns, pc.field("category").isin(_IDLE))
    for row in rows_of(line.sort_values(["run_id", "seq"])):
        idle.setdefault(row["run_id"], []).append(row)
    names = _stage_names(archive, [row for row, _ in held], idle)
    _mark_hidden_failures(archive, [row for row, _ in held], idle)
    holdings = [one for row, lock in held for one in _holdings(row, lock, idle.get(row["run_id"], []), names)]
    _end_where_the_next_begins(holdings)
    _count_refusals(archive, holdings)
    return LOCKS.conform(pd.DataFrame([one.row() for one in holdings], columns=LOCKS.names))


@dataclass(slots=True)
class _Holding:
    """One holding while it is worked out; ``until`` is the last moment at which the lock is known to have been held."""

    cluster: str | None
    lock: Lock
    run_id: str
    taken_at: pd.Timestamp | None
    until: pd.Timestamp | None = None
    released_at: pd.Timestamp | None = None
    evidence: str = "observed"
    failed_at: pd.Timestamp | None = None
    idle: list[Row] = field(default_factory=list)
    n_refused: int | None = None

    def row(self) -> Row:
        """Return the row of the result."""
        end = self.released_at or self.until
        held = _seconds(self.taken_at, end)
        spent = dict.fromkeys(_IDLE, 0.0)
        for stretch in self.idle if held is not None else []:
            spent[stretch["category"]] += _overlap(stretch["started_at"], stretch["ended_at"], self.taken_at, end)
        standing = _overlap(self.failed_at, end, self.taken_at, end) if self.failed_at is not None and held is not None else 0.0
        return {
            "cluster": self.cluster,
            "lock": self.lock.kind,
            "key": self.lock.key,
            "run_id": self.run_id,
            "taken_at": self.taken_at,
            "released_at": self.released_at,
            "held_s": held,
            "working_s": None if held is None else max(0.0, held - sum(spent.values()) - standing),
            "neglected_s": None if held is None else spent["wait_operator"] + standing,
            "n_refused": self.n_refused,
            "evidence": self.evidence,
        }


def _lock(row: Row) -> Lock | None:
    told = row["maintenance_type"], row["maintenance_key"]
    return lock_of(*told, scope=row["scope"], owner=row["owner_agent"], name=row["name"])


def _seconds(start: pd.Timestamp | None, end: pd.Timestamp | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())


def _overlap(start: Any, end: Any, low: Any, high: Any) -> float:
    seconds: float = (min(end, high) - max(start, low)).total_seconds()
    return max(0.0, seconds)


def _stage_names(archive: Archive, held: list[Row], idle: dict[str, list[Row]]) -> dict[tuple[str, int], str]:
    """Return the names of stages of the runs that failed at some time; the others never ask."""
    wanted = [row["run_id"] for row in held if row["run_id"] in idle or row["outcome"] in _FAILED]
    if not wanted:
        return {}
    nodes = archive.lazily(wanted).table("nodes", ["run_id", "stage", "name"]).dropna()
    return dict(zip(zip(nodes["run_id"], nodes["stage"].tolist(), strict=True), nodes["name"], strict=True))


def _mark_hidden_failures(archive: Archive, held: list[Row], idle: dict[str, list[Row]]) -> None:
    """Mark each stretch in which a run failed and was started again unseen: the last one lost of a leg that is not the last."""
    redone = [row["run_id"] for row in held if row["run_id"] in idle and (row["retries_min"] or row["rollbacks_min"])]
    if not redone:
        return
    legs = archive.lazily(redone).table("timeline", ["run_id", "leg"]).groupby("run_id")["leg"].max().to_dict()
    for run_id in redone:
        lost = {stretch["leg"]: stretch for stretch in idle[run_id] if stretch["category"] == "lost"}
        waited = {stretch["leg"] for stretch in idle[run_id] if stretch["category"] in {"wait_operator", "wait_protocol"}}
        for leg, stretch in lost.items():
            stretch["hides_failure"] = leg < legs[run_id] and leg not in waited


def _holdings(row: Row, lock: Lock, idle: list[Row], names: dict[tuple[str, int], str]) -> list[_Holding]:
    """Work out when a run held its lock, from its creation on."""
    run_id, workflow = row["run_id"], row["workflow"]
    is_sure = lock.is_told and row["created_at"] is not None
    begin = row["created_at"] or row["started_at"] or row["first_observed_at"]
    current = _Holding(row["cluster"], lock, run_id, begin, evidence="observed" if is_sure else "inferred", idle=idle)
    found = [current]
    for stretch in idle:
        stage = stretch["from_stage"] if stretch["from_stage"] is not None else stretch["to_stage"]
        if not frees_lock(workflow, names.get((run_id, stage)) if stage is not None else None):
            continue
        is_wait = stretch["category"] in {"wait_operator", "wait_protocol"}
        if is_wait:
            current.released_at = stretch["started_at"]
        elif stretch.get("hides_failure"):
            # It failed and was taken again while nobody looked: what is known is that it was held before, and after.
            current.until, current.evidence = stretch["started_at"], "inferred"
        else:
            continue
        if row["outcome"] == "passed" and row["ended_at"] is not None and stretch["ended_at"] >= row["ended_at"]:
            return found  # a pass frees a lock, but takes none
        evidence = "inferred" if not is_wait or not lock.is_told else "observed"
        current = _Holding(row["cluster"], lock, run_id, stretch["ended_at"], evidence=evidence, idle=idle)
        found.append(current)
    _end(current, row, names)
    return found


def _end(last: _Holding, row: Row, names: dict[tuple[str, int], str]) -> None:
    """Say how the last holding of a run ended, or until when it is known to have lasted."""
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


def _end_where_the_next_begins(holdings: list[_Holding]) -> None:
    """Hold it against every holding that another of the same lock begins before it ends.

    A lock that was still held when last seen, and that another run took later, was freed in between, by hand perhaps. The lock of the
    cluster excludes those of its tenants.
    """
    groups: dict[tuple[str | None, ...], list[_Holding]] = {}
    for one in holdings:
        if one.taken_at is not None:
            own = ("cluster", None) if one.lock.kind in {"global", "tenant"} else (one.lock.kind, one.lock.key)
            place = (one.cluster, *own)
            groups.setdefault(place, []).append(one)
    for group in groups.values():
        group.sort(key=lambda one: (one.taken_at, one.run_id))
        for number, one in enumerate(group):
            for other in group[number + 1 :]:
                if _exclude(one, other):
                    _meet(one, other)
                    break


def _exclude(one: _Holding, other: _Holding) -> bool:
    if one.run_id == other.run_id:
        return False
    if one.lock.kind == other.lock.kind == "tenant":
        return one.lock.key is not None and one.lock.key == other.lock.key
    return True


def _meet(one: _Holding, other: _Holding) -> None:
    end = one.released_at or one.until
    if end is None or other.taken_at is None or (end - other.taken_at).total_seconds() <= _SLACK_S:
        return
    if one.released_at is None:
        one.until, one.evidence = other.taken_at, "inferred"
    else:
        one.evidence = other.evidence = "contradicted"


def _count_refusals(archive: Archive, holdings: list[_Holding]) -> None:
    """Count, where logs are in the archive, the requests that were refused while each lock was held, because of it."""
    operations = archive.table("operations")
    logged = operations[operations["evidence"].eq("log")]
    if logged.empty:
        return
    refused = rows_of(logged[logged["result"].eq("refused") & logged["error_code"].isin(list(REFUSED_BY))])
    for one in holdings:
        end = one.released_at or one.until
        one.n_refused = sum(
            row["cluster"] == one.cluster
            and one.lock.kind in REFUSED_BY[row["error_code"]]
            and row["run_id"] != one.run_id
            and one.taken_at is not None
            and end is not None
            and row["at"] is not None
            and one.taken_at <= row["at"] <= end
            and (one.lock.kind in {"global", "tenant"} or row["agent"] in {None, one.lock.key})
            for row in refused
        )
