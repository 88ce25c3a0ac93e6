"""What a strict load refuses: records that were rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.errors import RejectedRecordsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from daganalysis.reading import Issue


def refuse_rejected(issues: Iterable[Issue]) -> None:
    """Raise :class:`RejectedRecordsError`, with the most frequent reasons, if any issue is an error."""
    errors = [found for found in issues if found.severity == "error"]
    if errors:
        from daganalysis.text.issue_groups import group_issues, reasons_text

        groups = group_issues((one.severity, one.code, one.source, one.run_id, one.message, one.hint) for one in errors)
        raise RejectedRecordsError(len(errors), reasons_text(groups))
