"""The base tables: what an archive holds, flattened."""

from __future__ import annotations

from types import MappingProxyType

from daganalysis.tables.declaration import Column, Table, Type

SCHEMA_VERSION = "2"
"""Written into the metadata of every Parquet file of a store; raised whenever a declaration below changes."""

RUN_ID = Column("run_id", Type.STRING, "the run: `<cluster>/<generic id>`, or `<generic id>` where no cluster label is given")
_STAGE = Column("stage", Type.INTEGER, "the node's place in the DAG, from 1")
_STATE = Column("state", Type.STRING, "as the API spells it in the newest answer", "the field was missing or unusable")
_OPERATOR = Column("operator", Type.STRING, "as the API spells it in the newest answer", "the field was missing or unusable")
_OUTCOME = Column("outcome", Type.STRING, "what state, operator, counters, logs and relatives say it came to")
_START_TIME = Column("start_time", Type.INSTANT, "what the server said", "the epoch or year-1 placeholder, or no usable instant")
_END_TIME = Column("end_time", Type.INSTANT, "what the server said", "the epoch or year-1 placeholder, or no usable instant")
_STARTED_AT = Column("started_at", Type.INSTANT, "when it truly began", "not begun, or the served value is no true start (engine rule)")
_ENDED_AT = Column("ended_at", Type.INSTANT, "when it truly ended", "not ended, or the served value is no true end (engine rule)")
_DURATION = Column("duration_s", Type.REAL, "ended_at minus started_at, seconds", "either end is unknown, or the two contradict each other")
_NODE_GID = Column("node_gid", Type.STRING, "generic id of the node", "the answer that told of the row named no node")
_TASK_GID = Column("task_gid", Type.STRING, "generic id of the sub-task")
_ADDITIONAL_DATA = Column("additional_data", Type.STRING, "the JSON text, unaltered", "null or absent in every answer")

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
        Column("n_nodes", Type.INTEGER, "nodes shown in this response", "the response was asked for without details"),
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
        Column("stage", Type.INTEGER, "the stage being, or last, executed", "absent or unusable"),
        Column("max_stage", Type.INTEGER, "number of stages", "absent or unusable"),
        _STATE,
        _OPERATOR,
        _OUTCOME,
        Column("work_ok", Type.BOOLEAN, "whether a passed or waiting sub-DAG had done its work", "no such sub-DAG, or it cannot be told"),
        _START_TIME,
        _END_TIME,
        Column(
            "created_at",
            Type.INSTANT,
            "when the rows were created",
            "no answer shows a row that was never run, or the zone is not known",
        ),
        Column(
            "started_at",
            Type.INSTANT,
            "first known start, over all legs",
            "never started, its first start left no trace, or the zone is not known",
        ),
        Column("ended_at", Type.INSTANT, "last known end", "not ended, unknown, or the zone is not known"),
        Column(
            "elapsed_s",
            Type.REAL,
            "first known start to last known end, all legs, seconds",
            "not ended, an end is unknown, or its clock was set back",
        ),
        Column("active_s", Type.REAL, "time in which at least one known attempt was running, seconds", "no attempt has both ends known"),
        Column("last_leg_s", Type.REAL, "what the API's own start and end give, seconds", "the API's start or end is no true one"),
        Column("n_nodes", Type.INTEGER, "nodes known"),
        Column("n_sub_tasks", Type.INTEGER, "sub-tasks known"),
        Column("n_agents", Type.INTEGER, "different agents among the sub-tasks"),
        Column("n_snapshots", Type.INTEGER, "different responses that told of the DAG"),
        Column("retries_min", Type.INTEGER, "the smallest number of retries by a person (hand-shakes between DAGs not counted)"),
        Column("retries_max", Type.INTEGER, "the largest number of retries by a person", "nothing bounds it"),
        Column("rollbacks_min", Type.INTEGER, "the smallest number of rollbacks of the run"),
        Column("rollbacks_max", Type.INTEGER, "the largest number of rollbacks of the run", "nothing bounds it"),
        Column("elapsed_min_s", Type.REAL, "lower bound of elapsed_s, equal to it where that is known, seconds", "not ended"),
        Column(
            "elapsed_max_s",
            Type.REAL,
            "upper bound of elapsed_s, equal to it where that is known, seconds",
            "not ended, or nothing bounds it",
        ),
        Column("parent_run_id", Type.STRING, "run of the main DAG", "no main DAG is known"),
        Column("maintenance_type", Type.INTEGER, "1 none, 2 global, 3 tenant, 4 obproxy", "absent (before obshell 4.3.1)"),
        Column("maintenance_key", Type.STRING, "tenant name under a tenant lock, else empty", "absent (before obshell 4.3.1)"),
        _ADDITIONAL_DATA,
        Column("utc_offset_s", Type.INTEGER, "offset of the server's own times from UTC, seconds", "no usable instant"),
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
        Column("stage", Type.INTEGER, _STAGE.meaning, "the node's DAG is not in the archive"),
        _NODE_GID,
        Column("node_id", Type.INTEGER, "row id in the owner's database", "absent or unusable"),
        Column("name", Type.STRING, "the node's name", "absent or unusable"),
        _STATE,
        _OPERATOR,
        _OUTCOME,
        _START_TIME,
        _END_TIME,
        _STARTED_AT,
        _ENDED_AT,
        _DURATION,
        Column("n_sub_tasks", Type.INTEGER, "sub-tasks known"),
        _ADDITIONAL_DATA,
    ),
    ("run_id", "stage", "node_gid"),
)

SUB_TASKS = Table(
    "sub_tasks",
    "one sub-task",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "the sub-task's DAG is not in the archive"),
        Column("stage", Type.INTEGER, _STAGE.meaning, "the sub-task's DAG is not in the archive"),
        _NODE_GID,
        _TASK_GID,
        Column("task_id", Type.INTEGER, "row id in the owner's database", "absent or unusable"),
        Column("name", Type.STRING, "the sub-task's name", "absent or unusable"),
        _STATE,
        _OPERATOR,
        _OUTCOME,
        Column("execute_times", Type.INTEGER, "hand-outs to an executor", "absent or unusable"),
        Column("agent", Type.STRING, "`ip:port` of execute_agent", "absent or unusable"),
        Column("agent_ip", Type.STRING, "ip of execute_agent", "absent or unusable"),
        Column("agent_port", Type.INTEGER, "port of execute_agent", "absent or unusable"),
        _START_TIME,
        _END_TIME,
        _STARTED_AT,
        _ENDED_AT,
        _DURATION,
        Column("task_logs", Type.STRINGS, "log lines of all its attempts, in order", "no answer showed its logs"),
        _ADDITIONAL_DATA,
    ),
    ("run_id", "stage", "task_gid"),
)

ATTEMPTS = Table(
    "attempts",
    "one attempt of a sub-task; of more than 100, those that something shows, those around them, the first and the last",
    (
        RUN_ID,
        _STAGE,
        _TASK_GID,
        Column("attempt", Type.INTEGER, "the value of execute_times it was, from 1"),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`"),
        Column("started_at", Type.INSTANT, "when the executor began", "never executed, or no answer shows it"),
        Column("ended_at", Type.INSTANT, "when it ended", "not ended, or no answer shows it"),
        _DURATION,
        _OUTCOME,
        Column("agent", Type.STRING, "`ip:port` it was handed to", "no answer shows it"),
        Column("evidence", Type.STRING, "`observed` in an answer, `inferred` from others, or `lost`"),
    ),
    ("run_id", "stage", "task_gid", "attempt"),
)

LINKS = Table(
    "links",
    "one main DAG and one of its child DAGs",
    (
        Column("parent_run_id", Type.STRING, "run of the main DAG (its key even where that DAG is not in the archive)"),
        Column("child_run_id", Type.STRING, "run of the child DAG", "the child is not in the archive"),
        Column("child_gid", Type.STRING, "generic id of the child DAG"),
        Column("agent", Type.STRING, "`ip:port` of the agent that keeps the child", "the child's id has no known layout"),
        Column("kind", Type.STRING, "`sub_dag`, `scale_out` or `remote`"),
        Column("evidence", Type.STRING, "`additional_data` or `log`"),
    ),
    ("parent_run_id", "child_gid"),
)

ISSUES = Table(
    "issues",
    "one thing the reader should know about the input",
    (
        Column("severity", Type.STRING, "`error` (a record was rejected), `warning` (a value was) or `info`"),
        Column("code", Type.STRING, "what kind of thing it is, kebab-case; the codes are listed in the documentation"),
        Column("source", Type.STRING, "file (and member) it was found in", "it concerns a run, not a file"),
        Column("position", Type.STRING, "line or byte offset, then a JSON pointer", "it concerns a whole file or a run"),
        Column("run_id", Type.STRING, "the run it concerns", "none is known"),
        Column("message", Type.STRING, "what it is"),
        Column("hint", Type.STRING, "what to do", "nothing needs doing"),
    ),
    ("source", "position", "code", "run_id", "message"),
)

TIMELINE = Table(
    "timeline",
    "one stretch of a run's elapsed time, with what it was spent on",
    (
        RUN_ID,
        Column(
            "seq", Type.INTEGER, "order in time within the run, from 1; the stretches of a run follow each other without gap or overlap"
        ),
        Column("started_at", Type.INSTANT, "where the stretch begins"),
        Column("ended_at", Type.INSTANT, "where it ends"),
        Column("duration_s", Type.REAL, "its length, seconds"),
        Column(
            "category",
            Type.STRING,
            "`execute`, `dispatch`, `detect`, `handoff`, `wait_operator`, `wait_protocol`, `lost` or `unattributed`",
        ),
        Column("leg", Type.INTEGER, "the leg it belongs to, from 1; a wait belongs to the leg before it"),
        Column("from_stage", Type.INTEGER, "the stage it lies in, or after", "before the first stage"),
        Column("to_stage", Type.INTEGER, "the stage it lies in, or before", "after the last stage"),
        Column("direction", Type.STRING, "`forward` or `rollback`: which way the leg walked the stages"),
        Column(
            "evidence",
            Type.STRING,
            "`observed` where both ends were served, `inferred` where one is bounded, `lost` where nothing is known",
        ),
    ),
    ("run_id", "seq"),
)

CLOCK_OFFSETS = Table(
    "clock_offsets",
    "one agent in one stage of a run, whose clock is not the DAG's",
    (
        RUN_ID,
        _STAGE,
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column(
            "ahead_s",
            Type.REAL,
            "by how much its times are moved back to be on the clock of the DAG's own rows, seconds; negative where it is behind",
            "no single offset fits: its times in this stage cannot be placed",
        ),
        Column("ahead_min_s", Type.REAL, "it is ahead by this at least, seconds", "nothing bounds it"),
        Column("ahead_max_s", Type.REAL, "it is ahead by this at most, seconds", "nothing bounds it"),
    ),
    ("run_id", "stage", "agent"),
)

OPERATIONS = Table(
    "operations",
    "one request to a DAG",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "a refused request that created no DAG, or the DAG is not in the archive"),
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("at", Type.INSTANT, "when the request came, by the clock of the agent that logged it", "no log shows it"),
        Column("at_min", Type.INSTANT, "it came no earlier than this", "nothing bounds it"),
        Column("at_max", Type.INSTANT, "it came no later than this", "nothing bounds it"),
        Column("operation", Type.STRING, "`create`, `retry`, `rollback`, `cancel`, `pass` (of the DAG) or `pass_node`"),
        Column("stage", Type.INTEGER, "the stage it was for: of the passed node, or the DAG's at the time", "unknown, or a `create`"),
        Column("actor", Type.STRING, "`person`, `dag` (another DAG's task asked) or `unknown`"),
        Column("client", Type.STRING, "address of the caller; `unix socket` for a caller on the agent's own host", "no log shows it"),
        Column("agent", Type.STRING, "`ip:port` of the agent that was asked first", "no log shows it"),
        Column("result", Type.STRING, "`accepted`, `refused` or `unknown`"),
        Column("error_code", Type.STRING, "the engine's code for a refusal", "not refused, or the code was not logged"),
        Column("evidence", Type.STRING, "`log` of an agent, or `answers` where only their states show that somebody asked"),
        Column("source", Type.STRING, "file (and member) that shows it", "it follows from several answers"),
    ),
    ("run_id", "at_min", "operation", "at", "agent", "source"),
)

AGENTS = Table(
    "agents",
    "one agent as one source told of it",
    (
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column("agent_ip", Type.STRING, "its ip", "the source does not tell it"),
        Column("agent_port", Type.INTEGER, "its port", "the source does not tell it"),
        Column("zone", Type.STRING, "the OceanBase zone it belongs to", "the source does not tell it"),
        Column("identity", Type.STRING, "its part in the cluster, as obshell spells it", "the source does not tell it"),
        Column("obshell_version", Type.STRING, "version of obshell", "the source does not tell it"),
        Column("ob_version", Type.STRING, "version of OceanBase", "the source does not tell it"),
        Column("observed_at", Type.INSTANT, "when this was so", "the source does not tell it"),
        Column("source", Type.STRING, "file (and member) that tells of it"),
    ),
    ("cluster", "agent", "observed_at", "source"),
)

MAINTENANCE_LOCKS = Table(
    "maintenance_locks",
    "one maintenance lock as one copy of a database showed it",
    (
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("lock", Type.STRING, "`global` (the cluster's), `tenant`, `agent` or `obproxy`"),
        Column("key", Type.STRING, "the tenant's name, or `ip:port` of the agent; empty for `global`"),
        Column("held", Type.BOOLEAN, "whether a DAG held it"),
        Column("dag_gid", Type.STRING, "generic id of the DAG that took it last", "the row does not tell it: only those of tenants do"),
        Column("locked_at", Type.INSTANT, "when it was taken, to the second", "not held, or the row does not tell it"),
        Column("n_taken", Type.INTEGER, "how often it was taken", "the row does not tell it"),
        Column("observed_at", Type.INSTANT, "when this was so: no later than the copy was made", "the copy does not tell it"),
        Column("source", Type.STRING, "file (and member) that shows it"),
    ),
    ("cluster", "lock", "key", "observed_at", "source"),
)

AGENT_EVENTS = Table(
    "agent_events",
    "one thing that happened to an agent, as a log tells it",
    (
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("at", Type.INSTANT, "when it happened, by the agent's clock"),
        Column("agent", Type.STRING, "`ip:port` of the agent, or the file where no line of it tells the address"),
        Column(
            "event",
            Type.STRING,
            "`started`, `stopped` (it was told to), `lost` (its last entry before a start that no stop precedes) or `maintainer` (it "
            "learnt who schedules the cluster's DAGs)",
        ),
        Column("detail", Type.STRING, "`ip:port` of the maintainer", "another event"),
        Column("source", Type.STRING, "file (and member) that tells of it", "several files do"),
    ),
    ("cluster", "at", "agent", "event"),
)

BASE_TABLES = MappingProxyType(
    {
        table.name: table
        for table in (
            *(SNAPSHOTS, DAGS, NODES, SUB_TASKS, ATTEMPTS, LINKS, OPERATIONS, AGENTS, AGENT_EVENTS, MAINTENANCE_LOCKS),
            *(ISSUES, TIMELINE, CLOCK_OFFSETS),
        )
    }
)
"""Every base table by name; the same names are attributes of an Archive and folders of a store."""
