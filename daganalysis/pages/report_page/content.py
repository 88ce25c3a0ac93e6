"""The content of a report as plain data: collected once from the analyses, then written as HTML, JSON or Markdown.

Every number of a page is in here, so ``report.json`` has it. Tables are cut to their first rows, and say so; nothing else is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from daganalysis.analysis.culprits import find_culprits
from daganalysis.analysis.ranking import rank_runs
from daganalysis.analysis.run_facts import gather_all_facts
from daganalysis.engine.vocabulary import WORST_FIRST
from daganalysis.pages.report_page.advice import advice
from daganalysis.pages.report_page.changes import changes_of
from daganalysis.pages.report_page.figures import picture_frames, plain_pictures
from daganalysis.pages.report_page.report_tables import agents_table, listed_runs, report_tables, stragglers_table
from daganalysis.pages.report_page.run_sections import run_section
from daganalysis.pages.report_page.totals import clusters_of, count_outcomes, overview_of, time_spent_on
from daganalysis.pages.shown_tables import cell_text, plain_row
from daganalysis.progress import silent
from daganalysis.tables.plain_rows import instant_texts, rows_of
from daganalysis.text.requesters import people_sentence
from daganalysis.text.zones import UTC, Zone, servers_zone

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.analysis.culprits import Culprit
    from daganalysis.archive import Archive
    from daganalysis.pages.shown_tables import ShownTable
    from daganalysis.progress import Progress
    from daganalysis.tables.plain_rows import Row

MOST_ON_TOP = 3
"""Runs in trouble that the first screen describes. Each links to its section, so each has one."""
MOST_WORST, MOST_SLOWEST = 12, 6
"""Runs with a section of their own: the worst in trouble, and the slowest of the others."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Everything a report says: ``tables`` by name, ``sections`` of single runs in the order of the page.

    ``pictures`` are the frames of the pictures, by name; ``names`` has the name and the start of each run; ``zone`` is the zone of all
    times.
    """

    overview: Row
    outcomes: list[Row]
    worst: Row | None
    worst_runs: list[Row]
    not_redone: list[str]
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
            "not_redone": self.not_redone,
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
    """Collect the content of a report about an archive. ``progress`` gets a stage, its number of finished steps, and its number of steps.

    ``zone`` is the zone of the times on a page; None means the servers' own.
    """
    from daganalysis.analysis import stragglers, summary, time_budget, trend

    ranked = rank_runs(archive)
    chosen = _chosen(ranked)
    culprits = find_culprits(archive, dict.fromkeys([*ranked["run_id"].head(1), *chosen]))
    budget = time_budget(archive)
    per_workflow = summary(archive)
    run_stragglers, shifts = stragglers(archive), trend(archive)
    concluded = _concluded(archive, ranked, chosen)
    tables = report_tables(archive, ranked, per_workflow, concluded)
    tables |= {"stragglers_by_agent": agents_table(stragglers(archive, level="agent")), "stragglers": stragglers_table(run_stragglers)}
    not_redone = _not_redone(archive, ranked, concluded)
    comparison = changes_of(archive, shifts, tables)
    names = _names(ranked)
    zone = zone or servers_zone(archive.arrow("dags", ["utc_offset_s"]).column("utc_offset_s").to_pylist())
    facts = gather_all_facts(archive, chosen)
    sections = []
    for number, run_id in enumerate(chosen):
        sections.append({**run_section(facts[run_id], culprits.get(run_id)), "conclusion": concluded.get(run_id)})
        progress("collecting", number + 1, len(chosen))
    return Collected(
        overview=overview_of(archive, ranked, budget),
        outcomes=count_outcomes(ranked),
        worst=_worst(ranked, culprits, budget),
        worst_runs=_worst_runs(archive, ranked, culprits, concluded, budget, not_redone),
        not_redone=not_redone,
        clusters=clusters_of(ranked, budget),
        time_spent=time_spent_on(ranked, budget),
        tables=tables,
        sections=sections,
        comparison=comparison,
        names=names,
        zone=zone,
        pictures=picture_frames(archive, ranked[~ranked["is_child"]], budget, run_stragglers, shifts, run_labels(names, zone)),
    )


def _chosen(ranked: pd.DataFrame) -> list[str]:
    """Choose the main runs that get a section: the worst in trouble, among them those on top, then the slowest of the rest."""
    mains = ranked[~ranked["is_child"]]
    worst = mains[mains["trouble"]].head(max(MOST_WORST, MOST_ON_TOP))
    rest = mains[~mains["run_id"].isin(worst["run_id"])].sort_values(["elapsed_s", "run_id"], ascending=[False, True], na_position="last")
    return [*worst["run_id"], *rest["run_id"].head(MOST_SLOWEST)]


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
    """Return the sentence about each run that is listed, has a section or was rolled back."""
    from daganalysis.analysis import runs

    undone = ranked.loc[~ranked["is_child"] & ranked["outcome"].eq("rolled_back"), "run_id"]
    listed = runs(archive, run_ids=list(dict.fromkeys([*listed_runs(ranked), *chosen, *undone])))
    return dict(zip(listed["run_id"], listed["conclusion"], strict=True)) if len(ranked) else {}


def _not_redone(archive: Archive, ranked: pd.DataFrame, concluded: dict[str, str]) -> list[str]:
    """Name the main runs whose work was rolled back and is not known to have been done again, the worst first."""
    import pyarrow.compute as pc

    flagged = archive.table("issues", ["run_id"], pc.field("code") == "rolled-back-not-redone")["run_id"]
    mains = ranked[~ranked["is_child"]]
    undone_ids = [run_id for run_id, conclusion in concluded.items() if "not redone" in conclusion]
    undone = mains["outcome"].eq("rolled_back") & mains["run_id"].isin(undone_ids)
    return mains.loc[undone | (mains["run_id"].isin(flagged) & ~mains["outcome"].eq("rolled_back")), "run_id"].tolist()


def _worst_runs(
    archive: Archive,
    ranked: pd.DataFrame,
    culprits: dict[str, Culprit],
    concluded: dict[str, str],
    budget: pd.DataFrame,
    not_redone: list[str],
) -> list[Row]:
    """Describe the main runs that went worst: what happened, the line that says why, who acted, and what to do."""
    columns = ["run_id", "name", "cluster", "outcome", "started_at", "elapsed_s"]
    worst = ranked[~ranked["is_child"] & ranked["trouble"]].head(MOST_ON_TOP)
    spent = {row["run_id"]: row for row in rows_of(budget[budget["run_id"].isin(worst["run_id"])])}
    asked = rows_of(archive.only(worst["run_id"]).operations)
    listed = []
    for row in map(plain_row, rows_of(worst[columns])):
        run_id = row["run_id"]
        culprit = culprits.get(run_id)
        listed.append(
            {
                **row,
                "conclusion": concluded.get(run_id),
                "line": culprit.line if culprit else None,
                "acted": people_sentence([request for request in asked if request["run_id"] == run_id]),
                "advice": advice(row, spent.get(run_id), not_redone=run_id in not_redone),
            }
        )
    return listed


def run_labels(names: dict[str, tuple[str, str | None]], zone: Zone) -> dict[str, str]:
    """Call each run by its name and start."""
    return {run_id: f"{name}, {cell_text(at, 'instant', zone)}" for run_id, (name, at) in names.items()}


def _names(ranked: pd.DataFrame) -> dict[str, tuple[str, str | None]]:
    """Return the name and the start of each run, which say more to people than its id."""
    names = ranked["name"].fillna("unnamed DAG").tolist()
    return dict(zip(ranked["run_id"], zip(names, instant_texts(ranked["started_at"]), strict=True), strict=True))
