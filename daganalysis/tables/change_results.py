"""The result tables about what changed: comparisons, gates and trends."""

from __future__ import annotations

from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.result_columns import CLUSTER, STAGE_OR_TOTAL, WORKFLOW

_BASE_NAME = Column(
    "base_name", Type.STRING, "the stage's name in the base, if it differs", "the name is the same, or only one side has the stage"
)

COMPARE = Table(
    "compare",
    "one stage of a workflow, or the whole workflow, in comparable runs",
    (
        WORKFLOW,
        STAGE_OR_TOTAL,
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
            "runs that each side needs: for any test among all these rows, or to show the difference that is seen "
            "in four of five cases (Noether)",
            "the verdict is not `insufficient`, or no cluster has runs on both sides",
        ),
        Column("clusters", Type.STRING, "labels of the clusters compared", "no label, or no cluster has runs on both sides"),
        Column(
            "unmatched_clusters",
            Type.STRING,
            "labels of clusters with runs on only one side; these runs are not compared",
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
        WORKFLOW,
        Column(
            "stage",
            Type.INTEGER,
            "number of the stage of the time (of a pause, the stage after it; at the end of the run, the last one), in the candidate, "
            "or in the base if the candidate lacks the stage",
            "the time belongs to no known stage",
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
        Column("assumes", Type.STRING, "what the decision assumes because the runs cannot show it", "nothing"),
    ),
    (),
)

TREND = Table(
    "trend",
    "one level shift, drift or cycle in the history of a stage of a workflow, or of the whole workflow",
    (
        WORKFLOW,
        STAGE_OR_TOTAL,
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
        CLUSTER,
        Column("period_s", Type.REAL, "length of the cycle, seconds: a day or a week", "a shift or a drift"),
    ),
    ("cluster", "workflow", "n_agents", "at", "name"),
)
