"""What a report says, as plain data: collected once from the frames of the analyses, then written as HTML, JSON or Markdown.

Whatever a page shows as a number is in here, so ``report.json`` holds it. Tables are cut to their first rows, and say so; nothing else is
left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daganalysis.analysis.ranking import rank_runs
from daganalysis.engine.vocabulary import CATEGORIES, ENGINE_TIME, RUN_OUTCOMES, SEVERITIES, VERDICTS, WORST_FIRST
from daganalysis.pages.report_page.figures import picture_frames, plain_pictures
from daganalysis.pages.report_page.run_sections import run_section
from daganalysis.pages.report_page.worst_runs import find_culprits
from daganalysis.pages.shown_tables import plain_row, shown_table
from daganalysis.progress import silent
from daganalysis.tables import DAGS, Column, Type
from daganalysis.tables.plain_rows import instant_texts, rows_of
from daganalysis.text.zones import UTC, Zone, servers_zone

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.pages.report_page.worst_runs import Culprit
    from daganalysis.pages.shown_tables import ShownTable
    from daganalysis.progress import Progress
    from daganalysis.tables.plain_rows import Row

MOST_RUNS = 1_000
"""Runs listed one by one; a larger archive lists its worst."""
MOST_ROWS = 50
"""Rows of every other table."""
MOST_ON_TOP = 3
"""Runs of which the first screen tells."""
MOST_WORST, MOST_SLOWEST = 12, 6
"""Runs with a section of their own: the worst, and the slowest of the others."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything a report says: ``tables`` by name, ``sections`` the runs that have one of their own, in the order of the page.

    ``pictures`` are the frames of what is drawn, by name; ``names`` the name and the start of each run; ``zone`` the one of all times.
    """

    overview: Row
    outcomes: list[Row]
    worst: Row | None
    worst_runs: list[Row]
    clusters: list[Row]
    time_spent: list[Row]
    tables: dict[str, ShownTable]
    sections: list[Row]
    comparison: Row | None = None
    notes: list[str] = field(default_factory=list)
    pictures: dict[str, pd.DataFrame] = field(default_factory=dict)
    names: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    zone: Zone = UTC

    def plain(self) -> dict[str, Any]:
        """Return everything as plain data, for ``report.json``."""
        return {
            "overview": self.overview,
            "outcomes": self.outcomes,
            "worst_run": self.worst,
            "worst_runs": self.worst_runs,
            "clusters": self.clusters,
            "time_spent": self.time_spent,
            "comparison": self.comparison,
            "tables": {name: table.plain() for name, table in self.tables.items()},
            "runs": self.sections,
            "worst_first": list(WORST_FIRST),
            "notes": self.notes,
            "pictures": plain_pictures(self.pictures),
        }


def collect(archive: Archive, progress: Progress = silent, zone: Zone | None = None) -> Collected:
    """Collect what a report says of an archive; ``progress`` is told a stage, how much is done, of how much.

    ``zone`` is the one in which a page tells times; None stands for the servers' own.
    """
    from daganalysis.analysis import stragglers, summary, time_budget, trend

    ranked = rank_runs(archive)
    chosen = _chosen(ranked)
    culprits = find_culprits(archive, dict.fromkeys([*ranked["run_id"].head(1), *chosen]))
    budget = time_budget(archive)
    per_workflow = summary(archive)
    lagging, shifts = stragglers(archive), trend(archive)
    tables = _tables(archive, ranked, per_workflow, culprits)
    tables |= {"stragglers_by_agent": _agents_table(stragglers(archive, level="agent")), "stragglers": _stragglers_table(lagging)}
    concluded = _concluded(archive, ranked, chosen)
    comparison = _changes(archive, shifts, tables)
    sections = []
    for number, run_id in enumerate(chosen):
        sections.append({**run_section(archive, run_id, culprits.get(run_id)), "conclusion": concluded.get(run_id)})
        progress("collecting", number + 1, len(chosen))
    return Collected(
        overview=_overview(archive, ranked, budget),
        outcomes=_outcomes(ranked),
        worst=_worst(ranked, culprits, budget),
        worst_runs=_worst_runs(ranked, culprits, concluded),
        clusters=_clusters(ranked, budget),
        time_spent=_time_spent(ranked, budget),
        tables=tables,
        sections=sections,
        comparison=comparison,
        names=_names(ranked),
        zone=zone or servers_zone(archive.arrow("dags", ["utc_offset_s"]).column("utc_offset_s").to_pylist()),
        pictures=picture_frames(archive, ranked[~ranked["is_child"]], budget, lagging, shifts),
    )


def _chosen(ranked: pd.DataFrame) -> list[str]:
    """Choose the runs that get a section: the worst in trouble, then the slowest of the rest; main DAGs before children."""
    mains = ranked[~ranked["is_child"]]
    worst = mains[mains["trouble"]].head(MOST_WORST)
    rest = mains[~mains["run_id"].isin(worst["run_id"])].sort_values(["elapsed_s", "run_id"], ascending=[False, True], na_position="last")
    return [*worst["run_id"], *rest["run_id"].head(MOST_SLOWEST)]


def _overview(archive: Archive, ranked: pd.DataFrame, budget: pd.DataFrame) -> Row:
    mains = ranked[~ranked["is_child"]]
    tasks = archive.table("sub_tasks", ["run_id", "agent"])
    # Agents of different clusters may have the same address.
    agents = tasks.merge(ranked[["run_id", "cluster"]], on="run_id")[["cluster", "agent"]].dropna(subset="agent").drop_duplicates()
    # The time of child DAGs lies within that of their main DAGs.
    timed = budget[budget["elapsed_s"].notna() & budget["run_id"].isin(mains["run_id"])]
    engine = timed[[CATEGORIES[part].column for part in ENGINE_TIME]].to_numpy().sum()
    total = timed["elapsed_s"].sum()
    first, last = instant_texts(_span(ranked))
    codes = archive.table("issues", ["code"])["code"]
    return {
        "n_runs": len(ranked),
        "n_child_runs": int(ranked["is_child"].sum()),
        "n_in_trouble": int(mains["trouble"].sum()),
        "n_main_runs": len(mains),
        "n_workflows": int(ranked["workflow"].nunique()),
        "n_clusters": int(ranked["cluster"].nunique()),
        "n_agents": len(agents),
        "n_sub_tasks": len(tasks),
        "n_snapshots": len(archive.table("snapshots", ["run_id"])),
        "n_issues": len(codes),
        "n_ids_came_back": int((codes == "id-came-back").sum()),
        "first_started_at": first,
        "last_observed_at": last,
        "n_timed_runs": len(timed),
        "elapsed_total_s": float(total) if len(timed) else None,
        "engine_share": float(engine / total) if total > 0 else None,
        "n_retried": int((ranked["retries_min"].fillna(0) > 0).sum()),
    }


def _span(ranked: pd.DataFrame) -> pd.Series[Any]:
    import pandas as pd

    ends = [ranked["started_at"].min(), ranked["last_observed_at"].max()]
    return pd.Series(
        pd.DatetimeIndex(ends).as_unit("ns").tz_convert("UTC")
        if any(end is not pd.NaT for end in ends)
        else pd.DatetimeIndex(ends, tz="UTC")
    )


def _outcomes(ranked: pd.DataFrame) -> list[Row]:
    """Count the runs by outcome, the worst outcome first; children apart."""
    counts = ranked.groupby(["outcome", "is_child"]).size()
    rows = []
    for outcome in WORST_FIRST:
        mains, children = int(counts.get((outcome, False), 0)), int(counts.get((outcome, True), 0))
        if mains or children:
            rows.append({"outcome": outcome, "n_main_runs": mains, "n_child_runs": children, "trouble": RUN_OUTCOMES[outcome].is_trouble})
    return rows


def _worst(ranked: pd.DataFrame, culprits: dict[str, Culprit], budget: pd.DataFrame) -> Row | None:
    if ranked.empty:
        return None
    columns = [
        "run_id",
        "name",
        "workflow",
        "outcome",
        "elapsed_s",
        "trouble",
        "retries_min",
        "retries_max",
        "rollbacks_min",
        "rollbacks_max",
    ]
    row = rows_of(ranked.head(1)[columns])[0]
    culprit = culprits.get(row["run_id"])
    spent = rows_of(budget[budget["run_id"] == row["run_id"]].drop(columns="run_id"))
    return {**row, "culprit": culprit.plain() if culprit else None, "budget": spent[0] if spent else None}


def _concluded(archive: Archive, ranked: pd.DataFrame, chosen: list[str]) -> dict[str, str]:
    """Say in one sentence what happened in the runs that have a section."""
    from daganalysis.analysis import runs

    told = runs(archive, run_ids=chosen)
    return dict(zip(told["run_id"], told["conclusion"], strict=True)) if len(ranked) else {}


def _worst_runs(ranked: pd.DataFrame, culprits: dict[str, Culprit], concluded: dict[str, str]) -> list[Row]:
    """Tell of the main runs that went worst, with the line that says why."""
    columns = ["run_id", "name", "outcome", "started_at", "elapsed_s"]
    worst = ranked[~ranked["is_child"] & ranked["trouble"]].head(MOST_ON_TOP)
    told = []
    for row in map(plain_row, rows_of(worst[columns])):
        culprit = culprits.get(row["run_id"])
        told.append({**row, "conclusion": concluded.get(row["run_id"]), "line": culprit.line if culprit else None})
    return told


def _clusters(ranked: pd.DataFrame, budget: pd.DataFrame) -> list[Row]:
    """Tell of each cluster, those with most time in trouble first; nothing where there is one."""
    mains = ranked[~ranked["is_child"]]
    if mains["cluster"].nunique(dropna=False) < 2:
        return []
    engine = budget.set_index("run_id")[[CATEGORIES[part].column for part in ENGINE_TIME]].sum(axis=1)
    waits = budget.set_index("run_id")["wait_operator_s"]
    rows = mains.assign(
        engine_s=mains["run_id"].map(engine).where(mains["elapsed_s"].notna()),
        wait_operator_s=mains["run_id"].map(waits).where(mains["elapsed_s"].notna()),
        troubled_s=mains["elapsed_s"].where(mains["trouble"]),
    )
    grouped = rows.groupby("cluster", dropna=False)
    told = grouped[["elapsed_s", "troubled_s", "wait_operator_s", "engine_s"]].sum()
    told.insert(0, "n_runs", grouped.size())
    told.insert(1, "n_in_trouble", grouped["trouble"].sum())
    told["engine_share"] = (told.pop("engine_s") / told["elapsed_s"]).where(told["elapsed_s"] > 0)
    return rows_of(told.reset_index().sort_values(["troubled_s", "n_in_trouble", "cluster"], ascending=[False, False, True]))


def _names(ranked: pd.DataFrame) -> dict[str, tuple[str, str | None]]:
    """Return the name and the start of each run, for whoever cannot tell it by its id."""
    names = ranked["name"].fillna("unnamed DAG").tolist()
    return dict(zip(ranked["run_id"], zip(names, instant_texts(ranked["started_at"]), strict=True), strict=True))


def _time_spent(ranked: pd.DataFrame, budget: pd.DataFrame) -> list[Row]:
    """Add the time budgets up by workflow, main runs and child DAGs apart, the largest first; only runs whose elapsed time is known."""
    timed = budget[budget["elapsed_s"].notna()].merge(ranked[["run_id", "workflow", "is_child"]], on="run_id")
    grouped = timed.groupby(["is_child", "workflow"], dropna=False)
    sums = grouped[["elapsed_s", *(f"{part}_s" for part in CATEGORIES)]].sum()
    sums.insert(0, "n_runs", grouped.size())
    return rows_of(sums.reset_index().sort_values(["is_child", "elapsed_s", "workflow"], ascending=[True, False, True], ignore_index=True))


def _tables(archive: Archive, ranked: pd.DataFrame, per_workflow: pd.DataFrame, culprits: dict[str, Culprit]) -> dict[str, ShownTable]:
    return {
        "summary": _summary_table(per_workflow),
        "failures": _failures_table(archive),
        "retry_patterns": _retry_patterns_table(archive),
        "runs": _runs_table(ranked, culprits),
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
    )


def _failures_table(archive: Archive) -> ShownTable:
    from daganalysis.analysis import failures
    from daganalysis.tables.results import FAILURES

    rows = failures(archive).sort_values("n", ascending=False, kind="stable")
    columns = ["error_code", "n", "n_runs", "n_agents", "workflow", "name", "example_line", "first_seen", "last_seen"]
    columns.append("example_run_id")
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


def _runs_table(ranked: pd.DataFrame, culprits: dict[str, Culprit]) -> ShownTable:
    where = {run_id: f"stage {culprit.stage} {culprit.name}" for run_id, culprit in culprits.items() if culprit.stage is not None}
    rows = ranked.assign(where=ranked["run_id"].map(where).astype("str").where(ranked["run_id"].isin(where)))
    columns = ["run_id", "name", "outcome", "work_ok", "elapsed_s", "started_at", "where", "retries_min", "n_agents", "parent_run_id"]
    extra = [Column("where", Type.STRING, "the stage in trouble, or the slowest, of the runs that have a section of their own")]
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


def _agents_table(rows: pd.DataFrame) -> ShownTable:
    from daganalysis.tables.results import STRAGGLERS_BY_AGENT

    columns = [
        "cluster",
        "agent",
        "flagged",
        "n",
        "n_slowest",
        "slowest_low",
        "slowest_high",
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


def _stragglers_table(rows: pd.DataFrame) -> ShownTable:
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


_FEWEST_AGENTS = 10
"""Agents are listed beyond the flagged ones up to so many: the many that nobody waits for tell nothing."""


def _places(words: Iterable[str]) -> dict[str, int]:
    return {word: n for n, word in enumerate(words)}


def _issues_table(archive: Archive) -> ShownTable:
    """Count the issues by code; the archive has every one, the page an example of each."""
    from daganalysis.tables import ISSUES

    issues = archive.issues
    first = issues.drop_duplicates("code").set_index("code")
    counts = issues.groupby("code").size()
    rows = first.assign(n=counts, severity_order=first["severity"].map(_places(SEVERITIES))).reset_index()
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


_COMPARED = (
    *("workflow", "n_agents", "name", "verdict", "base_s", "candidate_s", "ratio", "ci_low", "ci_high", "p_value"),
    *("n_base", "n_candidate", "n_needed", "clusters", "unmatched_clusters", "also", "reason"),
)
_WHOLE = "(the whole run)"


def _changes(archive: Archive, shifts: pd.DataFrame, tables: dict[str, ShownTable]) -> Row | None:
    """Compare the later half of the runs with the earlier one, and look for level shifts."""
    from daganalysis.analysis import compare
    from daganalysis.tables.results import COMPARE, TREND

    shifts = shifts.assign(name=shifts["name"].fillna(_WHOLE))
    tables["trend"] = shown_table(
        shifts,
        TREND,
        TREND.names,
        title="Level shifts, drifts and cycles",
        order="by workflow, stage and time",
        most=MOST_ROWS,
        command="trend ARCHIVE",
    )
    split = _halves(archive)
    if split is None:
        return None
    compared = compare(archive.lazily(split.earlier), archive.lazily(split.later))
    verdicts = compared["verdict"].value_counts()
    ordered = compared.assign(order=compared["verdict"].map(_places(VERDICTS)), name=compared["name"].fillna(_WHOLE))
    compared = ordered.sort_values("order", kind="stable").drop(columns="order")
    tables["compare"] = shown_table(
        compared,
        COMPARE,
        _COMPARED,
        title="The later half against the earlier",
        order="slower first, then faster",
        most=MOST_ROWS,
        command="compare BASE CANDIDATE",
    )
    return {
        "n_earlier": len(split.earlier),
        "n_later": len(split.later),
        "later_from": split.later_from,
        "verdicts": {verdict: int(verdicts.get(verdict, 0)) for verdict in VERDICTS},
    }


@dataclass(frozen=True, slots=True)
class _Halves:
    """The runs of an archive cut in two by when they began; ``later_from`` is when the first of the later ones did."""

    earlier: list[str]
    later: list[str]
    later_from: str | None


def _halves(archive: Archive) -> _Halves | None:
    """Cut an archive's runs in two equal halves by when they began; None if fewer than two have a known beginning."""
    dags = archive.table("dags", ["run_id", "started_at"]).dropna().sort_values(["started_at", "run_id"], ignore_index=True)
    if len(dags) < 2:
        return None
    middle = len(dags) // 2
    later = dags.iloc[middle:]
    return _Halves(dags["run_id"].iloc[:middle].tolist(), later["run_id"].tolist(), instant_texts(later["started_at"].head(1))[0])
