"""The result tables: what each analysis returns."""

from __future__ import annotations

from types import MappingProxyType

from daganalysis.engine.vocabulary import CATEGORIES, RUN_OUTCOMES
from daganalysis.tables.archive_tables import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.explanations import CRITICAL_PATH, EVENTS, LOCKS, RUNS, WHAT_IF

_WORKFLOW = Column("workflow", Type.STRING, "the DAG's name without its parameters", "no answer names the DAG")
_STAGE = Column("stage", Type.INTEGER, "the node's place in the DAG, from 1")
_STAGE_NAME = Column("name", Type.STRING, "the node's name", "no answer names it")
_OUTCOME = Column("outcome", Type.STRING, "how it ended")

SUMMARY = Table(
    "summary",
    "one workflow",
    (
        _WORKFLOW,
        Column("n_runs", Type.INTEGER, "runs of the workflow"),
        *(Column(outcome, Type.INTEGER, f"runs with the outcome `{outcome}`") for outcome in RUN_OUTCOMES),
        Column("n_agents_max", Type.INTEGER, "largest number of agents in one run"),
        Column("elapsed_p50_s", Type.REAL, "median of elapsed_s over the runs where it is known, seconds", "elapsed_s of no run is known"),
        Column(
            "elapsed_p95_s",
            Type.REAL,
            "95th percentile of elapsed_s over the runs where it is known, seconds",
            "elapsed_s of no run is known",
        ),
        Column(
            "engine_share",
            Type.REAL,
            "share of the elapsed time of all runs that the engine spent dispatching, noticing ends and handing over",
            "elapsed_s of no run is known",
        ),
        Column("retry_share", Type.REAL, "share of runs that a person retried at least once"),
        Column("slowest_stage", Type.STRING, "name of the stage with the largest total latency", "no stage has ended"),
        Column("last_run_id", Type.STRING, "the run that was observed last"),
    ),
    ("workflow",),
)

STAGE_LATENCY = Table(
    "stage_latency",
    "one executed stage of a run",
    (
        RUN_ID,
        _WORKFLOW,
        _STAGE,
        _STAGE_NAME,
        _OUTCOME,
        Column(
            "latency_s", Type.REAL, "time from start to end of the stage's last execution, seconds", "not ended, passed, or overwritten"
        ),
        Column(
            "work_s",
            Type.REAL,
            "time in which at least one sub-task was running, in the stage's last execution, seconds",
            "no sub-task has both ends known",
        ),
        Column(
            "dispatch_s", Type.REAL, "time from the stage's start to the first start of a sub-task, seconds", "one of the two is unknown"
        ),
        Column("detect_s", Type.REAL, "time from the last end of a sub-task to the stage's end, seconds", "one of the two is unknown"),
        Column("n_sub_tasks", Type.INTEGER, "number of sub-tasks in the archive"),
        Column(
            "slowest_task_gid", Type.STRING, "sub-task that ran longest in the stage's last execution", "no sub-task has a known duration"
        ),
        Column("slowest_agent", Type.STRING, "agent of slowest_task_gid", "no sub-task has a known duration"),
        Column("elapsed_share", Type.REAL, "latency_s divided by the run's elapsed_s", "one of the two is unknown"),
        Column("censored", Type.BOOLEAN, "whether the stage was still running in the newest answer"),
    ),
    ("run_id", "stage"),
)

_GROUPED = (
    Column("n", Type.INTEGER, "executions with a known duration"),
    Column("n_censored", Type.INTEGER, "executions that still ran in the newest answer; quantiles leave them out"),
    Column("min_s", Type.REAL, "shortest duration, seconds", "n is 0"),
    Column("p50_s", Type.REAL, "median duration, seconds", "n is 0"),
    Column("p95_s", Type.REAL, "95th percentile of the durations, seconds", "n is 0"),
    Column("p99_s", Type.REAL, "99th percentile of the durations, seconds", "n is 0"),
    Column("max_s", Type.REAL, "longest duration, seconds", "n is 0"),
    Column("min_run_id", Type.STRING, "run with the shortest duration", "n is 0"),
    Column("max_run_id", Type.STRING, "run with the longest duration", "n is 0"),
)

STAGE_LATENCY_BY_WORKFLOW = Table(
    "stage_latency", "one stage name of a workflow", (_WORKFLOW, _STAGE_NAME, *_GROUPED), ("workflow", "name")
)

STAGE_LATENCY_BY_AGENT = Table(
    "stage_latency",
    "one agent: the latest attempts of its sub-tasks",
    (Column("agent", Type.STRING, "`ip:port` of the agent"), *_GROUPED),
    ("agent",),
)

STAGE_GAPS = Table(
    "stage_gaps",
    "one stretch between two stages executed one after the other",
    (
        RUN_ID,
        Column("from_stage", Type.INTEGER, "stage executed before the gap", "before the first stage"),
        Column("to_stage", Type.INTEGER, "stage executed after the gap", "after the last stage"),
        Column("direction", Type.STRING, "`forward`, or `rollback`: backwards through the stages"),
        Column("gap_s", Type.REAL, "length of the gap, seconds"),
        Column("category", Type.STRING, "cause of the gap: `handoff`, `wait_operator`, `wait_protocol`, `lost` or `unattributed`"),
        Column(
            "polls",
            Type.INTEGER,
            "length of the gap in passes of the scheduler, rounded",
            "the archive shows no hand-over to measure the tick by",
        ),
        Column("evidence", Type.STRING, "`observed`, `inferred` or `lost`"),
    ),
    (),
)

TIME_BUDGET = Table(
    "time_budget",
    "one run",
    (
        RUN_ID,
        Column(
            "elapsed_s",
            Type.REAL,
            "time from the first start to the last end, seconds: the sum of the parts",
            "not ended, or an end is unknown",
        ),
        *(
            Column(category.column, Type.REAL, f"{category.meaning}, seconds", "the run has no known span")
            for category in CATEGORIES.values()
        ),
        Column(
            "engine_share", Type.REAL, "share of the sum of the parts that is dispatch, detect and handoff", "the run has no known span"
        ),
    ),
    ("run_id",),
)

RETRIES = Table(
    "retries",
    "one sub-task that was handed out more than once",
    (
        RUN_ID,
        _STAGE,
        Column("task_gid", Type.STRING, "generic id of the sub-task"),
        Column("name", Type.STRING, "the sub-task's name", "no answer names it"),
        Column("agent", Type.STRING, "`ip:port` of the agent in the newest answer", "absent or unusable"),
        Column("execute_times", Type.INTEGER, "how often the sub-task was handed out, to run or to roll back"),
        Column("retries_min", Type.INTEGER, "lower bound on how often a person retried the sub-task"),
        Column("retries_max", Type.INTEGER, "upper bound on how often a person retried the sub-task", "nothing bounds it"),
        Column("rollbacks", Type.INTEGER, "number of known rollback runs of the sub-task"),
        _OUTCOME,
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

_CLUSTER = Column("cluster", Type.STRING, "the cluster label", "none was given")

CLOCK_SKEW = Table(
    "clock_skew",
    "one agent of a cluster, in one period that a single clock offset fits",
    (
        _CLUSTER,
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column("since", Type.INSTANT, "start of the first stage in which the agent's clock was measured"),
        Column("until", Type.INSTANT, "start of the last stage in which the agent's clock was measured"),
        Column("n", Type.INTEGER, "sub-tasks of cluster DAGs used to measure the agent's clock"),
        Column(
            "ahead_min_s", Type.REAL, "lower bound on how far the agent's clock is ahead, seconds; negative: behind", "nothing bounds it"
        ),
        Column(
            "ahead_max_s", Type.REAL, "upper bound on how far the agent's clock is ahead, seconds; negative: behind", "nothing bounds it"
        ),
        Column(
            "shown",
            Type.STRING,
            "`ahead` or `behind`: the bounds show it; `none`: the clocks may agree; `varies`: no single offset fits",
        ),
        Column(
            "against",
            Type.STRING,
            "`scheduler`: the clock of the DAGs' own rows; `others`: that of the other agents, which agree while the scheduler's is off",
        ),
    ),
    ("cluster", "agent", "since"),
)

OUTCOME_RULES = Table(
    "outcome_rules",
    "one run, stage, sub-task or attempt",
    (
        Column("run_id", Type.STRING, RUN_ID.meaning, "the DAG is not in the archive"),
        Column("stage", Type.INTEGER, "the node's place in the DAG, from 1", "level `run`, or the DAG is not in the archive"),
        Column("task_gid", Type.STRING, "the sub-task's generic id", "levels `run` and `stage`"),
        Column("attempt", Type.INTEGER, "number of the attempt", "every level but `attempt`"),
        _OUTCOME,
        Column("rule", Type.STRING, "name of the rule that gave the outcome"),
        Column("why", Type.STRING, "what the rule says"),
        Column("source", Type.STRING, "section of docs/engine-semantics.md that states the rule"),
        Column("state", Type.STRING, "state in the newest answer", "level `attempt`, or no answer holds it"),
        Column("operator", Type.STRING, "operator in the newest answer", "level `attempt`, or no answer holds it"),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`", "every level but `attempt`"),
        Column("evidence", Type.STRING, "`observed`, `inferred` or `lost`", "every level but `attempt`"),
    ),
    ("run_id", "stage", "task_gid", "attempt"),
)

_STAGE_OR_TOTAL = Column(
    "name",
    Type.STRING,
    "the stage's name, with a number appended to a later stage of the same name; null: the whole run",
    "the row is about the whole run",
    null_word="whole run",
)

RETRY_PATTERNS = Table(
    "retry_patterns",
    "one stage name of a workflow and error code",
    (
        _WORKFLOW,
        _STAGE_NAME,
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
        _WORKFLOW,
        _STAGE_NAME,
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

_N_EFFECTIVE = Column(
    "n_effective",
    Type.REAL,
    "number of independent executions (or runs) that carry as much information as n, where slow spells make neighbours alike",
    "the agent is slowest no more often than chance allows, so spells were not examined",
)

STRAGGLERS = Table(
    "stragglers",
    "one agent in one stage name of a workflow",
    (
        _WORKFLOW,
        _STAGE_NAME,
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column("n", Type.INTEGER, "executions of the stage in which this agent and at least one other worked"),
        Column("n_slowest", Type.INTEGER, "executions in which this agent ended last"),
        Column("skew_p50", Type.REAL, "median ratio of the agent's work to the median work of the others"),
        Column("barrier_wait_s", Type.REAL, "total time the other agents waited for this agent after they had ended, agent-seconds"),
        Column("slowest_low", Type.REAL, "lower end of the 95 % Clopper-Pearson interval of the chance that this agent is slowest"),
        Column("slowest_high", Type.REAL, "upper end of the 95 % Clopper-Pearson interval of the chance that this agent is slowest"),
        Column(
            "late_p50_s", Type.REAL, "median of how much later the agent ended than the median of the others, seconds; negative: earlier"
        ),
        Column("dispatch_p50_s", Type.REAL, "median of how much later the agent began than the first agent, seconds"),
        Column("work_p50_s", Type.REAL, "median work of the agent, seconds"),
        Column("others_p50_s", Type.REAL, "median over executions of the median work of the other agents, seconds"),
        Column("n_agents_p50", Type.REAL, "median number of agents at work in these executions"),
        Column(
            "flagged",
            Type.BOOLEAN,
            "whether the agent is slowest more often than chance and slow spells explain, over all rows, and late enough to matter",
        ),
        _N_EFFECTIVE,
        _CLUSTER,
    ),
    (),
)

STRAGGLERS_BY_AGENT = Table(
    "stragglers",
    "one agent of a cluster, over all stages in which several agents were at work",
    (
        _CLUSTER,
        Column("agent", Type.STRING, "`ip:port` of the agent"),
        Column("n", Type.INTEGER, "runs in which the agent worked together with others"),
        Column("n_executions", Type.INTEGER, "executions of stages in which the agent worked together with others"),
        Column("n_slowest", Type.INTEGER, "runs in which the others waited longest for this agent"),
        Column("barrier_wait_s", Type.REAL, "total time the other agents waited for this agent after they had ended, agent-seconds"),
        Column("skew_p50", Type.REAL, "median ratio of the agent's work in a run to the median work of the others"),
        Column(
            "slowest_low",
            Type.REAL,
            "lower end of the 95 % Clopper-Pearson interval of the chance that the others wait longest for this agent",
        ),
        Column("slowest_high", Type.REAL, "upper end of the 95 % Clopper-Pearson interval of the chance that this agent is slowest"),
        Column(
            "late_p50_s",
            Type.REAL,
            "median over runs of how much later the agent ended than the median of the others, over all stages, seconds",
        ),
        Column(
            "dispatch_p50_s", Type.REAL, "median over runs of how much later the agent began than the first agent, over all stages, seconds"
        ),
        Column("work_p50_s", Type.REAL, "median over runs of the agent's work, seconds"),
        Column("others_p50_s", Type.REAL, "median over runs of the median work of the others in the same stages, seconds"),
        Column(
            "worst_stage",
            Type.STRING,
            "name of the stage in which the others waited longest for this agent",
            "the others never waited for it",
        ),
        Column(
            "flagged",
            Type.BOOLEAN,
            "whether the others wait longest for this agent more often than chance and slow spells explain, over all rows, and it is "
            "late enough to matter",
        ),
        _N_EFFECTIVE,
    ),
    (),
)

STRAGGLERS_BY_RUN = Table(
    "stragglers",
    "one execution of a stage with at least two agents at work",
    (
        RUN_ID,
        _WORKFLOW,
        _STAGE,
        _STAGE_NAME,
        Column("n_sub_tasks", Type.INTEGER, "number of sub-tasks executed"),
        Column("slowest_agent", Type.STRING, "agent of the sub-task that ended last", "several ended last together"),
        Column("slowest_task_gid", Type.STRING, "generic id of the sub-task that ended last", "several ended last together"),
        Column("skew", Type.REAL, "ratio of the work of the last sub-task to the median work of the others"),
        Column("barrier_wait_s", Type.REAL, "total time the others waited for the last sub-task, agent-seconds"),
        Column("dispatch_s", Type.REAL, "how much later the last sub-task began than the first one, seconds"),
        Column("work_s", Type.REAL, "work of the last sub-task, seconds"),
    ),
    ("run_id", "stage"),
)

_KNOWN = Column(
    "known",
    Type.STRING,
    "name of the message, if it is one of the engine's own or of the user's catalogue",
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
        _WORKFLOW,
        _STAGE_NAME,
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
        _WORKFLOW,
        _STAGE,
        _STAGE_NAME,
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

_BASE_NAME = Column(
    "base_name", Type.STRING, "the stage's name in the base, if it differs", "the name is the same, or one side alone has the stage"
)

COMPARE = Table(
    "compare",
    "one stage of a workflow, or the whole of it, in runs that are like each other",
    (
        _WORKFLOW,
        _STAGE_OR_TOTAL,
        Column(
            "n_base",
            Type.INTEGER,
            "runs of the base with a known time, in the clusters that both sides have (in all clusters, if they share none)",
        ),
        Column(
            "n_candidate",
            Type.INTEGER,
            "runs of the candidate with a known time, in the clusters that both sides have (in all clusters, if they share none)",
        ),
        Column(
            "base_s",
            Type.REAL,
            "median time of the base, seconds; over several clusters the mean of their medians, with the same weights on both sides",
            "n_base is 0",
        ),
        Column("candidate_s", Type.REAL, "median time of the candidate, calculated like base_s, seconds", "n_candidate is 0"),
        Column("diff_s", Type.REAL, "candidate_s minus base_s, seconds", "no cluster has runs on both sides"),
        Column(
            "ratio",
            Type.REAL,
            "ratio of candidate to base: median over all pairs within clusters (Hodges-Lehmann, of logarithms)",
            "no cluster has runs on both sides",
        ),
        Column("ci_low", Type.REAL, "lower end of the 95 % interval of the ratio", "too few runs for an interval"),
        Column("ci_high", Type.REAL, "upper end of the 95 % interval of the ratio", "too few runs for an interval"),
        Column(
            "p_value",
            Type.REAL,
            "p-value of the rank test within clusters (Mann-Whitney, van Elteren) or, where runs resemble their neighbours in time, of the "
            "test that allows for that, if it is larger; two-sided, corrected over all rows tested (Holm)",
            "not tested: no cluster has runs on both sides, or so few runs could show nothing",
        ),
        Column(
            "verdict",
            Type.STRING,
            "`slower` or `faster`: shown, and by at least 10 % and one tick of the engine; `more_help` or `less_help`: the share of runs "
            "that needed help changed; `more_slow_runs` or `fewer_slow_runs`: the share of slow runs changed; `same`: no such difference "
            "is seen; `insufficient`: the runs cannot decide, for the reason given; `only_base` or `only_candidate`: one side alone has it",
        ),
        Column("also", Type.STRING, "further differences that were shown, in the words of `verdict`", "no further difference was shown"),
        Column("reason", Type.STRING, "why the runs cannot decide the verdict", "the verdict is not `insufficient`"),
        Column("n_agents", Type.INTEGER, "number of agents in each of the runs compared", "no run of the workflow was compared"),
        Column("outcome", Type.STRING, "outcome of the runs compared"),
        Column(
            "n_needed",
            Type.INTEGER,
            "runs each side needs: for a test among all these rows, or to show what is seen, four times out of five (Noether)",
            "the verdict is not `insufficient`, or no cluster has runs on both sides",
        ),
        Column("clusters", Type.STRING, "labels of the clusters compared", "no label, or no cluster has runs on both sides"),
        Column(
            "unmatched_clusters",
            Type.STRING,
            "labels of clusters with runs on one side alone; these runs are not compared",
            "every cluster has a partner",
        ),
        Column(
            "n_effective_base",
            Type.REAL,
            "number of independent runs that carry as much information as the n_base runs, which may resemble their neighbours in time",
            "no cluster has runs on both sides",
        ),
        Column(
            "n_effective_candidate",
            Type.REAL,
            "number of independent runs that carry as much information as the n_candidate runs, which may resemble their neighbours in "
            "time",
            "no cluster has runs on both sides",
        ),
        Column(
            "slow_share_base",
            Type.REAL,
            "share of slow runs in the base; a run is slow if it takes more than 1.5 times the median of its cluster on both sides, and "
            "a tick more",
            "no cluster has runs on both sides",
        ),
        Column(
            "slow_share_candidate",
            Type.REAL,
            "share of slow runs in the candidate (see slow_share_base)",
            "no cluster has runs on both sides",
        ),
        Column(
            "slow_p_value",
            Type.REAL,
            "p-value of the exact conditional test of the two shares of slow runs, corrected over all rows (Holm); shown at 0.01",
            "not tested: so few slow runs could show nothing",
        ),
        Column(
            "help_share_base",
            Type.REAL,
            "share of runs of the workflow in the base that needed help: all runs whose outcome is not `succeeded`",
            "a stage, or no cluster has runs on both sides",
        ),
        Column(
            "help_share_candidate",
            Type.REAL,
            "share of runs of the workflow in the candidate that needed help",
            "a stage, or no cluster has runs on both sides",
        ),
        Column(
            "help_p_value",
            Type.REAL,
            "p-value of the exact conditional test of the two shares of runs that needed help, corrected (Holm); shown at 0.01",
            "a stage, or so few runs could show nothing",
        ),
        Column("left_out_base", Type.STRING, "runs of the workflow in the base that were left out, by outcome", "no run was left out"),
        Column(
            "left_out_candidate", Type.STRING, "runs of the workflow in the candidate that were left out, by outcome", "no run was left out"
        ),
        Column(
            "stage", Type.INTEGER, "usual number of the stage in the candidate (in the base, if the base alone has it); 0: the whole run"
        ),
        _BASE_NAME,
    ),
    ("workflow", "n_agents", "outcome", "stage", "name"),
)

CONTRIBUTIONS = Table(
    "compare",
    "one stage and category of time: what it adds to the difference of two runs",
    (
        _WORKFLOW,
        Column(
            "stage",
            Type.INTEGER,
            "number of the stage that the time lies in or before (or after, for the last stage), in the candidate or else in the base",
            "the time lies in no known stage",
        ),
        Column("name", Type.STRING, "the stage's name, with a number appended to a later stage of the same name", "stage is null"),
        Column("category", Type.STRING, "what the time was spent on"),
        Column("base_s", Type.REAL, "time in the base run, seconds"),
        Column("candidate_s", Type.REAL, "time in the candidate run, seconds"),
        Column("diff_s", Type.REAL, "candidate_s minus base_s, seconds; all rows add up to the difference of the two elapsed times"),
        Column("on", Type.STRING, "which runs have the stage: `both`, `base` or `candidate`"),
        _BASE_NAME,
    ),
    ("stage", "name", "category"),
)

CHECK = Table(
    "check",
    "one condition",
    (
        Column("condition", Type.STRING, "the condition as it was given"),
        Column(
            "decision",
            Type.STRING,
            "`tripped`: the metric is shown to be beyond the limit; `held`: shown not to be; `undecided`: neither is shown",
        ),
        Column("metric", Type.STRING, "metric that the condition is about"),
        Column("value", Type.REAL, "value of the metric in the archive", "no run decides"),
        Column("low", Type.REAL, "lower bound of the metric (95 %, one-sided)", "nothing bounds it, or no run decides"),
        Column("high", Type.REAL, "upper bound of the metric (95 %, one-sided)", "nothing bounds it, or no run decides"),
        Column("limit", Type.REAL, "limit in the condition"),
        Column("n", Type.INTEGER, "number of runs that the metric is computed from"),
    ),
    (),
)

TREND = Table(
    "trend",
    "one level shift, drift or cycle in the history of a stage of a workflow, or of the whole",
    (
        _WORKFLOW,
        _STAGE_OR_TOTAL,
        Column(
            "kind",
            Type.STRING,
            "`shift`: from one level to another; `drift`: gradually, over the whole history; `cycle`: repeated every `period_s`",
        ),
        Column("at_run_id", Type.STRING, "first run on the new level; for a drift or a cycle, first run of the history"),
        Column("at", Type.INSTANT, "start of the run at_run_id"),
        Column("before_s", Type.REAL, "shift: median before it; drift: its start; cycle: its trough; seconds"),
        Column("after_s", Type.REAL, "shift: median after it; drift: its end; cycle: its peak; seconds"),
        Column("ratio", Type.REAL, "after_s divided by before_s"),
        Column("n_before", Type.INTEGER, "number of runs on the level before the shift", "a drift or a cycle"),
        Column("n_after", Type.INTEGER, "number of runs on the level after the shift", "a drift or a cycle"),
        Column(
            "confidence",
            Type.REAL,
            "1 minus the p-value, corrected over all histories of the archive: of the best split of ranks, or of the test that lets each "
            "run resemble the one before it, whichever is larger",
        ),
        Column("n_agents", Type.INTEGER, "number of agents in each of the runs"),
        _CLUSTER,
        Column("period_s", Type.REAL, "length of the cycle, seconds: a day or a week", "a shift or a drift"),
    ),
    ("cluster", "workflow", "n_agents", "at", "name"),
)

GANTT_BARS = Table(
    "gantt_bars",
    "one bar of a Gantt chart",
    (
        RUN_ID,
        Column(
            "role",
            Type.STRING,
            "`time`: a stretch of the run's timeline · `attempt` · `folded`: several sub-tasks in one bar · `lane`: a stage never run · "
            "`break`: a cut in the axis",
        ),
        Column("lane", Type.INTEGER, "lane that the bar is drawn in, from 0 at the top"),
        Column("label", Type.STRING, "label of the lane"),
        Column("group", Type.STRING, "what the lane shares with its neighbours: the stage, the agent or the run", "a break"),
        Column("depth", Type.INTEGER, "0 for the run itself, 1 for its child runs, and so on"),
        Column("stage", Type.INTEGER, "stage of the bar", "the bar belongs to no stage"),
        Column("stage_name", Type.STRING, "name of the stage; for a stretch of time, name of the DAG", "no answer names it, or a break"),
        Column("task_gid", Type.STRING, "generic id of the sub-task", "no attempt"),
        Column("agent", Type.STRING, "`ip:port` of the agent", "no attempt, or unknown"),
        Column("attempt", Type.INTEGER, "number of the attempt", "no attempt"),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`", "no attempt"),
        Column("outcome", Type.STRING, "outcome of the attempt; for a lane, of the stage; for a stretch of time, of the run", "a break"),
        Column(
            "category",
            Type.STRING,
            "what the time was spent on; for a cut, what most of it was spent on",
            "neither a stretch of time nor a cut",
        ),
        Column("evidence", Type.STRING, "`observed`, `inferred` or `lost`", "a stage never run, a break"),
        Column("dispatched_at", Type.INSTANT, "start of the node execution that handed the attempt out", "unknown, or no attempt"),
        Column("started_at", Type.INSTANT, "start of the bar", "a stage never run, or an attempt of unknown times, which has no bar"),
        Column(
            "ended_at",
            Type.INSTANT,
            "end of the bar; for an open bar, the last time at which it is known to have run",
            "started_at is null",
        ),
        Column(
            "noticed_at",
            Type.INSTANT,
            "end of that node execution: when the engine noticed that the attempt had ended",
            "unknown, or no attempt",
        ),
        Column("is_open", Type.BOOLEAN, "whether the end is unknown, because the attempt still ran or its end was overwritten"),
        Column("passed_at", Type.INSTANT, "when a person, or the main DAG, passed the sub-task", "the sub-task was not passed"),
        Column("on_path", Type.BOOLEAN, "whether the run waited for the attempt: it is on the critical path", "no path was given"),
        Column("n", Type.INTEGER, "number of sub-tasks in the bar; for a stretch of time, in the run"),
        Column("n_attempts", Type.INTEGER, "number of attempts in the bar; for a stretch of time, in the run", "a cut or an empty lane"),
        Column("error", Type.STRING, "log line that best explains why the attempt failed", "the attempt did not fail, or logged no line"),
        Column(
            "x_dispatched",
            Type.REAL,
            "dispatched_at on the axis: seconds from the start of the axis, without what is cut",
            "dispatched_at is null",
        ),
        Column("x_started", Type.REAL, "started_at on the axis, seconds", "started_at is null"),
        Column("x_ended", Type.REAL, "ended_at on the axis, seconds", "ended_at is null"),
        Column("x_noticed", Type.REAL, "noticed_at on the axis, seconds", "noticed_at is null"),
        Column("x_passed", Type.REAL, "passed_at on the axis, seconds", "passed_at is null"),
    ),
    (),
)

TROUBLE = Table(
    "trouble",
    "one sub-task that met trouble",
    (
        RUN_ID,
        _STAGE,
        Column("task_gid", Type.STRING, "generic id of the sub-task"),
        Column("name", Type.STRING, "the sub-task's name", "no answer names it"),
        Column("agent", Type.STRING, "`ip:port` of the agent in the newest answer", "absent or unusable"),
        _OUTCOME,
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
    "one run, those that went worst first",
    (
        RUN_ID,
        Column("name", Type.STRING, "the DAG's name", "no answer names it"),
        Column("outcome", Type.STRING, "how the run ended"),
        Column("troubled", Type.BOOLEAN, "whether the run's outcome is not `succeeded`, or a child DAG did not do its work"),
        Column("rank", Type.INTEGER, "how badly the run ended, from 0 (worst); a main run ranks no better than a child DAG that failed it"),
        Column("is_child", Type.BOOLEAN, "whether the archive holds its main run"),
        Column("elapsed_s", Type.REAL, "time from the first start to the last end of the run, seconds", "not ended, or an end is unknown"),
        Column("started_at", Type.INSTANT, "first start of the run", "unknown"),
    ),
    (),
)

RESULT_TABLES: MappingProxyType[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            SUMMARY,
            STAGE_LATENCY,
            STAGE_GAPS,
            TIME_BUDGET,
            RETRIES,
            RETRY_PATTERNS,
            STRAGGLERS,
            FAILURES,
            COMPARE,
            CHECK,
            TREND,
            CLOCK_SKEW,
            OUTCOME_RULES,
            RUNS,
            CRITICAL_PATH,
            WHAT_IF,
            TROUBLE,
            LOCKS,
            EVENTS,
        )
    }
)
"""Every result table by the name of its analysis (of those with levels, the finest)."""
