"""Failed attempts, each with its log line: those that an answer showed, and those that follow from later attempts or from a line."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from daganalysis.engine.failure_lines import find_failures
from daganalysis.engine.log_lines import error_parts
from daganalysis.engine.vocabulary import FAILURES
from daganalysis.tables import ATTEMPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive

_KEYS = ["run_id", "task_gid"]


def failed_attempts(archive: Archive) -> pd.DataFrame:
    """Return one row per failed attempt, sorted by run, sub-task and attempt, with the line that tells of it taken apart.

    ``attempt`` and ``started_at`` are null where the line may be that of several attempts.

    How they are found is said at :func:`daganalysis.engine.failure_lines.find_failures`.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = ["run_id", "stage", "task_gid", "attempt", "kind", "started_at", "outcome", "agent"]
    table = archive.arrow("attempts", wanted)
    doubtful = pc.is_in(table.column("outcome"), pa.array(sorted({*FAILURES, "unknown", "not_succeeded"})))
    task_gids = table.column("task_gid").filter(doubtful).unique()
    table = table.filter(pc.is_in(table.column("task_gid"), task_gids.cast(pa.string())))
    attempts = ATTEMPTS.frame(table).sort_values([*_KEYS, "attempt"], ignore_index=True)
    logs = _logs(archive.lazily(attempts["run_id"].dropna().unique().tolist()), task_gids)
    kept: list[int] = []
    told: list[tuple[str, str | None, bool]] = []
    columns_of_story = (attempts[name].tolist() for name in (*_KEYS, "kind", "outcome"))
    for keys, rows in itertools.groupby(enumerate(zip(*columns_of_story, strict=True)), key=lambda row: row[1][:2]):
        places, story = zip(*((place, (kind, outcome)) for place, (*_, kind, outcome) in rows), strict=True)
        for failure in find_failures(story, logs.get(keys)):
            kept.append(places[failure.place])
            told.append((failure.evidence, failure.line, failure.certain))
    parts = [error_parts(line) if line is not None else (None, None) for _, line, _ in told]
    columns = ("evidence", "line", "error_code", "message", "certain")
    values = [(evidence, line, code, message, sure) for (evidence, line, sure), (code, message) in zip(told, parts, strict=True)]
    result = pd.concat([attempts.loc[kept], pd.DataFrame(values, index=kept, columns=columns, dtype=object)], axis=1)
    result = result.sort_values([*_KEYS, "attempt"], ignore_index=True)
    doubtful_number = ~result.pop("certain").astype(bool)
    result["attempt"] = result["attempt"].mask(doubtful_number)
    result["started_at"] = result["started_at"].mask(doubtful_number)
    return result


def _logs(archive: Archive, task_gids: pa.Array) -> dict[tuple[str, str], Sequence[str]]:
    """The log lines of some sub-tasks; those of all others stay where they are."""
    import pyarrow.compute as pc

    table = archive.arrow("sub_tasks", [*_KEYS, "task_logs"])
    table = table.filter(pc.is_in(table.column("task_gid"), task_gids))
    columns = (table.column(name).to_pylist() for name in (*_KEYS, "task_logs"))
    return {(run_id, gid): lines or () for run_id, gid, lines in zip(*columns, strict=True)}
