"""Which attempts of a sub-task failed, and which of its log lines each of them ended with (engine-semantics §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from daganalysis.engine.log_lines import CANCELLED, WAITING, ending_lines
from daganalysis.engine.vocabulary import FAILURES

if TYPE_CHECKING:
    from collections.abc import Sequence

_CERTAIN_FAILURES = FAILURES - {"not_succeeded"}
_UNSUCCESSFUL = {*FAILURES, "waiting", "cancelled", "not_succeeded"}
_NO_FAILURE = {WAITING, CANCELLED}


class FailedAttempt(NamedTuple):
    """One failed attempt: its place among the attempts, the evidence of its failure, and the line that it ended with, if any.

    ``evidence`` is ``observed``, ``redone`` (it was rolled back and run again, engine-semantics §2.3) or ``line``. If it is not
    ``certain``, one of several attempts failed with this line, and ``place`` is one of them.
    """

    place: int
    evidence: str
    line: str | None
    certain: bool = True


def find_failures(story: Sequence[tuple[str, str]], logs: Sequence[str] | None) -> list[FailedAttempt]:
    """Find the failed attempts of one sub-task, given in order as (kind, outcome), and assign its ending lines to them.

    A failed execution ends with one line. An attempt that waited on purpose or was cancelled wrote another line, so it is no failure. If
    there are more lines than attempts that cannot have succeeded, equal lines that follow each other belong to one attempt. Lines that are
    left over belong to unknown attempts, or to none. The first attempt has the first line and the last attempt the last one. The others are
    certain only if there are as many lines as attempts.

    >>> story = [("run", "failed"), ("rollback", "succeeded"), ("run", "failed")]
    >>> [(failure.place, failure.line) for failure in find_failures(story, ["ERROR: no space", "Rolling back...", "ERROR: no host"])]
    [(0, 'ERROR: no space'), (2, 'ERROR: no host')]
    """
    unsuccessful = [place for place, (_, outcome) in enumerate(story) if outcome in _UNSUCCESSFUL or _was_redone(story, place)]
    unknown = [place for place, (_, outcome) in enumerate(story) if outcome == "unknown" and place not in unsuccessful]
    lines = _endings(logs if logs is not None else (), len(unsuccessful))
    extra = len(lines) - len(unsuccessful)
    perhaps = unknown[-extra:] if extra > 0 else []
    members = sorted(unsuccessful + perhaps)
    # Fewer lines than attempts are dealt from the last one on: what failed first was overwritten most often.
    dealt: list[str | None] = [None] * max(0, len(members) - len(lines))
    dealt += lines[len(lines) - len(members) + len(dealt) :]
    found = []
    for place, line in zip(members, dealt, strict=True):
        outcome = story[place][1]
        if line in _NO_FAILURE or outcome in {"waiting", "cancelled"} or (outcome == "not_succeeded" and line is None):
            continue
        certain = extra <= 0 or (place not in perhaps and place in {0, len(story) - 1})
        evidence = "line" if place in perhaps else "observed" if outcome in _CERTAIN_FAILURES else "redone"
        found.append(FailedAttempt(place, evidence, line, certain))
    return found


def _endings(logs: Sequence[str], enough: int) -> list[str]:
    """Return the lines that end executions; if there are too many, only one of equal lines that follow each other.

    A poll loop writes the same ERROR line each time and goes on (engine-semantics §13).
    """
    endings = ending_lines([line for line in logs if line != CANCELLED])
    if CANCELLED in logs:
        endings = [line for line in logs if line == CANCELLED or line in set(endings)]
    if len(endings) <= enough:
        return endings
    known = set(endings)
    return [line for line, after in zip(logs, [*logs[1:], ""], strict=True) if line in known and after != line]


def _was_redone(story: Sequence[tuple[str, str]], place: int) -> bool:
    return story[place][1] == "unknown" and [kind for kind, _ in story[place + 1 : place + 3]] == ["rollback", "run"]
