"""Rows of failed attempts: which attempts of a sub-task failed, each with the log line that it ended with."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from daganalysis.engine.failure_lines import find_failures
from daganalysis.engine.log_lines import error_parts
from daganalysis.tables.base_rows import FailedAttemptRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.tables.base_rows import StartedAt


def failed_rows(
    run_id: str, stage: int | None, task_gid: str, attempts: Sequence[Attempt], logs: Sequence[str] | None
) -> list[FailedAttemptRow]:
    """Return the failed attempts of one sub-task, in order; :func:`daganalysis.engine.failure_lines.find_failures` has the rule."""
    rows = []
    for failure in find_failures([(attempt.kind, attempt.outcome) for attempt in attempts], logs):
        attempt = attempts[failure.place]
        rows.append(
            FailedAttemptRow(
                run_id=run_id,
                stage=stage,
                task_gid=task_gid,
                attempt=(attempt.number or None) if failure.certain else None,
                kind=attempt.kind,
                started_at=cast("StartedAt | None", attempt.start) if failure.certain else None,
                outcome=attempt.outcome,
                agent=attempt.agent,
                evidence=failure.evidence,
                line=failure.line,
                error_code=error_parts(failure.line)[0] if failure.line is not None else None,
            )
        )
    return rows
