"""The words of a report, defined: they ship with it."""

from __future__ import annotations

from daganalysis.engine.vocabulary import CATEGORIES

SPENT_ON = tuple({"name": category.name, "label": category.label, "meaning": category.meaning} for category in CATEGORIES.values())
"""The categories of a run's time, in the order of the table time_budget, with their labels and meanings."""

DEFINITIONS = (
    ("run", "One DAG from its creation to its last known state, through every retry, rollback, cancel and pass."),
    ("workflow", "The DAG's name without its parameters: 'Create tenant t1' and 'Create tenant t2' are runs of 'Create tenant'."),
    ("main run", "A run that is not a child of another run in this archive. Child DAGs are counted separately."),
    ("attempt", "One hand-out of a sub-task to an executor, to run it or to roll it back. A retry hands a sub-task out twice."),
    ("leg", "One execution of a DAG between two requests of a person. The start and end that the API shows are those of the last leg."),
    ("elapsed", "Time from the first known start of a run to its last known end. It includes all legs and the waits for a person."),
    (
        "trouble",
        """A main run had trouble if it failed, was cancelled, passed or rolled back; if it succeeded only after a retry or with a passed
        stage; if its outcome is unknown; or if a child DAG did not do its work.""",
    ),
    (
        "went worst",
        """Runs with trouble come first, the longest first, because time is what people lost. Of two runs of the same length, the one that
        ended worse comes first. A child DAG that did not do its work counts for its main run.""",
    ),
    (
        "where trouble lies",
        """In the deepest of the run and its child DAGs that failed or, if none failed, was retried; there, in the stage at which it stands;
        in that stage, in the sub-task with an error line and the most failed attempts. The line is the last ERROR line of its log.""",
    ),
    ("engine", "Dispatching, not noticing an end at once, and handing over: the time of the scheduler's polling, not of the tasks' work."),
    (
        "passed, waiting",
        """A child DAG of a start or a stop fails on purpose and waits until its main DAG passes it. That is no trouble if the child did its
        work.""",
    ),
    ("history", "complete: every attempt was observed; partial: some attempts were not; last leg: everything before it was overwritten."),
    ("censored, unfinished", "Still running in the newest answer. Such a run or stage is counted, but quantiles leave it out."),
    ("earlier and later half", "The runs with a known start, in order of that start, divided into two equal halves."),
)
"""Terms and their meanings, in the order of the page."""
