"""The words of a report, defined: they ship with it."""

from __future__ import annotations

from daganalysis.engine.vocabulary import CATEGORIES

SPENT_ON = tuple({"name": category.name, "label": category.label, "meaning": category.meaning} for category in CATEGORIES.values())
"""What a stretch of a run's time can be spent on, in the order of the table time_budget, with what each is called and means."""

DEFINITIONS = (
    ("run", "One DAG from its creation to its last known state, through every retry, rollback, cancel and pass."),
    ("workflow", "The DAG's name with its parameters removed: 'Create tenant t1' and 'Create tenant t2' are runs of 'Create tenant'."),
    ("main run", "A run that is not the child of another run of this archive. Child DAGs are counted apart, and with their main DAG."),
    ("attempt", "One hand-out of a sub-task to an executor, to run it or to roll it back. One retry hands it out twice."),
    ("leg", "One execution of a DAG between two acts of a person. The API's own start and end describe the last leg alone."),
    ("elapsed", "From the first known start of a run to its last known end, all legs, the waits for a person included."),
    (
        "trouble",
        "A main run had trouble if it failed, was cancelled, passed or rolled back, or succeeded only with a retry or a passed stage.",
    ),
    (
        "went worst",
        """Runs that had trouble come first, the longest first: time is what the people behind a run lost. Of two runs of one length the one
        that ended worse is first. A main run counts as no better than a child of it whose work was not done.""",
    ),
    (
        "where trouble lies",
        """The deepest of the run and its child DAGs that failed (if none failed: that was retried), in it the stage where it stands, and of
        that stage's sub-tasks the one with an error line and the most failed attempts. The line is the last ERROR line of its log.""",
    ),
    ("engine", "Dispatching, not having noticed an end yet, and handing over: the polling of the scheduler, not the work of a task."),
    (
        "passed, waiting",
        "A child DAG of a start or stop stands FAILED on purpose until its main DAG passes it; that is no trouble if its work was done.",
    ),
    ("history", "complete: every attempt was observed; partial: some were not; last leg: the server had overwritten what came before."),
    ("censored, unfinished", "Still running when last seen: counted, and left out of the quantiles."),
    ("earlier and later half", "The runs with a known start, cut in two equal halves in order of that start."),
)
"""Terms and their meanings, in the order they are met on the page."""
