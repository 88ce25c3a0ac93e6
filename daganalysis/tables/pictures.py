"""The frames of the pictures."""

from __future__ import annotations

from types import MappingProxyType

from daganalysis.tables.base_columns import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.result_columns import CLUSTER
from daganalysis.tables.results import GANTT_BARS

_LANE = Column("lane", Type.INTEGER, "lane of the row, from 0 at the top")
_LABEL = Column("label", Type.STRING, "label of the lane")
_WORKFLOW = Column("workflow", Type.STRING, "the DAG's name without its parameters", "no answer names the DAG")
_NAME = Column("name", Type.STRING, "name of the stage; #2 is appended to the second stage of the same name in a run", "no answer names it")
_N_RUNS = Column("n_runs", Type.INTEGER, "number of runs in the row")

BUDGET_BARS = Table(
    "budget_bars",
    "one part of one bar of a time budget, or one prediction of how long the bar would have been",
    (
        _LANE,
        _LABEL,
        Column("run_id", Type.STRING, "run_id of the run, as in `dags`", "the bar is the mean of several runs"),
        _N_RUNS,
        Column("category", Type.STRING, "what the time was spent on", "the row is a prediction"),
        Column("scenario", Type.STRING, "the scenario of `what_if` that the row is the prediction of", "the row is a part of the bar"),
        Column("start_s", Type.REAL, "start of the part, seconds from the start of the bar; of a prediction, its lower bound"),
        Column("end_s", Type.REAL, "end of the part, seconds from the start of the bar; of a prediction, its upper bound"),
        Column("share", Type.REAL, "share of the bar that the part takes; of a prediction, the share saved for certain"),
    ),
    ("lane", "start_s", "scenario"),
)

LATENCY_MARKS = Table(
    "latency_marks",
    "one box, or one dot, of a distribution of stage latencies",
    (
        Column("role", Type.STRING, "`box`: the quantiles of a stage · `dot`: one run"),
        _LANE,
        _LABEL,
        _WORKFLOW,
        _NAME,
        Column("n", Type.INTEGER, "number of runs measured", "a dot"),
        Column("run_id", Type.STRING, "run_id of the run", "a box"),
        Column("value_s", Type.REAL, "latency of the run; for a box, the median latency, seconds"),
        Column("p5_s", Type.REAL, "5th percentile of the latencies, seconds", "a dot"),
        Column("p25_s", Type.REAL, "lower quartile of the latencies, seconds", "a dot"),
        Column("p75_s", Type.REAL, "upper quartile of the latencies, seconds", "a dot"),
        Column("p95_s", Type.REAL, "95th percentile of the latencies, seconds", "a dot"),
    ),
    (),
)

STAGE_RUN_CELLS = Table(
    "stage_run_cells",
    "one cell of a heat map: a stage in a run, or in neighbouring runs",
    (
        _WORKFLOW,
        _LANE,
        _LABEL,
        _NAME,
        Column("column", Type.INTEGER, "column, from 0, in order of the runs' starts"),
        Column("from_run_id", Type.STRING, "first run of the column"),
        Column("to_run_id", Type.STRING, "last run of the column; equal to from_run_id unless a column holds several runs"),
        _N_RUNS,
        Column("latency_s", Type.REAL, "latency of the stage; the median of several runs, seconds"),
        Column("ratio", Type.REAL, "latency_s divided by the stage's median over all runs"),
    ),
    ("lane", "column"),
)

STRAGGLER_CELLS = Table(
    "straggler_cells",
    "one cell of a map: a stage and an agent",
    (
        _LANE,
        _LABEL,
        Column("column", Type.INTEGER, "column of the agent, from 0; agents that others waited for longest come first"),
        Column(
            "agent",
            Type.STRING,
            "`ip:port` of the agent, after its cluster's label where there are several; for the last column, the number of other agents",
        ),
        Column("n", Type.INTEGER, "number of executions in which the agent took part"),
        Column("n_slowest", Type.INTEGER, "number of executions in which the agent was the slowest"),
        Column("barrier_wait_s", Type.REAL, "total time the others waited for the agent, seconds"),
        Column("flagged", Type.BOOLEAN, "whether the agent was slowest more often than chance explains"),
    ),
    ("lane", "column"),
)

RETRY_PERIODS = Table(
    "retry_periods",
    "one period of time",
    (
        Column("from_at", Type.INSTANT, "start of the period"),
        Column("to_at", Type.INSTANT, "start of the next period"),
        Column("n_runs", Type.INTEGER, "number of runs that started in the period"),
        Column("n_retried", Type.INTEGER, "number of these runs that a person retried"),
        Column("n_rolled_back", Type.INTEGER, "number of these runs that a person rolled back and did not retry"),
        Column("n_retries", Type.INTEGER, "lower bound on the number of retries by persons"),
    ),
    ("from_at",),
)

ALIGNED_BARS = Table(
    "aligned_bars",
    "one execution of a stage in one of two runs",
    (
        Column("side", Type.STRING, "`base` or `candidate`"),
        RUN_ID,
        _LANE,
        _LABEL,
        _NAME,
        Column("kind", Type.STRING, "`run` or `rollback`"),
        Column("x_start", Type.REAL, "start of the execution, seconds after the run's first attempt, without what is cut"),
        Column("x_end", Type.REAL, "end of the execution, on the same axis, seconds"),
        Column("stage_s", Type.REAL, "total time of all executions of the stage in the run, seconds"),
        Column("diff_s", Type.REAL, "stage_s of the candidate minus stage_s of the base, seconds", "one run alone executed the stage"),
    ),
    ("lane", "side", "x_start"),
)

TREND_MARKS = Table(
    "trend_marks",
    "one run, or one level between shifts",
    (
        Column("role", Type.STRING, "`run`: a run · `level`: the median between two shifts · `shift`: the start of a new level"),
        _WORKFLOW,
        Column("name", Type.STRING, "name of the stage", "the row is about whole runs"),
        Column("run_id", Type.STRING, "the run, or the first of several; for a shift, the first run of the new level", "a level"),
        _N_RUNS,
        Column("at", Type.INSTANT, "start of the run or of the level"),
        Column("until", Type.INSTANT, "end of the level", "no level"),
        Column("value_s", Type.REAL, "how long the run took; for several runs, and for a level, the median, seconds"),
        Column("ratio", Type.REAL, "new level divided by the old level", "no shift"),
    ),
    (),
)

EVENT_MARKS = Table(
    "event_marks",
    "one bar or mark of a chart of everything that happened in a cluster",
    (
        Column(
            "role",
            Type.STRING,
            "`lock`: a holding of a lock · `run`: a run · `stood`: the run was FAILED until a person acted · `mark`: an event",
        ),
        _LANE,
        _LABEL,
        CLUSTER,
        Column("run_id", Type.STRING, RUN_ID.meaning, "the row concerns no run"),
        Column(
            "what",
            Type.STRING,
            "the kind of lock, the outcome of the run (`passed_as_planned` if its main DAG passed it once its work was done), or the event",
        ),
        Column("started_at", Type.INSTANT, "start of the bar, or time of the event"),
        Column("ended_at", Type.INSTANT, "end of the bar, or the last time at which it is known to have lasted"),
        Column("is_open", Type.BOOLEAN, "whether the end is unknown"),
        Column("x_started", Type.REAL, "started_at on the axis: seconds from its start, without the time in which no run was active"),
        Column("x_ended", Type.REAL, "ended_at on the axis, seconds"),
    ),
    (),
)

PICTURE_FRAMES: MappingProxyType[str, Table] = MappingProxyType(
    {
        table.name: table
        for table in (
            GANTT_BARS,
            BUDGET_BARS,
            LATENCY_MARKS,
            STAGE_RUN_CELLS,
            STRAGGLER_CELLS,
            RETRY_PERIODS,
            ALIGNED_BARS,
            TREND_MARKS,
            EVENT_MARKS,
        )
    }
)
"""Every frame of a picture by its name."""
