"""Which attempts of a sub-task failed, and which of its log lines each of them ended with (engine-semantics §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from daganalysis.engine.log_lines import WAITING, ending_lines
from daganalysis.engine.vocabulary import FAILURES

if TYPE_CHECKING:
    from collections.abc import Sequence

_ENDED = {*FAILURES, "waiting"}


class Failure(NamedTuple):
    """One failed attempt: its place in the story, what shows that it failed, and the line it ended with, if one is left for it.

    ``evidence`` is ``observed``, ``redone`` (it was rolled back and run again, engine-semantics §2.3) or ``line``.
    """

    place: int
    evidence: str
    line: str | None


def find_failures(story: Sequence[tuple[str, str]], logs: Sequence[str] | None) -> list[Failure]:
    """Find the failed attempts among those of one sub-task, given in order as (kind, outcome), and deal its ending lines out to them.

    A failed execution ends with one line that says so, so the lines are dealt out from the last. What waited on purpose wrote a line of
    its own, which is dealt to it and makes an overwritten attempt no failure. Where a line is left for attempts of which nothing is known,
    one of them failed, and which of several is a guess.

    >>> story = [("run", "failed"), ("rollback", "succeeded"), ("run", "failed")]
    >>> [(failure.place, failure.line) for failure in find_failures(story, ["ERROR: no space", "Rolling back...", "ERROR: no host"])]
    [(0, 'ERROR: no space'), (2, 'ERROR: no host')]
    """
    sure = ["observed" if outcome in _ENDED else "redone" if _was_redone(story, place) else "" for place, (_, outcome) in enumerate(story)]
    left = ending_lines(logs if logs is not None else ())
    found = []
    for place in reversed(range(len(story))):
        outcome = story[place][1]
        before = sum(map(bool, sure[:place]))
        if sure[place] or (outcome == "unknown" and len(left) > before):
            line = left.pop() if left else None
            if outcome != "waiting" and line != WAITING:
                found.append(Failure(place, sure[place] or "line", line))
    return found[::-1]


def _was_redone(story: Sequence[tuple[str, str]], place: int) -> bool:
    return story[place][1] == "unknown" and [kind for kind, _ in story[place + 1 : place + 3]] == ["rollback", "run"]
