"""Requests that no log shows but the states of a run prove, each with bounds on its time.

A DAG changes in some ways only because somebody asked for it (engine-semantics §2): it starts again after it failed, it runs backwards, it
is cancelled, it or one of its nodes is passed. Each such change is one request. A change that several requests may explain gives no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from daganalysis.engine.catalogue import CHILD_WORKFLOWS, creates_itself
from daganalysis.engine.identifiers import identify
from daganalysis.engine.log_lines import WAITING
from daganalysis.engine.times import SECOND_NS
from daganalysis.history.legs import SKEW_NS, is_first_execution
from daganalysis.history.stretches import FOR_GOOD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.history.evidence import Snapshot
    from daganalysis.history.legs import Leg, NodeRun
    from daganalysis.history.observations import Observations
    from daganalysis.history.retry_bounds import Bounds
    from daganalysis.history.views import RunView

CLOCKS_NS = 5 * SECOND_NS
"""How far the clock of an answering agent may be off the clock of the DAG's own rows if its times are to bound a request."""
_CANCELLED = frozenset({"cancelled", "cancelled_before_start"})
_ONE_REQUEST_NS = 2 * SECOND_NS
"""A pass of the DAG stamps everything that it passes within this time."""


class ProvenRequest(msgspec.Struct, frozen=True, gc=False):
    """One request that the states of a run prove.

    It came between ``at_min`` and ``at_max``, by the clock of the DAG's own rows (None: not bounded). ``actor`` is `person`, `dag` or
    `unknown`. ``source`` is the file that shows its effect, None if several files together show it.
    """

    operation: str
    at_min: int | None
    at_max: int | None
    stage: int | None = None
    actor: str = "unknown"
    source: str | None = None


def proven_requests(observed: Observations, retries: Bounds, rollbacks: Bounds) -> list[ProvenRequest]:
    """Return the requests that the states of a run prove, in order of time, without the one that created it.

    ``retries`` and ``rollbacks`` bound what people asked for.
    """
    finder = _Finder(observed)
    found = [*finder.of_legs(), *finder.of_node_runs(), *finder.standing(), *finder.of_passed_nodes(), *finder.of_cancelled_attempts()]
    found += finder.hidden("retry", sum(one.operation == "retry" and one.actor != "dag" for one in found), retries.low)
    found += finder.hidden("rollback", sum(one.operation == "rollback" for one in found), rollbacks.low)
    found += finder.hidden_handshakes(sum(one.operation == "retry" for one in found))
    return sorted(found, key=lambda one: (one.at_max is None, one.at_max or 0, one.at_min or 0, one.operation))


def proven_creation(view: RunView, *, is_child: bool) -> ProvenRequest | None:
    """Return the request that created a run; None if an agent creates such a DAG by itself when it starts."""
    run = view.evidence
    actor = actor_of_creation(run.gid, run.newest.name)
    if actor is None:
        return None
    answered = [shown for shown in run.snapshots if shown.dag.just_created and shown.answer.request_ms is not None]
    least = min((shown.at - (shown.answer.request_ms or 0) * 1_000_000 - CLOCKS_NS for shown in answered), default=None)
    until = view.created
    if until is None:
        starts = [view.begin, *(node.start for node in view.nodes), *(shown.dag.start for shown in run.snapshots)]
        until = min([run.snapshots[0].at + CLOCKS_NS, *(start for start in starts if start is not None)])
    source = answered[0].answer.source if answered else None
    return ProvenRequest("create", None if least is None else min(least, until), until, None, "dag" if is_child else actor, source)


def actor_of_creation(gid: str, name: str | None) -> str | None:
    """Return who asked for a DAG that is not known to be a child; None if nobody did, or if it is unknown."""
    if name is None or creates_itself(name):
        return None
    return "person" if identify(gid).scope == "cluster" and name not in CHILD_WORKFLOWS else "unknown"


class _Finder:
    """Finds the traces of requests in the observations of a run."""

    def __init__(self, observed: Observations) -> None:
        self._observed = observed
        self._run = observed.run
        self._legs = observed.legs
        self._retried = [run for run in observed.node_runs if run.operator == "RETRY" and run.start is not None]
        self._counted: set[int] = set()
        self._passes = dict(_passed_nodes(observed))

    # -- legs -------------------------------------------------------------------------------------------------------------------------

    def of_legs(self) -> Iterator[ProvenRequest]:
        """Yield the requests that began legs: every leg that is not the first, runs backwards, or is a cancel."""
        for index, leg in enumerate(self._legs):
            before = self._legs[index - 1] if index else None
            after = self._legs[index + 1].start if index + 1 < len(self._legs) else None
            operation = self._operation_of(leg, before, after)
            if operation is None:
                continue
            stage = before.stage if before is not None and before.state == "FAILED" else None
            if operation == "retry":
                stage = next((run.stage for run in self._retried if _lies_in(run, leg, after)), stage)
            yield self._request(operation, self._least(leg, before), _earliest(leg), stage, self._source_of(leg))

    def _operation_of(self, leg: Leg, before: Leg | None, after: int | None) -> str | None:
        if leg.operator in {"ROLLBACK", "CANCEL"}:
            return leg.operator.lower()
        if leg.operator != "RUN" or is_first_execution(self._run, leg):
            return None
        within = [run for run in self._retried if _lies_in(run, leg, after)]
        if within:
            self._counted.add(id(within[0]))
            return "retry"
        passed = any((before.start if before is not None else 0) <= at <= leg.start + SKEW_NS for at in self._passes.values())
        if passed or before is None or before.state != "FAILED" or self._observed.missing.isdisjoint({"nodes"}):
            return None  # a passed node gets a request of its own; a node without the mark of a retry was not retried
        again = leg.state == "FAILED" and leg.stage is not None and before.stage is not None and leg.stage <= before.stage
        return "retry" if again else None

    def _least(self, leg: Leg, before: Leg | None) -> int | None:
        """Return the last time at which answers show that the request had not come yet."""
        known = []
        if before is not None:
            known += [before.start, before.end]
            stood = before.stood_until
            known.append(stood - CLOCKS_NS if stood is not None else None)
        elif leg.operator == "RUN":
            known.append(self._observed.created)
        else:
            known += [self._observed.created, self._shown_before(leg)]
        least = max((at for at in known if at is not None), default=None)
        return least if least is None or least <= leg.start else leg.start

    def _shown_before(self, leg: Leg) -> int | None:
        before = [snapshot.at for snapshot in self._run.snapshots if snapshot.dag.start is not None and snapshot.dag.start < leg.start]
        return before[-1] - CLOCKS_NS if before else None

    def _source_of(self, leg: Leg) -> str | None:
        return next((snapshot.answer.source for snapshot in self._run.snapshots if snapshot.dag.start == leg.start), None)

    # -- what no leg shows ------------------------------------------------------------------------------------------------------------

    def of_node_runs(self) -> Iterator[ProvenRequest]:
        """Yield the retries of node executions under RETRY that are in no known leg of a retry."""
        for run in self._retried:
            if id(run) in self._counted or run.start is None:
                continue
            others = [other for other in self._observed.node_runs if other.stage == run.stage and other is not run]
            ended = [other.end for other in others if other.end is not None]
            least = max((end for end in ended if end <= run.start), default=self._observed.created)
            yield self._request("retry", least, run.start, run.stage)

    def standing(self) -> Iterator[ProvenRequest]:
        """Yield the request that the newest answer shows and that has not begun, and a pass of the DAG."""
        newest = self._run.snapshots[-1]
        dag, last = newest.dag, self._legs[-1] if self._legs else None
        if dag.state == "SUCCEED" and dag.operator == "PASS":
            first = next(shown for shown in self._run.snapshots if shown.dag.state == "SUCCEED" and shown.dag.operator == "PASS")
            until = dag.end if dag.end is not None else first.at + CLOCKS_NS
            yield self._request("pass", self._stood(last, until), until, dag.stage, first.answer.source)
        if dag.state != "READY" or dag.start is not None or dag.just_created:
            return
        shown = self._first_of_state(newest)
        until = shown.at + CLOCKS_NS
        operation = {"ROLLBACK": "rollback", "CANCEL": "cancel"}.get(dag.operator or "")
        if operation is None and dag.operator == "RUN" and any(_waits_for_retry(self._observed)):
            operation = "retry"
        if operation is not None:
            yield self._request(operation, self._stood(last, until), until, dag.stage, shown.answer.source)

    def _first_of_state(self, newest: Snapshot) -> Snapshot:
        """Return the earliest of the last answers that show the DAG in its newest state."""
        first = newest
        for snapshot in reversed(self._run.snapshots):
            if (snapshot.dag.state, snapshot.dag.operator, snapshot.dag.start) != (newest.dag.state, newest.dag.operator, newest.dag.start):
                break
            first = snapshot
        return first

    def _stood(self, last: Leg | None, until: int) -> int | None:
        """Return until when the last leg is known to have stood at its end."""
        if last is None:
            return self._observed.created
        stood = last.stood_until - CLOCKS_NS if last.stood_until is not None else last.start
        least = max(last.start, stood, last.end if last.end is not None else last.start)
        return min(least, until)

    def of_passed_nodes(self) -> Iterator[ProvenRequest]:
        """Yield the passes of single nodes. The end of such a node is the time of the request."""
        newest = self._run.newest
        may_be_passed = newest.state in {"SUCCEED", None} and newest.operator in {"PASS", None}
        for (stage, _), at in self._passes.items():
            if may_be_passed and (newest.end is None or abs(at - newest.end) <= _ONE_REQUEST_NS):
                continue  # a pass of the DAG passes nodes, too
            ends = [run.end for run in self._observed.node_runs if run.stage == stage and run.end is not None and run.end < at]
            before = next((leg for leg in reversed(self._legs) if leg.start <= at), None)
            least = max([*ends, *([self._stood(before, at) or 0] if before is not None else [])], default=self._observed.created)
            yield self._request("pass_node", least, at, stage)

    def of_cancelled_attempts(self) -> Iterator[ProvenRequest]:
        """Yield the cancels of attempts in legs that are not a cancel's own, which was overwritten."""
        legs_told: set[int] = set()
        for attempts in self._observed.attempts:
            for attempt in attempts:
                if attempt.outcome not in _CANCELLED or attempt.end is None or attempt.is_doubtful:
                    continue
                index = sum(1 for leg in self._legs if leg.start <= attempt.end + SKEW_NS) - 1
                if index in legs_told or (index >= 0 and self._legs[index].operator == "CANCEL"):
                    continue
                legs_told.add(index)
                running = attempt.outcome == "cancelled" and attempt.start is not None
                least = attempt.start if running else self._observed.created
                yield self._request("cancel", least, attempt.end, attempt.stage)

    def hidden(self, operation: str, known: int, least: int) -> Iterator[ProvenRequest]:
        """Yield the requests that counters or marks prove without a time."""
        for _ in range(least - known):
            yield self._request(operation, self._observed.created, self._last_change())

    def hidden_handshakes(self, known: int) -> Iterator[ProvenRequest]:
        """Yield the retries by the main DAG of a child that waited on purpose and was handed out again."""
        if not self._observed.is_child:
            return
        waits: dict[str | None, int] = {}
        for view, attempts in zip(self._observed.tasks, self._observed.attempts, strict=True):
            seen = sum(1 for attempt in attempts[:-1] if attempt.outcome == "waiting")
            logged = view.logs.count(WAITING) if view.logs else 0
            logged -= bool(attempts and attempts[-1].ending == "waiting")
            waits[view.node_gid] = max(waits.get(view.node_gid, 0), seen, logged)
        for _ in range(sum(waits.values()) - known):
            yield ProvenRequest("retry", self._observed.created, self._last_change(), None, "dag")

    def _last_change(self) -> int:
        """Return when the newest hand-out began. All requests that counters show had come by then."""
        starts = [attempts[-1].start for attempts in self._observed.attempts if attempts]
        latest = [leg.start for leg in self._legs] + [start for start in starts if start is not None]
        if not latest or self._observed.missing or any(start is None for start in starts):
            latest.append(self._run.snapshots[-1].at + CLOCKS_NS)
        return max(latest)

    # -- who --------------------------------------------------------------------------------------------------------------------------

    def _request(self, operation: str, least: int | None, until: int, stage: int | None = None, source: str | None = None) -> ProvenRequest:
        least = until if least is not None and least > until else least
        return ProvenRequest(operation, least, until, stage, self._actor(operation, stage, until), source)

    def _actor(self, operation: str, stage: int | None, until: int) -> str:
        """Return who asked. Another DAG may have advanced this one (engine-semantics §7).

        The main DAG advances a child that waits on purpose.
        """
        observed = self._observed
        if observed.main is None and not (observed.is_child or observed.may_be_child):
            return "person"
        return "dag" if operation == "retry" and stage is not None and self._waited(stage, until) else "unknown"

    def _waited(self, stage: int, until: int) -> bool:
        """Return whether the last attempts at a stage before some instant ended by waiting on purpose."""
        ended = [
            attempt
            for attempts in self._observed.attempts
            for attempt in attempts
            if attempt.stage == stage and attempt.end is not None and attempt.end <= until + SKEW_NS
        ]
        return bool(ended) and max(ended, key=lambda attempt: attempt.end or 0).outcome == "waiting"


def _lies_in(run: NodeRun, leg: Leg, after: int | None) -> bool:
    """Return whether an execution of a node began in a leg: after its start, and before its end or the next known leg.

    If the end of the leg is not known, another leg may have begun soon after. The execution that a request asks for begins with its leg.
    """
    until = leg.end
    if until is None:
        until = min(leg.start + _ONE_REQUEST_NS, after if after is not None else FOR_GOOD)
    return run.start is not None and leg.start - SKEW_NS <= run.start and (until is None or run.start < until)


def _earliest(leg: Leg) -> int:
    """Return when the request that began a leg is first known to have come."""
    return leg.start if leg.asked_to is None else min(leg.start, leg.asked_to + CLOCKS_NS)


def _passed_nodes(observed: Observations) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield the stage and the time of each pass of a node that answers show.

    A later rollback overwrites the operator of the node, but not those of the sub-tasks that it does not reach (engine-semantics §2.4).
    """
    for gid, stage in observed.ordinals.items():
        passed = [node for _, node in observed.run.nodes[gid] if node.operator == "PASS" and node.state == "SUCCEED"]
        of_tasks = [view.newest for view in observed.tasks_of[gid] if view.newest.operator == "PASS"] if not passed else []
        for at in [one.end for one in passed] or [max((one.end for one in of_tasks if one.end is not None), default=None)]:
            if at is not None:
                yield (stage, at), at


def _waits_for_retry(observed: Observations) -> Iterator[bool]:
    for seen in observed.run.nodes.values():
        yield bool(seen) and seen[-1][1].operator == "RETRY" and seen[-1][1].state == "PENDING"
