"""The result tables about what went wrong: retries, failures and trouble."""

from __future__ import annotations

from daganalysis.tables.base_columns import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.result_columns import OUTCOME, STAGE, STAGE_NAME, TROUBLED, WORKFLOW

RETRIES = Table(
    "retries",
    "one sub-task that was handed out more than once",
    (
        RUN_ID,
        STAGE,
        Column("task_gid", Type.STRING, "generic id of the sub-task"),
        Column("name", Type.STRING, "the sub-task's name", "no answer names it"),
        Column("agent", Type.STRING, "`ip:port` of the agent in the newest answer", "absent or unusable"),
        Column("execute_times", Type.INTEGER, "how often the sub-task was handed out, to run or to roll back"),
        Column("retries_min", Type.INTEGER, "lower bound on how often a person retried the sub-task"),
        Column("retries_max", Type.INTEGER, "upper bound on how often a person retried the sub-task", "nothing bounds it"),
        Column("rollbacks", Type.INTEGER, "number of known rollback runs of the sub-task"),
        OUTCOME,
        Column(
            "error_code",
            Type.STRING,
            "error code of the sub-task's first ERROR line",
            "no ERROR line, or one without a code (before obshell 4.3.1)",
        ),
        Column("first_error", Type.STRING, "first ERROR line of the sub-task", "the sub-task logged no ERROR line"),
        Column("protocol", Type.BOOLEAN, "whether the hand-shake between DAGs caused the hand-outs, which is no fault"),
    ),
    ("run_id", "stage", "task_gid"),
)

RETRY_PATTERNS = Table(
    "retry_patterns",
    "one stage name of a workflow and error code",
    (
        WORKFLOW,
        STAGE_NAME,
        Column(
            "error_code",
            Type.STRING,
            "error code of the failure before the retry",
            "no ERROR line, or one without a code (before obshell 4.3.1)",
        ),
        Column("n_runs", Type.INTEGER, "runs in which the stage was executed"),
        Column("n_retried", Type.INTEGER, "runs in which the stage was retried after this error"),
        Column(
            "retry_share",
            Type.REAL,
            "n_retried divided by n_runs, without the runs in outages of their cluster",
            "every run of the stage was in an outage",
        ),
        Column("retries_p50", Type.REAL, "lower bound of the median number of retries after this error, over the retried runs"),
        Column("succeeded_after_share", Type.REAL, "share of the retried runs in which the stage finally succeeded"),
        Column("agents", Type.STRING, "agents of the retried sub-tasks, separated by spaces", "no agent is known"),
        Column("example_run_id", Type.STRING, "first of these runs by run_id"),
        Column(
            "cost_s", Type.REAL, "total time of the retried runs between the first failure of the stage and its last execution, seconds"
        ),
        Column("wait_operator_s", Type.REAL, "part of cost_s that the runs are known to have waited for a person, seconds"),
        Column("n_outage", Type.INTEGER, "retried runs that began in an outage, while everything in their cluster failed"),
    ),
    ("workflow", "name", "error_code"),
)

RETRY_PATTERNS_BY_NUMBER = Table(
    "retry_patterns",
    "one stage name of a workflow and number of the retry",
    (
        WORKFLOW,
        STAGE_NAME,
        Column("nth", Type.INTEGER, "number of the retry of the stage within its run, from 1"),
        Column("n", Type.INTEGER, "runs with this retry of the stage"),
        Column("n_succeeded", Type.INTEGER, "runs in which this retry succeeded"),
        Column("n_failed", Type.INTEGER, "runs in which this retry failed; the result of the others is unknown or still open"),
        Column("succeeded_share", Type.REAL, "n_succeeded divided by n_succeeded plus n_failed", "the result of no retry is known"),
        Column("succeeded_low", Type.REAL, "lower end of the 95 % Clopper-Pearson interval of succeeded_share"),
        Column("succeeded_high", Type.REAL, "upper end of the 95 % Clopper-Pearson interval of succeeded_share"),
    ),
    ("workflow", "name", "nth"),
)

_KNOWN = Column(
    "known",
    Type.STRING,
    "name of the message in the engine's or the user's catalogue",
    "another message, or no line was logged",
)

_IS_NEW = Column(
    "is_new",
    Type.BOOLEAN,
    "whether the error code and signature are absent from the earlier archive's runs of the workflow",
    "no earlier archive was given",
)

FAILURES = Table(
    "failures",
    "one signature of failed attempts in one stage name of a workflow",
    (
        Column("error_code", Type.STRING, "error code of the log line", "no line, or one without a code (before obshell 4.3.1)"),
        Column("signature", Type.STRING, "the message with ids, addresses, paths, names and numbers masked"),
        WORKFLOW,
        STAGE_NAME,
        Column("n", Type.INTEGER, "number of failed attempts"),
        Column(
            "first_seen",
            Type.INSTANT,
            "first start of such an attempt, or of its run where the attempt's own start was overwritten",
            "no start is known",
        ),
        Column(
            "last_seen",
            Type.INSTANT,
            "last start of such an attempt, or of its run where the attempt's own start was overwritten",
            "no start is known",
        ),
        Column("example_run_id", Type.STRING, "first of these runs by run_id"),
        Column("example_line", Type.STRING, "a log line of such an attempt, as it was logged", "the attempt logged none"),
        Column("n_runs", Type.INTEGER, "number of runs with such an attempt"),
        Column("n_agents", Type.INTEGER, "number of agents with such an attempt", "no answer shows the agents of the failed attempts"),
        _KNOWN,
        _IS_NEW,
        Column(
            "n_outage",
            Type.INTEGER,
            "failed attempts of runs that began in an outage, while everything in their cluster failed",
        ),
    ),
    (),
)

FAILURES_BY_ATTEMPT = Table(
    "failures",
    "one failed attempt",
    (
        RUN_ID,
        WORKFLOW,
        STAGE,
        STAGE_NAME,
        Column("task_gid", Type.STRING, "generic id of the sub-task"),
        Column("attempt", Type.INTEGER, "number of the attempt of the sub-task, from 1", "the line may belong to one of several attempts"),
        Column("agent", Type.STRING, "`ip:port` of the agent that executed the attempt", "no answer shows it"),
        Column("started_at", Type.INSTANT, "when the attempt began", "the times of the attempt were overwritten"),
        Column("error_code", Type.STRING, "error code of the log line", "no line, or one without a code (before obshell 4.3.1)"),
        Column("signature", Type.STRING, "the message with ids, addresses, paths, names and numbers masked"),
        Column("line", Type.STRING, "the log line of the failure, as it was logged", "the attempt logged none"),
        Column(
            "evidence",
            Type.STRING,
            "`observed`: an answer shows the failure; `redone`: overwritten, but the sub-task was run again; `line`: overwritten, and a "
            "log "
            "line of this attempt, or of another overwritten one of the sub-task, remains",
        ),
        _KNOWN,
        _IS_NEW,
    ),
    ("run_id", "stage", "task_gid", "attempt"),
)

TROUBLE = Table(
    "trouble",
    "one sub-task that had trouble",
    (
        RUN_ID,
        STAGE,
        Column("task_gid", Type.STRING, "generic id of the sub-task"),
        Column("name", Type.STRING, "the sub-task's name", "no answer names it"),
        Column("agent", Type.STRING, "`ip:port` of the agent in the newest answer", "absent or unusable"),
        OUTCOME,
        Column(
            "place",
            Type.INTEGER,
            "order in which to look at the sub-tasks of the run, from 1; sub-tasks that differ only in the agent share a place",
        ),
        Column("grounds", Type.STRING, "what shows the trouble: the `outcome`, an `attempt` that failed, or an error `line` alone"),
        Column("n_failed", Type.INTEGER, "number of attempts known to have failed, timed out, been cancelled or been interrupted"),
        Column("error_code", Type.STRING, "code of the last ERROR line", "no such line, or one without a code (before obshell 4.3.1)"),
        Column("line", Type.STRING, "log line that best explains the newest failure", "no log line explains it"),
    ),
    ("run_id", "place", "stage", "task_gid"),
)

TROUBLE_BY_RUN = Table(
    "trouble",
    "one run, the worst first",
    (
        RUN_ID,
        Column("name", Type.STRING, "the DAG's name", "no answer names it"),
        Column("outcome", Type.STRING, "how the run ended"),
        TROUBLED,
        Column("rank", Type.INTEGER, "how badly the run ended, from 0 (worst); a main run ranks no better than a child DAG that failed it"),
        Column("is_child", Type.BOOLEAN, "whether the archive holds its main run"),
        Column("elapsed_s", Type.REAL, "time from the first start to the last end of the run, seconds", "not ended, or an end is unknown"),
        Column("started_at", Type.INSTANT, "first start of the run", "unknown"),
    ),
    (),
)
