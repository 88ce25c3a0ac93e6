"""The list of runs to choose from, each with its conclusion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from daganalysis.analysis.conclusion_facts import FACTS_BY, NAMES_STAGE, GatheredFacts
from daganalysis.analysis.conclusions import conclusion, plain_conclusions
from daganalysis.analysis.ranking import ranks_of, worst_first
from daganalysis.engine.vocabulary import SUCCEEDED, UNFINISHED
from daganalysis.errors import UsageError
from daganalysis.tables.column_arrays import NONE, integers, one_array, ranked, reals
from daganalysis.tables.explanations import RUN_ORDERS, RUNS
from daganalysis.tables.plain_rows import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    import pyarrow as pa

    from daganalysis.analysis.conclusions import ConclusionFacts, FailurePlace
    from daganalysis.analysis.ranking import Ranks
    from daganalysis.archive import Archive
    from daganalysis.tables.plain_rows import Columns


def runs(archive: Archive, *, by: str = "start", last: int | None = None, run_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """List the runs, each with its conclusion, one sentence about what happened.

    The first rule that applies decides the sentence: work was rolled back and not redone; the run failed, was cancelled or was passed; it
    waited for a person; much of it was overwritten; it was slower than other runs of its workflow with as many agents; all went well. Every
    number in the sentence is in a table.

    Args:
        archive: The runs to list.
        by: ``"start"``, in order of time, runs that never started last; ``"trouble"``, the worst first; ``"length"``, the longest first,
            those of unknown length last.
        last: The largest number of runs to list: the last ones by start, or the first ones by trouble or length.
        run_ids: List only these runs. They are still compared with the others.

    Returns:
        One row per run. Child runs are listed too, each with its own conclusion.

    Raises:
        UsageError: ``by`` is unknown, or ``last`` is negative.

    Example:
        >>> import daganalysis as da
        >>> da.runs(da.load("sample_data/documented/scale-out.json"))["conclusion"].tolist()
        ['Succeeded in 28.6 s; its longest stage, Wait remote start finish, took 6.10 s.']
    """
    import pyarrow as pa

    if by not in RUN_ORDERS:
        raise UsageError("no such order of runs", where=by, hint="one of " + ", ".join(RUN_ORDERS))
    if last is not None and last < 0:
        raise UsageError("a negative number of runs", where=str(last), hint="0 or more")
    table = archive.coded("dags", FACTS_BY)
    dags = columns_of(table)
    ranks = ranks_of(dags)
    places = _in_order(table, dags, ranks, by, last, run_ids)
    facts = GatheredFacts(archive, table, dags, places)
    rows = table.take(pa.array(places, pa.int64()))
    columns: dict[str, Any] = {name: one_array(rows.column(name)) for name in RUNS.names if name in dags}
    columns |= _told(dags, facts, places)
    columns |= {
        "troubled": [ranks.trouble[place] for place in places],
        "wait_operator_share": facts.wait_operator_share[places],
        "lost_share": facts.lost_share[places],
    }
    return RUNS.of_arrays(columns)


def _told(dags: Columns, facts: GatheredFacts, places: list[int]) -> Columns:
    """Return the sentence of each run, and the stage, the agent and the cause that it names."""
    is_plain = facts.is_plain[places]
    plain, others = np.flatnonzero(is_plain).tolist(), np.flatnonzero(~is_plain).tolist()
    at = [places[number] for number in plain]
    usual, longest = facts.usual_of(at), [facts.longest.get(dags["run_id"][place]) for place in at] if facts.longest else [None] * len(at)
    found: Columns = {name: [None] * len(places) for name in ("conclusion", "stage", "agent", "cause")}
    sentences = plain_conclusions(facts.usual.elapsed_s[at].tolist(), usual, longest)
    for number, sentence, measure in zip(plain, sentences, usual, strict=True):
        found["conclusion"][number], found["stage"][number] = sentence, None if measure is None else measure.stage
    for number in others:
        run = facts.of(places[number])
        place = _place(run)
        found["conclusion"][number], found["stage"][number] = conclusion(run), _stage(run, place)
        if place is not None:
            found["agent"][number], found["cause"][number] = place.agent, place.cause
    return found


def _in_order(table: pa.Table, dags: Columns, ranks: Ranks, by: str, last: int | None, run_ids: Iterable[str] | None) -> list[int]:
    """Return the places of the chosen runs, in order."""
    if by == "trouble":
        places = worst_first(dags, ranks)
    else:
        values = reals(table.column("elapsed_s")) if by == "length" else integers(table.column("started_at"))
        is_unknown, first = (np.isnan(values), -values) if by == "length" else (values == NONE, values)
        places = np.lexsort((ranked(table.column("run_id"))[0], np.where(is_unknown, 0, first), is_unknown)).tolist()
    if run_ids is not None:
        chosen = set(run_ids)
        places = [place for place in places if dags["run_id"][place] in chosen]
    if last is None:
        return places
    return places[max(0, len(places) - last) :] if by == "start" else places[:last]


def _place(run: ConclusionFacts) -> FailurePlace | None:
    """Return the place that the conclusion of a run names, if it names one."""
    if run.undone is not None and run.outcome in SUCCEEDED:
        return run.undone
    is_elsewhere = run.outcome == "succeeded_with_node_pass" and run.place is not None and run.place.stage != run.stage
    return None if is_elsewhere or run.outcome in UNFINISHED else run.place


def _stage(run: ConclusionFacts, place: FailurePlace | None) -> int | None:
    """Return the stage that the conclusion of a run names, which names a place."""
    if place is not None and run.outcome != "succeeded_with_node_pass":
        return place.stage
    if run.outcome in NAMES_STAGE and not (run.outcome == "passed" and run.work_ok):
        return run.stage
    return run.usual.stage if run.usual is not None else None
