"""What happened in a cluster, over all its DAGs, in order of time."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.analysis._locks import HELD_BY, AlreadyRead, find_holdings, idle_stretches, read_directions
from daganalysis.analysis.culprits import short_cause
from daganalysis.engine.times import SECOND_NS
from daganalysis.engine.vocabulary import STANDS_FAILED, words
from daganalysis.tables import OPERATIONS
from daganalysis.tables.column_arrays import NONE, encoded, integers
from daganalysis.tables.explanations import EVENTS
from daganalysis.tables.plain_rows import columns_of, rows_at, rows_of
from daganalysis.text.humanize import human_duration

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.analysis._locks import Directions
    from daganalysis.analysis.holdings import Holding
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Ints
    from daganalysis.tables.plain_rows import Columns, Row

_DAGS = [
    *("run_id", "cluster", "name", "outcome", "operator", "stage", "owner_agent", "parent_run_id", "created_at", "started_at", "ended_at"),
    *("start_time", "work_ok"),
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
_CLOCKS_APART_NS = 60 * SECOND_NS
"""How far apart the clocks of two agents may be that name the same maintainer."""
_WAITS = {"wait_operator": "person", "wait_protocol": "dag"}


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
    dags = columns_of(archive.coded("dags", list(dict.fromkeys([*_DAGS, *HELD_BY]))))
    if not dags["run_id"]:
        return EVENTS.empty()
    line, logged = idle_stretches(archive), _logged_operations(archive)
    directions = read_directions(archive, {row["run_id"] for row in line})
    parts = [_milestones(dags), _of_locks(find_holdings(archive, read=AlreadyRead(line, directions, logged)))]
    rows = [*_failures_and_requests(archive, dags, line, directions, logged), *_moves(archive, dags), *_of_agents(archive)]
    parts.append({name: [row.get(name) for row in rows] for name in EVENTS.names})
    told: Columns = {name: [value for part in parts for value in part[name]] for name in EVENTS.names}
    order = _in_order(told)
    return EVENTS.frame(EVENTS.arrow({name: [values[place] for place in order] for name, values in told.items()}))


def _in_order(told: Columns) -> list[int]:
    """Return the places of events whose time is known, in order."""
    at = np.array([NONE if moment is None else moment for moment in told["at"]], np.int64)
    places = {event: place for place, event in enumerate(_ORDER)}
    rank = np.array([places[event] for event in told["event"]], np.int64)
    order = np.lexsort((rank, at))
    order = order[at[order] != NONE]
    is_like_next = (np.diff(at[order]) == 0) & (np.diff(rank[order]) == 0)
    result: list[int] = order.tolist()

    def key(place: int) -> list[tuple[bool, str]]:
        return [(told[name][place] is None, told[name][place] or "") for name in ("cluster", "run_id", "agent")]

    begins = np.flatnonzero(np.diff(is_like_next.astype(np.int8), prepend=0, append=0) == 1)
    ends = np.flatnonzero(np.diff(is_like_next.astype(np.int8), prepend=0, append=0) == -1)
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        result[begin : end + 1] = sorted(result[begin : end + 1], key=key)
    return result


def _milestones(dags: Columns) -> Columns:
    """Return when runs were created, started and ended."""
    over = [place for place, outcome in enumerate(dags["outcome"]) if outcome not in STANDS_FAILED]
    n, n_over, run_ids, clusters, owners = len(dags["run_id"]), len(over), dags["run_id"], dags["cluster"], dags["owner_agent"]
    return {
        "at": [*dags["created_at"], *dags["started_at"], *(dags["ended_at"][place] for place in over)],
        "cluster": [*clusters, *clusters, *(clusters[place] for place in over)],
        "run_id": [*run_ids, *run_ids, *(run_ids[place] for place in over)],
        "event": ["created"] * n + ["started"] * n + ["ended"] * n_over,
        "stage": [None] * (2 * n + n_over),
        "agent": [*owners, *owners, *(owners[place] for place in over)],
        "actor": ["person" if parent is None else "dag" for parent in dags["parent_run_id"]] + ["engine"] * (n + n_over),
        "client": [None] * (2 * n + n_over),
        "detail": [*dags["name"], *[None] * n, *(words(dags["outcome"][place]) for place in over)],
        "evidence": ["observed"] * (2 * n + n_over),
    }


def _of_locks(holdings: list[Holding]) -> Columns:
    """Return when locks were taken and freed."""
    n = 2 * len(holdings)
    descriptions = [one.lock.kind if one.lock.key is None else f"{one.lock.kind} {one.lock.key}" for one in holdings]
    agents = [one.lock.key if one.lock.kind in {"agent", "obproxy"} else None for one in holdings]
    # A holding that contradicts another one is not stated as a fact.
    evidence = ["observed" if one.evidence == "observed" else "inferred" for one in holdings]
    return {
        "at": [one.taken_at for one in holdings] + [one.released_at for one in holdings],
        "cluster": [one.cluster for one in holdings] * 2,
        "run_id": [one.run_id for one in holdings] * 2,
        "event": ["lock_taken"] * len(holdings) + ["lock_freed"] * len(holdings),
        "stage": [None] * n,
        "agent": agents * 2,
        "actor": ["engine"] * n,
        "client": [None] * n,
        "detail": descriptions * 2,
        "evidence": evidence * 2,
    }


def _logged_operations(archive: Archive) -> list[Row]:
    """Return the requests that agents logged."""
    import pyarrow.compute as pc

    table = archive.arrow("operations", OPERATIONS.names, pc.field("evidence") == "log")
    return rows_at(columns_of(table), range(table.num_rows))


def _failures_and_requests(archive: Archive, dags: Columns, line: list[Row], directions: Directions, requests: list[Row]) -> list[Row]:
    """Return where runs failed, and who asked for what after that."""
    waits = _waits(archive, line, directions)
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
        if wait["category"] == "wait_operator":
            rows.append(_failed(run, wait["started_at"], wait["from_stage"], causes))
        if wait["run_id"] not in logged and wait["request"] is not None:
            actor = _WAITS[wait["category"]]
            rows.append(_event(run, wait["ended_at"], wait["request"], wait["from_stage"], actor=actor, evidence="inferred"))
    for run in runs.values():
        if run["outcome"] in STANDS_FAILED:
            rows.append(_failed(run, run["ended_at"], run["stage"], causes))
        elif run["run_id"] not in logged and run["operator"] == "CANCEL":
            # A cancel begins a leg of its own, within one pass of the scheduler.
            rows.append(_event(run, run["start_time"] or run["ended_at"], "cancel", run["stage"], actor="person", evidence="inferred"))
        elif run["run_id"] not in logged and run["outcome"] == "passed":
            actor = "dag" if run["parent_run_id"] is not None else "person"
            rows.append(_event(run, run["ended_at"], "pass", run["stage"], actor=actor))
    return rows + [_logged(row, runs.get(row["run_id"])) for row in operations]


def _waits(archive: Archive, line: list[Row], directions: Directions) -> list[Row]:
    """Return the waits of all runs, each with the ``request`` that ended it, by what the run did next.

    A wait that a pass of the DAG ended has none.
    """
    waits = [row for row in line if row["category"] in _WAITS]
    if not waits:
        return []
    own = archive.lazily(sorted({row["run_id"] for row in waits}))
    nodes = columns_of(own.coded("nodes", ["run_id", "stage", "outcome"], ("outcome", ["passed"])))
    passed = set(zip(nodes["run_id"], nodes["stage"], strict=True))
    requests = {"rollback": "rollback", "forward": "retry"}
    told = []
    for row in waits:
        request = requests.get(directions.get((row["run_id"], row["leg"] + 1)) or "")
        if request == "retry" and row["from_stage"] is not None and (row["run_id"], row["from_stage"]) in passed:
            request = "pass_node"
        told.append({**row, "request": request})
    return told


def _event(run: Row, at: Any, event: str, stage: int | None, **more: Any) -> Row:
    row = dict.fromkeys(EVENTS.names) | {"at": at, "cluster": run["cluster"], "run_id": run["run_id"], "event": event, "stage": stage}
    return row | {"agent": run["owner_agent"], "evidence": "observed"} | more


class _Causes:
    """The causes of failed attempts, by run and stage."""

    def __init__(self, archive: Archive) -> None:
        self._found: dict[tuple[str, int], list[Row]] = {}
        table = archive.coded("failed_attempts", ["run_id", "stage", "started_at", "agent", "line", "outcome"])
        for row in rows_at(columns_of(table), range(table.num_rows)):
            self._found.setdefault((row["run_id"], row["stage"]), []).append(row)

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


def _moves(archive: Archive, dags: Columns) -> list[Row]:
    """Return when another agent became the maintainer: from logs or, without logs, from the executors of normal nodes of cluster DAGs."""
    logged = archive.table("agent_events")
    logged = logged[logged["event"].eq("maintainer") & logged["at"].notna() & logged["detail"].notna()]
    told = rows_of(logged.sort_values("at", kind="stable"), in_nanoseconds=True)
    found = []
    for cluster, own_rows in _by_cluster(told).items():
        found += [_moved(at, cluster, agent, before, "log") for (before, _), (agent, at) in itertools.pairwise(_maintainers_told(own_rows))]
    known = {row["cluster"] for row in told}
    own = [place for place, owner in enumerate(dags["owner_agent"]) if owner is None and dags["cluster"][place] not in known]
    return found + _moves_seen(archive, {dags["run_id"][place]: dags["cluster"][place] for place in own})


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


def _moves_seen(archive: Archive, clusters: dict[str, str | None]) -> list[Row]:
    """Return when another agent began to execute the normal nodes of a cluster, by the clusters of its DAGs.

    The runs of one cluster have one maintainer at a time, so an answer about one run holds for all.
    """
    if not clusters:
        return []
    labels = list(dict.fromkeys(clusters.values()))
    number = {label: place for place, label in enumerate(labels)}
    asked = {run_id: (place, number[label]) for place, (run_id, label) in enumerate(clusters.items())}
    agents: dict[str, int] = {}
    seen = [_executors_of_normal_nodes(part, asked, agents) for part in archive.by_part()]
    run, cluster, at, agent = (np.concatenate(columns) for columns in zip(*seen, strict=True))
    order = np.lexsort((run, at, cluster))
    cluster, at, agent = cluster[order], at[order], agent[order]
    moved = np.flatnonzero((cluster[1:] == cluster[:-1]) & (agent[1:] != agent[:-1])) + 1
    names = list(agents)
    return [_moved(int(at[k]), labels[cluster[k]], names[agent[k]], names[agent[k - 1]], "inferred") for k in moved.tolist()]


def _executors_of_normal_nodes(
    archive: Archive, asked: dict[str, tuple[int, int]], agents: dict[str, int]
) -> tuple[Ints, Ints, Ints, Ints]:
    """Return who executed the only sub-task of each stage of some runs, and when it began.

    ``asked`` has the number of each run and of its cluster, and ``agents`` takes up the number of each agent. The columns are the run, the
    cluster, the time and the agent.
    """
    table = archive.coded("sub_tasks", ["run_id", "stage", "agent", "started_at"])
    run, run_ids = encoded(table.column("run_id"))
    stage, start = integers(table.column("stage")), integers(table.column("started_at"))
    agent, names = encoded(table.column("agent"))
    is_new = (np.diff(run, prepend=NONE) != 0) | (np.diff(stage, prepend=NONE) != 0)
    numbers = np.array([*(asked.get(run_id, (NONE, NONE)) for run_id in run_ids.to_pylist()), (NONE, NONE)])  # the last place is of no run
    is_wanted = is_new & np.append(is_new[1:], True) & (stage != NONE) & (start != NONE) & (agent != NONE)
    rows = np.flatnonzero(is_wanted & (numbers[run, 0] != NONE))
    codes = np.array([agents.setdefault(name, len(agents)) for name in names.to_pylist()] or [NONE])
    return numbers[run[rows], 0], numbers[run[rows], 1], start[rows], codes[agent[rows]]


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
