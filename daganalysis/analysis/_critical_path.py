"""Why a run took so long: the chain of work and waits from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.errors import UsageError
from daganalysis.tables.explanations import CRITICAL_PATH, CRITICAL_PATH_BY_STAGE

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.chains import Segments
    from daganalysis.analysis.run_arrays import Attempts, Stretches
    from daganalysis.archive import Archive
    from daganalysis.tables.column_arrays import Ints

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
    from daganalysis.analysis.chains import Work, resolve
    from daganalysis.analysis.child_paths import with_child_paths
    from daganalysis.analysis.clock_bounds import clock_bounds
    from daganalysis.analysis.run_arrays import read_attempts, read_stretches

    stretches = read_stretches(archive, ["evidence"])
    attempts = read_attempts(archive, stretches.run_ids, ["task_gid", "attempt", "agent"])
    work = Work.of(stretches, attempts)
    segments = resolve(stretches, attempts, work, clock_bounds(archive, stretches, attempts, work), with_drag=level == "stage")
    if level == "stage":
        return _by_stage(archive, stretches, segments, attempts)
    return CRITICAL_PATH.frame(with_child_paths(archive, _rows(archive, stretches, segments, attempts)))


def _rows(archive: Archive, stretches: Stretches, segments: Segments, attempts: Attempts) -> pa.Table:
    """Make the rows of the result, each run from its own attempts."""
    import numpy as np
    import pyarrow as pa

    from daganalysis.analysis.run_arrays import stretches_of
    from daganalysis.tables.column_arrays import NONE, encoded, one_array, taken

    of, line, rows = pa.array(segments.stretch), stretches.rows, attempts.rows
    run, stage = stretches.run[segments.stretch], stretches.stage[segments.stretch]
    first, sizes = stretches_of(run)
    codes, names = stretches.names(archive)
    evidence, kinds = encoded(line.column("evidence"))
    evidence = evidence[segments.stretch]
    evidence[segments.is_uncertain] = len(kinds)
    columns = {
        "run_id": taken(stretches.run_ids, run),
        "seq": np.arange(1, len(run) + 1) - np.repeat(first, sizes),
        "started_at": segments.start,
        "ended_at": segments.end,
        "duration_s": (segments.end - segments.start) / 1e9,
        "category": one_array(line.column("category")).take(of),
        "stage": pa.array(stage, mask=stage == NONE),
        "name": taken(names, codes[segments.stretch]),
        "task_gid": taken(rows.column("task_gid"), segments.attempt),
        "attempt": taken(rows.column("attempt"), segments.attempt),
        "agent": taken(rows.column("agent"), segments.attempt),
        "child_run_id": pa.nulls(len(run), pa.string()),
        "evidence": taken(pa.concat_arrays([kinds, pa.array(["uncertain"])]), evidence),
    }
    schema = CRITICAL_PATH.schema()
    return pa.table({field.name: pa.array(columns[field.name]).cast(field.type) for field in schema}, schema=schema)


def _by_stage(archive: Archive, stretches: Stretches, segments: Segments, attempts: Attempts) -> pd.DataFrame:
    """Sum the work on the path by workflow and stage name."""
    import numpy as np
    import pandas as pd

    from daganalysis.tables.column_arrays import NONE, codes_of, encoded, taken

    dags = archive.arrow("dags", ["run_id", "workflow", "elapsed_s"])
    run = codes_of(dags.column("run_id"), stretches.run_ids)
    workflow, workflows = encoded(dags.column("workflow"))
    runs = pd.DataFrame({"run": run, "workflow": workflow, "elapsed_s": dags.column("elapsed_s").to_pandas()})
    runs = runs[runs["elapsed_s"].notna() & (runs["run"] != NONE)]
    workflow_of = np.full(len(stretches.run_ids), NONE - 1)
    workflow_of[runs["run"]] = runs["workflow"]
    work = np.flatnonzero(stretches.is_execute[segments.stretch] & (workflow_of[stretches.run] >= NONE)[segments.stretch])
    stretch, attempt = segments.stretch[work], segments.attempt[work]
    codes, names = stretches.names(archive)
    run, n_names = stretches.run[stretch], len(names) + 1
    # One number for a workflow and a name, each of which may be unknown.
    place, keys = pd.factorize((workflow_of[run] + 1) * n_names + codes[stretch] + 1, sort=True)
    path, drag = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    np.add.at(path, place, segments.end[work] - segments.start[work])
    np.add.at(drag, place, np.maximum(segments.drag[work], 0))
    of_runs = pd.unique(place * len(stretches.run_ids) + run) // max(len(stretches.run_ids), 1)
    most = _most_often(place, np.append(attempts.agent, NONE)[attempt], encoded(attempts.rows.column("agent"))[1])
    total = runs.groupby("workflow")["elapsed_s"].sum()
    columns: dict[str, Any] = {
        "workflow": taken(workflows, keys // n_names - 1).to_pandas(),
        "name": taken(names, keys % n_names - 1).to_pandas(),
        "n_runs": np.bincount(of_runs, minlength=len(keys)),
        "path_s": path / 1e9,
        "path_share": path / 1e9 / total.reindex(keys // n_names - 1).to_numpy(),
        "drag_s": drag / 1e9,
        "agent": most["agent"].reindex(range(len(keys))).array,
        "n_agent": most["n"].reindex(range(len(keys)), fill_value=0).array,
        "n_segments": np.bincount(place, minlength=len(keys)),
    }
    return CRITICAL_PATH_BY_STAGE.conform(pd.DataFrame(columns))


def _most_often(place: Ints, agent: Ints, agents: pa.Array) -> pd.DataFrame:
    """Return the most frequent agent of each place, and its count; of several, the first by address."""
    import numpy as np
    import pandas as pd

    from daganalysis.tables.column_arrays import NONE, taken

    known = agent != NONE
    both, n = np.unique(place[known] * len(agents) + agent[known], return_counts=True)
    found = pd.DataFrame({"place": both // max(len(agents), 1), "agent": taken(agents, both % max(len(agents), 1)).to_pandas(), "n": n})
    found = found.sort_values(["n", "agent"], ascending=[False, True]).drop_duplicates("place")
    return found.set_index("place")
