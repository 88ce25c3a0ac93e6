"""Which stages are retried, and whether that helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.analysis._outages import runs_in_outages
from daganalysis.analysis._retries import retries
from daganalysis.errors import UsageError
from daganalysis.statistics.proportions import clopper_pearson_interval
from daganalysis.tables.results import RETRY_PATTERNS, RETRY_PATTERNS_BY_NUMBER

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive

_STAGE = ["run_id", "stage"]
_TASK = ["run_id", "task_gid"]


def retry_patterns(archive: Archive, *, level: str = "pattern") -> pd.DataFrame:
    """Return which stages are retried, after which error, how often, at what cost, and whether it helps.

    The error is that of the attempt before the retry. The cost of a retry is the time of the run from the first trouble at the stage to its
    last execution. Hand-shakes between DAGs do not count as retries. ``retry_share`` leaves out the runs in outages, in which everything
    of a cluster failed; ``n_outage`` counts them. The order of the input is irrelevant.

    Args:
        archive: The runs.
        level: ``"pattern"``, one row per workflow, stage name and error code; ``"nth"``, one row per workflow, stage name and number of the
            retry: how often the first retry of a stage helps, how often the second does.

    Returns:
        Rows sorted by these keys, costs and waits in seconds. ``n_runs`` counts the runs that executed the stage, whatever their outcome.

    Raises:
        UsageError: There is no such level.

    Example:
        >>> import daganalysis as da
        >>> upgrade = da.load("sample_data/upgrade")
        >>> da.retry_patterns(upgrade)[["name", "error_code", "retries_p50"]].to_dict("records")
        [{'name': 'Check all required packages', 'error_code': 'Common.DirNotEmpty', 'retries_p50': 2.0}]
        >>> da.retry_patterns(upgrade, level="nth")[["nth", "n", "n_succeeded", "n_failed"]].to_numpy().tolist()
        [[1, 1, 0, 1], [2, 1, 1, 0]]
    """
    if level not in {"pattern", "nth"}:
        raise UsageError("no such level of retry_patterns", where=level, hint="pattern or nth")
    dags = archive.table("dags", ["run_id", "workflow"])
    nodes = archive.table("nodes", [*_STAGE, "name", "outcome", "started_at"]).merge(dags, on="run_id")
    events = _retries_of_stages(archive).merge(nodes, on=_STAGE)
    return _by_number(events) if level == "nth" else _by_error(archive, events, nodes)


def _by_number(events: pd.DataFrame) -> pd.DataFrame:
    known = events.drop_duplicates([*_STAGE, "nth"])
    result = known.groupby(["workflow", "name", "nth"], dropna=False, as_index=False).agg(
        n=("run_id", "size"),
        n_succeeded=("result", lambda results: int(results.eq("succeeded").sum())),
        n_failed=("result", lambda results: int(results.eq("failed").sum())),
    )
    decided = (result["n_succeeded"] + result["n_failed"]).to_numpy(float)
    result["succeeded_low"], result["succeeded_high"] = clopper_pearson_interval(result["n_succeeded"].to_numpy(float), decided)
    result["succeeded_share"] = (result["n_succeeded"] / decided).where(decided > 0)
    return RETRY_PATTERNS_BY_NUMBER.conform(result[RETRY_PATTERNS_BY_NUMBER.names])


def _by_error(archive: Archive, events: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    keys = ["workflow", "name", "error_code"]
    executed = nodes[~nodes["outcome"].isin(["never_run"])]
    n_runs = executed.groupby(["workflow", "name"], dropna=False, as_index=False).agg(n_runs=("run_id", "nunique"))
    by_stage = events.groupby([*keys, *_STAGE], dropna=False, as_index=False).agg(
        retries=("nth", "nunique"), outcome=("outcome", "first"), agents=("agents", lambda sets: set().union(*sets))
    )
    by_stage = by_stage.merge(_costs(archive, nodes), on=_STAGE, how="left").fillna({"cost_s": 0.0, "wait_operator_s": 0.0})
    result = by_stage.groupby(keys, dropna=False, as_index=False).agg(
        n_retried=("run_id", "nunique"),
        retries_p50=("retries", "median"),
        succeeded_after_share=("outcome", lambda outcomes: float(outcomes.eq("succeeded").mean())),
        agents=("agents", lambda sets: " ".join(sorted(set().union(*sets))) or None),
        example_run_id=("run_id", "min"),
        cost_s=("cost_s", "sum"),
        wait_operator_s=("wait_operator_s", "sum"),
    )
    result = result.merge(n_runs, on=["workflow", "name"], how="left")
    in_outage = runs_in_outages(archive)
    of_stage = executed[executed["run_id"].isin(in_outage)].groupby(["workflow", "name"], dropna=False)["run_id"].nunique()
    of_pattern = by_stage[by_stage["run_id"].isin(in_outage)].groupby(keys, dropna=False)["run_id"].nunique()
    result = result.merge(of_stage.rename("n_runs_outage").reset_index(), on=["workflow", "name"], how="left")
    result = result.merge(of_pattern.rename("n_outage").reset_index(), on=keys, how="left").fillna({"n_runs_outage": 0, "n_outage": 0})
    outside = (result["n_runs"] - result["n_runs_outage"]).astype("float64")
    result["retry_share"] = ((result["n_retried"] - result["n_outage"]).astype("float64") / outside).where(outside > 0)
    return RETRY_PATTERNS.conform(result[RETRY_PATTERNS.names])


def _retries_of_stages(archive: Archive) -> pd.DataFrame:
    """One row per retry of a stage and error code before it: the number of the retry, its result, the agents it failed on.

    The sub-tasks of a stage that failed together are redone together, so that the first retry of each is one retry of the stage.
    """
    import pandas as pd

    found = retries(archive)
    redone = found.loc[~found["protocol"].fillna(value=False).astype(bool), [*_TASK, "agent"]]
    columns = [*_STAGE, "task_gid", "attempt", "kind", "outcome"]
    attempts = archive.table("attempts", columns).merge(redone, on=_TASK).sort_values([*_TASK, "attempt"])
    failed = archive.table("failed_attempts", [*_TASK, "attempt", "error_code"]).assign(has_failed=True)
    attempts = attempts.merge(failed, on=[*_TASK, "attempt"], how="left")
    is_retry = attempts["kind"].eq("run") & (attempts["attempt"] > 1)
    group = attempts.groupby(_TASK, sort=False)
    # The rollback run of a retry precedes its run, and the failure precedes both.
    attempts["error_before"] = attempts["error_code"].where(attempts["has_failed"].notna()).groupby([attempts[k] for k in _TASK]).ffill()
    attempts["error_before"] = group["error_before"].shift(1)
    attempts["nth"] = is_retry.groupby([attempts[key] for key in _TASK]).cumsum()
    attempts["result"] = attempts["outcome"].where(attempts["has_failed"].isna(), "failed")
    tasks = attempts[is_retry]
    if tasks.empty:
        return pd.DataFrame(columns=[*_STAGE, "nth", "error_code", "result", "agents"])
    rank = tasks["result"].map({"failed": 0, "succeeded": 2}).fillna(1)
    worst = rank.groupby([tasks[key] for key in (*_STAGE, "nth")]).transform("min")
    tasks = tasks.assign(result=worst.map({0: "failed", 2: "succeeded"}).fillna("unknown"), error_code=tasks["error_before"])
    return tasks.groupby([*_STAGE, "nth", "error_code", "result"], dropna=False, as_index=False).agg(
        agents=("agent", lambda agents: set(agents.dropna()))
    )


def _costs(archive: Archive, nodes: pd.DataFrame) -> pd.DataFrame:
    """The time of a run from the trouble at a stage to its last execution, and the part of it spent waiting for a person, in seconds."""
    line = archive.table("timeline", ["run_id", "category", "from_stage", "to_stage", "started_at", "ended_at", "duration_s"])
    came_from_elsewhere = line["category"].eq("handoff") & line["from_stage"].ne(line["to_stage"]).fillna(value=True)
    line = line[~came_from_elsewhere].assign(stage=line["to_stage"].fillna(line["from_stage"]))
    line = line.merge(nodes[[*_STAGE, "started_at"]].rename(columns={"started_at": "last_began"}), on=_STAGE)
    line = line[line["started_at"] < line["last_began"]]
    waited = line["duration_s"].where(line["category"].eq("wait_operator"), 0.0)
    return line.assign(waited=waited).groupby(_STAGE, as_index=False).agg(cost_s=("duration_s", "sum"), wait_operator_s=("waited", "sum"))
