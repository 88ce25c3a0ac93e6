"""When a run began and ended: what answers show, and what bounds the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.states import ENDED
from daganalysis.engine.times import TRUE, Meaning, dag_times
from daganalysis.history.legs import SKEW_NS, is_first_execution

if TYPE_CHECKING:
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.observations import Observations

_ON_PURPOSE = {"RETRY", "ROLLBACK"}


class RunSpan(msgspec.Struct, frozen=True, gc=False):
    """The known span of a run, in nanoseconds.

    ``begin`` is the first instant at which the run is known to have run. ``sure``: it is the true start. ``created`` bounds the start from
    below. ``end`` is None while the run has not ended.
    """

    begin: int | None
    sure: bool
    created: int | None
    end: int | None
    set_back: int = 0
    """The least amount by which the clock of the DAG's own rows was set back. Of a time across that moment, only a lower bound is known."""

    @property
    def started(self) -> int | None:
        """Its true start; None if it was overwritten."""
        return self.begin if self.sure else None

    @property
    def elapsed(self) -> int | None:
        """How long it took; None if an end is not known."""
        if self.end is None or self.started is None or self.end < self.started or self.set_back:
            return None
        return self.end - self.started

    @property
    def elapsed_bounds(self) -> tuple[int | None, int | None]:
        """The least and the most time that it can have taken. Both are None before its end; the most also if its start is unbounded."""
        if self.end is None:
            return None, None
        if self.elapsed is not None:
            return self.elapsed, self.elapsed
        least = max(0, self.end - self.begin + self.set_back) if self.begin is not None else 0
        if self.set_back:
            return least, None
        most = self.end - self.created if self.created is not None and self.end >= self.created else None
        return least, most if most is None or most >= least else None


def find_span(observed: Observations) -> RunSpan:
    """Find the span of a run."""
    begin, sure = _begin(observed)
    set_back = sum(node_run.set_back for node_run in observed.node_runs)
    return RunSpan(begin, sure, observed.created, _end(observed.run), set_back)


def _end(run: RunEvidence) -> int | None:
    dag = run.newest
    if dag.state not in ENDED:
        return None
    return dag.end if dag_times(dag.state, dag.operator).end in {TRUE, Meaning.REQUEST} else None


def _begin(observed: Observations) -> tuple[int | None, bool]:
    """Return when the known span begins, and whether the run began then.

    It did if the first attempt of the first stage began in the first execution of the DAG, or if nothing was handed out.
    """
    run, legs = observed.run, observed.legs
    if run.begun is not None:
        return run.begun, True
    starts = [leg.start for leg in legs] + [node_run.start for node_run in observed.node_runs if node_run.start is not None]
    doubtful = observed.doubtful_agents
    starts_of_attempts = [
        attempt.start
        for own in observed.attempts
        for attempt in own
        if attempt.start is not None and (not doubtful or (attempt.agent is not None and attempt.agent not in doubtful))
    ]
    known = min(starts + starts_of_attempts, default=None)
    if known is None:
        return None, False
    first = _first_attempt(observed)
    if first is not None:
        return (first if not starts or min(starts) > first + SKEW_NS else min(starts)), True
    untouched = bool(legs) and not any(observed.attempts) and legs[0].operator == "RUN"
    return known, untouched and (_nothing_was_asked(observed) or is_first_execution(run, legs[0]))


def _first_attempt(observed: Observations) -> int | None:
    """Return when the first attempt of the first stage began, unless a retry may have made that hand-out."""
    run = observed.run
    if not run.stages or observed.numbers.get(run.stages[0]) != 1:
        return None
    known = (own[0] for own in observed.attempts_in[run.stages[0]].values() if own and own[0].start is not None)
    doubtful = observed.doubtful_agents
    firsts = [one for one in known if one.number == 1 and not one.is_start_estimated and one.agent not in doubtful]
    if not firsts:
        return None
    later = {id(a) for node_run in observed.node_runs if node_run.operator in _ON_PURPOSE for a in node_run.attempts}
    first = min(firsts, key=lambda attempt: attempt.start or 0)
    return first.start if id(first) not in later else None


def _nothing_was_asked(observed: Observations) -> bool:
    """Return whether no node has the mark of a request, so that the leg is the first."""
    return observed.operators == {"RUN"} and observed.missing.isdisjoint({"nodes", "requests"})
