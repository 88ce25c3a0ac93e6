"""The one sentence about a run that a person can forward: rules in order of precedence.

Every fact in it is in a table. The order says what matters most: work that was undone and not redone, then where the run failed or was
stopped, then waits for a person, then lost time, then what was slower than the workflow's usual length, then that everything went well.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from daganalysis.text.humanize import human_duration, human_share, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

WORTH_SAYING = 0.2
"""A wait, or lost time, is named if it took this share of the run."""
SLOW = 1.5
"""A run is slow if it took this many times the median of its workflow, and at least :data:`SLOW_S` longer."""
SLOW_S = 3.0
_MAY_BE_MORE = 0.01
"""A share of waits is a lower bound if at least this share of the run is lost."""
_NEARLY_ALL = 0.95
_HALF = 0.5
_STANDING_S = 60.0
"""A run that stands FAILED for less than this is not neglected."""
_SAVE = "to know more next time, save the DAG every few seconds while it runs"
_WENT = {"timeout": "timed out", "interrupted": "was interrupted by a restart", "cancelled": "was cancelled"}


class FailurePlace(NamedTuple):
    """Where a run failed: the stage, its name, the outcome of the attempt, the agent, the number of agents, and the cause in a few words.

    ``child`` is the workflow of the child run that actually failed; ``child_name`` is the stage's name there. ``is_rollback``: the attempt
    was to undo the stage.
    """

    stage: int
    name: str | None
    outcome: str
    agent: str | None
    n_agents: int
    cause: str | None
    child: str | None = None
    child_name: str | None = None
    is_rollback: bool = False


class UsualDuration(NamedTuple):
    """What a run is compared with: the median of other runs of its workflow that succeeded, and their number.

    ``stage``, ``name`` and ``share`` give the stage that explains most of the difference, and its share of it.
    """

    median_s: float
    n_runs: int
    stage: int | None = None
    name: str | None = None
    share: float | None = None


Longest: TypeAlias = tuple[str, float]
"""The name of the stage of a run that took longest, and its seconds."""


@dataclass(slots=True)
class ConclusionFacts:
    """The facts of a run that the sentence about it uses.

    ``waited_there`` is the share of the wait for a person that came after ``place`` had failed, ``lost_there`` that of the lost time.
    """

    outcome: str
    state: str | None = None
    operator: str | None = None
    work_ok: bool | None = None
    is_child: bool = False
    stage: int | None = None
    max_stage: int | None = None
    stage_name: str | None = None
    elapsed_s: float | None = None
    elapsed_min_s: float | None = None
    elapsed_max_s: float | None = None
    retries_min: int = 0
    retries_max: int | None = 0
    wait_operator_share: float | None = None
    lost_share: float | None = None
    place: FailurePlace | None = None
    waited_there: float = 1.0
    lost_there: float = 1.0
    undone: FailurePlace | None = None
    redone_by: str | None = None
    standing_s: float | None = None
    usual: UsualDuration | None = None
    longest: Longest | None = None


def conclusion(run: ConclusionFacts) -> str:
    """Return the sentence of the first rule that applies.

    >>> conclusion(ConclusionFacts("succeeded", elapsed_s=28.613749, longest=("Wait remote start finish", 6.095774)))
    'Succeeded in 28.6 s; its longest stage, Wait remote start finish, took 6.10 s.'
    """
    return _sentence(_RULES.get(run.outcome, _unknown)(run))


def plain_conclusions(lengths: Iterable[float], usual: Iterable[UsualDuration | None], longest: Iterable[Longest | None]) -> list[str]:
    """Return the sentences about runs that only say their length, or that this was unusual, equal to those of :func:`conclusion`.

    Many runs are compared with the same median, so its words are made once.

    >>> plain_conclusions([28.613749], [None], [("Wait remote start finish", 6.095774)])
    ['Succeeded in 28.6 s; its longest stage, Wait remote start finish, took 6.10 s.']
    """
    beside = functools.cache(_beside)
    rows = zip(lengths, usual, longest, strict=True)
    return [_sentence(_slow(length, measure) or f"{_took(length)}{beside(measure, stage)}") for length, measure, stage in rows]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


# -- phrases ----------------------------------------------------------------------------------------------------------------------------


def retried(run: ConclusionFacts) -> str:
    """Return in words how often a person retried a run; empty if nobody is known to have.

    >>> retried(ConclusionFacts("failed", retries_min=1, retries_max=1))
    'retried once'
    >>> retried(ConclusionFacts("failed", retries_min=1, retries_max=None))
    'retried at least once'
    >>> retried(ConclusionFacts("failed", retries_min=0, retries_max=2))
    'retried at most twice'
    >>> [retried(ConclusionFacts("failed", retries_min=least, retries_max=most)) for least, most in ((1, 2), (2, 3), (3, 5))]
    ['retried once or twice', 'retried 2 or 3 times', 'retried 3 to 5 times']
    """
    least, most = run.retries_min, run.retries_max
    if most is None:
        return f"retried at least {_times(least)}" if least else ""
    if least == most:
        return f"retried {_times(least)}" if least else ""
    if least == 0:
        return f"retried at most {_times(most)}"
    if most == least + 1:
        return "retried once or twice" if least == 1 else f"retried {least} or {most} times"
    return f"retried {least} to {most} times"


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def _failed(place: FailurePlace) -> str:
    """Return in words what failed where, and why."""
    went = _WENT.get(place.outcome, "failed")
    why = f" ({place.cause})" if place.cause else ""
    if place.child is not None:
        inside = f" at {place.child_name}" if place.child_name and place.child_name != place.child else ""
        return f"its child DAG {place.child} {went}{inside}{_on(place)}{why}"
    undoing = "the rollback of " if place.is_rollback else ""
    return f"{undoing}{place.name or f'stage {place.stage}'} {went}{_on(place)}{why}"


def _on(place: FailurePlace) -> str:
    if place.agent is None:
        return ""
    others = place.n_agents - 1
    return f" on {place.agent}" + (f" and {plural(others, 'other')}" if others > 0 else "")


def _at_stage(run: ConclusionFacts) -> str:
    if run.stage is None:
        return ""
    return f" at stage {run.stage}" + (f" of {run.max_stage}" if run.max_stage is not None else "")


def _named_stage(run: ConclusionFacts) -> str:
    return _at_stage(run) + (f" ({run.stage_name})" if run.stage_name and run.stage is not None else "")


def _after(run: ConclusionFacts) -> str:
    return f" after {_failed(run.place)}" if run.place is not None else ""


def _after_most(run: ConclusionFacts, share: float) -> str:
    """Return in words after what failure time was spent, if this share of the time came after it and the rest after others."""
    if run.place is None:
        return ""
    if share <= 0:
        return f"; {_failed(run.place)}"
    if share >= _NEARLY_ALL:
        return _after(run)
    return f", {'mostly' if share > _HALF else 'partly'}{_after(run)}"


def _waited(run: ConclusionFacts) -> str:
    """Return in words how much of the run a person was waited for; empty if that was little. Lost time may have been waits, too."""
    if run.elapsed_s is None or run.wait_operator_share is None or run.wait_operator_share < WORTH_SAYING:
        return ""
    at_least = "at least " if (run.lost_share or 0.0) >= _MAY_BE_MORE else ""
    return f"{at_least}{human_share(run.wait_operator_share)} of {human_duration(run.elapsed_s)} waiting for a person"


def _overwritten(run: ConclusionFacts) -> str:
    """Return in words how much of the run the server has overwritten; empty if that was little."""
    if run.elapsed_s is None or run.lost_share is None or run.lost_share < WORTH_SAYING:
        return ""
    return f"{human_share(run.lost_share)} of {human_duration(run.elapsed_s)} unknown (overwritten by the server)"


def _spent(run: ConclusionFacts) -> str:
    """Return in words the wait or the lost time that took a large part of the run."""
    return _waited(run) or _overwritten(run)


def _then(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


# -- rules ------------------------------------------------------------------------------------------------------------------------------


def _undone(place: FailurePlace) -> str:
    return f"succeeded, but {place.name or f'stage {place.stage}'} was rolled back{_on(place)} and not run again"


def _rolled_back(run: ConclusionFacts) -> str:
    where = _after(run) if run.place is not None else _named_stage(run).replace(" at ", " from ", 1)
    redone = f"redone by {run.redone_by}" if run.redone_by else "not redone since"
    return _then(f"rolled back{where}", redone, _spent(run))


def _stands_failed(run: ConclusionFacts) -> str:
    if run.place is None:
        said = f"failed{_named_stage(run)}"
    elif run.place.child is not None:
        said = f"failed{_at_stage(run)}: {_failed(run.place)}"  # the stage is the main DAG's, not the child's
    else:
        said = f"{_failed(run.place)}{_at_stage(run)}"
    return _then(said, retried(run), _spent(run), _neglected(run))


def _rollback_failed(run: ConclusionFacts) -> str:
    why = f": {_failed(run.place._replace(is_rollback=False))}" if run.place is not None else ""
    return _then(f"the rollback failed{_at_stage(run)}{why}", _spent(run), _neglected(run))


def _neglected(run: ConclusionFacts) -> str:
    if run.is_child or run.standing_s is None or run.standing_s < _STANDING_S:
        return ""
    return f"nobody had acted for {human_duration(run.standing_s)} when last seen"


def _cancelled(run: ConclusionFacts) -> str:
    took = f" after {human_duration(run.elapsed_s)}" if run.elapsed_s is not None else ""
    return _then(f"cancelled{_named_stage(run)}{took}", _spent(run))


def _passed(run: ConclusionFacts) -> str:
    if not run.is_child:
        where = f"{_after(run)}{_at_stage(run)}" if run.place is not None else _named_stage(run)
        return _then(f"passed by a person{where}", _spent(run))
    if run.work_ok:
        took = f" in {human_duration(run.elapsed_s)}" if run.elapsed_s is not None else ""
        return f"did its work{took} and was passed by its main DAG, as planned"
    if run.work_ok is None:
        return f"passed by its main DAG{_at_stage(run)}{_after(run)}; no answer tells whether its work was done"
    why = f": {_failed(run.place)}" if run.place is not None else ""
    return f"did not do its work{why}; its main DAG passed it{_at_stage(run)}"


def _node_passed(run: ConclusionFacts) -> str:
    stage = f"stage {run.stage}" + (f" ({run.stage_name})" if run.stage_name else "") if run.stage is not None else "a stage"
    failed = ""
    if run.place is not None and run.place.stage == run.stage:
        why = f" ({run.place.cause})" if run.place.cause else ""
        failed = f" after it {_WENT.get(run.place.outcome, 'failed')}{_on(run.place)}{why}"
    return _then(f"succeeded, but a person passed {stage}{failed}", retried(run), _spent(run))


def _succeeded(run: ConclusionFacts) -> str:
    if run.undone is not None:
        return _undone(run.undone)
    if run.place is not None and run.place.child is not None and not run.retries_min:
        return _then(f"succeeded, but {_failed(run.place)}", _waited(run))
    for rule in (_was_waited_for, _is_lost, _was_retried, _was_slow):
        said = rule(run)
        if said:
            return said
    if run.elapsed_s is None:
        return f"succeeded; {_bounds(run)}"
    return f"{_took(run.elapsed_s)}{_perhaps_retried(run)}{_beside(run.usual, run.longest)}"


def _took(elapsed_s: float) -> str:
    return f"succeeded in {human_duration(elapsed_s)}"


def _beside(usual: UsualDuration | None, longest: Longest | None) -> str:
    """Return in words the comparison for the length of a run that went well, or its longest stage."""
    if usual is not None:
        return f"; the median of {usual.n_runs:,} other runs like it is {human_duration(usual.median_s)}"
    return f"; its longest stage, {longest[0]}, took {human_duration(longest[1])}" if longest is not None else ""


def _bounds(run: ConclusionFacts) -> str:
    """Return in words the bounds on the length of a run whose elapsed time is unknown."""
    least = f"at least {human_duration(run.elapsed_min_s)}" if run.elapsed_min_s else ""
    most = f"at most {human_duration(run.elapsed_max_s)}" if run.elapsed_max_s is not None else ""
    known = " and ".join(bound for bound in (least, most) if bound)
    return f"it took {known}" if known else "how long it took is not known"


def _was_waited_for(run: ConclusionFacts) -> str:
    waited = _waited(run)
    return _then(f"{waited}{_after_most(run, run.waited_there)}", _and_then(run)) if waited else ""


def _is_lost(run: ConclusionFacts) -> str:
    lost = _overwritten(run)
    return _then(f"{lost}{_after_most(run, run.lost_there)}", _and_then(run), _SAVE) if lost else ""


def _was_retried(run: ConclusionFacts) -> str:
    if not run.retries_min:
        return ""
    took = f" in {human_duration(run.elapsed_s)} in all" if run.elapsed_s is not None else ""
    return _then(_failed(run.place) if run.place is not None else "", f"{_and_then(run)}{took}")


def _and_then(run: ConclusionFacts) -> str:
    return f"{retried(run)}, then succeeded" if run.retries_min else f"succeeded{_perhaps_retried(run)}"


def _perhaps_retried(run: ConclusionFacts) -> str:
    """Return in words how often a run may have been retried that is not known to have been."""
    return f", {retried(run)}" if retried(run) and not run.retries_min else ""


def _was_slow(run: ConclusionFacts) -> str:
    return _slow(run.elapsed_s, run.usual) if run.elapsed_s is not None else ""


def _slow(elapsed_s: float, usual: UsualDuration | None) -> str:
    """Return in words how much longer than others a run took; empty if it did not take much longer."""
    return f"{_took(elapsed_s)}, {comparison(elapsed_s, usual)}" if usual is not None and is_slow(elapsed_s, usual.median_s) else ""


def is_slow(elapsed_s: Any, median_s: Any) -> Any:
    """Return whether a run took so much longer than others that the sentence should say so; for arrays, an array.

    Where the others took no time, there is no ratio to tell.
    """
    return (median_s > 0) & (elapsed_s >= SLOW * median_s) & (elapsed_s - median_s >= SLOW_S)


def comparison(elapsed_s: float, usual: UsualDuration) -> str:
    """Return in words how a run compares with those like it, and which stage explains most of the difference.

    >>> comparison(84.0, UsualDuration(20.0, 9, 5, "Import script", 0.88))
    '4.2 times the median of 9 other runs like it (20.0 s); stage 5 (Import script) alone explains 88 % of the difference'
    """
    if usual.median_s == 0:
        return f"{human_duration(elapsed_s)}; the median of {usual.n_runs:,} other runs like it is 0 s"
    said = f"{elapsed_s / usual.median_s:.1f} times the median of {usual.n_runs:,} other runs like it ({human_duration(usual.median_s)})"
    if usual.share is None:
        return said
    named = f" ({usual.name})" if usual.name else ""
    return f"{said}; stage {usual.stage}{named} alone explains {human_share(usual.share)} of the difference"


def _running(run: ConclusionFacts) -> str:
    return _then(f"running{_named_stage(run)} when last seen", retried(run))


def _waiting(run: ConclusionFacts) -> str:
    return f"stands failed on purpose{_named_stage(run)} until its main DAG advances it"


def _not_started(_: ConclusionFacts) -> str:
    return "not started when last seen"


def _unknown(run: ConclusionFacts) -> str:
    if (run.state, run.operator) == ("SUCCEED", "RUN"):
        untold = "whether a person passed a node" if run.retries_min else "whether after a retry"
        return _then("succeeded", retried(run) if run.retries_min else "", f"{untold} is not known", _spent(run))
    if run.state == "SUCCEED" and run.operator is None:
        return _then("it succeeded, was passed or was rolled back; which of these is not known", _spent(run))
    if run.state is None:
        return "no answer shows its state"
    if (run.state, run.operator) == ("FAILED", "RUN"):
        return _then(f"failed{_named_stage(run)}, or waits for its main DAG; which of the two is not known", retried(run), _spent(run))
    return f"no rule covers its state ({run.state}, operator {run.operator or 'not known'})"


_RULES: dict[str, Callable[[ConclusionFacts], str]] = {
    "rolled_back": _rolled_back,
    "failed": _stands_failed,
    "rollback_failed": _rollback_failed,
    "cancelled": _cancelled,
    "passed": _passed,
    "succeeded_with_node_pass": _node_passed,
    "succeeded_after_retry": _succeeded,
    "succeeded": _succeeded,
    "running": _running,
    "waiting": _waiting,
    "not_started": _not_started,
}
"""The rule of each outcome; work that was undone and not redone comes before all of them."""
