"""The result tables that explain runs: their list, critical paths, predictions, locks and events."""

from __future__ import annotations

from daganalysis.engine.vocabulary import CATEGORIES, CHILD_POLL, listed
from daganalysis.tables.base_columns import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.result_columns import TROUBLED

_CLUSTER = Column("cluster", Type.STRING, "the cluster label", "none was given")
_WORKFLOW = Column("workflow", Type.STRING, "the DAG's name without its parameters", "no answer names the DAG")
_ELAPSED = Column(
    "elapsed_s", Type.REAL, "time from the first start to the last end of the run, seconds", "not ended, or an end is unknown"
)
_CATEGORIES = listed([*CATEGORIES, CHILD_POLL.name])

RUN_ORDERS = ("start", "trouble", "length")
"""The orders in which runs can be listed."""

RUNS = Table(
    "runs",
    "one run, as a list to choose from",
    (
        RUN_ID,
        _CLUSTER,
        _WORKFLOW,
        Column("name", Type.STRING, "the DAG's name", "absent or unusable"),
        Column("started_at", Type.INSTANT, "first start, over all legs", "never started, or the first start was overwritten"),
        Column("ended_at", Type.INSTANT, "last end, over all legs", "not ended, or unknown"),
        _ELAPSED,
        Column("outcome", Type.STRING, "how the run ended"),
        TROUBLED,
        Column("stage", Type.INTEGER, "stage that the conclusion names", "the conclusion names no stage"),
        Column("agent", Type.STRING, "`ip:port` of the first agent that failed in that stage", "nothing failed, or the agent is unknown"),
        Column(
            "cause",
            Type.STRING,
            "why the stage failed: an error code, or the first words of the log line",
            "nothing failed, or no log line shows why",
        ),
        Column("wait_operator_share", Type.REAL, "share of elapsed_s in which the run waited for a person", "elapsed_s is null"),
        Column("lost_share", Type.REAL, "share of elapsed_s that the server has overwritten", "elapsed_s is null"),
        Column("conclusion", Type.STRING, "what happened, in one sentence"),
    ),
    (),
)

CRITICAL_PATH = Table(
    "critical_path",
    "one segment of the chain of work and waits that determined how long a run took",
    (
        RUN_ID,
        Column("seq", Type.INTEGER, "order in time within the run, from 1; segments follow each other without gap or overlap"),
        Column("started_at", Type.INSTANT, "start of the segment, by the clock of the run's own rows"),
        Column("ended_at", Type.INSTANT, "end of the segment, by the same clock"),
        Column("duration_s", Type.REAL, "length of the segment, seconds; all segments of a run add up to elapsed_s"),
        Column(
            "category",
            Type.STRING,
            f"{_CATEGORIES} (the part of a wait for a child DAG in which that DAG did not work)",
        ),
        Column(
            "stage",
            Type.INTEGER,
            "stage of the segment; for a pause between two stages, the stage before",
            "before the first stage",
        ),
        Column("name", Type.STRING, "name of the stage", "stage is null, or no answer names it"),
        Column("task_gid", Type.STRING, "sub-task that worked", "no attempt worked, or it is unknown"),
        Column("attempt", Type.INTEGER, "number of the attempt that worked", "task_gid is null"),
        Column("agent", Type.STRING, "`ip:port` of the agent that worked", "task_gid is null, or the agent is unknown"),
        Column(
            "child_run_id",
            Type.STRING,
            "child run that the segment belongs to; stage, name, task_gid, attempt and agent are then those of the child",
            "the segment is the run's own",
        ),
        Column(
            "evidence",
            Type.STRING,
            "`observed`, `inferred`, `lost`, or `uncertain`: another agent's attempt ended so close to this one that their clocks do not "
            "show which ended last",
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
        Column("n_runs", Type.INTEGER, "number of runs of known length with work of the stage on their path"),
        Column("path_s", Type.REAL, "total work of the stage on the paths of these runs, seconds"),
        Column("path_share", Type.REAL, "path_s divided by the elapsed time of all runs of the workflow of known length"),
        Column(
            "drag_s",
            Type.REAL,
            "how much shorter these runs would have been in total without the last attempt of each execution of the stage: from the "
            "next-to-last "
            "end to the last, at most the length of the attempt, seconds",
        ),
        Column("agent", Type.STRING, "`ip:port` of the agent that is most often on the path in this stage", "no agent is known"),
        Column("n_agent", Type.INTEGER, "number of segments of that agent on the path in this stage"),
        Column("n_segments", Type.INTEGER, "number of segments of the stage on the path"),
    ),
    ("workflow", "name"),
)

WHAT_IF = Table(
    "what_if",
    "one run and scenario",
    (
        RUN_ID,
        Column("scenario", Type.STRING, "what the prediction changes"),
        _ELAPSED,
        Column("predicted_min_s", Type.REAL, "lower bound of the predicted length, without the lost time, seconds", "elapsed_s is null"),
        Column("predicted_max_s", Type.REAL, "upper bound of the predicted length, with the lost time, seconds", "elapsed_s is null"),
        Column(
            "saved_min_s", Type.REAL, "elapsed_s minus predicted_max_s, seconds; negative: the run would take longer", "elapsed_s is null"
        ),
        Column("saved_max_s", Type.REAL, "elapsed_s minus predicted_min_s, seconds", "elapsed_s is null"),
        Column("saved_share", Type.REAL, "saved_min_s divided by elapsed_s: the share that is saved for certain", "elapsed_s is null or 0"),
        Column("reason", Type.STRING, "why there is no prediction, or why the bounds differ", "the bounds are equal"),
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
        Column("key", Type.STRING, "name of the tenant, or `ip:port` of the agent", "a global lock, or no answer names the tenant"),
        Column("run_id", Type.STRING, RUN_ID.meaning, "a copy of a database shows the holding, and no run of the archive is its DAG"),
        Column("taken_at", Type.INSTANT, "when the DAG took the lock: at its creation, or at the request that took it again", "unknown"),
        Column("released_at", Type.INSTANT, "when the lock was freed", "still held in the newest answer, or unknown"),
        Column("held_s", Type.REAL, "how long the lock was held, or is known to have been held, seconds", "unknown"),
        Column("working_s", Type.REAL, "part of held_s in which the DAG ran, seconds", "held_s is null"),
        Column("neglected_s", Type.REAL, "part of held_s in which the DAG was FAILED and nobody acted, seconds", "held_s is null"),
        Column("n_refused", Type.INTEGER, "number of requests refused because of the lock", "no log of an agent is in the archive"),
        Column(
            "evidence",
            Type.STRING,
            "`observed`: answers show both ends · `inferred`: an end, or the lock itself, follows from the engine's rules, or a copy of a "
            "database bounds it · `database`: such a copy alone shows it · `contradicted`: another holding of the same lock overlaps it",
        ),
    ),
    ("cluster", "lock", "key", "taken_at", "run_id"),
)

EVENTS = Table(
    "events",
    "one thing that happened in a cluster, over all its DAGs, in order of time",
    (
        Column("at", Type.INSTANT, "when it happened"),
        _CLUSTER,
        Column("run_id", Type.STRING, RUN_ID.meaning, "the event concerns no run"),
        Column(
            "event",
            Type.STRING,
            "`created`, `started`, `stage_failed`, `retry`, `rollback`, `cancel`, `pass`, `pass_node`, `lock_taken`, `lock_freed`, "
            "`agent_stopped`, `agent_restarted`, `maintainer_moved`, `refused` or `ended`",
        ),
        Column("stage", Type.INTEGER, "stage that the event concerns", "the event concerns no stage, or the stage is unknown"),
        Column("agent", Type.STRING, "`ip:port` of the agent that the event concerns", "the event concerns no agent, or several"),
        Column("actor", Type.STRING, "who caused it: `person`, `dag` (another DAG) or `engine`", "unknown"),
        Column("client", Type.STRING, "address that the request came from", "no log shows it"),
        Column("detail", Type.STRING, "further details, in words", "there are none"),
        Column("evidence", Type.STRING, "`observed` in answers, `inferred` from answers, or `log`: an agent logged it"),
    ),
    (),
)
