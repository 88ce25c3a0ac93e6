"""The result tables that explain runs: their list, the chain that made each so long, what would have shortened it, locks and events."""

from __future__ import annotations

from daganalysis.tables.archive_tables import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type

_CLUSTER = Column("cluster", Type.STRING, "the cluster label", "none was given")
_WORKFLOW = Column("workflow", Type.STRING, "the DAG's name without its parameters", "no answer names the DAG")
_ELAPSED = Column("elapsed_s", Type.REAL, "first known start to last known end, seconds", "not ended, or an end is unknown")
CATEGORIES = "`execute`, `dispatch`, `detect`, `handoff`, `wait_operator`, `wait_protocol`, `lost`, `unattributed` or `child_poll`"

RUN_ORDERS = ("start", "trouble", "length")
"""In which order the list of runs can be had."""

RUNS = Table(
    "runs",
    "one run, as a list to choose from",
    (
        RUN_ID,
        _CLUSTER,
        _WORKFLOW,
        Column("name", Type.STRING, "the DAG's name", "absent or unusable"),
        Column("started_at", Type.INSTANT, "first known start", "never started, or every trace of the first start is gone"),
        Column("ended_at", Type.INSTANT, "last known end", "not ended, or unknown"),
        _ELAPSED,
        Column("outcome", Type.STRING, "what it came to"),
        Column(
            "troubled",
            Type.BOOLEAN,
            "whether it did not simply succeed: it failed, or a person retried, rolled back, passed or cancelled it, or a child failed",
        ),
        Column("stage", Type.INTEGER, "the stage that the conclusion names", "it names none"),
        Column("agent", Type.STRING, "`ip:port` of the first agent that failed there", "nothing failed, or the agent is not known"),
        Column("cause", Type.STRING, "why it failed: an error code, or the first words of the line", "nothing failed, or no line tells"),
        Column("wait_operator_share", Type.REAL, "share of elapsed_s that it stood still until a person acted", "elapsed_s is null"),
        Column("lost_share", Type.REAL, "share of elapsed_s that the server has overwritten", "elapsed_s is null"),
        Column("conclusion", Type.STRING, "what happened, in one sentence"),
    ),
    (),
)

CRITICAL_PATH = Table(
    "critical_path",
    "one segment of the chain of work and waits that made a run as long as it was",
    (
        RUN_ID,
        Column("seq", Type.INTEGER, "order in time within the run, from 1; segments follow each other without gap or overlap"),
        Column("started_at", Type.INSTANT, "where the segment begins, on the clock of the run's own rows"),
        Column("ended_at", Type.INSTANT, "where it ends"),
        Column("duration_s", Type.REAL, "its length, seconds; all segments of a run add up to its elapsed_s"),
        Column(
            "category",
            Type.STRING,
            f"{CATEGORIES}: the part of a wait for a child DAG in which that DAG was not the one that worked",
        ),
        Column("stage", Type.INTEGER, "the stage it lies in; of a pause between two, the one before", "before the first stage"),
        Column("name", Type.STRING, "that stage's name", "stage is, or no answer names it"),
        Column("task_gid", Type.STRING, "the sub-task that was at work", "no attempt was, or none is known"),
        Column("attempt", Type.INTEGER, "number of its attempt", "task_gid is"),
        Column("agent", Type.STRING, "`ip:port` it was handed to", "task_gid is, or the agent is not known"),
        Column(
            "child_run_id",
            Type.STRING,
            "the child run whose path is told here; stage, name, task_gid, attempt and agent are then the child's",
            "the run's own segment",
        ),
        Column(
            "evidence",
            Type.STRING,
            "`observed`, `inferred`, `lost`, or `uncertain`: another agent's attempt ended so near to this one that their clocks do not "
            "tell which was last",
        ),
    ),
    ("run_id", "seq"),
)

CRITICAL_PATH_BY_STAGE = Table(
    "critical_path",
    "one stage name of a workflow",
    (
        _WORKFLOW,
        Column("name", Type.STRING, "the stage's name", "no answer names it"),
        Column("n_runs", Type.INTEGER, "runs of known length with work of the stage on their path"),
        Column("path_s", Type.REAL, "work of the stage on the paths of these runs, in all, seconds"),
        Column("path_share", Type.REAL, "path_s over the elapsed time of all runs of the workflow of known length"),
        Column(
            "drag_s",
            Type.REAL,
            "how much shorter these runs would have been, in all, had the last attempt of each execution of the stage not been there: its "
            "end less the next one's, at most its length, seconds",
        ),
        Column("agent", Type.STRING, "`ip:port` of the agent most often on the path there", "no agent is known"),
        Column("n_agent", Type.INTEGER, "segments of that agent on the path there"),
        Column("n_segments", Type.INTEGER, "segments of the stage on the path"),
    ),
    ("workflow", "name"),
)

WHAT_IF = Table(
    "what_if",
    "one run and scenario",
    (
        RUN_ID,
        Column("scenario", Type.STRING, "what is imagined to be otherwise"),
        _ELAPSED,
        Column(
            "predicted_min_s", Type.REAL, "it would have taken at least so long, seconds: what was lost is dropped", "elapsed_s is null"
        ),
        Column("predicted_max_s", Type.REAL, "and at most so long, seconds: what was lost is kept", "elapsed_s is null"),
        Column("saved_min_s", Type.REAL, "elapsed_s less predicted_max_s; negative: it would take longer", "elapsed_s is null"),
        Column("saved_max_s", Type.REAL, "elapsed_s less predicted_min_s", "elapsed_s is null"),
        Column("saved_share", Type.REAL, "saved_min_s over elapsed_s: the share that is saved for certain", "elapsed_s is null or 0"),
        Column("reason", Type.STRING, "why there is no prediction, or why its bounds lie apart", "the prediction is one number"),
    ),
    ("run_id", "scenario"),
)

LOCKS = Table(
    "locks",
    "one holding of a maintenance lock",
    (
        _CLUSTER,
        Column(
            "lock",
            Type.STRING,
            "`global` (the cluster), `tenant` (one tenant of it), `agent` (one agent's own DAGs) or `obproxy` (the obproxy of an agent)",
        ),
        Column("key", Type.STRING, "the tenant, or `ip:port` of the agent", "a global lock, or no answer names the tenant"),
        RUN_ID,
        Column("taken_at", Type.INSTANT, "when the DAG took it: at its creation, or at the request that took it again", "unknown"),
        Column("released_at", Type.INSTANT, "when it was freed", "it was still held when last seen, or when it was freed is not known"),
        Column("held_s", Type.REAL, "how long it was held, or is known to have been held, seconds", "taken_at is null"),
        Column("working_s", Type.REAL, "of it, how long the DAG was running, seconds", "taken_at is null"),
        Column("neglected_s", Type.REAL, "of it, how long the DAG stood FAILED and nobody acted, seconds", "taken_at is null"),
        Column("n_refused", Type.INTEGER, "requests refused because of it", "no log of an agent is in the archive"),
        Column(
            "evidence",
            Type.STRING,
            "`observed`: answers show both ends · `inferred`: an end, or the lock itself, follows from the engine's rules · "
            "`contradicted`: another holding of the same lock overlaps it",
        ),
    ),
    ("cluster", "lock", "key", "taken_at", "run_id"),
)

EVENTS = Table(
    "events",
    "one thing that happened in a cluster, over all its DAGs, in order of time",
    (
        Column("at", Type.INSTANT, "when"),
        _CLUSTER,
        Column("run_id", Type.STRING, RUN_ID.meaning, "it concerns no run"),
        Column(
            "event",
            Type.STRING,
            "`created`, `started`, `stage_failed`, `retry`, `rollback`, `cancel`, `pass`, `pass_node`, `lock_taken`, `lock_freed`, "
            "`agent_stopped`, `agent_restarted`, `maintainer_moved`, `refused` or `ended`",
        ),
        Column("stage", Type.INTEGER, "the stage it concerns", "it concerns no stage, or which is not known"),
        Column("agent", Type.STRING, "`ip:port` of the agent it concerns", "it concerns none, or several"),
        Column("actor", Type.STRING, "`person`, `dag` or `engine`: who made it happen", "it is not known"),
        Column("client", Type.STRING, "address the request came from", "no log tells"),
        Column("detail", Type.STRING, "what else is known of it, in words", "nothing"),
        Column("evidence", Type.STRING, "`observed` or `inferred` from answers, or `log`"),
    ),
    (),
)
