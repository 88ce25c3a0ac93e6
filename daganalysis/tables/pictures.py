"""What pictures show: the frame behind each of them."""

from __future__ import annotations

from types import MappingProxyType

from daganalysis.tables.archive_tables import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.results import GANTT_BARS

_LANE = Column("lane", Type.INTEGER, "the lane it is drawn in, from 0 at the top")
_LABEL = Column("label", Type.STRING, "the lane's label")
_WORKFLOW = Column("workflow", Type.STRING, "the DAG's name without its parameters", "no answer names the DAG")
_NAME = Column("name", Type.STRING, "the stage's name; a second stage of the name in a run ends in #2", "no answer names it")
_N_RUNS = Column("n_runs", Type.INTEGER, "runs it stands for")

BUDGET_BARS = Table(
    "budget_bars",
    "one part of one bar of a time budget",
    (
        _LANE,
        _LABEL,
        Column("run_id", Type.STRING, "the run, as in `dags`", "the bar is the mean of the other runs"),
        _N_RUNS,
        Column("category", Type.STRING, "what the time was spent on"),
        Column("start_s", Type.REAL, "where the part begins, seconds"),
        Column("end_s", Type.REAL, "where it ends; that of the last part is the bar's length"),
        Column("share", Type.REAL, "the part's share of the bar"),
    ),
    ("lane", "start_s"),
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
        Column("n", Type.INTEGER, "runs measured", "a dot"),
        Column("run_id", Type.STRING, "the run", "a box"),
        Column("value_s", Type.REAL, "the run's latency; of a box, the median, seconds"),
        Column("p5_s", Type.REAL, "5th percentile", "a dot"),
        Column("p25_s", Type.REAL, "lower quartile", "a dot"),
        Column("p75_s", Type.REAL, "upper quartile", "a dot"),
        Column("p95_s", Type.REAL, "95th percentile", "a dot"),
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
        Column("column", Type.INTEGER, "its place by the runs' starts, from 0"),
        Column("from_run_id", Type.STRING, "the first run of the column"),
        Column("to_run_id", Type.STRING, "the last; the same, unless there are too many runs for a column each"),
        _N_RUNS,
        Column("latency_s", Type.REAL, "the stage's latency; of several runs the median, seconds"),
        Column("ratio", Type.REAL, "as a multiple of the stage's median over all runs"),
    ),
    ("lane", "column"),
)

STRAGGLER_CELLS = Table(
    "straggler_cells",
    "one cell of a map: a stage and an agent",
    (
        _LANE,
        _LABEL,
        Column("column", Type.INTEGER, "the agent's place, those that others waited for longest first"),
        Column(
            "agent", Type.STRING, "`ip:port`, behind its cluster's label where there are several; of the last column, how many others it is"
        ),
        Column("n", Type.INTEGER, "executions in which the agent took part"),
        Column("n_slowest", Type.INTEGER, "of these, in how many it was the slowest"),
        Column("barrier_wait_s", Type.REAL, "how long the others waited for it, seconds in sum"),
        Column("flagged", Type.BOOLEAN, "whether it was slowest more often than chance would have it"),
    ),
    ("lane", "column"),
)

RETRY_PERIODS = Table(
    "retry_periods",
    "one period of time",
    (
        Column("from_at", Type.INSTANT, "where the period begins"),
        Column("to_at", Type.INSTANT, "where the next one begins"),
        Column("n_runs", Type.INTEGER, "runs that started in it"),
        Column("n_retried", Type.INTEGER, "of these, runs that an operator retried"),
        Column("n_rolled_back", Type.INTEGER, "of these, runs that an operator rolled back, and did not retry"),
        Column("n_retries", Type.INTEGER, "retries by operators: the fewest that explain what is known"),
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
        Column("x_start", Type.REAL, "seconds after the run's first attempt, less what is cut"),
        Column("x_end", Type.REAL, "where it ends"),
        Column("stage_s", Type.REAL, "all executions of the stage in the run together, seconds"),
        Column("diff_s", Type.REAL, "how much longer the candidate's took than the base's, seconds", "the other run did not execute it"),
    ),
    ("lane", "side", "x_start"),
)

TREND_MARKS = Table(
    "trend_marks",
    "one run, or one level between shifts",
    (
        Column("role", Type.STRING, "`run` · `level`: the median between two shifts · `shift`: where a new level begins"),
        _WORKFLOW,
        Column("name", Type.STRING, "the stage", "whole runs"),
        Column("run_id", Type.STRING, "the run, or the first it stands for; of a shift, the first of the new level", "a level"),
        _N_RUNS,
        Column("at", Type.INSTANT, "when the run started; where the level begins"),
        Column("until", Type.INSTANT, "where the level ends", "no level"),
        Column("value_s", Type.REAL, "how long it took; of several runs, and of a level, the median, seconds"),
        Column("ratio", Type.REAL, "the new level as a multiple of the old", "no shift"),
    ),
    (),
)

EVENT_MARKS = Table(
    "event_marks",
    "one bar or mark of a chart of everything that happened in a cluster",
    (
        Column(
            "role", Type.STRING, "`lock`: a holding of a lock · `run` · `stood`: it stood FAILED until a person acted · `mark`: an event"
        ),
        _LANE,
        _LABEL,
        Column("run_id", Type.STRING, RUN_ID.meaning, "it concerns no run"),
        Column("what", Type.STRING, "the kind of lock, the outcome of the run, or the event"),
        Column("started_at", Type.INSTANT, "where it begins"),
        Column("ended_at", Type.INSTANT, "where it ends, or until when it is known to have lasted"),
        Column("is_open", Type.BOOLEAN, "whether its end is not known"),
        Column("x_started", Type.REAL, "started_at on the axis: seconds from its beginning, less the time in which no run was under way"),
        Column("x_ended", Type.REAL, "ended_at on the axis"),
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
