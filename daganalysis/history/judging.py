"""One run judged as a whole: its span and timeline, its outcome, the bounds of what operators did to it."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from daganalysis.engine.outcomes import Facts, Rule, judge
from daganalysis.engine.times import TRUE, Meaning, dag_times
from daganalysis.history.causal_order import never_started
from daganalysis.history.legs import SKEW_NS, Leg
from daganalysis.history.objects import judge_node
from daganalysis.history.observations import Observations, observe
from daganalysis.history.operators import count_operators
from daganalysis.history.timeline import SECOND, Story, Stretch, build_timeline, estimate_tick
from daganalysis.history.views import MainDag, RunView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.retry_bounds import Bounds

_GID = attrgetter("gid")
_PROTOCOL_SLACK_NS = 2 * SECOND
"""A main DAG's last requests may seem to lie this much after its end: another clock, one pass of its scheduler."""


def judge_run(run: RunEvidence, *, main: MainDag | None, retries_received: int) -> RunView:
    """Judge one run; ``retries_received`` says how often another DAG's task asked this one to retry."""
    observed = observe(run, main)
    retries, rollbacks = count_operators(observed, retries_received)
    rule = judge("dag", _dag_facts(observed, retries))
    end = _end(run)
    begin, sure = _begin(observed)
    known = begin if sure or observed.created is not None else None
    elapsed = end - known if end is not None and known is not None and end >= known else None
    return RunView(
        evidence=run,
        tasks=[view for own in observed.tasks_of.values() for view in sorted(own, key=_GID)],
        nodes=[judge_node(run, stage, gid, observed.tasks_of[gid]) for stage, gid in enumerate(run.stages, start=1)],
        stretches=_stretches(observed, begin, end, sure=sure),
        rule=rule,
        retries=retries,
        rollbacks=rollbacks,
        work_ok=_work_ok(observed, rule) if observed.is_sub_dag else None,
        created=observed.created,
        begin=known,
        end=end,
        elapsed_ns=elapsed,
        elapsed_bounds_ns=(elapsed, elapsed),
        active_ns=_union(observed.attempts),
        last_leg_ns=_last_leg(run),
        history=_history(observed, sure=sure),
        offsets=observed.offsets,
    )


def _dag_facts(observed: Observations, retries: Bounds) -> Facts:
    """Gather what the rules look at."""
    run, dag = observed.run, observed.run.newest
    # A run of which no answer showed the nodes betrays a retry by going forward again, unless it is made to.
    resumed = not run.stages and not observed.is_child and observed.went_forward_again > 0
    return Facts(
        dag.state,
        dag.operator,
        begun=not never_started(dag),
        deliberate=dag.state == "FAILED" and _stands_waiting(observed),
        retried=retries.low > 0 or resumed,
        # A later rollback or retry overwrites the operator of a node that was passed, but not what an earlier answer told.
        node_passed=any(node.operator == "PASS" for seen in run.nodes.values() for _, node in seen),
    )


def _stands_waiting(observed: Observations) -> bool:
    """Tell whether a child DAG failed on purpose, with every sub-task that keeps it from going on."""
    if not observed.is_child and (observed.main is None or observed.main.kind not in {"sub_dag", "scale_out"}):
        return False
    failed = [view for view in observed.tasks if view.newest.state == "FAILED"]
    return bool(failed) and all(view.rule.outcome == "waiting" for view in failed)


def _end(run: RunEvidence) -> int | None:
    dag = run.newest
    if dag.state not in {"FAILED", "SUCCEED"}:
        return None
    return dag.end if dag_times(dag.state, dag.operator).end in {TRUE, Meaning.REQUEST} else None


def _begin(observed: Observations) -> tuple[int | None, bool]:
    """Where the known span begins, and whether an answer shows it.

    It does if the first attempt of the first stage is known to have begun (or nothing has begun yet). Otherwise the first start was
    overwritten, and the run began at most one tick after its rows were created (engine-semantics §5).
    """
    run, legs, created = observed.run, observed.legs, observed.created
    starts = [leg.start for leg in legs] + [node_run.start for node_run in observed.node_runs if node_run.start is not None]
    first_attempts = [own[0].start for own in observed.attempts_in[run.stages[0]].values() if own] if run.stages else []
    first = min((start for start in first_attempts if start is not None), default=None)
    if first is not None:
        return (first if not starts or min(starts) > first + SKEW_NS else min(starts)), True
    every = starts + [attempt.start for own in observed.attempts for attempt in own if attempt.start is not None]
    if not every:
        return None, False
    known = min(every)
    if not any(observed.attempts) and legs and legs[0].operator == "RUN" and (run.stages or _first_execution_shown(run, legs[0])):
        return known, True
    if created is None or created > known:
        return known, False
    return min(known, created + estimate_tick(observed.node_runs)[0]), False


def _first_execution_shown(run: RunEvidence, leg: Leg) -> bool:
    """Tell whether a leg is the first.

    While it ran, its end was still the creation time, which every later request wipes (engine-semantics §3).
    """
    return any(s.dag.state == "RUNNING" and s.dag.start == leg.start and s.dag.end is not None for s in run.snapshots)


def _stretches(observed: Observations, begin: int | None, end: int | None, *, sure: bool) -> list[Stretch]:
    if begin is None or (end is not None and end < begin):
        return []
    dag = observed.run.newest
    passed = [view.attempts[-1] for view in observed.tasks if view.attempts and view.newest.operator == "PASS"]
    return build_timeline(
        Story(
            observed.legs,
            observed.node_runs,
            observed.attempts,
            begin,
            sure,
            end,
            _wait_category(observed),
            nodes_shown=bool(observed.run.stages),
            passed=dag.state == "SUCCEED" and dag.operator == "PASS",
            ended_waiting=bool(passed) and all(attempt.outcome == "waiting" for attempt in passed),
        )
    )


def _wait_category(observed: Observations) -> Callable[[int], str]:
    """Return what says whom a wait that ended at some instant was for.

    A child's was for its main DAG, unless a sub-DAG's main DAG had ended before: then only an operator can have ended it.
    """
    main = observed.main
    if main is None and not observed.is_child:
        return lambda _: "wait_operator"
    main_end = main.end_for(observed.created) if main is not None and main.kind == "sub_dag" else None
    return lambda until: "wait_operator" if main_end is not None and until > main_end + _PROTOCOL_SLACK_NS else "wait_protocol"


def _work_ok(observed: Observations, rule: Rule) -> bool | None:
    """A sub-DAG has done its work if it stands, or was passed, at its last stage, waiting (engine-semantics §7 A 5 and 7)."""
    stages = observed.run.stages
    if rule.outcome not in {"passed", "waiting"} or not stages:
        return None
    reached = observed.run.newest.stage == len(stages)
    last = observed.tasks_of[stages[-1]]
    return (
        reached
        and all(bool(view.attempts) for view in last)
        and all(view.attempts[-1].outcome in {"waiting", "succeeded"} for view in last)
    )


def _union(attempts_of: Iterable[Sequence[Attempt]]) -> int | None:
    """Time in which at least one attempt was running, of those with both ends known."""
    spans = [
        (a.start, a.ran_until)
        for attempts in attempts_of
        for a in attempts
        if a.start is not None and a.end is not None and not a.is_doubtful
    ]
    if not spans:
        return None
    spans.sort()
    total, (low, high) = 0, spans[0]
    for start, end in spans:
        if start > high:
            total += high - low
            low = start
        high = max(high, end)
    return total + high - low


def _last_leg(run: RunEvidence) -> int | None:
    dag = run.newest
    times = dag_times(dag.state, dag.operator)
    if times.start is not TRUE or times.end not in {TRUE, Meaning.REQUEST} or dag.start is None or dag.end is None:
        return None
    return dag.end - dag.start if dag.end >= dag.start else None


def _history(observed: Observations, *, sure: bool) -> str:
    evidence = {a.evidence for attempts in observed.attempts for a in attempts}
    if evidence <= {"observed"} and (sure or not evidence):
        return "complete"
    return "last_leg" if len(observed.legs) <= 1 else "partial"
