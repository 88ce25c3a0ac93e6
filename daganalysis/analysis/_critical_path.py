"""Why a run took so long: the chain of work and waits from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.errors import UsageError
from daganalysis.tables.explanations import CRITICAL_PATH, CRITICAL_PATH_BY_STAGE

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.chains import Segments, Stretches
    from daganalysis.archive import Archive

_ATTEMPTS = ["run_id", "stage", "task_gid", "attempt", "started_at", "ended_at", "agent"]
_LEVELS = ("segment", "stage")


def critical_path(archive: Archive, *, level: str = "segment") -> pd.DataFrame:
    """Return the chain of work and waits that determined how long each run took.

    Every stretch of the run's timeline is a segment. A stretch of work is resolved into the attempts that the run waited for: starting at
    its end, take the attempt that ended last, and continue at the start of that attempt. Time that only attempts with a later end cover
    belongs to the longest of them. An attempt that waited for a child DAG is replaced by the path of the child, if that lies within the
    attempt; the rest of the attempt is ``child_poll``. Attempts are on the clock of their DAG's own rows. If the bounds of two clocks leave
    open which attempt ended last, the evidence is ``uncertain``.

    Args:
        archive: The runs.
        level: ``"segment"``, one row per segment; ``"stage"``, one row per stage name of a workflow, over its runs of known length: how
            long its work was on the path, and its drag: how much shorter the runs would have been without the attempt that ended it. Each
            workflow has its own stages here, and a wait for a child DAG belongs to the stage that waited.

    Returns:
        Level ``"segment"``: sorted by run_id and time; the durations of a run add up to its ``elapsed_s``, to the nanosecond. A run that
        has not ended has the path so far. Level ``"stage"``: sorted by workflow and name, the path's share in all elapsed time.

    Raises:
        UsageError: There is no such level.

    Example:
        >>> import daganalysis as da
        >>> path = da.critical_path(da.load("sample_data/documented/scale-out.json"))
        >>> path.nlargest(1, "duration_s")[["name", "category", "agent"]].to_dict("records")
        [{'name': 'Wait remote start finish', 'category': 'execute', 'agent': '...'}]
        >>> float(path["duration_s"].sum().round(6))
        28.613749
    """
    if level not in _LEVELS:
        raise UsageError("no such level of critical_path", where=level, hint="segment or stage")
    from daganalysis.analysis.chains import read_attempt_table, read_attempts, read_stretches, resolve
    from daganalysis.analysis.child_paths import with_child_paths
    from daganalysis.analysis.clock_bounds import clocks_ahead

    stretches = read_stretches(archive)
    table = read_attempt_table(archive, _ATTEMPTS)
    attempts = read_attempts(table, stretches.run_ids)
    segments = resolve(stretches, attempts, clocks_ahead(archive, stretches, attempts))
    if level == "stage":
        return _by_stage(archive, stretches, segments, table)
    return CRITICAL_PATH.frame(with_child_paths(archive, _rows(archive, stretches, segments, table)))


def _rows(archive: Archive, stretches: Stretches, segments: Segments, attempts: pa.Table) -> pa.Table:
    """Make the rows of the result, each run from its own attempts."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.tables.column_arrays import NONE, one_array

    of = segments.stretch
    name_codes, names = stretches.names(archive)
    attempt = pa.array(segments.attempt, mask=segments.attempt == NONE)
    run = stretches.run[of]
    first = np.flatnonzero(np.diff(run, prepend=NONE))
    seq = np.arange(len(run)) - np.repeat(first, np.diff(first, append=len(run))) + 1
    evidence = stretches.evidence.take(of).cast(pa.string())
    columns = {
        "run_id": stretches.run_ids.take(run),
        "seq": seq,
        "started_at": segments.start,
        "ended_at": segments.end,
        "duration_s": (segments.end - segments.start) / 1e9,
        "category": stretches.category.take(of),
        "stage": pa.array(stretches.stage[of], mask=stretches.stage[of] == NONE),
        "name": names.take(pa.array(name_codes[of], mask=name_codes[of] == NONE)),
        "task_gid": attempts.column("task_gid").combine_chunks().take(attempt),
        "attempt": attempts.column("attempt").combine_chunks().take(attempt),
        "agent": one_array(attempts.column("agent")).take(attempt),
        "child_run_id": pa.nulls(len(run), pa.string()),
        "evidence": pc.if_else(pa.array(segments.is_uncertain), "uncertain", evidence),
    }
    schema = CRITICAL_PATH.schema()
    return pa.table({field.name: pa.array(columns[field.name]).cast(field.type) for field in schema}, schema=schema)


def _by_stage(archive: Archive, stretches: Stretches, segments: Segments, attempts: pa.Table) -> pd.DataFrame:
    """Sum the work on the path by workflow and stage name."""
    import pandas as pd

    from daganalysis.tables.column_arrays import NONE, codes_of, encoded

    dags = archive.arrow("dags", ["run_id", "workflow", "elapsed_s"])
    run = codes_of(dags.column("run_id"), stretches.run_ids)
    workflow, workflows = encoded(dags.column("workflow"))
    runs = pd.DataFrame({"run": run, "workflow": workflow, "elapsed_s": dags.column("elapsed_s").to_pandas()})
    runs = runs[runs["elapsed_s"].notna() & (runs["run"] != NONE)]
    codes, names = stretches.names(archive)
    agent, agents = encoded(attempts.column("agent"))
    of = segments.stretch
    work = pd.DataFrame({"run": stretches.run[of], "name": codes[of], "ns": segments.end - segments.start, "drag": segments.drag})
    work["agent"] = agent[segments.attempt]
    work = work[stretches.is_execute[of]].assign(drag=work["drag"].clip(lower=0))
    work.loc[segments.attempt[stretches.is_execute[of]] == NONE, "agent"] = NONE
    work = work.merge(runs[["run", "workflow"]], on="run")
    grouped = work.groupby(["workflow", "name"])
    result = grouped.agg(n_runs=("run", "nunique"), path=("ns", "sum"), drag=("drag", "sum"), n_segments=("ns", "size")).reset_index()
    on_path = work[work["agent"] != NONE].groupby(["workflow", "name", "agent"]).size().rename("n_agent").reset_index()
    on_path["address"] = _texts(agents, on_path["agent"])
    most = on_path.sort_values(["n_agent", "address"], ascending=[False, True]).drop_duplicates(["workflow", "name"])
    result = result.merge(most[["workflow", "name", "address", "n_agent"]], on=["workflow", "name"], how="left")
    total = runs.groupby("workflow")["elapsed_s"].sum()
    path_s = result["path"] / 1e9
    columns: dict[str, Any] = {
        "workflow": _texts(workflows, result["workflow"]),
        "name": _texts(names, result["name"]),
        "path_s": path_s,
        "path_share": path_s / result["workflow"].map(total),
        "drag_s": result["drag"] / 1e9,
        "agent": result["address"],
        "n_agent": result["n_agent"].fillna(0),
    }
    return CRITICAL_PATH_BY_STAGE.conform(result.assign(**columns)[CRITICAL_PATH_BY_STAGE.names])


def _texts(values: pa.Array, codes: pd.Series[int]) -> list[str | None]:
    """Return the texts of codes."""
    texts = values.to_pylist()
    return [None if code < 0 else texts[code] for code in codes.tolist()]
