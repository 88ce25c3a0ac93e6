"""Why a run took so long: the chain of work and waits from its start to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.errors import UsageError
from daganalysis.tables.explanations import CRITICAL_PATH, CRITICAL_PATH_BY_STAGE

if TYPE_CHECKING:
    from collections.abc import Callable

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
    open which attempt ended last, the evidence is ``uncertain``. All runs of the archive bound the clocks, so a part of an archive may
    leave more uncertain; the path is the same.

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
    from functools import partial

    from daganalysis.analysis.chains import resolve
    from daganalysis.analysis.child_paths import with_child_paths
    from daganalysis.analysis.clock_bounds import clock_bounds
    from daganalysis.analysis.run_arrays import read_attempts, read_stretches
    from daganalysis.analysis.run_shares import in_shares, segments_of_all
    from daganalysis.tables.side_by_side import side_by_side

    stretches = read_stretches(archive, ["evidence"])
    attempts = read_attempts(archive, stretches.run_ids, ["task_gid", "attempt", "agent"])
    shares = in_shares(stretches, attempts)
    bounds = clock_bounds(archive, stretches.run_ids, shares)
    resolvers = [partial(resolve, share, bound, with_drag=level == "stage") for share, bound in zip(shares, bounds, strict=True)]
    segments = segments_of_all(shares, side_by_side(resolvers, len(attempts.start)))
    if level == "stage":
        return _by_stage(archive, stretches, segments, attempts)
    return with_child_paths(archive, _frame(archive, stretches, segments, attempts))


def _frame(archive: Archive, stretches: Stretches, segments: Segments, attempts: Attempts) -> pd.DataFrame:
    """Make the result, each run from its own attempts."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.run_arrays import stretches_of
    from daganalysis.tables.column_arrays import NONE, encoded, integers
    from daganalysis.tables.pandas_columns import coded_texts, instants, no_texts, texts_at, whole_numbers
    from daganalysis.tables.side_by_side import side_by_side

    of, attempt, rows = segments.stretch, segments.attempt, attempts.rows
    run = stretches.run[of]
    categories, agents = encoded(stretches.rows.column("category")), encoded(rows.column("agent"))
    codes, names = stretches.names(archive)
    evidence, kinds = encoded(stretches.rows.column("evidence"))
    evidence = evidence[of]
    evidence[segments.is_uncertain] = len(kinds)
    number = np.append(integers(rows.column("attempt")), NONE)  # the last place is that of no attempt
    makers: dict[str, Callable[[], Any]] = {
        "run_id": lambda: coded_texts(run, stretches.run_ids),
        "seq": lambda: whole_numbers(np.arange(1, len(run) + 1) - np.repeat(*stretches_of(run))),
        "started_at": lambda: instants(segments.start),
        "ended_at": lambda: instants(segments.end),
        "duration_s": lambda: (segments.end - segments.start) / 1e9,
        "category": lambda: coded_texts(categories[0][of], categories[1]),
        "stage": lambda: whole_numbers(stretches.stage[of]),
        "name": lambda: coded_texts(codes[of], names),
        "task_gid": lambda: texts_at(rows.column("task_gid"), attempt),
        "attempt": lambda: whole_numbers(number[attempt]),
        "agent": lambda: coded_texts(np.append(agents[0], NONE)[attempt], agents[1]),
        "child_run_id": lambda: no_texts(len(run)),
        "evidence": lambda: coded_texts(evidence, pa.concat_arrays([kinds, pa.array(["uncertain"])])),
    }
    columns = dict(zip(makers, side_by_side([*makers.values()], len(run)), strict=True))
    return pd.DataFrame(columns, columns=CRITICAL_PATH.names, copy=False)


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
