"""What adds up to the difference of two runs, by stage and category of time: ``compare`` at its level of contributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from daganalysis.analysis._stage_matching import StageKey, match_stages, stage_keys
from daganalysis.errors import UsageError
from daganalysis.tables.results import CONTRIBUTIONS

if TYPE_CHECKING:
    import pandas as pd

    from daganalysis.archive import Archive


def contributions(base: Archive, candidate: Archive) -> pd.DataFrame:
    """Split the difference of two runs, by the stretches of their timelines."""
    import pandas as pd

    workflows = [_one_timed_run(archive) for archive in (base, candidate)]
    if workflows[0] != workflows[1]:
        raise UsageError("the two runs are of different workflows", where=" and ".join(map(str, workflows)), hint="compare runs of one")
    left, right = _stages(base), _stages(candidate)
    matched = match_stages(list(left.values()), list(right.values()))
    former = {old: new for new, old in matched.items()}
    before = _spent(base, {place: (key, former.get(key)) for place, key in left.items()})
    after = _spent(candidate, {place: (matched.get(key), key) for place, key in right.items()})
    places = [{key: place for place, key in stages.items()} for stages in (left, right)]
    rows = []
    for (old, new), category in {**before, **after}:
        a, b = (side.get(((old, new), category), 0) for side in (before, after))
        key = new or old
        row: dict[str, Any] = {"workflow": workflows[0], "category": category, "base_s": a / 1e9, "candidate_s": b / 1e9}
        row |= {"diff_s": (b - a) / 1e9, "stage": places[1].get(new) if new else places[0].get(old) if old else None}
        row |= {"name": str(key) if key else None, "base_name": str(old) if old and new and str(old) != str(new) else None}
        row["on"] = "both" if (old is None) == (new is None) else "base" if old else "candidate"
        rows.append(row)
    return CONTRIBUTIONS.conform(pd.DataFrame(rows, columns=CONTRIBUTIONS.names))


def _one_timed_run(archive: Archive) -> str | None:
    """Return the workflow of an archive of one run whose elapsed time is known."""
    dags = archive.table("dags", ["run_id", "workflow", "elapsed_s", "outcome"])
    if len(dags) != 1:
        raise UsageError(f"contributions are of one run a side, not of {len(dags)}", hint="give archive.run(run_id)")
    run = dags.iloc[0]
    if math.isnan(run["elapsed_s"]):
        raise UsageError(
            "the elapsed time of a run is not known", where=f"{run['run_id']}, {run['outcome']}", hint="take one that has ended"
        )
    return run["workflow"] if isinstance(run["workflow"], str) else None


def _stages(archive: Archive) -> dict[int, StageKey]:
    nodes = archive.table("nodes", ["run_id", "stage", "name"]).sort_values("stage", ignore_index=True)
    return dict(zip(nodes["stage"].astype(int).tolist(), stage_keys(nodes), strict=True))


_Pair = tuple[StageKey | None, StageKey | None]


def _spent(archive: Archive, pairs: dict[int, _Pair]) -> dict[tuple[_Pair, str], int]:
    """Nanoseconds by stage (as the pair of its numbers on each side) and category. Time between two stages belongs to the later one."""
    line = archive.table("timeline", ["category", "to_stage", "from_stage", "started_at", "ended_at"])
    stages = line["to_stage"].fillna(line["from_stage"])
    ns = line["ended_at"].astype("int64") - line["started_at"].astype("int64")
    spent: dict[tuple[_Pair, str], int] = {}
    for stage, category, length in zip(stages.tolist(), line["category"].tolist(), ns.tolist(), strict=True):
        key = (pairs.get(stage, (None, None)), category)
        spent[key] = spent.get(key, 0) + length
    return spent
