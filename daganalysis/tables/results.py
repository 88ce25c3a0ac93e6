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
_OUTCOME = Column("outcome", Type.STRING, "what it came to")

SUMMARY = Table(
    "summary",
    "one workflow",
    (
        _WORKFLOW,
        Column("n_runs", Type.INTEGER, "its runs in the archive"),
        *(Column(outcome, Type.INTEGER, f"of these, runs that came to `{outcome}`") for outcome in RUN_OUTCOMES),
        Column("n_agents_max", Type.INTEGER, "most agents in one run"),
        Column("elapsed_p50_s", Type.REAL, "median of elapsed_s, seconds, over the runs that have one", "none has one"),
        Column("elapsed_p95_s", Type.REAL, "95th percentile of elapsed_s, seconds", "none has one"),
        Column(
            "engine_share",
            Type.REAL,
            "share of all their elapsed time that the engine spent dispatching, detecting and handing over",
            "none has one",
        ),
        Column("retry_share", Type.REAL, "share of runs that an operator retried at least once"),
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
        Column("latency_s", Type.REAL, "start to end of its last execution, seconds", "not ended, passed, or overwritten"),
        Column(
            "work_s",
            Type.REAL,
            "time in which at least one of its sub-tasks was running in that execution, seconds",
            "no sub-task has both ends known",
        ),
        Column("dispatch_s", Type.REAL, "its start to the first start of a sub-task, seconds", "either is unknown"),
        Column("detect_s", Type.REAL, "last end of a sub-task to its own end, seconds", "either is unknown"),
        Column("n_sub_tasks", Type.INTEGER, "sub-tasks known"),
        Column("slowest_task_gid", Type.STRING, "the sub-task that ran longest in that execution", "none has a known duration"),
        Column("slowest_agent", Type.STRING, "its agent", "none has a known duration"),
        Column("elapsed_share", Type.REAL, "latency_s over the run's elapsed_s", "either is unknown"),
        Column("censored", Type.BOOLEAN, "whether it was still running when it was last seen"),
    ),
    ("run_id", "stage"),
)

_GROUPED = (
    Column("n", Type.INTEGER, "executions with a known duration"),
    Column("n_censored", Type.INTEGER, "executions still running, which are left out of the quantiles"),
    Column("min_s", Type.REAL, "shortest, seconds", "n is 0"),
    Column("p50_s", Type.REAL, "median, seconds", "n is 0"),
    Column("p95_s", Type.REAL, "95th percentile, seconds", "n is 0"),
    Column("p99_s", Type.REAL, "99th percentile, seconds", "n is 0"),
    Column("max_s", Type.REAL, "longest, seconds", "n is 0"),
    Column("min_run_id", Type.STRING, "run of the shortest", "n is 0"),
    Column("max_run_id", Type.STRING, "run of the longest", "n is 0"),
)

STAGE_LATENCY_BY_WORKFLOW = Table(
    "stage_latency", "one stage name of a workflow", (_WORKFLOW, _STAGE_NAME, *_GROUPED), ("workflow", "name")
)

STAGE_LATENCY_BY_AGENT = Table(
    "stage_latency",
    "one agent: the latest attempts of its sub-tasks",
    (Column("agent", Type.STRING, "`ip:port`"), *_GROUPED),
    ("agent",),
)

STAGE_GAPS = Table(
    "stage_gaps",
    "one stretch between two stages executed one after the other",
    (
        RUN_ID,
        Column("from_stage", Type.INTEGER, "the stage executed before", "before the first stage"),
        Column("to_stage", Type.INTEGER, "the stage executed next", "after the last stage"),
        Column("direction", Type.STRING, "`forward` or `rollback`"),
        Column("gap_s", Type.REAL, "length, seconds"),
        Column("category", Type.STRING, "`handoff`, `wait_operator`, `wait_protocol`, `lost` or `unattributed`"),
        Column(
            "polls", Type.INTEGER, "the gap in passes of the scheduler, rounded", "the archive shows no hand-over to measure the tick by"
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
            "elapsed_s", Type.REAL, "first known start to last known end, seconds: the sum of the parts", "not ended, or an end is unknown"
        ),
        *(
            Column(category.column, Type.REAL, f"{category.meaning}, seconds", "the run has no known span")
            for category in CATEGORIES.values()
        ),
        Column("engine_share", Type.REAL, "dispatch, detect and handoff over the sum of the parts", "the run has no known span"),
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
        Column("agent", Type.STRING, "`ip:port` of the newest answer", "absent or unusable"),
        Column("execute_times", Type.INTEGER, "hand-outs"),
        Column("retries_min", Type.INTEGER, "the smallest number of times it was retried"),
        Column("retries_max", Type.INTEGER, "the largest number of times it was retried", "nothing bounds it"),
        Column("rollbacks", Type.INTEGER, "rollback runs known"),
        _OUTCOME,
        Column("error_code", Type.STRING, "code of its first ERROR line", "no such line, or one without a code (before obshell 4.3.1)"),
        Column("first_error", Type.STRING, "its first ERROR line", "none"),
        Column("protocol", Type.BOOLEAN, "whether the hand-shake between DAGs caused it"),
    ),
    ("run_id", "stage", "task_gid"),
)

_CLUSTER = Column("cluster", Type.STRING, "the cluster label", "none was given")

CLOCK_SKEW = Table(
    "clock_skew",
    "one agent of a cluster, in one stretch of time that one offset of its clock fits",
    (
        _CLUSTER,
        Column("agent", Type.STRING, "`ip:port`"),
        Column("since", Type.INSTANT, "start of the first stage it was measured by"),
        Column("until", Type.INSTANT, "start of the last stage it was measured by"),
        Column("n", Type.INTEGER, "sub-tasks of cluster DAGs that it was measured by"),
        Column("ahead_min_s", Type.REAL, "its clock is ahead by this at least, seconds; negative: behind", "nothing bounds it"),
        Column("ahead_max_s", Type.REAL, "its clock is ahead by this at most, seconds", "nothing bounds it"),
        Column(
            "shown",
            Type.STRING,
            "`ahead` or `behind` where the bounds leave no doubt, `none` where the clocks may agree, `varies` where no single offset fits",
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
        Column("run_id", Type.STRING, RUN_ID.meaning, "its DAG is not in the archive"),
        Column("stage", Type.INTEGER, "the node's place in the DAG, from 1", "level `run`, or its DAG is not in the archive"),
        Column("task_gid", Type.STRING, "the sub-task's generic id", "levels `run` and `stage`"),
        Column("attempt", Type.INTEGER, "number of the attempt", "every level but `attempt`"),
        _OUTCOME,
        Column("rule", Type.STRING, "name of the rule that gave the outcome"),
        Column("why", Type.STRING, "what the rule says"),
        Column("source", Type.STRING, "where the rule comes from, a section of docs/engine-semantics.md"),
        Column("state", Type.STRING, "the state that was served last", "level `attempt`, or no answer gave it"),
        Column("operator", Type.STRING, "the operator that was served last", "level `attempt`, or no answer gave it"),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`", "every level but `attempt`"),
        Column("evidence", Type.STRING, "`observed`, `inferred` or `lost`", "every level but `attempt`"),
    ),
    ("run_id", "stage", "task_gid", "attempt"),
)

_STAGE_OR_TOTAL = Column(
    "name",
    Type.STRING,
    "the stage's name; a later stage of the same name has its number behind it; null for the whole run",
    "the row is of the whole run",
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
            "code of the failure before the retry",
            "no line tells, or one without a code (before obshell 4.3.1)",
        ),
        Column("n_runs", Type.INTEGER, "runs in which the stage was executed"),
        Column("n_retried", Type.INTEGER, "of these, runs in which it was retried after such a failure"),
        Column(
            "retry_share",
            Type.REAL,
            "n_retried over n_runs, without the runs in outages of their cluster",
            "every run of the stage was in an outage",
        ),
        Column("retries_p50", Type.REAL, "median of the retries of such a run after such a failure, at least"),
        Column("succeeded_after_share", Type.REAL, "share of the retried runs in which the stage succeeded in the end"),
        Column("agents", Type.STRING, "agents of what was retried, parted by blanks", "no agent is known"),
        Column("example_run_id", Type.STRING, "the first such run in order of run_id"),
        Column("cost_s", Type.REAL, "what these runs spent at the stage before the last execution of it, in all, seconds"),
        Column("wait_operator_s", Type.REAL, "of it, what they are known to have waited for an operator, in all, seconds"),
        Column(
            "n_outage", Type.INTEGER, "retried runs that began while everything of their cluster failed: they tell nothing of the cause"
        ),
    ),
    ("workflow", "name", "error_code"),
)

RETRY_PATTERNS_BY_NUMBER = Table(
    "retry_patterns",
    "one stage name of a workflow and number of the retry",
    (
        _WORKFLOW,
        _STAGE_NAME,
        Column("nth", Type.INTEGER, "which retry of the stage in its run, from 1"),
        Column("n", Type.INTEGER, "runs in which there was one"),
        Column("n_succeeded", Type.INTEGER, "of these, runs in which it succeeded"),
        Column("n_failed", Type.INTEGER, "runs in which it failed; the rest is not known, or not over"),
        Column("succeeded_share", Type.REAL, "n_succeeded over those of which it is known", "of none it is"),
        Column("succeeded_low", Type.REAL, "its chance to succeed: lower end of a 95 % Clopper-Pearson interval"),
        Column("succeeded_high", Type.REAL, "and its upper end"),
    ),
    ("workflow", "name", "nth"),
)

_N_EFFECTIVE = Column(
    "n_effective",
    Type.REAL,
    "independent ones that tell as much as n, where slow spells last",
    "it is slowest no more often than chance allows, so that spells were not looked at",
)

STRAGGLERS = Table(
    "stragglers",
    "one agent in one stage name of a workflow",
    (
        _WORKFLOW,
        _STAGE_NAME,
        Column("agent", Type.STRING, "`ip:port`"),
        Column("n", Type.INTEGER, "executions of the stage with at least two agents at work, this one among them"),
        Column("n_slowest", Type.INTEGER, "of these, executions that ended with this agent"),
        Column("skew_p50", Type.REAL, "its own work over the median of the others', median"),
        Column("barrier_wait_s", Type.REAL, "what the others waited for it after their own ends, in all, agent-seconds"),
        Column("slowest_low", Type.REAL, "its chance of being slowest: lower end of a 95 % Clopper-Pearson interval"),
        Column("slowest_high", Type.REAL, "and its upper end"),
        Column("late_p50_s", Type.REAL, "how much later than the others' median it ended, median, seconds; negative: earlier"),
        Column("dispatch_p50_s", Type.REAL, "of it, how much later than the first it began, median, seconds"),
        Column("work_p50_s", Type.REAL, "its own work, median, seconds"),
        Column("others_p50_s", Type.REAL, "the median work of the others, median, seconds"),
        Column("n_agents_p50", Type.REAL, "agents at work in such an execution, median"),
        Column(
            "flagged",
            Type.BOOLEAN,
            "whether it is slowest more often than chance and slow spells of equals allow, over all rows, and late by what matters",
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
        Column("agent", Type.STRING, "`ip:port`"),
        Column("n", Type.INTEGER, "runs in which it was at work with others"),
        Column("n_executions", Type.INTEGER, "executions of stages in these"),
        Column("n_slowest", Type.INTEGER, "runs in which the others waited longest for it"),
        Column("barrier_wait_s", Type.REAL, "what the others waited for it after their own ends, in all, agent-seconds"),
        Column("skew_p50", Type.REAL, "its own work in a run over the median work of the others, median"),
        Column("slowest_low", Type.REAL, "its chance of being that agent: lower end of a 95 % Clopper-Pearson interval"),
        Column("slowest_high", Type.REAL, "and its upper end"),
        Column("late_p50_s", Type.REAL, "how much later than the others' median it ended, in all stages of a run, median, seconds"),
        Column("dispatch_p50_s", Type.REAL, "how much later than the first it began, in all stages of a run, median, seconds"),
        Column("work_p50_s", Type.REAL, "its own work in a run, median, seconds"),
        Column("others_p50_s", Type.REAL, "the median work of the others in these stages, median, seconds"),
        Column("worst_stage", Type.STRING, "name of the stage in which the others waited longest for it", "they never did"),
        Column(
            "flagged",
            Type.BOOLEAN,
            "whether it is that agent more often than chance and slow spells of equals allow, over all rows, and late by what matters",
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
        Column("n_sub_tasks", Type.INTEGER, "sub-tasks at work"),
        Column("slowest_agent", Type.STRING, "agent of the one that ended last", "it ended in a tie"),
        Column("slowest_task_gid", Type.STRING, "that sub-task", "it ended in a tie"),
        Column("skew", Type.REAL, "its own work over the median of the others'"),
        Column("barrier_wait_s", Type.REAL, "what the others waited for it, agent-seconds"),
        Column("dispatch_s", Type.REAL, "how much later than the first it began, seconds"),
        Column("work_s", Type.REAL, "its own work, seconds"),
    ),
    ("run_id", "stage"),
)

_KNOWN = Column("known", Type.STRING, "the engine's own line that it is, by name", "its signature was mined, or no line was logged")
_IS_NEW = Column(
    "is_new",
    Type.BOOLEAN,
    "whether the earlier archive has no such code and signature in the workflow",
    "there is no earlier archive to compare with",
)

FAILURES = Table(
    "failures",
    "one signature of failed attempts in one stage name of a workflow",
    (
        Column("error_code", Type.STRING, "the code of the line", "none, or one without a code (before obshell 4.3.1)"),
        Column("signature", Type.STRING, "the message with ids, addresses, paths, names and numbers masked"),
        _WORKFLOW,
        _STAGE_NAME,
        Column("n", Type.INTEGER, "failed attempts"),
        Column(
            "first_seen",
            Type.INSTANT,
            "the first start of such an attempt, or of its run where the attempt's own was overwritten",
            "no start is known",
        ),
        Column("last_seen", Type.INSTANT, "the last one", "no start is known"),
        Column("example_run_id", Type.STRING, "the first such run in order of run_id"),
        Column("example_line", Type.STRING, "a line as it was logged", "the attempt logged none"),
        Column("n_runs", Type.INTEGER, "runs"),
        Column("n_agents", Type.INTEGER, "agents", "no answer shows the agents of the failed attempts"),
        _KNOWN,
        _IS_NEW,
        Column(
            "n_outage",
            Type.INTEGER,
            "of n, attempts of runs that began while everything of their cluster failed: they tell nothing of the cause",
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
        Column("attempt", Type.INTEGER, "which hand-out of the sub-task it was, from 1", "the line may be that of several hand-outs"),
        Column("agent", Type.STRING, "`ip:port` it was handed to", "no answer shows it"),
        Column("started_at", Type.INSTANT, "when it began", "its times were overwritten"),
        Column("error_code", Type.STRING, "the code of the line", "none, or one without a code (before obshell 4.3.1)"),
        Column("signature", Type.STRING, "the message with ids, addresses, paths, names and numbers masked"),
        Column("line", Type.STRING, "the line as it was logged", "the attempt logged none"),
        Column(
            "evidence",
            Type.STRING,
            "`observed` in an answer; `redone`: overwritten, but it was run again; `line`: overwritten, and a line is left for it or for "
            "another such attempt of its sub-task",
        ),
        _KNOWN,
        _IS_NEW,
    ),
    ("run_id", "stage", "task_gid", "attempt"),
)

_BASE_NAME = Column(
    "base_name", Type.STRING, "the stage's name in the base, where it has another there", "it has the same, or is on one side alone"
)

COMPARE = Table(
    "compare",
    "one stage of a workflow, or the whole of it, in runs that are like each other",
    (
        _WORKFLOW,
        _STAGE_OR_TOTAL,
        Column("n_base", Type.INTEGER, "runs of the base with a known time, in clusters that both sides have (in all, if there is none)"),
        Column("n_candidate", Type.INTEGER, "runs of the candidate, likewise"),
        Column(
            "base_s",
            Type.REAL,
            "median of the base, seconds; over several clusters the mean of their medians, same weights on both sides",
            "n_base is 0",
        ),
        Column("candidate_s", Type.REAL, "median of the candidate, likewise", "n_candidate is 0"),
        Column("diff_s", Type.REAL, "candidate_s less base_s", "no cluster has runs on both sides"),
        Column(
            "ratio",
            Type.REAL,
            "candidate over base: median of all pairs within clusters (Hodges-Lehmann, of logarithms)",
            "no cluster has runs on both sides",
        ),
        Column("ci_low", Type.REAL, "lower end of the 95 % interval of the ratio", "too few runs for one"),
        Column("ci_high", Type.REAL, "upper end of the 95 % interval of the ratio", "too few runs for one"),
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
        Column("also", Type.STRING, "further differences shown, in the words of the verdict", "none was shown"),
        Column("reason", Type.STRING, "why the runs cannot decide", "the verdict is not `insufficient`"),
        Column("n_agents", Type.INTEGER, "agents of the runs compared", "no run of the workflow was compared"),
        Column("outcome", Type.STRING, "outcome of the runs compared"),
        Column(
            "n_needed",
            Type.INTEGER,
            "runs each side needs: for a test among all these rows, or to show what is seen, four times out of five (Noether)",
            "the verdict is not `insufficient`, or no cluster has runs on both sides",
        ),
        Column("clusters", Type.STRING, "labels of the clusters compared", "no label, or no cluster has runs on both sides"),
        Column(
            "unmatched_clusters", Type.STRING, "clusters with runs on one side alone, which are not compared", "every cluster has a partner"
        ),
        Column(
            "n_effective_base",
            Type.REAL,
            "independent runs that tell as much as n_base runs, which may resemble their neighbours in time",
            "no cluster has runs on both sides",
        ),
        Column(
            "n_effective_candidate",
            Type.REAL,
            "independent runs that tell as much as n_candidate runs",
            "no cluster has runs on both sides",
        ),
        Column(
            "slow_share_base",
            Type.REAL,
            "share of slow runs in the base: those that take more than 1.5 medians of their cluster on both sides, and a tick more",
            "no cluster has runs on both sides",
        ),
        Column("slow_share_candidate", Type.REAL, "share of slow runs in the candidate", "no cluster has runs on both sides"),
        Column(
            "slow_p_value",
            Type.REAL,
            "p-value of the exact conditional test of the two shares of slow runs, corrected over all rows (Holm); shown at 0.01",
            "not tested: so few slow runs could show nothing",
        ),
        Column(
            "help_share_base",
            Type.REAL,
            "share of runs of the workflow in the base that needed help: all that ended in another way than by succeeding by themselves",
            "a stage, or no cluster has runs on both sides",
        ),
        Column(
            "help_share_candidate",
            Type.REAL,
            "share of runs of the candidate that needed help",
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
        Column("stage", Type.INTEGER, "the stage's usual place in the candidate (in the base, if that alone has it); 0 for the whole run"),
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
            "the stage it lies in or before (after, of the last one), by its place in the candidate, else in the base",
            "it lies in no stage that is known",
        ),
        Column("name", Type.STRING, "the stage's name; a later stage of the same name has its number behind it", "stage is"),
        Column("category", Type.STRING, "what the time was spent on"),
        Column("base_s", Type.REAL, "in the base, seconds"),
        Column("candidate_s", Type.REAL, "in the candidate, seconds"),
        Column("diff_s", Type.REAL, "candidate less base; all rows add up to the difference of the two elapsed times"),
        Column("on", Type.STRING, "`both` runs have the stage, or the `base` or the `candidate` alone"),
        _BASE_NAME,
    ),
    ("stage", "name", "category"),
)

CHECK = Table(
    "check",
    "one condition",
    (
        Column("condition", Type.STRING, "as it was given"),
        Column("decision", Type.STRING, "`tripped`: shown to be beyond the limit; `held`: shown not to be; `undecided`: neither"),
        Column("metric", Type.STRING, "what it is about"),
        Column("value", Type.REAL, "its value in the archive", "no run tells"),
        Column("low", Type.REAL, "it is at least so much (95 %, one-sided)", "nothing bounds it, or no run tells"),
        Column("high", Type.REAL, "it is at most so much (95 %, one-sided)", "nothing bounds it, or no run tells"),
        Column("limit", Type.REAL, "the limit"),
        Column("n", Type.INTEGER, "runs it is taken from"),
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
            "`shift`: from one level to another; `drift`: slowly, over the whole history; `cycle`: again and again, every `period_s`",
        ),
        Column("at_run_id", Type.STRING, "the first run on the new level; of a drift or a cycle, the first run of the history"),
        Column("at", Type.INSTANT, "start of that run"),
        Column("before_s", Type.REAL, "median before a shift, start of a drift, trough of a cycle, seconds"),
        Column("after_s", Type.REAL, "median since a shift, end of a drift, peak of a cycle, seconds"),
        Column("ratio", Type.REAL, "after_s over before_s"),
        Column("n_before", Type.INTEGER, "runs on the level before", "a drift or a cycle"),
        Column("n_after", Type.INTEGER, "runs on the level since", "a drift or a cycle"),
        Column(
            "confidence",
            Type.REAL,
            "1 less the p-value, corrected over all histories of the archive: of the best split of ranks, or of the test that lets each "
            "run resemble the one before it, whichever is larger",
        ),
        Column("n_agents", Type.INTEGER, "agents of these runs"),
        _CLUSTER,
        Column("period_s", Type.REAL, "length of a cycle, seconds: a day or a week", "no cycle"),
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
        Column("lane", Type.INTEGER, "the lane it is drawn in, from 0 at the top; a lane has one label"),
        Column("label", Type.STRING, "the lane's label"),
        Column("group", Type.STRING, "what neighbouring lanes have in common: their stage, their agent or their run", "a break"),
        Column("depth", Type.INTEGER, "0 for the run itself, 1 for its child runs, and so on"),
        Column("stage", Type.INTEGER, "its stage", "the bar belongs to no stage"),
        Column("stage_name", Type.STRING, "the stage's name; of a stretch of time, the DAG's", "no answer names it, or a break"),
        Column("task_gid", Type.STRING, "the sub-task", "no attempt"),
        Column("agent", Type.STRING, "`ip:port`", "no attempt, or unknown"),
        Column("attempt", Type.INTEGER, "its number", "no attempt"),
        Column("kind", Type.STRING, "`run`, `rollback` or `unknown`", "no attempt"),
        Column(
            "outcome", Type.STRING, "what the attempt came to; of a stage never run, the stage; of a stretch of time, the run", "a break"
        ),
        Column("category", Type.STRING, "what a stretch of time was spent on, or most of a cut", "neither"),
        Column("evidence", Type.STRING, "`observed`, `inferred` or `lost`", "a stage never run, a break"),
        Column("dispatched_at", Type.INSTANT, "start of the node execution that handed the attempt out", "unknown, or no attempt"),
        Column("started_at", Type.INSTANT, "where the bar begins", "a stage never run, or an attempt of unknown times, which has no bar"),
        Column("ended_at", Type.INSTANT, "where the bar ends; of an open bar, until when it is known to have run", "started_at is"),
        Column("noticed_at", Type.INSTANT, "end of that node execution: when the engine noticed", "unknown, or no attempt"),
        Column("is_open", Type.BOOLEAN, "whether the end is not known: still running, or overwritten"),
        Column("passed_at", Type.INSTANT, "when an operator, or the main DAG, passed the sub-task", "nobody did"),
        Column("on_path", Type.BOOLEAN, "whether the run waited for the attempt: it is on the critical path", "no path was given"),
        Column("n", Type.INTEGER, "sub-tasks the bar stands for; of a stretch of time, those of the run"),
        Column("n_attempts", Type.INTEGER, "attempts the bar stands for; of a stretch of time, those of the run", "a cut or an empty lane"),
        Column("error", Type.STRING, "the attempt's telling log line", "it did not fail, or none was logged"),
        Column("x_dispatched", Type.REAL, "dispatched_at on the axis: seconds from its beginning, less what is cut", "dispatched_at is"),
        Column("x_started", Type.REAL, "started_at on the axis", "started_at is"),
        Column("x_ended", Type.REAL, "ended_at on the axis", "ended_at is"),
        Column("x_noticed", Type.REAL, "noticed_at on the axis", "noticed_at is"),
        Column("x_passed", Type.REAL, "passed_at on the axis", "passed_at is"),
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
        Column("agent", Type.STRING, "`ip:port` of the newest answer", "absent or unusable"),
        _OUTCOME,
        Column("place", Type.INTEGER, "what to look at first in the run, from 1; sub-tasks that differ only in the agent share a place"),
        Column("grounds", Type.STRING, "what shows the trouble: its `outcome`, an `attempt` that failed, or an error `line` alone"),
        Column("n_failed", Type.INTEGER, "attempts known to have failed, timed out, been cancelled or interrupted"),
        Column("error_code", Type.STRING, "code of the last ERROR line", "no such line, or one without a code (before obshell 4.3.1)"),
        Column("line", Type.STRING, "the log line that tells most of the newest failure", "no log line tells anything"),
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
        Column("troubled", Type.BOOLEAN, "whether it did not simply succeed, or a child DAG of it did not do its work"),
        Column("rank", Type.INTEGER, "how badly the run ended, from 0 (worst); a main run ranks no better than a child DAG that failed it"),
        Column("is_child", Type.BOOLEAN, "whether the archive holds its main run"),
        Column("elapsed_s", Type.REAL, "from its first known start to its last known end, seconds", "not ended, or an end is unknown"),
        Column("started_at", Type.INSTANT, "when it began", "unknown"),
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
