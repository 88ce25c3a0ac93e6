"""What happened in a cluster, over all its DAGs, in order of time."""

from __future__ import annotations

import itertools
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.analysis._locks import HELD_BY, AlreadyRead, find_holdings
from daganalysis.analysis.causes import short_cause
from daganalysis.analysis.ended_waits import ended_waits
from daganalysis.analysis.holdings import as_numbers, as_texts
from daganalysis.analysis.idle_stretches import read_timelines
from daganalysis.engine.times import SECOND_NS
from daganalysis.engine.vocabulary import STANDS_FAILED, words
from daganalysis.tables import OPERATIONS
from daganalysis.tables.column_arrays import NONE, codes_of, encoded, integers, is_equal, ranked, taken
from daganalysis.tables.explanations import EVENTS
from daganalysis.tables.plain_rows import columns_of, rows_at, rows_of
from daganalysis.text.humanize import human_duration

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.holdings import Holdings
    from daganalysis.analysis.idle_stretches import Timelines
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Bools, Ints
    from daganalysis.tables.plain_rows import Columns, Row

_DAGS = [
    *("run_id", "cluster", "name", "outcome", "operator", "stage", "owner_agent", "parent_run_id", "created_at", "started_at", "ended_at"),
    "start_time",
]
_ORDER = (
    *(
        "agent_stopped",
        "agent_restarted",
        "maintainer_moved",
        "refused",
        "created",
        "retry",
        "rollback",
        "cancel",
        "pass",
        "pass_node",
        "lock_taken",
    ),
    *("started", "stage_failed", "ended", "lock_freed"),
)
"""The order of events of the same time."""
_PLACES = {event: place for place, event in enumerate(_ORDER)}
_LONGEST_UNSAID_NS = 5 * SECOND_NS
"""The bounds of a request are said if they are farther apart than this."""
_CLOCKS_APART_NS = 60 * SECOND_NS
"""How far apart the clocks of two agents may be that name the same maintainer."""


def events(archive: Archive) -> pd.DataFrame:
    """List everything that happened over all DAGs, in order of time.

    A run is created, starts, fails at a stage, is retried, rolled back, cancelled or passed by somebody, takes and frees locks, and ends;
    requests are refused, agents restart, and the maintainer moves to another agent. What a main DAG does to its child DAGs is listed once,
    as an event of the child with the actor ``dag``. A child that fails on purpose, to wait for its main DAG, is no failure. Requests come
    from logs (base table ``operations``) or, without logs, from what answers show of the runs.

    Args:
        archive: The runs.

    Returns:
        One row per event, sorted by time. Events of the same time are in the order in which the engine makes them happen.

    Example:
        >>> import daganalysis as da
        >>> da.events(da.load("sample_data/tenant/cancelled.json"))["event"].tolist()
        ['created', 'lock_taken', 'started', 'cancel', 'ended', 'lock_freed']
    """
    import pyarrow as pa

    table = archive.coded("dags", list(dict.fromkeys([*_DAGS, *HELD_BY])))
    if not table.num_rows:
        return EVENTS.empty()
    dags = columns_of(table.select(_DAGS))
    run_ids = pa.array(dags["run_id"], pa.string())
    timelines, logged = read_timelines(archive, run_ids), _logged_operations(archive)
    rows = [*_failures_and_requests(archive, dags, timelines, logged), *_moves(archive, dags, run_ids), *_of_agents(archive)]
    parts = [*_milestones(table), _of_locks(find_holdings(archive, read=AlreadyRead(table, timelines, logged)))]
    parts.append(EVENTS.arrow({name: [row.get(name) for row in rows] for name in EVENTS.names}))
    told = pa.concat_tables(parts).combine_chunks()
    return EVENTS.frame(told.take(pa.array(_in_order(told))))


def _in_order(told: pa.Table) -> Ints:
    """Return the places of events whose time is known, in order."""
    at = integers(told.column("at"))
    codes, names = encoded(told.column("event"))
    rank = np.array([_PLACES[name] for name in names.to_pylist()], np.int64)[codes]
    ties = [
        np.where(code == NONE, told.num_rows, code) for code in (ranked(told.column(name))[0] for name in ("agent", "run_id", "cluster"))
    ]
    order = np.lexsort((*ties, rank, at))
    known: Ints = order[at[order] != NONE]
    return known


def _part(event: str, at: pa.Array | pa.ChunkedArray, **columns: Any) -> pa.Table:
    """Make events of one kind; a column that is a text holds it in each row, and one that is not given is null."""
    import pyarrow as pa

    n = len(at)

    def column(name: str) -> pa.Array | pa.ChunkedArray:
        values = columns.get(name)
        kind = EVENTS.schema().field(name).type
        if values is None:
            return pa.nulls(n, kind)
        return pa.repeat(values, n) if isinstance(values, str) else values.cast(kind)

    columns |= {"at": at, "event": event}
    return pa.table([column(name) for name in EVENTS.names], schema=EVENTS.schema())


def _milestones(dags: pa.Table) -> list[pa.Table]:
    """Return when runs were created, started and ended."""
    import pyarrow as pa
    import pyarrow.compute as pc

    over = dags.take(pa.array(np.flatnonzero(~is_equal(dags.column("outcome"), *STANDS_FAILED))))
    outcomes, texts = encoded(over.column("outcome"))
    said = taken(pa.array([words(text) for text in texts.to_pylist()], pa.string()), outcomes)
    actor = pc.if_else(dags.column("parent_run_id").is_null(), "person", "dag")

    def part(event: str, rows: pa.Table, at: str, **more: Any) -> pa.Table:
        of_run = {"cluster": rows.column("cluster"), "run_id": rows.column("run_id"), "agent": rows.column("owner_agent")}
        return _part(event, rows.column(at), **of_run, evidence="observed", **more)

    return [
        part("created", dags, "created_at", actor=actor, detail=dags.column("name")),
        part("started", dags, "started_at", actor="engine"),
        part("ended", over, "ended_at", actor="engine", detail=said),
    ]


def _of_locks(holdings: Holdings) -> pa.Table:
    """Return when locks were taken and freed."""
    import pyarrow as pa

    kinds, keys = holdings.kind.tolist(), holdings.key.tolist()
    descriptions = [kind if key is None else f"{kind} {key}" for kind, key in zip(kinds, keys, strict=True)]
    agents = [key if kind in {"agent", "obproxy"} else None for kind, key in zip(kinds, keys, strict=True)]
    columns = {
        "cluster": as_texts(holdings.cluster),
        "run_id": as_texts(holdings.run_id),
        "agent": pa.array(agents, pa.string()),
        "actor": "engine",
        "detail": pa.array(descriptions, pa.string()),
        # A holding that contradicts another one is not stated as a fact.
        "evidence": as_texts(np.where(holdings.evidence == "observed", "observed", "inferred").astype(object)),
    }
    moments = {"lock_taken": holdings.taken_at, "lock_freed": holdings.released}
    return pa.concat_tables([_part(event, as_numbers(at), **columns) for event, at in moments.items()])


def _logged_operations(archive: Archive) -> list[Row]:
    """Return the requests that agents logged."""
    import pyarrow.compute as pc

    table = archive.arrow("operations", OPERATIONS.names, pc.field("evidence") == "log")
    return rows_at(columns_of(table), range(table.num_rows))


def _failures_and_requests(archive: Archive, dags: Columns, timelines: Timelines, requests: list[Row]) -> list[Row]:
    """Return where runs failed, and who asked for what after that."""
    waits = ended_waits(archive, dags, timelines)
    wanted = {wait["run_id"] for wait in waits}
    own = [
        place
        for place, (run_id, outcome) in enumerate(zip(dags["run_id"], dags["outcome"], strict=True))
        if outcome != "succeeded" or run_id in wanted
    ]
    of_waits = {row["run_id"]: row for row in rows_at({name: dags[name] for name in _DAGS}, own)}
    runs = {run_id: row for run_id, row in of_waits.items() if row["outcome"] != "succeeded"}
    # Answers prove only bounds on the times of requests. What the run did next shows the time of most of them.
    operations = [row for row in requests if row["operation"] != "create" or row["result"] == "refused"]
    logged = {row["run_id"] for row in operations}
    causes = _Causes(archive)
    rows: list[Row] = []
    for wait in waits:
        run = of_waits.get(wait["run_id"])
        if run is None:
            continue
        if wait["by_person"]:
            rows.append(_failed(run, wait["started_at"], wait["from_stage"], causes))
        if wait["run_id"] not in logged and wait["request"] is not None:
            actor = "person" if wait["by_person"] else "dag"
            more = {"actor": actor, "detail": _since(wait), "evidence": "inferred"}
            rows.append(_event(run, wait["asked_at"], wait["request"], wait["from_stage"], **more))
    for run in runs.values():
        if run["outcome"] in STANDS_FAILED:
            if run["ended_at"] is not None:  # an event has a time
                rows.append(_failed(run, run["ended_at"], run["stage"], causes))
        elif run["run_id"] not in logged and run["operator"] == "CANCEL":
            # A cancel begins a leg of its own, within one pass of the scheduler.
            rows.append(_event(run, run["start_time"] or run["ended_at"], "cancel", run["stage"], actor="person", evidence="inferred"))
        elif run["run_id"] not in logged and run["outcome"] == "passed":
            actor = "dag" if run["parent_run_id"] is not None else "person"
            rows.append(_event(run, run["ended_at"], "pass", run["stage"], actor=actor))
    return rows + [_logged(row, runs.get(row["run_id"])) for row in operations]


def _since(wait: Row) -> str | None:
    """Return in words how much earlier a request may have come than the time of its event; None if that is little."""
    earlier = wait["asked_at"] - wait["ended_at"]
    return f"or up to {human_duration(earlier / SECOND_NS)} earlier" if earlier > _LONGEST_UNSAID_NS else None


def _event(run: Row, at: Any, event: str, stage: int | None, **more: Any) -> Row:
    row = dict.fromkeys(EVENTS.names) | {"at": at, "cluster": run["cluster"], "run_id": run["run_id"], "event": event, "stage": stage}
    return row | {"agent": run["owner_agent"], "evidence": "observed"} | more


class _Causes:
    """The causes of failed attempts, by run and stage."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @cached_property
    def _found(self) -> dict[tuple[str, int], list[Row]]:
        found: dict[tuple[str, int], list[Row]] = {}
        table = self._archive.coded("failed_attempts", ["run_id", "stage", "started_at", "agent", "line", "outcome"])
        for row in rows_at(columns_of(table), range(table.num_rows)):
            found.setdefault((row["run_id"], row["stage"]), []).append(row)
        return found

    def before(self, run_id: str, stage: int | None, at: Any) -> Row | None:
        """Return the failed attempt that made a run fail at a stage at some time, as far as it is known."""
        found = self._found.get((run_id, stage), []) if stage is not None else []
        earlier = [row for row in found if row["started_at"] is None or row["started_at"] <= at]
        return max(earlier, key=lambda row: (row["started_at"] is not None, row["started_at"] or at, row["line"] is not None), default=None)


def _failed(run: Row, at: Any, stage: int | None, causes: _Causes) -> Row:
    failure = causes.before(run["run_id"], stage, at)
    detail = agent = None
    if failure is not None:
        agent, detail = failure["agent"], short_cause(failure["line"]) or words(failure["outcome"])
    return _event(run, at, "stage_failed", stage, agent=agent, actor="engine", detail=detail)


def _logged(row: Row, run: Row | None) -> Row:
    """Return the event of a request in the base table ``operations``."""
    at = row["at"] or row["at_max"] or row["at_min"]
    event = "refused" if row["result"] == "refused" else row["operation"]
    detail = " ".join(text for text in (words(row["operation"]), row["error_code"]) if text) if event == "refused" else None
    own = {"run_id": row["run_id"], "cluster": row["cluster"] or (run or {}).get("cluster"), "owner_agent": row["agent"]}
    actor = row["actor"] if row["actor"] != "unknown" else None
    evidence = "log" if row["evidence"] == "log" else "inferred"
    return _event(own, at, event, row["stage"], actor=actor, client=row["client"], detail=detail, evidence=evidence)


def _moves(archive: Archive, dags: Columns, run_ids: pa.Array) -> list[Row]:
    """Return when another agent became the maintainer: from logs or, without logs, from the executors of normal nodes of cluster DAGs."""
    logged = archive.table("agent_events")
    logged = logged[logged["event"].eq("maintainer") & logged["at"].notna() & logged["detail"].notna()]
    told = rows_of(logged.sort_values("at", kind="stable"), in_nanoseconds=True)
    found = []
    for cluster, own_rows in _by_cluster(told).items():
        found += [_moved(at, cluster, agent, before, "log") for (before, _), (agent, at) in itertools.pairwise(_maintainers_told(own_rows))]
    known = {row["cluster"] for row in told}
    of_runs = zip(dags["owner_agent"], dags["cluster"], strict=True)
    own = np.array([owner is None and cluster not in known for owner, cluster in of_runs], bool)
    return found + _moves_seen(archive, run_ids, dags["cluster"], own)


def _by_cluster(rows: list[Row]) -> dict[str | None, list[Row]]:
    found: dict[str | None, list[Row]] = {}
    for row in rows:
        found.setdefault(row["cluster"], []).append(row)
    return dict(sorted(found.items(), key=lambda of_cluster: of_cluster[0] or ""))


def _maintainers_told(rows: list[Row]) -> list[tuple[str, int]]:
    """Return the maintainers of a cluster one after the other, each with the time at which a log first names it.

    Each agent logs the maintainers by its own clock. So an entry of an agent is the maintainer that others have logged already, after the
    one that it logged before, unless the next one came long before.
    """
    found: list[tuple[str, int]] = []
    last_of: dict[str | None, int] = {}
    for row in rows:
        begin = last_of.get(row["agent"], 0)
        same = (
            place
            for place in range(begin, len(found))
            if found[place][0] == row["detail"] and (place + 1 == len(found) or found[place + 1][1] >= row["at"] - _CLOCKS_APART_NS)
        )
        place = next(same, len(found))
        if place == len(found):
            found.append((row["detail"], row["at"]))
        last_of[row["agent"]] = place
    return found


def _moved(at: int, cluster: str | None, agent: str, before: str, evidence: str) -> Row:
    detail = f"from {before}"
    return {
        "at": at,
        "cluster": cluster,
        "event": "maintainer_moved",
        "agent": agent,
        "actor": "engine",
        "detail": detail,
        "evidence": evidence,
    }


def _moves_seen(archive: Archive, run_ids: pa.Array, clusters: list[str | None], own: Bools) -> list[Row]:
    """Return when another agent began to execute the normal nodes of the clusters of its ``own`` runs.

    A normal node has one sub-task. The runs of one cluster have one maintainer at a time, so an answer about one run holds for all.
    """
    if not own.any():
        return []
    table = archive.coded("sub_tasks", ["run_id", "stage", "agent", "started_at"])
    run, stage, start = codes_of(table.column("run_id"), run_ids), integers(table.column("stage")), integers(table.column("started_at"))
    agent, names = encoded(table.column("agent"))
    is_new = np.append(np.ones(min(1, len(run)), bool), (run[1:] != run[:-1]) | (stage[1:] != stage[:-1]))
    is_only = is_new & np.append(is_new[1:], np.ones(min(1, len(run)), bool))
    rows = np.flatnonzero(is_only & np.append(own, False)[run] & (stage != NONE) & (start != NONE) & (agent != NONE))
    number = {label: place for place, label in enumerate(dict.fromkeys(clusters))}
    cluster = np.array([number[label] for label in clusters], np.int64)[run[rows]]
    order = np.lexsort((run[rows], start[rows], cluster))
    rows, cluster = rows[order], cluster[order]
    agent = agent[rows]
    moved = np.flatnonzero((cluster[1:] == cluster[:-1]) & (agent[1:] != agent[:-1])) + 1
    labels, told, at = list(number), names.to_pylist(), start[rows]
    return [_moved(int(at[k]), labels[cluster[k]], told[agent[k]], told[agent[k - 1]], "inferred") for k in moved.tolist()]


def _of_agents(archive: Archive) -> list[Row]:
    """Return when agents restarted. Their logs show when each started, and mostly when it was asked to stop."""
    import pandas as pd

    rows = archive.table("agent_events")
    rows = rows[rows["event"].isin(["started", "stopped", "lost"])].sort_values(
        ["cluster", "agent", "at"], kind="stable", ignore_index=True
    )
    if rows.empty:
        return []
    by_agent = rows.groupby(["cluster", "agent"], dropna=False)
    before, since, after = by_agent["event"].shift(), by_agent["at"].shift(), by_agent["event"].shift(-1)
    down = (rows["at"] - since).dt.total_seconds()
    known = before.isin(["stopped", "lost"])
    detail = pd.Series(
        [f"down for {human_duration(s)}" if is_known else None for s, is_known in zip(down, known, strict=True)], dtype=object
    )
    restarted = rows["event"].eq("started") & before.notna()
    gone = ~rows["event"].eq("started") & after.isna()
    event = rows["event"].mask(restarted, "agent_restarted").mask(gone, "agent_stopped")
    told = rows.assign(event=event, detail=detail, actor="engine", evidence="log", run_id=None)
    return rows_of(told[restarted | gone], in_nanoseconds=True)
