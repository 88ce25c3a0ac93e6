"""Issues in words: groups of equal issues, why nothing could be used, and what was skipped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import SEVERITIES
from daganalysis.reading.file_kinds import plural_noun
from daganalysis.reading.issue_codes import ISSUE_CODES
from daganalysis.text.escaping import for_terminal
from daganalysis.text.humanize import plural
from daganalysis.text.widths import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_MOST_REASONS = 3
_MOST_SHOWN = 3
_SAYING_ALL = frozenset({"skipped-file", "other-log", "unusable-form", "no-payload", "unread-answer", "orphan-logs"})
"""Codes whose messages need no meaning beside them."""
_NEXT_STEP = (
    "save the answers of the task API with `daganalysis capture --socket HOME/run/obshell.sock -o answers`, or with "
    "`curl -sS --unix-socket HOME/run/obshell.sock http://obshell/api/v1/task/dag/ID >> answers.ndjson`, and load them"
)


GROUPED_COLUMNS = ("severity", "code", "source", "run_id", "message", "hint")
"""The columns of ``issues`` that :func:`group_issues` takes, in this order."""


@dataclass(slots=True)
class IssueGroup:
    """The issues of one severity and code: their number, runs, files and messages."""

    severity: str
    code: str
    n: int = 0
    runs: dict[str, None] = field(default_factory=dict)
    sources: dict[str, None] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)
    hints: dict[str, None] = field(default_factory=dict)


def group_issues(rows: Iterable[tuple[str, str, str | None, str | None, str, str | None]]) -> list[IssueGroup]:
    """Group issues, given as their ``GROUPED_COLUMNS``, the gravest and most frequent first."""
    groups: dict[tuple[str, str], IssueGroup] = {}
    for severity, code, source, run_id, message, hint in rows:
        group = groups.setdefault((severity, code), IssueGroup(severity, code))
        group.n += 1
        group.messages[message] += 1
        for found, value in ((group.runs, run_id), (group.sources, source), (group.hints, hint)):
            if value:
                found[value] = None
    return sorted(groups.values(), key=lambda group: (list(SEVERITIES).index(group.severity), -group.n, group.code))


def issue_groups_text(groups: Sequence[IssueGroup], width: int) -> Iterator[str]:
    """Yield the lines of some groups: the code and its places, the messages in full, and what to do."""
    for group in groups:
        where = _places(group)
        head = f"{group.severity:8} {group.code} {where}".rstrip()
        yield from _wrapped(head, width, "", "         ")
        for message, count in group.messages.most_common(_MOST_SHOWN):
            yield from _wrapped(message + (f" ({count} times)" if count > 1 and len(group.messages) > 1 else ""), width, "  ", "    ")
        if len(group.messages) > _MOST_SHOWN:
            yield f"  and {plural(len(group.messages) - _MOST_SHOWN, 'other message')} of the kind; --format csv lists every issue\n"
        for hint in group.hints:
            yield from _wrapped(hint, width, "  → ", "    ")


def _places(group: IssueGroup) -> str:
    named, noun = (group.runs, "run") if group.runs else (group.sources, "file")
    shown = ", ".join(list(named)[:_MOST_SHOWN])
    if len(named) <= 1:
        times = f", {group.n} times" if group.n > 1 else ""
        return f"in {shown}{times}" if named else times.lstrip(", ")
    more = f" and {len(named) - _MOST_SHOWN} more" if len(named) > _MOST_SHOWN else ""
    return f"in {plural(len(named), noun)}: {shown}{more}"


def _wrapped(text: str, width: int, first: str, other: str) -> Iterator[str]:
    for line in wrap(for_terminal(text), width, first, other) or [first.rstrip()]:
        yield line + "\n"


def why_nothing_was_usable(groups: Sequence[IssueGroup]) -> str:
    """Return the three most frequent reasons why an archive is empty, and the next step, in two sentences.

    >>> why_nothing_was_usable([])[:62]
    'there is no file in it. Next step: save the answers of the tas'
    """
    largest = sorted(groups, key=lambda group: -group.n)[:_MOST_REASONS]
    hints = [hint for group in largest for hint in group.hints]
    step = f"{hints[0]}; or " if hints and largest[0].code in {"error-answer", "encrypted-archive", "unusable-form", "database-row"} else ""
    return f"{reasons_text(groups) or 'there is no file in it'}. Next step: {step}{_NEXT_STEP}."


def reasons_text(groups: Sequence[IssueGroup]) -> str:
    """Return the three most frequent kinds of some issues in words, each with its most frequent message."""
    return "; ".join(_reason(group) for group in sorted(groups, key=lambda group: -group.n)[:_MOST_REASONS])


def _reason(group: IssueGroup) -> str:
    message = group.messages.most_common(1)[0][0].rstrip(".")
    meaning = message if group.code in _SAYING_ALL else f"{ISSUE_CODES[group.code].meaning.split(';')[0]} ({message})"
    return meaning if group.n == 1 else f"{meaning}, {group.n:,} times"


def skipped_files_text(messages: Sequence[str]) -> str:
    """Return in one line how many files of which kinds were skipped, from the messages of their issues.

    >>> skipped_files_text(["picture", "text without answers", "picture"])
    '3 files skipped: 2 pictures, 1 text without answers'
    """
    kinds = Counter(message.partition(";")[0] for message in messages)
    counted = ", ".join(plural(count, noun, plural_noun(noun)) for noun, count in kinds.most_common())
    return f"{plural(len(messages), 'file')} skipped: {counted}"
