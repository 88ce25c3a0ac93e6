"""The result tables about where the time of stages and runs went: durations, gaps, budgets, stragglers and charts."""

from __future__ import annotations

from dataclasses import replace

from daganalysis.engine.vocabulary import CATEGORIES, IN_STAGE, listed
from daganalysis.tables.base_columns import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.result_columns import CLUSTER, N_EFFECTIVE, OUTCOME, STAGE, STAGE_NAME, WORKFLOW

STAGE_LATENCY = Table(
    "stage_latency",
    "one executed stage of a run",
    (
        RUN_ID,
        WORKFLOW,
        STAGE,
        STAGE_NAME,
        OUTCOME,
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

STAGE_LATENCY_BY_WORKFLOW = Table("stage_latency", "one stage name of a workflow", (WORKFLOW, STAGE_NAME, *_GROUPED), ("workflow", "name"))

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
        Column("category", Type.STRING, f"cause of the gap: {listed(name for name in CATEGORIES if name not in IN_STAGE)}"),
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

STRAGGLERS = Table(
    "stragglers",
    "one agent in one stage name of a workflow",
    (
        WORKFLOW,
        STAGE_NAME,
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
        N_EFFECTIVE,
        CLUSTER,
    ),
    (),
)

STRAGGLERS_BY_AGENT = Table(
    "stragglers",
    "one agent of a cluster, over all stages in which several agents were at work",
    (
        CLUSTER,
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
        N_EFFECTIVE,
    ),
    (),
)

STRAGGLERS_BY_ZONE = Table(
    "stragglers",
    "one zone of a cluster, over all stages in which agents of several zones were at work",
    tuple(
        Column("zone", Type.STRING, "newest zone of the agents in the table `agents`")
        if column.name == "agent"
        else replace(column, meaning=column.meaning.replace("the agent", "the zone").replace("this agent", "this zone"))
        for column in STRAGGLERS_BY_AGENT.columns
    ),
    (),
)

STRAGGLERS_BY_RUN = Table(
    "stragglers",
    "one execution of a stage with at least two agents at work",
    (
        RUN_ID,
        WORKFLOW,
        STAGE,
        STAGE_NAME,
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
