"""How often a run was rolled back: bounds that hold even if anything was overwritten (engine-semantics §2.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import identify
from daganalysis.engine.log_lines import CANCELLED
from daganalysis.history.attempts import hand_outs, unlisted_before
from daganalysis.history.legs import SKEW_NS, undone_success
from daganalysis.history.retry_bounds import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from daganalysis.history.attempts import Attempt
    from daganalysis.history.evidence import RunEvidence, TaskSnapshot
    from daganalysis.history.legs import Leg
    from daganalysis.history.observations import Observations


def rollbacks_seen(observed: Observations) -> int:
    """Count the rollbacks whose leg or request an answer showed."""
    newest = observed.run.newest
    asked = 1 if newest.state == "READY" and newest.operator == "ROLLBACK" else 0
    return asked + sum(1 for leg in observed.legs if leg.operator == "ROLLBACK")


def bound_rollbacks(observed: Observations) -> Bounds:
    """Bound the rollbacks of a run whose nodes were shown.

    A rollback that was not seen left its mark on a node, or moved the DAG to a lower stage. Each hidden rollback handed out the sub-tasks
    of at least one stage, so hidden hand-outs bound their number. A rollback that was cancelled before the scheduler saw it handed out
    nothing: where an answer shows a cancel, or the line that it writes, there may have been one more. Nothing tells of a cancel that was
    overwritten and wrote no line.
    """
    run, seen = observed.run, rollbacks_seen(observed)
    executed = any(node_run.operator == "ROLLBACK" for node_run in observed.node_runs)
    undone = any(undone_success(attempts, place) for attempts in observed.attempts for place in range(1, len(attempts)))
    traced = executed or undone or "ROLLBACK" in observed.operators or bool(stages_walked_down(observed))
    low = max(seen, 1 if traced else 0)
    hidden = sum([_hidden_rollbacks(observed, gid) for gid in run.stages if rollback_possible(observed, gid, rolled_back=low > 0)])
    cancelled = 1 if traced and _was_cancelled(observed) else 0
    if not observed.missing <= {"newest"} and (low or not never_asked(observed)):
        return Bounds(low, None)
    return Bounds(low, max(low, seen + hidden + cancelled + _walks_outside_legs(observed)))


def _walks_outside_legs(observed: Observations) -> int:
    """Count the rollbacks that only executions of nodes show, because the start of their leg was overwritten.

    One rollback walks from stage to lower stage. An execution of the same stage or a higher one, or a forward one between, ends its walk.
    A known leg of a rollback has one walk.
    """
    walks, above, within = 0, None, None
    known: set[int] = set()
    for run in observed.node_runs:
        if run.operator != "ROLLBACK" or run.start is None:
            above = None
            continue
        leg = _leg_of(observed.legs, run.start)
        leg = leg if leg is not None and observed.legs[leg].operator == "ROLLBACK" else None
        if above is None or run.stage >= above or leg != within:
            walks += leg is None or leg in known
        if leg is not None:
            known.add(leg)
        above, within = run.stage, leg
    return walks


def _leg_of(legs: Sequence[Leg], start: int) -> int | None:
    """Return the place of the leg in which an execution began; None if its leg was overwritten."""
    place = sum(1 for leg in legs if leg.start - SKEW_NS <= start) - 1
    end = legs[place].end if place >= 0 else None
    return None if place < 0 or (end is not None and start > end) else place


def never_asked(observed: Observations) -> bool:
    """Return whether the marks of all nodes prove that there was no request but the creating one (engine-semantics §1)."""
    newest = [observed.run.nodes[gid][-1][1] for gid in observed.run.stages]
    return observed.missing.isdisjoint({"nodes", "requests"}) and all(node.operator == "RUN" for node in newest)


def rollback_possible(observed: Observations, gid: str, *, rolled_back: bool) -> bool:
    """Return whether a rollback of the DAG may have handed out sub-tasks of a stage."""
    if rolled_back or _leaves_no_trace(observed.run, gid):
        return True
    run, own = observed.run, observed.tasks_of[gid]
    undone = run.nodes[gid][-1][1].operator == "PASS" and any(view.rule.outcome == "rolled_back" for view in own)
    return undone or (observed.shows_tasks_alone and any(_newer_than_nodes(run.sub_tasks[view.gid]) for view in own))


def stages_walked_down(observed: Observations) -> frozenset[str]:
    """Return the executed nodes above the one at which the DAG stands. Only a rollback moves it down; a pass may overwrite its marks.

    What was first shown after the newest answer about the DAG may have been executed after it.
    """
    stands_at = observed.run.newest.stage
    if stands_at is None:
        return frozenset()
    return frozenset(
        gid
        for gid, number in observed.numbers.items()
        if number is not None and number > stands_at and any(_shown_by(observed.run, view.gid) for view in observed.tasks_of[gid])
    )


def _shown_by(run: RunEvidence, task_gid: str) -> bool:
    """Return whether a sub-task was shown to have been handed out by the time of the newest answer about the DAG."""
    return any(hand_outs(shown) and shown.at <= run.snapshots[-1].at for shown in run.sub_tasks[task_gid])


def _was_cancelled(observed: Observations) -> bool:
    if "CANCEL" in observed.operators or any(snapshot.dag.operator == "CANCEL" for snapshot in observed.run.snapshots):
        return True
    return any(view.logs is not None and CANCELLED in view.logs for view in observed.tasks)  # a line outlives the operator


def _hidden_rollbacks(observed: Observations, gid: str) -> int:
    """Bound the hidden rollbacks that executed a stage: each hands out every sub-task of it that was ever executed, in one pass.

    Counters of different moments cannot be compared in this way. If an agent's clock may be ahead, a rollback skips what seems to have been
    rolled back already (engine-semantics §2.3). In both cases each hand-out may belong to a rollback of its own.
    """
    attempts_of = [attempts for attempts in observed.attempts_in[gid].values() if attempts]
    if all(len(attempts) == 1 and attempts[0].kind == "run" and attempts[0].number <= 1 for attempts in attempts_of):
        return 0
    placed = _placed(observed, observed.ordinals[gid])
    each = [sum(_hidden_rollback_runs(placed, attempts)) for attempts in attempts_of]
    newest = {observed.run.sub_tasks[view.gid][-1].at for view in observed.tasks_of[gid] if view.attempts}
    apart = len(newest) > 1 or any(_newer_than_nodes(observed.run.sub_tasks[view.gid]) for view in observed.tasks_of[gid])
    return sum(each) if apart or may_repeat_or_skip(observed, gid) else min(each, default=0)


def may_repeat_or_skip(observed: Observations, gid: str) -> bool:
    """Return whether different clocks may have made the engine hand out sub-tasks of a stage too often, or not at all (§2.3)."""
    return identify(observed.run.gid).scope == "cluster" and len(observed.tasks_of[gid]) > 1


def _placed(observed: Observations, stage: int) -> set[int]:
    """Return the identities of the attempts of a stage that are in a known execution of it, or in a leg that is known to roll back.

    A leg has one direction. A pass overwrites the operator of the execution that it ends.
    """
    leg_of = {id(run): _leg_of(observed.legs, run.start) for run in observed.node_runs if run.start is not None}
    rolls_back = {leg_of[id(run)] for run in observed.node_runs if run.operator == "ROLLBACK" and id(run) in leg_of} - {None}
    return {
        id(attempt)
        for run in observed.node_runs
        if run.stage == stage and run.start is not None and (run.operator is not None or leg_of[id(run)] in rolls_back)
        for attempt in run.attempts
    }


def _hidden_rollback_runs(placed: set[int], attempts: Sequence[Attempt]) -> Iterator[int]:
    """Count the hand-outs in no known execution that may be rollback runs of the DAG. A retry's rollback run is followed by a run."""
    for place, attempt in enumerate(attempts):
        followed = place + 1 < len(attempts) and attempts[place + 1].kind == "run"
        own = attempt.kind != "run" and not followed and id(attempt) not in placed
        yield own + unlisted_before(attempts, place)


def _leaves_no_trace(run: RunEvidence, gid: str) -> bool:
    """Return whether a rollback that failed at a stage may have left no trace in the stages below it.

    A rollback marks each of them for good, unless it was cancelled (engine-semantics §2.4, §2.5). Below the first stage there are none.
    """
    for lower in run.stages:
        if lower == gid:
            break
        if run.nodes[lower][-1][1].operator != "CANCEL":
            return False
    return True


def _newer_than_nodes(task_snapshots: Sequence[TaskSnapshot]) -> bool:
    """Return whether the newest hand-out was shown only by an answer without nodes, where the mark of a rollback would be."""
    if len(task_snapshots) == 1:
        return task_snapshots[0].node is None
    newest = max(task_snapshots, key=lambda s: (s.task.execute_times or 0, s.node is not None))
    return newest.node is None
