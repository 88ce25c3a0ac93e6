"""Why a run took so long: the chain of work and waits from its start to its end."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from daganalysis.errors import UsageError
from daganalysis.tables.explanations import CRITICAL_PATH, CRITICAL_PATH_BY_STAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.run_chains import RunChains
    from daganalysis.archive import Archive
    from daganalysis.chains.run_arrays import Stretches
    from daganalysis.tables.column_arrays import Bools, Floats, Ints

_Segments: TypeAlias = "tuple[Ints, Ints, Ints, Bools]"
"""The stretch, the start and the end of each segment, and whether it has an attempt: these are in the order of those on the paths."""
_Column: TypeAlias = "pd.api.extensions.ExtensionArray | Floats"
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
    from daganalysis.chains.run_arrays import read_stretches

    if level == "stage":
        return _by_stage(archive, read_stretches(archive, ["to_stage"]))
    from daganalysis.analysis.child_paths import with_child_paths

    return with_child_paths(archive, _own_paths(archive))


def _own_paths(archive: Archive) -> pd.DataFrame:
    """Return the path of each run from its own attempts. Tables are read side by side, and so are columns made."""
    from daganalysis.analysis.run_chains import found_now, together
    from daganalysis.archive_frames import chain_places, stored_chains
    from daganalysis.chains.run_arrays import NAMED_BY, read_stretches
    from daganalysis.tables.side_by_side import both

    n_rows = archive.count("timeline")
    stretches, (stored, nodes) = both(
        partial(read_stretches, archive, ["evidence"]), lambda: (stored_chains(archive), archive.coded("nodes", NAMED_BY)), n_rows
    )
    if stored is None:
        stretches = read_stretches(archive, ["evidence", "to_stage"])
        parts = found_now(archive, stretches)
    else:
        parts = [(*chains, places) for chains, places in zip(stored, chain_places(archive), strict=True)]
    (chains, segments), names = both(lambda: _with_segments(stretches, together(parts)), partial(stretches.names, nodes), n_rows)
    return _frame(stretches, chains, segments, names)


def _with_segments(stretches: Stretches, chains: RunChains) -> tuple[RunChains, _Segments]:
    return chains, _segments(stretches, chains.stretch, chains.start)


def _frame(stretches: Stretches, chains: RunChains, segments: _Segments, named: tuple[Ints, pa.Array]) -> pd.DataFrame:
    """Make the result of the segments, whose stages have the names ``named``. The columns are made side by side."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from daganalysis.chains.run_arrays import stretches_of
    from daganalysis.tables.column_arrays import NONE, encoded, integers
    from daganalysis.tables.pandas_columns import coded_texts, instants, no_texts, texts_among_nulls, texts_of, whole_numbers
    from daganalysis.tables.side_by_side import side_by_side

    of, start, end, has_attempt = segments
    rows = chains.rows

    def of_stretches(column: pa.ChunkedArray) -> _Column:
        codes, texts = encoded(column)
        return coded_texts(codes[of], texts)

    def attempts() -> _Column:
        found = np.full(len(of), NONE)
        found[has_attempt] = integers(rows.column("attempt"))
        return whole_numbers(found)

    def evidence() -> _Column:
        codes, kinds = encoded(stretches.rows.column("evidence"))
        codes = codes[of]
        codes[np.flatnonzero(has_attempt)[chains.is_uncertain]] = len(kinds)
        return coded_texts(codes, pa.concat_arrays([kinds, pa.array(["uncertain"])]))

    def run_ids() -> _Column:
        return coded_texts(stretches.run[of], stretches.run_ids)

    def numbers() -> _Column:
        run = stretches.run[of]
        return whole_numbers(np.arange(1, len(run) + 1) - np.repeat(*stretches_of(run)))

    # Those that take longest first, so that the threads end together.
    makers: dict[str, Callable[[], _Column]] = {
        "task_gid": lambda: texts_among_nulls(rows.column("task_gid"), has_attempt),
        "name": lambda: coded_texts(named[0][of], named[1]),
        "agent": lambda: texts_among_nulls(texts_of(*encoded(rows.column("agent"))), has_attempt),
        "run_id": run_ids,
        "evidence": evidence,
        "category": lambda: of_stretches(stretches.rows.column("category")),
        "seq": numbers,
        "started_at": lambda: instants(start),
        "ended_at": lambda: instants(end),
        "duration_s": lambda: (end - start) / 1e9,
        "stage": lambda: whole_numbers(stretches.stage[of]),
        "attempt": attempts,
        "child_run_id": lambda: no_texts(len(of)),
    }
    columns = dict(zip(makers, side_by_side([*makers.values()], len(of)), strict=True))
    return pd.DataFrame(columns, columns=CRITICAL_PATH.names, copy=False)


def _segments(stretches: Stretches, stretch: Ints, begin: Ints) -> _Segments:
    """Return the segments in order.

    ``stretch`` and ``begin`` are the stretch of each attempt on the path, and where its segment starts.

    A stretch of work begins with a segment without an attempt if its first attempt starts later, or if it has none.
    """
    import numpy as np

    from daganalysis.chains.run_arrays import stretches_of

    n = np.bincount(stretch, minlength=len(stretches.run))
    first, _ = stretches_of(stretch)
    begun = stretch[first]
    is_bare = np.ones(len(stretches.run), bool)
    is_bare[begun] = begin[first] > stretches.start[begun]
    sizes = n + is_bare
    of = np.repeat(np.arange(len(sizes)), sizes)
    last = np.cumsum(sizes) - 1
    has_attempt = np.ones(len(of), bool)
    has_attempt[(last - sizes + 1)[is_bare]] = False
    start = stretches.start[of]
    start[has_attempt] = begin
    end = np.empty(len(of), np.int64)
    end[:-1] = start[1:]
    end[last] = stretches.end
    return of, start, end, has_attempt


def _by_stage(archive: Archive, stretches: Stretches) -> pd.DataFrame:
    """Sum the work on the path by workflow and stage name."""
    import numpy as np
    import pandas as pd

    from daganalysis.analysis.run_shares import resolved
    from daganalysis.chains.run_arrays import NAMED_BY, read_attempts
    from daganalysis.tables.column_arrays import NONE, codes_of, encoded, taken

    attempts = read_attempts(archive, stretches.run_ids, ["task_gid", "attempt", "agent"])
    segments = resolved(archive, stretches, attempts)
    of, start, end, has_attempt = _segments(stretches, segments.stretch, segments.start)
    place_on_path = np.where(has_attempt, np.cumsum(has_attempt) - 1, NONE)

    dags = archive.arrow("dags", ["run_id", "workflow", "elapsed_s"])
    run = codes_of(dags.column("run_id"), stretches.run_ids)
    workflow, workflows = encoded(dags.column("workflow"))
    runs = pd.DataFrame({"run": run, "workflow": workflow, "elapsed_s": dags.column("elapsed_s").to_pandas()})
    runs = runs[runs["elapsed_s"].notna() & (runs["run"] != NONE)]
    workflow_of = np.full(len(stretches.run_ids), NONE - 1)
    workflow_of[runs["run"]] = runs["workflow"]
    work = np.flatnonzero(stretches.is_execute[of] & (workflow_of[stretches.run] >= NONE)[of])
    stretch, on_path = of[work], place_on_path[work]
    attempt, drags = (np.append(values, NONE)[on_path] for values in (segments.attempt, segments.drag))  # the last is that of no attempt
    codes, names = stretches.names(archive.coded("nodes", NAMED_BY))
    run, n_names = stretches.run[stretch], len(names) + 1
    # One number for a workflow and a name, each of which may be unknown.
    place, keys = pd.factorize((workflow_of[run] + 1) * n_names + codes[stretch] + 1, sort=True)
    path, drag = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    np.add.at(path, place, end[work] - start[work])
    np.add.at(drag, place, np.maximum(drags, 0))
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
