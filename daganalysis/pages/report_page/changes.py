"""Changes over the time of an archive: its later half against its earlier half, and the shifts of its trend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.engine.vocabulary import VERDICTS
from daganalysis.pages.report_page.report_tables import MOST_ROWS, places
from daganalysis.pages.shown_tables import shown_table
from daganalysis.tables.plain_rows import instant_texts

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.pages.shown_tables import ShownTable
    from daganalysis.tables.plain_rows import Row

_COMPARED = (
    *("workflow", "n_agents", "name", "verdict", "base_s", "candidate_s", "ratio", "ci_low", "ci_high", "p_value"),
    *("n_base", "n_candidate", "n_needed", "clusters", "unmatched_clusters", "also", "reason"),
)
_WHOLE = "(the whole run)"


def changes_of(archive: Archive, shifts: pd.DataFrame, tables: dict[str, ShownTable]) -> Row | None:
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
    ordered = compared.assign(order=compared["verdict"].map(places(VERDICTS)), name=compared["name"].fillna(_WHOLE))
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
