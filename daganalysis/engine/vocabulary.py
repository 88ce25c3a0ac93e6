"""The words of this package, each declared once: outcomes, time categories, verdicts, severities.

Other modules ask here how bad an outcome is, what a category of time is called, and what colour either has.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Tone(enum.StrEnum):
    """How good or bad a word is. Pages choose marks and colours by it."""

    GOOD = "good"
    CALM = "calm"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One outcome of a run. ``rank`` is its place among them from worst (0) to best; ``is_trouble`` marks what a person should look at."""

    name: str
    tone: Tone
    rank: int
    is_trouble: bool = True

    @property
    def label(self) -> str:
        """What a person reads."""
        return words(self.name)


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """One outcome of a node, a sub-task or an attempt.

    ``is_trouble``: a sub-task with this outcome had trouble. ``is_failure``: an attempt went wrong by itself. ``is_stopped``: an attempt
    did not do its work, because it was cancelled or perhaps failed. ``is_executed`` is false if nothing was ever handed out. ``colour`` is
    a key of the palette.
    """

    name: str
    tone: Tone
    colour: str
    is_trouble: bool = False
    is_failure: bool = False
    is_stopped: bool = False
    is_executed: bool = True

    @property
    def label(self) -> str:
        """What a person reads."""
        return words(self.name)


@dataclass(frozen=True, slots=True)
class Category:
    """What a stretch of a run's time was spent on.

    ``is_engine``: it is the engine's own time. ``is_wait``: neither the engine nor a sub-task of this run is known to have worked. ``past``
    is the label of a stretch in a post-mortem. ``colour`` is a key of the palette.
    """

    name: str
    label: str
    meaning: str
    colour: str
    past: str = ""
    is_engine: bool = False
    is_wait: bool = False

    @property
    def column(self) -> str:
        """The column of ``time_budget`` that holds its seconds."""
        return f"{self.name}_s"


def words(name: str) -> str:
    """Return a word of the vocabulary as a person reads it.

    >>> words("succeeded_after_retry")
    'succeeded after retry'
    """
    return name.replace("_", " ")


def listed(names: Iterable[str]) -> str:
    """Return words as code, joined for a sentence.

    >>> listed(["execute", "dispatch", "lost"])
    '`execute`, `dispatch` or `lost`'
    """
    *first, last = (f"`{name}`" for name in names)
    return f"{', '.join(first)} or {last}" if first else last


def outcome_in_words(name: str | None, *, perhaps_cancelled: bool) -> str:
    """Return the outcome of a sub-task or an attempt in prose; ``not_succeeded`` with its possible outcomes.

    >>> outcome_in_words("not_succeeded", perhaps_cancelled=False)
    'failed (timed out or failed, not known which)'
    """
    if name != "not_succeeded":
        return words(name or "unknown")
    return "not succeeded (failed, timed out or cancelled)" if perhaps_cancelled else "failed (timed out or failed, not known which)"


RUN_OUTCOMES = MappingProxyType(
    {
        outcome.name: outcome
        for outcome in (
            RunOutcome("succeeded", Tone.GOOD, 11, is_trouble=False),
            RunOutcome("succeeded_after_retry", Tone.WARN, 6),
            RunOutcome("succeeded_with_node_pass", Tone.WARN, 5),
            RunOutcome("passed", Tone.WARN, 3),
            RunOutcome("rolled_back", Tone.WARN, 4),
            RunOutcome("rollback_failed", Tone.BAD, 0),
            RunOutcome("cancelled", Tone.WARN, 2),
            RunOutcome("failed", Tone.BAD, 1),
            RunOutcome("waiting", Tone.CALM, 10, is_trouble=False),
            RunOutcome("running", Tone.CALM, 8, is_trouble=False),
            RunOutcome("not_started", Tone.CALM, 9, is_trouble=False),
            RunOutcome("unknown", Tone.WARN, 7),
        )
    }
)
"""Every outcome of a run, the good ones first."""

TASK_OUTCOMES = MappingProxyType(
    {
        outcome.name: outcome
        for outcome in (
            TaskOutcome("succeeded", Tone.GOOD, "work"),
            TaskOutcome("failed", Tone.BAD, "failure", is_trouble=True, is_failure=True),
            TaskOutcome("timeout", Tone.BAD, "failure", is_trouble=True, is_failure=True),
            TaskOutcome("cancelled", Tone.WARN, "stopped", is_trouble=True, is_stopped=True),
            TaskOutcome("cancelled_before_start", Tone.WARN, "stopped", is_trouble=True, is_stopped=True),
            TaskOutcome("waiting", Tone.CALM, "waiting"),
            TaskOutcome("passed", Tone.WARN, "person", is_trouble=True),
            TaskOutcome("rolled_back", Tone.WARN, "work"),
            TaskOutcome("rollback_failed", Tone.BAD, "failure", is_trouble=True),
            TaskOutcome("running", Tone.CALM, "running"),
            TaskOutcome("ready", Tone.CALM, "running", is_executed=False),
            TaskOutcome("never_run", Tone.CALM, "nothing", is_executed=False),
            TaskOutcome("interrupted", Tone.BAD, "failure", is_trouble=True, is_failure=True),
            TaskOutcome("not_succeeded", Tone.BAD, "failure", is_trouble=True, is_stopped=True),
            TaskOutcome("unknown", Tone.WARN, "nothing", is_trouble=True),
        )
    }
)
"""Every outcome of a node, a sub-task or an attempt."""

CATEGORIES = MappingProxyType(
    {
        category.name: category
        for category in (
            Category("execute", "executing", "time in which at least one attempt was running", "work"),
            Category(
                "dispatch", "dispatching", "time in which a stage had begun, but none of its attempts had", "dispatch", is_engine=True
            ),
            Category(
                "detect",
                "end not noticed yet",
                "time in which attempts had ended, but the engine had not noticed",
                "detect",
                is_engine=True,
            ),
            Category(
                "handoff", "handing over", "time in which the engine went from one stage, or leg, to the next", "handoff", is_engine=True
            ),
            Category(
                "wait_operator",
                "waiting for a person",
                "time in which the run stood still until a person acted",
                "person",
                "waited for a person",
                is_wait=True,
            ),
            Category(
                "wait_protocol",
                "waiting for another DAG",
                "time in which the run stood still until another DAG advanced it",
                "waiting",
                "waited for another DAG",
                is_wait=True,
            ),
            Category(
                "lost",
                "overwritten, unknown",
                "time in which stages failed and the run waited for a person: how much of each, the server has overwritten",
                "lost",
                is_wait=True,
            ),
            Category("unattributed", "cause unknown", "time without a known cause", "unattributed", is_wait=True),
        )
    }
)
"""What a run's time is spent on, in the order of the columns of ``time_budget``."""

CHILD_POLL = Category(
    "child_poll", "polling a child DAG", "time in which an attempt waited for a child DAG that was not at work", "waiting", is_engine=True
)
"""What a segment of a path may be spent on besides: the rest of an attempt that waited for a child DAG."""

SCENARIOS = MappingProxyType(
    {
        "no_wait_operator": "if a person had acted at once",
        "no_engine": "if the engine had taken no time",
        "no_stragglers": "without stragglers",
        "no_retries": "if each stage had been executed once",
    }
)
"""What the scenarios of ``what_if`` that remove something imagine, as a person reads it."""

VERDICTS = MappingProxyType(
    {
        "slower": Tone.BAD,
        "more_help": Tone.BAD,
        "more_slow_runs": Tone.BAD,
        "faster": Tone.GOOD,
        "less_help": Tone.GOOD,
        "fewer_slow_runs": Tone.GOOD,
        "only_candidate": Tone.CALM,
        "only_base": Tone.CALM,
        "same": Tone.CALM,
        "insufficient": Tone.CALM,
    }
)
"""What a comparison comes to, the news first."""

DIFFERENCES = frozenset(name for name, tone in VERDICTS.items() if tone is not Tone.CALM)
"""Verdicts that say that something changed."""
CHANGES_OF_LENGTH = ("slower", "faster")
"""Verdicts that say that the length changed."""

SEVERITIES = MappingProxyType({"error": Tone.BAD, "warning": Tone.WARN, "info": Tone.CALM})
"""How serious an issue is, the worst first."""
REJECTED = "error"
"""The severity of an issue that says that a record was rejected."""

WORST_FIRST = tuple(sorted(RUN_OUTCOMES, key=lambda name: RUN_OUTCOMES[name].rank))
"""Outcomes of a run from worst to best."""
UNFINISHED = frozenset({"running", "not_started", "waiting"})
"""Outcomes of a run that has not ended."""
STANDS_FAILED = frozenset({"failed", "rollback_failed"})
"""Outcomes of a run that stays failed until a person acts."""
SUCCEEDED = frozenset({"succeeded", "succeeded_after_retry"})
"""Outcomes of a run that did all its work, with or without a retry."""
CHILD_FAILED = frozenset({"failed", "rollback_failed", "rolled_back", "cancelled"})
"""Outcomes of a child DAG that did not do its work, where its main DAG tells nothing else."""
TASK_TROUBLE = frozenset(name for name, outcome in TASK_OUTCOMES.items() if outcome.is_trouble)
"""Outcomes of a sub-task that had trouble, whatever its attempts came to."""
FAILURES = frozenset(name for name, outcome in TASK_OUTCOMES.items() if outcome.is_failure)
"""Outcomes of an attempt that went wrong."""
UNDONE = frozenset(name for name, outcome in TASK_OUTCOMES.items() if outcome.is_failure or outcome.is_stopped)
"""Outcomes of an attempt that did not do its work; ``waiting`` is deliberate (engine-semantics §7)."""
NOT_EXECUTED = frozenset(name for name, outcome in TASK_OUTCOMES.items() if not outcome.is_executed)
"""Outcomes of a node or a sub-task that was never handed out."""
ENGINE_TIME = tuple(name for name, category in CATEGORIES.items() if category.is_engine)
"""Categories of the engine's own time."""
IN_STAGE = frozenset({"execute", "dispatch", "detect"})
"""Categories of time within the execution of a stage."""
WAITS = frozenset(name for name, category in CATEGORIES.items() if category.is_wait)
"""Categories in which nothing of this run is known to have been at work."""


def tone(word: str | None) -> Tone:
    """Return the tone of an outcome, a verdict or a severity; unknown words are calm.

    >>> tone("rollback_failed").value, tone("slower").value, tone("info").value
    ('bad', 'bad', 'calm')
    """
    name = word or ""
    if name in RUN_OUTCOMES:
        return RUN_OUTCOMES[name].tone
    if name in TASK_OUTCOMES:
        return TASK_OUTCOMES[name].tone
    return VERDICTS.get(name, SEVERITIES.get(name, Tone.CALM))
