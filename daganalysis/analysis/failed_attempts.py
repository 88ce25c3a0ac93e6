"""Failed attempts, each with the log line that tells of it: those an answer showed, and those that what followed, or a line, betrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.engine.log_lines import WAITING, ending_lines, error_parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from daganalysis.archive import Archive

FAILED = ("failed", "timeout", "interrupted")
"""Outcomes of an attempt that went wrong; to wait for a main DAG, or to be cancelled, is not to go wrong."""
_ENDED = {*FAILED, "waiting"}
_KEYS = ["run_id", "task_gid"]


def failed_attempts(archive: Archive) -> pd.DataFrame:
    """Return one row per failed attempt, sorted by run, sub-task and attempt, with the line that tells of it taken apart.

    A failed execution ends with one ERROR line (engine-semantics §8), so the lines are dealt out from the last. An attempt whose row was
    overwritten had failed if it was rolled back and run again (engine-semantics §2.3), or if there is a line left for it: then one of the
    overwritten ones had, and which of several is a guess. ``evidence`` says which it is: ``observed``, ``redone`` or ``line``.
    """
    import pandas as pd

    wanted = ["run_id", "stage", "task_gid", "attempt", "kind", "started_at", "outcome", "agent"]
    attempts = archive.table("attempts", wanted).sort_values([*_KEYS, "attempt"], ignore_index=True)
    doubtful = attempts["outcome"].isin(FAILED) | attempts["outcome"].eq("unknown")
    attempts = attempts[attempts["task_gid"].isin(set(attempts.loc[doubtful, "task_gid"]))]
    logs = _logs(archive, set(attempts["task_gid"]))
    kept: list[int] = []
    told: list[tuple[str, str | None]] = []
    for keys, rows in attempts.groupby(_KEYS, sort=False):
        story = list(zip(rows["kind"].tolist(), rows["outcome"].tolist(), strict=True))
        for place, evidence, line in _dealt(story, logs.get(_pair(keys), ())):
            kept.append(rows.index[place])
            told.append((evidence, line))
    parts = [error_parts(line) if line is not None else (None, None) for _, line in told]
    columns = ("evidence", "line", "error_code", "message")
    values = [(evidence, line, code, message) for (evidence, line), (code, message) in zip(told, parts, strict=True)]
    result = pd.concat([attempts.loc[kept], pd.DataFrame(values, index=kept, columns=columns, dtype=object)], axis=1)
    return result.sort_values([*_KEYS, "attempt"], ignore_index=True)


def _pair(keys: Any) -> tuple[str, str]:
    run_id, task_gid = keys
    return run_id, task_gid


def _logs(archive: Archive, task_gids: set[str]) -> dict[tuple[str, str], Sequence[str]]:
    """The log lines of some sub-tasks; those of all others stay where they are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    table = archive.arrow("sub_tasks", [*_KEYS, "task_logs"])
    table = table.filter(pc.is_in(table.column("task_gid"), pa.array(sorted(task_gids), pa.string())))
    columns = (table.column(name).to_pylist() for name in (*_KEYS, "task_logs"))
    return {(run_id, gid): lines or () for run_id, gid, lines in zip(*columns, strict=True)}


def _dealt(story: Sequence[tuple[str, str]], logs: Sequence[str]) -> Iterator[tuple[int, str, str | None]]:
    """Deal the ending lines out to the attempts of one sub-task that failed, given as (kind, outcome), from the last.

    What waited on purpose wrote a line of its own, which is dealt to it and makes an overwritten attempt no failure.
    """
    sure = ["observed" if outcome in _ENDED else "redone" if _was_redone(story, place) else "" for place, (_, outcome) in enumerate(story)]
    left = ending_lines(logs)
    for place in reversed(range(len(story))):
        outcome = story[place][1]
        before = sum(map(bool, sure[:place]))
        if sure[place] or (outcome == "unknown" and len(left) > before):
            line = left.pop() if left else None
            if outcome != "waiting" and line != WAITING:
                yield place, sure[place] or "line", line


def _was_redone(story: Sequence[tuple[str, str]], place: int) -> bool:
    return story[place][1] == "unknown" and [kind for kind, _ in story[place + 1 : place + 3]] == ["rollback", "run"]
