"""The rules of outcomes, as data, each with its name and source: what the state, operator, counters and logs of an object mean.

The first rule of a level that holds decides. :func:`judge` returns the rule, so a user can ask why.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.engine.states import OPERATORS, STATES

if TYPE_CHECKING:
    from collections.abc import Callable


class Facts(NamedTuple):
    """What the rules use. Each level has some of these facts.

    ``ending`` is how the newest attempt failed, by its own lines (:func:`daganalysis.engine.log_lines.ending_of`). ``executed``: something
    was handed out. ``begun``: the DAG had started. ``deliberate``: a child DAG waits for its main DAG; ``perhaps_waiting``: it may wait.
    ``retried``: a person retried the run. ``node_passed``: a person passed one of its nodes. ``untold``: answers do not show whether
    somebody retried it or passed a node. ``followed``: an attempt is a rollback run before a run.
    """

    state: str | None
    operator: str | None
    ending: str | None = None
    executed: bool = True
    begun: bool = True
    deliberate: bool = False
    retried: bool = False
    node_passed: bool = False
    untold: bool = False
    perhaps_waiting: bool = False
    followed: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, its outcome, its condition (as a function and in words), and its source."""

    name: str
    outcome: str
    holds: Callable[[Facts], bool]
    why: str
    source: str


def _is(state: str, *operators: str) -> Callable[[Facts], bool]:
    return lambda facts: facts.state == state and (not operators or facts.operator in operators)


_UNKNOWN = Rule(
    "unknown-state",
    "unknown",
    lambda facts: facts.state not in STATES or facts.operator not in OPERATORS,
    "the engine has no such state or operator",
    "engine-semantics §1",
)
_NOTHING_HOLDS = Rule("no-rule", "unknown", lambda _: True, "no rule covers this state and operator", "engine-semantics §1")

DAG_RULES = (
    _UNKNOWN,
    Rule("dag-passed", "passed", _is("SUCCEED", "PASS"), "an operator passed the whole DAG", "engine-semantics §2.6"),
    Rule("dag-rolled-back", "rolled_back", _is("SUCCEED", "ROLLBACK"), "SUCCEED under ROLLBACK: it was undone", "engine-semantics §2.4"),
    Rule(
        "dag-cancelled-in-rollback",
        "cancelled",
        _is("SUCCEED", "CANCEL"),
        "cancelled during a rollback, after which it ran forward to its end",
        "engine-semantics §2.5",
    ),
    Rule(
        "dag-node-passed",
        "succeeded_with_node_pass",
        lambda facts: facts.state == "SUCCEED" and facts.node_passed,
        "it succeeded, but an operator passed one of its nodes",
        "engine-semantics §2.6",
    ),
    Rule(
        "dag-succeeded-somehow",
        "unknown",
        lambda facts: facts.state == "SUCCEED" and facts.untold,
        "it succeeded; answers without all of its nodes do not tell whether after a retry, or because a node was passed",
        "engine-semantics §1",
    ),
    Rule(
        "dag-succeeded-after-retry",
        "succeeded_after_retry",
        lambda facts: facts.state == "SUCCEED" and facts.retried,
        "it succeeded after an operator had retried it",
        "engine-semantics §2.3",
    ),
    Rule("dag-succeeded", "succeeded", _is("SUCCEED"), "SUCCEED under RUN, no trace of an operator", "engine-semantics §1"),
    Rule("dag-cancelled", "cancelled", _is("FAILED", "CANCEL"), "an operator cancelled it", "engine-semantics §2.5"),
    Rule("dag-rollback-failed", "rollback_failed", _is("FAILED", "ROLLBACK"), "its rollback failed", "engine-semantics §2.4"),
    Rule(
        "dag-waiting",
        "waiting",
        lambda facts: facts.state == "FAILED" and facts.deliberate,
        "a child DAG that stands FAILED on purpose until its main DAG advances it",
        "engine-semantics §7",
    ),
    Rule(
        "dag-failed-or-waiting",
        "unknown",
        lambda facts: facts.state == "FAILED" and facts.perhaps_waiting,
        "FAILED, and no answer shows whether it failed, or waits on purpose for its main DAG",
        "engine-semantics §7",
    ),
    Rule("dag-failed", "failed", _is("FAILED"), "a sub-task failed and nobody has acted since", "engine-semantics §2.2"),
    Rule("dag-running", "running", _is("RUNNING"), "the newest answer shows it running", "engine-semantics §2.1"),
    Rule(
        "dag-not-started",
        "not_started",
        lambda facts: facts.state == "READY" and not facts.begun,
        "the scheduler has not taken it up yet",
        "engine-semantics §2.1",
    ),
    Rule(
        "dag-resumed",
        "running",
        _is("READY"),
        "an operator's request is waiting for the next pass of the scheduler",
        "engine-semantics §2.3",
    ),
)

NODE_RULES = (
    _UNKNOWN,
    Rule("node-passed", "passed", _is("SUCCEED", "PASS"), "an operator passed it", "engine-semantics §2.6"),
    Rule("node-rolled-back", "rolled_back", _is("SUCCEED", "ROLLBACK"), "its rollback succeeded", "engine-semantics §2.4"),
    Rule("node-succeeded", "succeeded", _is("SUCCEED"), "all its sub-tasks succeeded", "engine-semantics §2.2"),
    Rule(
        "node-cancelled",
        "cancelled",
        _is("FAILED", "CANCEL"),
        "it was the current node when the DAG was cancelled",
        "engine-semantics §2.5",
    ),
    Rule("node-rollback-failed", "rollback_failed", _is("FAILED", "ROLLBACK"), "its rollback failed", "engine-semantics §2.4"),
    Rule(
        "node-waiting",
        "waiting",
        lambda facts: facts.state == "FAILED" and facts.deliberate,
        "it failed on purpose, to wait for the main DAG",
        "engine-semantics §7",
    ),
    Rule("node-failed", "failed", _is("FAILED"), "one of its sub-tasks failed", "engine-semantics §2.2"),
    Rule("node-running", "running", _is("RUNNING"), "the newest answer shows it running", "engine-semantics §2.1"),
    Rule(
        "node-ready",
        "ready",
        _is("PENDING", "RETRY", "ROLLBACK", "CANCEL"),
        "an operator's request reset it and it waits for its turn",
        "engine-semantics §2.3",
    ),
    Rule("node-never-run", "never_run", _is("PENDING"), "the DAG has not reached it", "engine-semantics §2.2"),
)

_HOW_IT_FAILED = (
    Rule(
        "cancelled-before-start",
        "cancelled_before_start",
        lambda facts: facts.state == "FAILED" and facts.ending == "cancelled_before_start",
        "cancelled while it waited to be executed: its start is not one of its own",
        "engine-semantics §2.5",
    ),
    Rule(
        "cancelled",
        "cancelled",
        lambda facts: facts.state == "FAILED" and facts.ending == "cancelled",
        "the scheduler wrote `sub task cancelled`",
        "engine-semantics §2.5",
    ),
    Rule(
        "timed-out",
        "timeout",
        lambda facts: facts.state == "FAILED" and facts.ending == "timeout",
        "the scheduler or the executor wrote that it timed out",
        "engine-semantics §2.7",
    ),
    Rule(
        "interrupted",
        "interrupted",
        lambda facts: facts.state == "FAILED" and facts.ending == "interrupted",
        "the agent restarted and the task cannot continue",
        "engine-semantics §2.10",
    ),
    Rule(
        "waiting",
        "waiting",
        lambda facts: facts.state == "FAILED" and facts.ending == "waiting",
        "it failed on purpose with `wait operator to advance`",
        "engine-semantics §7",
    ),
)

_NOT_SUCCEEDED = Rule(
    "not-succeeded",
    "not_succeeded",
    lambda facts: facts.state == "FAILED" and facts.ending == "not_succeeded",
    "it failed, timed out, was cancelled or interrupted, and no line of its own tells which",
    "engine-semantics §8",
)

SUB_TASK_RULES = (
    _UNKNOWN,
    Rule("sub-task-passed", "passed", _is("SUCCEED", "PASS"), "an operator passed it", "engine-semantics §2.6"),
    Rule(
        "sub-task-never-run",
        "never_run",
        lambda facts: not facts.executed or facts.state == "PENDING",
        "it was never handed out, whatever its times say",
        "engine-semantics §11",
    ),
    Rule(
        "sub-task-rolled-back",
        "rolled_back",
        _is("SUCCEED", "ROLLBACK"),
        "its last attempt was a rollback that succeeded",
        "engine-semantics §2.4",
    ),
    Rule("sub-task-succeeded", "succeeded", _is("SUCCEED"), "its last attempt succeeded", "engine-semantics §2.2"),
    *_HOW_IT_FAILED,
    Rule(
        "sub-task-rollback-failed",
        "rollback_failed",
        _is("FAILED", "ROLLBACK"),
        "its last attempt was a rollback that failed",
        "engine-semantics §2.3",
    ),
    _NOT_SUCCEEDED,
    Rule("sub-task-failed", "failed", _is("FAILED"), "its last attempt failed", "engine-semantics §2.2"),
    Rule("sub-task-running", "running", _is("RUNNING"), "the newest answer shows it running", "engine-semantics §2.1"),
    Rule("sub-task-ready", "ready", _is("READY"), "handed out, not begun", "engine-semantics §2.1"),
)

ATTEMPT_RULES = (
    Rule("attempt-succeeded", "succeeded", _is("SUCCEED"), "its row said SUCCEED", "engine-semantics §2.2"),
    *_HOW_IT_FAILED,
    _NOT_SUCCEEDED,
    Rule(
        "attempt-failed",
        "failed",
        _is("FAILED"),
        "its row said FAILED and its own ERROR line tells how, or it was retried or passed, which spares what had succeeded",
        "engine-semantics §2.2, §2.3, §2.6",
    ),
    Rule("attempt-running", "running", _is("RUNNING"), "the newest answer shows it running", "engine-semantics §2.1"),
    Rule("attempt-ready", "ready", _is("READY"), "handed out, not begun", "engine-semantics §2.1"),
    Rule(
        "attempt-followed",
        "succeeded",
        lambda facts: facts.followed,
        "a run was handed out after it, as happens after a rollback run that succeeded alone",
        "engine-semantics §2.3",
    ),
    Rule(
        "attempt-overwritten",
        "unknown",
        lambda _: True,
        "its row was overwritten before an answer showed how it ended",
        "engine-semantics §3",
    ),
)

RULES = {"dag": DAG_RULES, "node": NODE_RULES, "sub_task": SUB_TASK_RULES, "attempt": ATTEMPT_RULES}
"""The rules of each level, in the order in which they are tried."""


def rule_behind(level: str, outcome: str | None, state: str | None = None, operator: str | None = None, *, observed: bool = True) -> Rule:
    """Return the rule that gave a row of a table its outcome.

    Most outcomes of a level have one rule. If there are several, the served state and operator decide, or for an attempt whether an answer
    showed it (``observed``).

    >>> rule_behind("attempt", "succeeded", observed=False).name
    'attempt-followed'
    """
    candidates = [rule for rule in RULES[level] if rule.outcome == outcome]
    if level == "attempt":
        state = "SUCCEED" if observed else None
    served = Facts(state, operator, followed=not observed)
    return next((rule for rule in candidates if len(candidates) == 1 or rule.holds(served)), _NOTHING_HOLDS)


@lru_cache(maxsize=4096)  # a large archive asks the same few hundred questions millions of times
def judge(level: str, facts: Facts) -> Rule:
    """Return the first rule of a level (`dag`, `node`, `sub_task`, `attempt`) that holds.

    >>> judge("dag", Facts("SUCCEED", "ROLLBACK")).outcome
    'rolled_back'
    >>> judge("dag", Facts("NEW", "RUN")).outcome
    'unknown'
    """
    for rule in RULES[level]:
        if rule.holds(facts):
            return rule
    return _NOTHING_HOLDS


# These need no Facts to be made for a question that was asked before.


@lru_cache(maxsize=1024)
def node_rule(state: str | None, operator: str | None, *, deliberate: bool = False) -> Rule:
    """Return the rule for a node. ``deliberate``: what failed in it failed on purpose."""
    return judge("node", Facts(state, operator, deliberate=deliberate))


@lru_cache(maxsize=4096)
def sub_task_rule(state: str | None, operator: str | None, ending: str | None, *, executed: bool) -> Rule:
    """Return the rule for a sub-task, by its newest row and the way in which its last attempt failed, if it did."""
    return judge("sub_task", Facts(state, operator, ending, executed=executed))


@lru_cache(maxsize=1024)
def attempt_rule(state: str | None, ending: str | None, *, followed: bool) -> Rule:
    """Return the rule for an attempt, whether it is a run or a rollback run."""
    return judge("attempt", Facts(state, "RUN", ending, followed=followed))
