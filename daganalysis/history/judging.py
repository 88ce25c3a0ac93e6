"""A run judged as a whole: its span and timeline, its outcome, and the bounds of what operators did."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from daganalysis.engine.outcomes import Facts, Rule, judge
from daganalysis.engine.times import SECOND_NS, TRUE, Meaning, dag_times
from daganalysis.history.causal_order import never_started
from daganalysis.history.completeness import OUTLINE
from daganalysis.history.object_outcomes import judge_node
from daganalysis.history.observations import Observations, observe
from daganalysis.history.operators import count_operators
from daganalysis.history.proven_requests import proven_requests
from daganalysis.history.span import RunSpan, find_span
from daganalysis.history.timeline import build_timeline
from daganalysis.history.timeline_input import TimelineInput
from daganalysis.history.timeouts import Timeout, book_timeouts, hidden_timeouts
from daganalysis.history.views import MainDag, RunView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence
    from daganalysis.history.retry_bounds import Bounds
    from daganalysis.history.stretches import Stretch

_GID = attrgetter("gid")
_PROTOCOL_SLACK_NS = 2 * SECOND_NS
"""A main DAG's last requests may seem to come this long after its end, because of another clock and one pass of its scheduler."""


def judge_run(run: RunEvidence, *, main: MainDag | None = None, retries_received: int = 0) -> RunView:
    """Judge one run. ``retries_received`` is how often a task of another DAG asked this one to retry."""
    observed = observe(run, main)
    retries, rollbacks = count_operators(observed, retries_received)
    rule = judge("dag", _dag_facts(observed, retries))
    span = find_span(observed)
    stretches, timeouts = _stretches(observed, span)
    return RunView(
        evidence=run,
        tasks=[view for own in observed.tasks_of.values() for view in (sorted(own, key=_GID) if len(own) > 1 else own)],
        nodes=[judge_node(run, stage, gid, observed.tasks_of[gid]) for gid, stage in observed.numbers.items()],
        stretches=stretches,
        timeouts=timeouts,
        rule=rule,
        retries=retries,
        rollbacks=rollbacks,
        work_ok=_work_ok(observed, rule) if observed.is_sub_dag else None,
        created=observed.created,
        begin=span.started,
        end=span.end,
        elapsed_ns=span.elapsed,
        elapsed_bounds_ns=span.elapsed_bounds,
        active_ns=_union(observed.attempts),
        last_leg_ns=_last_leg(run),
        history=_history(observed, span, exact=retries.low == retries.high and rollbacks.low == rollbacks.high),
        missing=observed.missing,
        offsets=observed.offsets,
        proven_requests=proven_requests(observed, retries, rollbacks),
    )


def _dag_facts(observed: Observations, retries: Bounds) -> Facts:
    """Gather the facts that the rules need."""
    dag = observed.run.newest
    return Facts(
        dag.state,
        dag.operator,
        begun=not never_started(dag),
        deliberate=dag.state == "FAILED" and _stands_waiting(observed),
        retried=retries.low > 0,
        untold=_may_hide_requests(observed, retries),
        perhaps_waiting=dag.state == "FAILED" and _may_stand_waiting(observed),
        # A later rollback overwrites the operator of a node that was passed, but neither what an earlier answer told nor its sub-tasks'.
        node_passed="PASS" in observed.operators or any(view.newest.operator == "PASS" for view in observed.tasks),
    )


def _may_hide_requests(observed: Observations, retries: Bounds) -> bool:
    """Return whether the run may have had a retry or a passed node, because answers lack nodes or their operators."""
    if "operators" in observed.missing:
        return not observed.is_first_leg
    return not observed.missing.isdisjoint({"nodes", "requests"}) and retries.high != 0


def _may_stand_waiting(observed: Observations) -> bool:
    """Return whether a DAG may be a child that waits for its main DAG, while nothing shows that it failed."""
    if not (observed.is_child or observed.may_be_child):
        return False
    failed = [view for view in observed.tasks if view.newest.state == "FAILED"]
    return not failed or all(view.rule.outcome in {"waiting", "not_succeeded"} for view in failed)


def _stands_waiting(observed: Observations) -> bool:
    """Return whether a child DAG failed on purpose: every sub-task that stops it did."""
    if not observed.is_child and (observed.main is None or observed.main.kind not in {"sub_dag", "scale_out"}):
        return False
    failed = [view for view in observed.tasks if view.newest.state == "FAILED"]
    return bool(failed) and all(view.rule.outcome == "waiting" for view in failed)


def _stretches(observed: Observations, span: RunSpan) -> tuple[list[Stretch], list[Timeout]]:
    """Build the timeline. Also return the timeouts in it whose times no answer showed."""
    if span.begin is None or (span.end is not None and span.end < span.begin):
        return [], []
    dag = observed.run.newest
    passed = [view.attempts[-1] for view in observed.tasks if view.attempts and view.newest.operator == "PASS"]
    stretches = build_timeline(
        TimelineInput(
            observed.legs,
            observed.node_runs,
            observed.attempts,
            span.begin,
            span.sure,
            span.end,
            _wait_category(observed),
            doubtful_agents=observed.doubtful_agents,
            ends_in_last_leg=observed.stands_in_last_leg,
            nodes_shown=bool(observed.run.stages),
            nodes_missing="nodes" in observed.missing,
            nodes_outdated="requests" in observed.missing,
            sub_tasks_missing="sub_tasks" in observed.missing or _hides_hand_outs(observed),
            passed=dag.state == "SUCCEED" and dag.operator == "PASS",
            ended_waiting=bool(passed) and all(attempt.outcome == "waiting" for attempt in passed),
        )
    )
    stretches, timeouts = book_timeouts(stretches, hidden_timeouts(observed.tasks, observed.attempts))
    if None in observed.numbers.values():
        stage_of = {ordinal: observed.numbers[gid] for gid, ordinal in observed.ordinals.items()}
        for stretch in stretches:
            stretch.from_stage, stretch.to_stage = (stage_of.get(stage or 0) for stage in (stretch.from_stage, stretch.to_stage))
    return stretches, timeouts


def _hides_hand_outs(observed: Observations) -> bool:
    """Return whether some sub-task without a counter shows no attempt, although it may have been handed out."""
    if "counters" not in observed.missing:
        return False
    return any(not view.attempts and view.newest.execute_times is None and view.newest.state != "PENDING" for view in observed.tasks)


def _wait_category(observed: Observations) -> Callable[[int], str]:
    """Return a function from the instant at which a wait ended to the category of that wait.

    A child DAG waited for its main DAG. If the main DAG of a sub-DAG had ended before, only an operator can have ended the wait.
    """
    if observed.may_be_child:
        return lambda _: "unattributed"
    main = observed.main
    if main is None and not observed.is_child:
        return lambda _: "wait_operator"
    main_end = main.end_for(observed.created) if main is not None and main.kind == "sub_dag" else None
    return lambda until: "wait_operator" if main_end is not None and until > main_end + _PROTOCOL_SLACK_NS else "wait_protocol"


def _work_ok(observed: Observations, rule: Rule) -> bool | None:
    """Return whether a sub-DAG did its work: it waits, or was passed, at its last stage (engine-semantics §7 A 5 and 7)."""
    stages = observed.run.stages
    if rule.outcome not in {"passed", "waiting"} or observed.missing:
        return None
    reached = observed.run.newest.stage == len(stages)
    last = observed.tasks_of[stages[-1]]
    return (
        reached
        and all(bool(view.attempts) for view in last)
        and all(view.attempts[-1].outcome in {"waiting", "succeeded"} for view in last)
    )


def _union(attempts_of: Iterable[Sequence[Attempt]]) -> int | None:
    """Return the time in which at least one attempt with known ends was running."""
    spans = [
        (a.start, a.ran_until)
        for attempts in attempts_of
        for a in attempts
        if a.start is not None and a.end is not None and not (a.is_doubtful or a.is_estimated)
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


def _history(observed: Observations, span: RunSpan, *, exact: bool) -> str:
    if not observed.missing.isdisjoint(OUTLINE):
        return "outline"
    evidence = {a.evidence for attempts in observed.attempts for a in attempts}
    if not evidence and "newest" in observed.missing:
        return "outline"  # its nodes were shown before anything was handed out
    if evidence <= {"observed"} and (span.sure or not evidence) and exact and not observed.missing:
        return "complete"
    return "last_leg" if len(observed.legs) <= 1 and "newest" not in observed.missing else "partial"
