"""The base tables about runs: their answers, parts, attempts, times and relations."""

from __future__ import annotations

from daganalysis.engine.vocabulary import CATEGORIES, listed
from daganalysis.tables.base_columns import (
    ADDITIONAL_DATA,
    DURATION,
    END_TIME,
    ENDED_AT,
    NODE_GID,
    OPERATOR,
    OUTCOME,
    RUN_ID,
    STAGE,
    START_TIME,
    STARTED_AT,
    STATE,
    TASK_GID,
)
from daganalysis.tables.declaration import Column, Table, Type

SNAPSHOTS = Table(
    "snapshots",
    "one DAG in one response",
    (
        RUN_ID,
        Column("source", Type.STRING, "file (and member) the response came from"),
        Column("position", Type.STRING, "place in that file: a line or a byte offset, then a JSON pointer"),
        Column("observed_at", Type.INSTANT, "the envelope's timestamp", "a bare payload has none"),
        Column("trace_id", Type.STRING, "the envelope's traceId", "absent"),
        Column("http_status", Type.INTEGER, "the envelope's status", "absent"),
        Column("request_ms", Type.INTEGER, "the envelope's duration, milliseconds", "absent"),
        Column("state", Type.STRING, "state of the DAG in this response", "absent or unusable"),
        Column("operator", Type.STRING, "operator of the DAG in this response", "absent or unusable"),
        Column("stage", Type.INTEGER, "stage of the DAG in this response", "absent or unusable"),
        Column("n_nodes", Type.INTEGER, "number of nodes in this response", "the response was asked for without details"),
    ),
    ("run_id", "observed_at", "source", "position"),
)

DAGS = Table(
    "dags",
    "one run",
    (
        RUN_ID,
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("dag_gid", Type.STRING, "generic id of the DAG"),
        Column("dag_id", Type.INTEGER, "row id in the owner's database", "absent or unusable"),
        Column("name", Type.STRING, "the DAG's name", "absent or unusable"),
        Column("workflow", Type.STRING, "the name without its parameters", "the name is null"),
        Column("scope", Type.STRING, "`cluster`, `local` or `obproxy`, from the prefix of the generic id", "the id has no known layout"),
        Column(
            "owner_agent",
            Type.STRING,
            "`ip:port` of the agent that keeps a local DAG, from the generic id",
            "a cluster DAG, or an unknown layout",
        ),
        Column("stage", Type.INTEGER, "stage that is being executed, or was executed last", "absent or unusable"),
        Column("max_stage", Type.INTEGER, "number of stages", "absent or unusable"),
        STATE,
        OPERATOR,
        OUTCOME,
        Column(
            "work_ok",
            Type.BOOLEAN,
            "whether a passed or waiting sub-DAG had done its work",
            "not such a sub-DAG, or the answers do not show it",
        ),
        START_TIME,
        END_TIME,
        Column(
            "created_at",
            Type.INSTANT,
            "when the DAG was created",
            "no answer shows a row that was never executed, or the time zone is unknown",
        ),
        Column(
            "started_at",
            Type.INSTANT,
            "first start, over all legs",
            "never started, the first start was overwritten, or the time zone is unknown",
        ),
        Column("ended_at", Type.INSTANT, "last end, over all legs", "not ended, overwritten, or the time zone is unknown"),
        Column(
            "elapsed_s",
            Type.REAL,
            "time from started_at to ended_at, all legs and waits included, seconds",
            "not ended, started_at or ended_at is unknown, or the clock was set back",
        ),
        Column("active_s", Type.REAL, "time in which at least one known attempt was running, seconds", "no attempt has both ends known"),
        Column(
            "last_leg_s",
            Type.REAL,
            "end_time minus start_time: the length of the last leg, seconds",
            "start_time or end_time is a placeholder or not the actual time",
        ),
        Column("n_nodes", Type.INTEGER, "number of nodes in the archive"),
        Column("n_sub_tasks", Type.INTEGER, "number of known sub-tasks"),
        Column("n_agents", Type.INTEGER, "number of different agents of the sub-tasks"),
        Column("n_snapshots", Type.INTEGER, "number of different responses about the DAG"),
        Column("retries_min", Type.INTEGER, "lower bound on how often a person retried the run; hand-shakes between DAGs do not count"),
        Column(
            "retries_max",
            Type.INTEGER,
            "upper bound on how often a person retried the run; a retry that was cancelled before the scheduler saw it leaves no "
            "trace and counts only where an answer or a log shows it",
            "nothing bounds it",
        ),
        Column("rollbacks_min", Type.INTEGER, "lower bound on how often the run was rolled back"),
        Column(
            "rollbacks_max",
            Type.INTEGER,
            "upper bound on how often the run was rolled back; a rollback that was cancelled before the scheduler saw it leaves no "
            "trace and counts only where an answer or a log shows it",
            "nothing bounds it",
        ),
        Column("elapsed_min_s", Type.REAL, "lower bound of elapsed_s, seconds; equal to elapsed_s where that is known", "not ended"),
        Column(
            "elapsed_max_s",
            Type.REAL,
            "upper bound of elapsed_s, seconds; equal to elapsed_s where that is known",
            "not ended, or nothing bounds it",
        ),
        Column("parent_run_id", Type.STRING, "run of the main DAG", "no main DAG is known"),
        Column("maintenance_type", Type.INTEGER, "1 none, 2 global, 3 tenant, 4 obproxy", "absent (before obshell 4.3.1)"),
        Column("maintenance_key", Type.STRING, "tenant name under a tenant lock, otherwise empty", "absent (before obshell 4.3.1)"),
        ADDITIONAL_DATA,
        Column("utc_offset_s", Type.INTEGER, "offset of the server's own times from UTC, seconds", "no answer and no log shows it"),
        Column("first_observed_at", Type.INSTANT, "timestamp of the first answer about the run", "no answer had one"),
        Column("last_observed_at", Type.INSTANT, "timestamp of the newest answer about the run", "no answer had one"),
        Column(
            "history",
            Type.STRING,
            "how much of the run was observed: `complete` (every attempt), `partial`, `last_leg` (only the last leg), or `outline` "
            "(attempts are not shown: answers without details, or nodes, sub-tasks or counters missing)",
        ),
    ),
    ("run_id",),
)

NODES = Table(
    "nodes",
    "one node (stage) of a run",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "the node's DAG is not in the archive"),
        STAGE,
        Column("node_gid", Type.STRING, "generic id of the node"),
        Column("node_id", Type.INTEGER, "row id in the owner's database", "absent or unusable"),
        Column("name", Type.STRING, "the node's name", "absent or unusable"),
        STATE,
        OPERATOR,
        OUTCOME,
        START_TIME,
        END_TIME,
        STARTED_AT,
        ENDED_AT,
        DURATION,
        Column("n_sub_tasks", Type.INTEGER, "number of known sub-tasks"),
        ADDITIONAL_DATA,
    ),
    ("run_id", "stage", "node_gid"),
)

SUB_TASKS = Table(
    "sub_tasks",
    "one sub-task",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "the sub-task's DAG is not in the archive"),
        STAGE,
        NODE_GID,
        TASK_GID,
        Column("task_id", Type.INTEGER, "row id in the owner's database", "absent or unusable"),
        Column("name", Type.STRING, "the sub-task's name", "absent or unusable"),
        STATE,
        OPERATOR,
        OUTCOME,
        Column(
            "execute_times", Type.INTEGER, "how often the sub-task was handed to an executor, to run or to roll back", "absent or unusable"
        ),
        Column("agent", Type.STRING, "`ip:port` of execute_agent", "absent or unusable"),
        Column("agent_ip", Type.STRING, "ip of execute_agent", "absent or unusable"),
        Column("agent_port", Type.INTEGER, "port of execute_agent", "absent or unusable"),
        START_TIME,
        END_TIME,
        STARTED_AT,
        ENDED_AT,
        DURATION,
        Column("task_logs", Type.STRINGS, "log lines of all its attempts, in order", "no answer showed its logs"),
        ADDITIONAL_DATA,
    ),
    ("run_id", "stage", "task_gid"),
)

ATTEMPTS = Table(
    "attempts",
    "one attempt of a sub-task; of more than 100, only the first, the last, those with evidence, and their neighbours",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "the sub-task's DAG is not in the archive"),
        STAGE,
        TASK_GID,
        Column(
            "attempt", Type.INTEGER, "number of the attempt, from 1: the value of execute_times during it", "no answer shows execute_times"
        ),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`"),
        Column("started_at", Type.INSTANT, "when the executor started the attempt", "never executed, or no answer shows it"),
        Column("ended_at", Type.INSTANT, "when the attempt ended", "not ended, or no answer shows it"),
        DURATION,
        OUTCOME,
        Column(
            "agent",
            Type.STRING,
            "`ip:port` of the agent that executed the attempt",
            "no answer shows it, and the sub-task may have been with another agent then",
        ),
        Column(
            "evidence",
            Type.STRING,
            "`observed`: an answer shows the attempt; `inferred`: it follows from other evidence; `lost`: only the counter shows that "
            "there was one",
        ),
    ),
    ("run_id", "stage", "task_gid", "attempt"),
)

FAILED_ATTEMPTS = Table(
    "failed_attempts",
    "one attempt that failed, with the log line that it ended with",
    (
        RUN_ID,
        STAGE,
        TASK_GID,
        Column(
            "attempt",
            Type.INTEGER,
            "number of the attempt, from 1: the value of execute_times during it",
            "the line may belong to several attempts, or no answer shows execute_times",
        ),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`"),
        Column(
            "started_at",
            Type.INSTANT,
            "when the executor started the attempt",
            "the line may belong to several attempts, or no answer shows the start",
        ),
        OUTCOME,
        Column(
            "agent",
            Type.STRING,
            "`ip:port` of the agent that executed the attempt",
            "no answer shows it, and the sub-task may have been with another agent then",
        ),
        Column(
            "evidence",
            Type.STRING,
            "`observed`: an answer shows the failure; `redone`: the attempt was rolled back and run again; `line`: a log line shows it",
        ),
        Column("line", Type.STRING, "log line that the attempt ended with", "no line of the log belongs to the attempt"),
        Column("error_code", Type.STRING, "code of that line, such as `OB.Server.Process.NotExist`", "no line, or one without a code"),
    ),
    ("run_id", "task_gid", "attempt"),
)

LINKS = Table(
    "links",
    "one main DAG and one of its child DAGs",
    (
        Column("parent_run_id", Type.STRING, "run of the main DAG (its key even if that DAG is not in the archive)"),
        Column("child_run_id", Type.STRING, "run of the child DAG", "the child is not in the archive"),
        Column("child_gid", Type.STRING, "generic id of the child DAG"),
        Column("agent", Type.STRING, "`ip:port` of the agent that keeps the child", "the child's id has no known layout"),
        Column("kind", Type.STRING, "`sub_dag`, `scale_out` or `remote`"),
        Column("evidence", Type.STRING, "`additional_data` or `log`"),
    ),
    ("parent_run_id", "child_gid"),
)

TIMELINE = Table(
    "timeline",
    "one stretch of a run's elapsed time, with what it was spent on",
    (
        RUN_ID,
        Column(
            "seq", Type.INTEGER, "order in time within the run, from 1; the stretches of a run follow each other without gap or overlap"
        ),
        Column("started_at", Type.INSTANT, "start of the stretch"),
        Column("ended_at", Type.INSTANT, "end of the stretch"),
        Column("duration_s", Type.REAL, "length of the stretch, seconds"),
        Column(
            "category",
            Type.STRING,
            listed(CATEGORIES),
        ),
        Column("leg", Type.INTEGER, "leg that the stretch belongs to, from 1; a wait belongs to the leg before it"),
        Column("from_stage", Type.INTEGER, "stage that contains or precedes the stretch", "before the first stage"),
        Column("to_stage", Type.INTEGER, "stage that contains or follows the stretch", "after the last stage"),
        Column("direction", Type.STRING, "`forward` or `rollback`: the direction in which the leg executed the stages"),
        Column(
            "evidence",
            Type.STRING,
            "`observed`: answers show both ends; `inferred`: an end follows from other evidence; `lost`: the server has overwritten the "
            "facts",
        ),
    ),
    ("run_id", "seq"),
)

CLOCK_OFFSETS = Table(
    "clock_offsets",
    "one agent in one stage of a run, if its clock differs from the clock of the DAG's own rows",
    (
        RUN_ID,
        STAGE,
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column(
            "ahead_s",
            Type.REAL,
            "how far the agent's clock is ahead of the clock of the DAG's own rows, seconds; negative: behind",
            "no single offset fits: the agent's times in this stage cannot be placed",
        ),
        Column("ahead_min_s", Type.REAL, "lower bound of ahead_s, seconds", "nothing bounds it"),
        Column("ahead_max_s", Type.REAL, "upper bound of ahead_s, seconds", "nothing bounds it"),
    ),
    ("run_id", "stage", "agent"),
)
