"""The tables of a report: which columns of which analysis, in which order, and how many rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import SEVERITIES, WORST_FIRST
from daganalysis.pages.shown_tables import shown_table
from daganalysis.tables import DAGS, Column, Type

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.pages.shown_tables import ShownTable

MOST_RUNS = 1_000
"""Runs listed one by one; a larger archive lists its worst."""
MOST_ROWS = 50
"""Rows of every other table."""
_MOST_LEVEL = 5
"""With more outcomes than this, their names stand upright: the counts below are short, and a laptop's screen has no room for all names."""
_FEWEST_AGENTS = 10
"""The largest number of agents to list beyond the flagged ones: agents that nobody waits for tell nothing."""


def report_tables(archive: Archive, ranked: pd.DataFrame, per_workflow: pd.DataFrame, conclusions: dict[str, str]) -> dict[str, ShownTable]:
    """Make the tables that need only the archive, its ranked runs and the sentences about those that are listed, by name."""
    return {
        "summary": _summary_table(per_workflow),
        "failures": _failures_table(archive),
        "retry_patterns": _retry_patterns_table(archive),
        "runs": _runs_table(ranked, conclusions),
        "stages": _stages_table(archive),
        "issues": _issues_table(archive),
    }


def _summary_table(per_workflow: pd.DataFrame) -> ShownTable:
    from daganalysis.tables.results import SUMMARY

    seen = [outcome for outcome in WORST_FIRST if outcome in per_workflow.columns and per_workflow[outcome].sum() > 0]
    rows = per_workflow.sort_values(["n_runs", "workflow"], ascending=[False, True])
    columns = [
        "workflow",
        "n_runs",
        *seen,
        "elapsed_p50_s",
        "elapsed_p95_s",
        "engine_share",
        "retry_share",
        "slowest_stage",
        "n_agents_max",
        "last_run_id",
    ]
    return shown_table(
        rows,
        SUMMARY,
        columns,
        title="Runs by workflow and outcome",
        order="those with most runs first",
        most=MOST_ROWS,
        command="summary ARCHIVE",
        upright=seen if len(seen) > _MOST_LEVEL else (),
    )


def _failures_table(archive: Archive) -> ShownTable:
    from daganalysis.analysis import failures
    from daganalysis.tables.results import FAILURES

    rows = failures(archive).sort_values("n", ascending=False, kind="stable")
    columns = ["error_code", "n", "n_runs", "n_agents", "workflow", "name", "example_line", "first_seen", "last_seen"]
    columns += ["n_outage", "example_run_id"] if rows["n_outage"].any() else ["example_run_id"]
    return shown_table(
        rows,
        FAILURES,
        columns,
        title="What failed, by signature",
        order="the most frequent first",
        most=MOST_ROWS,
        command="failures ARCHIVE",
    )


def _retry_patterns_table(archive: Archive) -> ShownTable:
    from daganalysis.analysis import retry_patterns
    from daganalysis.tables.results import RETRY_PATTERNS

    rows = retry_patterns(archive).sort_values(["n_retried", "retry_share"], ascending=False, kind="stable")
    columns = [
        "workflow",
        "name",
        "error_code",
        "n_runs",
        "n_retried",
        "retry_share",
        "retries_p50",
        "succeeded_after_share",
        "agents",
        *(["n_outage"] if rows["n_outage"].any() else []),
        "example_run_id",
    ]
    return shown_table(
        rows,
        RETRY_PATTERNS,
        columns,
        title="What was retried",
        order="the most retried first",
        most=MOST_ROWS,
        command="retry-patterns ARCHIVE",
    )


def listed_runs(ranked: pd.DataFrame) -> list[str]:
    """Return the runs that the table of all runs lists."""
    listed: list[str] = ranked["run_id"].head(MOST_RUNS).tolist()
    return listed


def _runs_table(ranked: pd.DataFrame, conclusions: dict[str, str]) -> ShownTable:
    from daganalysis.tables.explanations import RUNS

    rows = ranked.assign(conclusion=ranked["run_id"].map(conclusions).astype("str").where(ranked["run_id"].isin(conclusions)))
    columns = ["run_id", "name", "outcome", "work_ok", "elapsed_s", "started_at", "conclusion", "retries_min", "n_agents", "parent_run_id"]
    extra = [column for column in RUNS.columns if column.name == "conclusion"]
    return shown_table(
        rows,
        DAGS,
        columns,
        title="All runs",
        order="the worst first, child DAGs last",
        most=MOST_RUNS,
        name="runs",
        command="table ARCHIVE dags",
        extra=extra,
    )


def _stages_table(archive: Archive) -> ShownTable:
    from daganalysis.analysis import stage_latency
    from daganalysis.tables.results import STAGE_LATENCY_BY_WORKFLOW

    rows = stage_latency(archive, level="workflow").sort_values("max_s", ascending=False, kind="stable")
    columns = ["workflow", "name", "n", "p50_s", "p95_s", "max_s", "max_run_id", "n_censored"]
    return shown_table(
        rows,
        STAGE_LATENCY_BY_WORKFLOW,
        columns,
        title="Slowest stages",
        order="the one with the longest execution first",
        most=MOST_ROWS,
        name="stages",
        command="stage-latency ARCHIVE --level workflow",
    )


def agents_table(rows: pd.DataFrame) -> ShownTable:
    """Show the stragglers by agent, the flagged first."""
    from daganalysis.tables.results import STRAGGLERS_BY_AGENT

    columns = [
        "cluster",
        "agent",
        "flagged",
        "n",
        "n_slowest",
        "slowest_low",
        "slowest_high",
        "skew_p50",
        "barrier_wait_s",
        "late_p50_s",
        "worst_stage",
    ]
    return shown_table(
        rows.sort_values(["flagged", "barrier_wait_s"], ascending=False, kind="stable"),
        STRAGGLERS_BY_AGENT,
        columns,
        title="Agents that others waited for, over all stages",
        order="the flagged first, then the most waited for",
        most=MOST_ROWS,
        command="stragglers ARCHIVE --level agent",
    )


def stragglers_table(rows: pd.DataFrame) -> ShownTable:
    """Show the stragglers by stage and agent: the flagged, and some of the others."""
    from daganalysis.tables.results import STRAGGLERS

    columns = [
        "cluster",
        "workflow",
        "name",
        "agent",
        "flagged",
        "n",
        "n_slowest",
        "slowest_low",
        "slowest_high",
        "skew_p50",
        "barrier_wait_s",
    ]
    return shown_table(
        rows,
        STRAGGLERS,
        columns,
        title="Agents that others waited for, stage by stage",
        order="the flagged first, then the most waited for",
        most=min(MOST_ROWS, max(_FEWEST_AGENTS, int(rows["flagged"].sum()))),
        command="stragglers ARCHIVE",
    )


def _issues_table(archive: Archive) -> ShownTable:
    """Count the issues by code; the archive has every one, the page an example of each."""
    from daganalysis.analysis import all_issues
    from daganalysis.tables import ISSUES

    issues = all_issues(archive)
    first = issues.drop_duplicates("code").set_index("code")
    counts = issues.groupby("code").size()
    rows = first.assign(n=counts, severity_order=first["severity"].map(places(SEVERITIES))).reset_index()
    rows = rows.sort_values(["severity_order", "n", "code"], ascending=[True, False, True])
    extra = [Column("n", Type.INTEGER, "how many issues have this code")]
    columns = ["severity", "code", "n", "message", "hint", "source", "position", "run_id"]
    row = "one code of issue, with its first example"
    return shown_table(
        rows,
        ISSUES,
        columns,
        title="Issues of the input",
        order="errors first",
        most=MOST_ROWS,
        command="table ARCHIVE issues",
        row=row,
        extra=extra,
    )


def places(words: Iterable[str]) -> dict[str, int]:
    """Number words in their order, to sort by."""
    return {word: n for n, word in enumerate(words)}
