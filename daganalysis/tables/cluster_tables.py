"""The base tables about what surrounds the runs: requests, agents, locks, and issues of the input."""

from __future__ import annotations

from daganalysis.tables.base_columns import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type

OPERATIONS = Table(
    "operations",
    "one request to a DAG",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "a refused request that created no DAG, or the DAG is not in the archive"),
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("at", Type.INSTANT, "when the request came, by the clock of the agent that logged it", "no log shows it"),
        Column("at_min", Type.INSTANT, "earliest time at which the request can have come", "nothing bounds it"),
        Column("at_max", Type.INSTANT, "latest time at which the request can have come", "nothing bounds it"),
        Column("operation", Type.STRING, "`create`, `retry`, `rollback`, `cancel`, `pass` (of the DAG) or `pass_node`"),
        Column(
            "stage",
            Type.INTEGER,
            "stage that the request was for: the stage of the passed node, or the DAG's stage at the time",
            "unknown, or a `create`",
        ),
        Column("actor", Type.STRING, "`person`, `dag` (another DAG's task asked) or `unknown`"),
        Column("client", Type.STRING, "address of the caller; `unix socket` for a caller on the agent's own host", "no log shows it"),
        Column("agent", Type.STRING, "`ip:port` of the agent that was asked first", "no log shows it"),
        Column("result", Type.STRING, "`accepted`, `refused` or `unknown`"),
        Column("error_code", Type.STRING, "the engine's code for a refusal", "not refused, or the code was not logged"),
        Column("evidence", Type.STRING, "`log`: an agent logged the request; `answers`: it follows from the states in answers"),
        Column("source", Type.STRING, "file (and archive member) that shows the request", "several answers together show it"),
    ),
    ("run_id", "at_min", "operation", "at", "agent", "source"),
)

AGENTS = Table(
    "agents",
    "one agent as described by one source",
    (
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column("agent_ip", Type.STRING, "IP address of the agent", "the source does not tell it"),
        Column("agent_port", Type.INTEGER, "port of the agent", "the source does not tell it"),
        Column("zone", Type.STRING, "OceanBase zone of the agent", "the source does not tell it"),
        Column(
            "identity",
            Type.STRING,
            "identity of the agent in the cluster (such as `MASTER`), as obshell spells it",
            "the source does not tell it",
        ),
        Column("obshell_version", Type.STRING, "obshell version of the agent", "the source does not tell it"),
        Column("ob_version", Type.STRING, "OceanBase version on the agent's host", "the source does not tell it"),
        Column("observed_at", Type.INSTANT, "time at which the agent was as the row describes it", "the source does not tell it"),
        Column("source", Type.STRING, "file (and archive member) that describes the agent"),
    ),
    ("cluster", "agent", "observed_at", "source"),
)

AGENT_EVENTS = Table(
    "agent_events",
    "one thing that happened to an agent, from its log",
    (
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("at", Type.INSTANT, "when the event happened, by the agent's clock"),
        Column("agent", Type.STRING, "`ip:port` of the agent; the name of the log file if the log does not hold the address"),
        Column(
            "event",
            Type.STRING,
            "`started`, `stopped` (on request), `lost` (its last entry before a start that no stop precedes) or `maintainer` (it "
            "learnt who schedules the cluster's DAGs)",
        ),
        Column("detail", Type.STRING, "`ip:port` of the maintainer", "another event"),
        Column("source", Type.STRING, "file (and archive member) that shows the event", "several files show it"),
    ),
    ("cluster", "at", "agent", "event"),
)

MAINTENANCE_LOCKS = Table(
    "maintenance_locks",
    "one maintenance lock as one copy of a database showed it",
    (
        Column("cluster", Type.STRING, "the cluster label", "none was given"),
        Column("lock", Type.STRING, "`global` (the cluster's), `tenant`, `agent` or `obproxy`"),
        Column("key", Type.STRING, "the tenant's name, or `ip:port` of the agent; empty for `global`"),
        Column("held", Type.BOOLEAN, "whether a DAG held the lock"),
        Column("dag_gid", Type.STRING, "generic id of the DAG that took the lock last", "unknown: only locks of tenants name the DAG"),
        Column("locked_at", Type.INSTANT, "when the lock was taken, to the second", "not held, or the row does not show it"),
        Column("n_taken", Type.INTEGER, "how often the lock was taken", "the row does not tell it"),
        Column(
            "observed_at", Type.INSTANT, "time of the copy, or an earlier time at which the row was as shown", "the copy does not tell it"
        ),
        Column("source", Type.STRING, "file (and archive member) that holds the row"),
    ),
    ("cluster", "lock", "key", "observed_at", "source"),
)

ISSUES = Table(
    "issues",
    "one thing the reader should know about the input",
    (
        Column(
            "severity",
            Type.STRING,
            "`error`: a record was rejected; `warning`: a value was rejected, or something is doubtful; `info`: good to know",
        ),
        Column("code", Type.STRING, "kind of issue, in kebab-case; docs/issues.md lists all codes"),
        Column("source", Type.STRING, "file (and archive member) that the issue was found in", "the issue concerns a run, not a file"),
        Column(
            "position",
            Type.STRING,
            "place in the file: line or byte offset, then a JSON pointer",
            "the issue concerns a whole file or a run",
        ),
        Column("run_id", Type.STRING, "run that the issue concerns", "no run is known"),
        Column("message", Type.STRING, "what was found"),
        Column("hint", Type.STRING, "what to do about it", "there is nothing to do"),
    ),
    ("source", "position", "code", "run_id", "message"),
)
