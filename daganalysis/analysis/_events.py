"""What happened in a cluster, over all its DAGs, in order of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.analysis._locks import as_frame, find_holdings, idle_stretches
from daganalysis.analysis.culprits import short_cause
from daganalysis.analysis.membership import among
from daganalysis.engine.vocabulary import STANDS_FAILED, words
from daganalysis.tables import OPERATIONS
from daganalysis.tables.explanations import EVENTS
from daganalysis.tables.plain_rows import rows_of
from daganalysis.text.humanize import human_duration

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Row

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
    import pandas as pd

    dags = archive.table("dags", _DAGS)
    line = idle_stretches(archive)
    requests = _failures_and_requests(archive, dags, line)
    parts = [_milestones(dags), _of_locks(archive, line), requests, _moves(archive, dags), _of_agents(archive)]
    told = (
        pd.concat([part.reindex(columns=EVENTS.names) for part in parts if len(part)], ignore_index=True) if len(dags) else EVENTS.empty()
    )
    told = EVENTS.conform(told[told["at"].notna()])
    rank = told["event"].map({event: place for place, event in enumerate(_ORDER)})
    order = told.assign(rank=rank).sort_values(["at", "rank", "cluster", "run_id", "agent"], kind="stable").index
    return told.loc[order].reset_index(drop=True)


def _milestones(dags: pd.DataFrame) -> pd.DataFrame:
    """Return when runs were created, started and ended."""
    import pandas as pd

    by = dags["parent_run_id"].notna().map({True: "dag", False: "person"})
    own = dags.assign(agent=dags["owner_agent"], evidence="observed", stage=None)
    created = own.assign(at=own["created_at"], event="created", actor=by, detail=own["name"])
    started = own.assign(at=own["started_at"], event="started", actor="engine", detail=None)
    over = own[~own["outcome"].isin(STANDS_FAILED)]
    ended = over.assign(at=over["ended_at"], event="ended", actor="engine", detail=over["outcome"].map(words))
    return pd.concat([created, started, ended], ignore_index=True)


def _of_locks(archive: Archive, line: pd.DataFrame) -> pd.DataFrame:
    """Return when locks were taken and freed."""
    import pandas as pd

    held = as_frame(find_holdings(archive, line=line))
    what = held["lock"].where(held["key"].isna(), held["lock"] + " " + held["key"].fillna(""))
    told = held.assign(detail=what, actor="engine", agent=held["key"].where(held["lock"].isin(["agent", "obproxy"])))
    # What contradicts another holding is not told as a fact.
    told["evidence"] = told["evidence"].where(told["evidence"].eq("observed"), "inferred")
    taken, freed = (
        told.assign(at=told[column], event=event) for column, event in (("taken_at", "lock_taken"), ("released_at", "lock_freed"))
    )
    return pd.concat([taken, freed], ignore_index=True)


def _failures_and_requests(archive: Archive, dags: pd.DataFrame, line: pd.DataFrame) -> pd.DataFrame:
    """Return where runs failed, and who asked for what after that."""
    import pandas as pd
    import pyarrow.compute as pc

    runs = {row["run_id"]: row for row in rows_of(dags[dags["outcome"].ne("succeeded")])}
    # What answers alone prove of requests has no time, only bounds; what a run did next tells the time of most of them.
    logged_ones = archive.table("operations", OPERATIONS.names, pc.field("evidence") == "log")
    operations = rows_of(logged_ones[logged_ones["operation"].ne("create") | logged_ones["result"].eq("refused")])
    logged = {row["run_id"] for row in operations}
    causes = _Causes(archive)
    waits = _waits(archive, line)
    of_waits = {row["run_id"]: row for row in rows_of(dags[among(dags["run_id"], {wait["run_id"] for wait in waits})])}
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
    rows += [_logged(row, runs.get(row["run_id"])) for row in operations]
    return pd.DataFrame(rows, columns=EVENTS.names)


def _waits(archive: Archive, line: pd.DataFrame) -> list[Row]:
    """Return the waits of all runs, each with the ``request`` that ended it, as what the run did next tells.

    A wait that a pass of the DAG ended has none.
    """
    import pyarrow.compute as pc

    waits = line[line["category"].isin(list(_WAITS))]
    if waits.empty:
        return []
    own = archive.lazily(waits["run_id"].unique().tolist())
    legs = own.table("timeline", ["run_id", "leg", "direction"]).drop_duplicates(["run_id", "leg"], keep="last")
    after = legs.assign(leg=legs["leg"] - 1)
    passed = own.table("nodes", ["run_id", "stage"], pc.field("outcome") == "passed").dropna().drop_duplicates()
    told = waits.merge(after, on=["run_id", "leg"], how="left")
    told = told.merge(passed.rename(columns={"stage": "from_stage"}), on=["run_id", "from_stage"], how="left", indicator="is_passed")
    request = told["direction"].map({"rollback": "rollback", "forward": "retry"})
    request = request.mask(request.eq("retry") & told["is_passed"].eq("both"), "pass_node")
    return rows_of(told.assign(request=request).drop(columns="is_passed").sort_values(["run_id", "seq"]))


def _event(run: Row, at: Any, event: str, stage: int | None, **more: Any) -> Row:
    row = dict.fromkeys(EVENTS.names) | {"at": at, "cluster": run["cluster"], "run_id": run["run_id"], "event": event, "stage": stage}
    return row | {"agent": run["owner_agent"], "evidence": "observed"} | more


class _Causes:
    """The causes of failed attempts, by run and stage."""

    def __init__(self, archive: Archive) -> None:
        self._found: dict[tuple[str, int], list[Row]] = {}
        for row in rows_of(archive.table("failed_attempts", ["run_id", "stage", "started_at", "agent", "line", "outcome"])):
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


def _moves(archive: Archive, dags: pd.DataFrame) -> pd.DataFrame:
    """Return when another agent became the maintainer: as logs say, or else as the executors of normal nodes of cluster DAGs show."""
    import pandas as pd

    logged = archive.table("agent_events").query("event == 'maintainer'").rename(columns={"agent": "teller", "detail": "agent"})
    cluster_dags = dags.loc[dags["owner_agent"].isna() & ~dags["cluster"].isin(set(logged["cluster"])), ["run_id", "cluster"]]
    seen = _executors_of_normal_nodes(archive, cluster_dags)
    both = [part[["at", "cluster", "agent", "evidence"]] for part in (seen.assign(evidence="inferred"), logged.assign(evidence="log"))]
    told = pd.concat([part for part in both if len(part)] or both, ignore_index=True).dropna(subset=["at", "agent"])
    told = told.sort_values(["cluster", "at"], kind="stable", na_position="first", ignore_index=True)
    # Runs of one cluster have one maintainer at a time; what an answer shows of one run holds for all.
    before = told.groupby("cluster", dropna=False)["agent"].shift()
    moved = told[before.notna() & before.ne(told["agent"])]
    return moved.assign(event="maintainer_moved", actor="engine", detail="from " + before[moved.index], run_id=None)


def _executors_of_normal_nodes(archive: Archive, dags: pd.DataFrame) -> pd.DataFrame:
    """Return who executed the only sub-task of each stage of some runs, and when it began."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.tables.column_arrays import NONE, encoded, integers

    table = archive.coded("sub_tasks", ["run_id", "stage", "agent", "started_at"])
    run, run_ids = encoded(table.column("run_id"))
    stage, start = integers(table.column("stage")), integers(table.column("started_at"))
    is_new = (np.diff(run, prepend=NONE) != 0) | (np.diff(stage, prepend=NONE) != 0)
    is_alone = is_new & np.append(is_new[1:], True) & (stage != NONE) & (start != NONE)
    clusters = pd.Series(dags["cluster"].array, index=dags["run_id"].array)
    is_asked = np.append(np.asarray(pc.is_in(run_ids, pa.array(dags["run_id"], pa.string()))), False)  # the last place is of no run
    rows = pa.array(np.flatnonzero(is_alone & is_asked[run]))
    told = table.select(["run_id", "agent", "started_at"]).take(rows)
    return pd.DataFrame(
        {
            "at": told.column("started_at").to_pandas(),
            "agent": pd.Series(told.column("agent").cast(pa.string()).to_pylist(), dtype="str"),
            "cluster": clusters.reindex(told.column("run_id").cast(pa.string()).to_pylist()).array,
        }
    )


def _of_agents(archive: Archive) -> pd.DataFrame:
    """Return when agents restarted: their logs say when each started, and most also say when it was asked to stop."""
    import pandas as pd

    rows = archive.table("agent_events")
    rows = rows[rows["event"].isin(["started", "stopped", "lost"])].sort_values(
        ["cluster", "agent", "at"], kind="stable", ignore_index=True
    )
    if rows.empty:
        return EVENTS.empty()
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
    return told[restarted | gone]
