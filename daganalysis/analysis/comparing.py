"""Comparison of two archives, or two runs: what got slower, shown or not."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from daganalysis.analysis.statistics import LEVEL, effect, holm, runs_needed, smallest_p
from daganalysis.errors import UsageError
from daganalysis.tables.results import COMPARE, CONTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from daganalysis.archive import Archive

_SMALLEST_RATIO = 1.1
_TICK_S = 1.0
"""The scheduler's sleep: a difference below the engine's tick is no difference (engine-semantics §5)."""


def compare(base: Archive, candidate: Archive, *, outcomes: Sequence[str] = ("succeeded",), level: str = "stage") -> pd.DataFrame:
    """Compare the runs of two archives: one row per stage name of a workflow and number of agents, and one for the whole run.

    Only runs of these ``outcomes`` are compared, the others counted in ``n_left_out``. The ratio is that of Hodges and Lehmann; a
    verdict needs a
    Mann-Whitney test that holds after correction over all rows (Holm), and an effect of at least 10 % and of one tick of the engine.
    Where so few
    runs could not show anything, the verdict is ``insufficient`` and ``n_needed`` says how many would do. Identical samples are
    ``same``. Stages are
    matched by name and, where a name comes again, by its order; what only one side has stands out. ``level="contributions"`` takes one run
    a side and splits the difference of their elapsed times, exactly, by stage and category. Raises :class:`UsageError` for another
    level, or where contributions are asked of several runs.

    >>> import daganalysis as da
    >>> a, b = (da.load(f"sample_data/versions/{v}") for v in "ab")
    >>> da.compare(a, b).query("verdict == 'slower'")["name"].dropna().tolist()
    ['Import script for tenant']
    """
    if level == "contributions":
        return _contributions(base, candidate)
    if level != "stage":
        raise UsageError("no such level of compare", where=level, hint="stage or contributions")
    places: dict[_Key, int] = {}
    left, left_out = _series(base, outcomes, places)
    right, right_out = _series(candidate, outcomes, places)
    rows = [_row(key, left.get(key, []), right.get(key, [])) for key in sorted({*left, *right}, key=_order)]
    tested = [row for row in rows if row["p_value"] is not None]
    for row, adjusted in zip(tested, holm([row["p_value"] for row in tested]), strict=True):
        row["p_value"] = adjusted
    for row in rows:
        row["verdict"], row["n_needed"] = _verdict(row, len(tested))
        row["stage"] = places.get((row["workflow"], row["n_agents"], row["stage"], row["name"]), 0)
        row["n_left_out"] = left_out.get(row["workflow"], 0) + right_out.get(row["workflow"], 0)
    import pandas as pd

    table = pd.DataFrame([{name: row[name] for name in COMPARE.names} for row in rows], columns=COMPARE.names)
    return COMPARE.conform(table)


_Key = tuple[str, int, int, str | None]


def _order(key: _Key) -> tuple[str, int, int, str]:
    return key[0], key[1], key[2], key[3] or ""


def _series(archive: Archive, outcomes: Sequence[str], places: dict[_Key, int]) -> tuple[dict[_Key, list[float]], dict[str, int]]:
    """Durations by (workflow, agents, 0 for the whole or 1, stage name), and how many runs were left out of each workflow.

    ``places`` takes note of the stage at which a name first stands.
    """
    dags = archive.table("dags", ["run_id", "workflow", "outcome", "n_agents", "elapsed_s"])
    dags = dags[dags["workflow"].notna()]
    used = dags[dags["outcome"].isin(list(outcomes))]
    left_out = (dags.groupby("workflow").size() - used.groupby("workflow").size().reindex(dags["workflow"].unique()).fillna(0)).astype(int)
    series: dict[_Key, list[float]] = {}
    for workflow, agents, seconds in zip(used["workflow"], used["n_agents"], used["elapsed_s"], strict=True):
        if not math.isnan(seconds):
            series.setdefault((workflow, int(agents), 0, None), []).append(seconds)
    nodes = archive.table("nodes", ["run_id", "stage", "name", "duration_s"])
    nodes = nodes.merge(used[["run_id", "workflow", "n_agents"]], on="run_id").sort_values(["run_id", "stage"])
    nodes = nodes[nodes["name"].notna() & nodes["duration_s"].notna()]
    again = nodes.groupby(["run_id", "name"]).cumcount()
    names = nodes["name"].where(again == 0, nodes["name"] + " #" + (again + 1).astype(str))
    columns = (nodes["workflow"], nodes["n_agents"], names, nodes["duration_s"], nodes["stage"])
    for workflow, agents, name, seconds, stage in zip(*columns, strict=True):
        key = (workflow, int(agents), 1, name)
        series.setdefault(key, []).append(seconds)
        places[key] = min(int(stage), places.get(key, int(stage)))
    return {key: sorted(values) for key, values in series.items()}, {str(k): int(v) for k, v in left_out.items()}


def _median(values: list[float]) -> float | None:
    if not values:
        return None
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def _row(key: _Key, base: list[float], candidate: list[float]) -> dict[str, Any]:
    a, b = _median(base), _median(candidate)
    row: dict[str, Any] = {
        "workflow": key[0],
        "n_agents": key[1],
        "stage": key[2],
        "name": key[3],
        "n_base": len(base),
        "n_candidate": len(candidate),
    }
    row |= {"base_s": a, "candidate_s": b, "diff_s": None if a is None or b is None else b - a, "identical": base == candidate}
    row |= {"ratio": None, "ci_low": None, "ci_high": None, "p_value": None}
    if base and candidate:
        found = effect(base, candidate)
        row |= {"ratio": found.ratio, "ci_low": found.low, "ci_high": found.high, "p_value": found.p_value}
    return row


def _verdict(row: dict[str, Any], family: int) -> tuple[str, int | None]:
    if not row["n_base"]:
        return "only_candidate", None
    if not row["n_candidate"]:
        return "only_base", None
    if row["identical"]:
        return "same", None
    if smallest_p(row["n_base"], row["n_candidate"]) * family > LEVEL:
        return "insufficient", runs_needed(family)
    large = abs(math.log(row["ratio"])) >= math.log(_SMALLEST_RATIO) and abs(row["diff_s"]) >= _TICK_S
    if row["p_value"] > LEVEL or not large:
        return "same", None
    return ("slower" if row["ratio"] > 1 else "faster"), None


def _contributions(base: Archive, candidate: Archive) -> pd.DataFrame:
    import pandas as pd

    sides = []
    for archive in (base, candidate):
        if len(archive) != 1:
            raise UsageError(f"contributions are of one run a side, not of {len(archive)}", hint="give archive.run(run_id)")
        line = archive.table("timeline", ["category", "to_stage", "from_stage", "started_at", "ended_at"])
        stage = line["to_stage"].fillna(line["from_stage"])
        ns = line["ended_at"].astype("int64") - line["started_at"].astype("int64")
        sides.append(ns.groupby([stage.rename("stage"), line["category"]], dropna=False).sum())
    both = pd.concat(sides, axis=1, keys=["base", "candidate"]).fillna(0).reset_index()
    names = pd.concat([candidate.table("nodes", ["stage", "name"]), base.table("nodes", ["stage", "name"])]).drop_duplicates("stage")
    both = both.merge(names, on="stage", how="left")
    both["base_s"], both["candidate_s"] = both["base"] / 1e9, both["candidate"] / 1e9
    both["diff_s"] = (both["candidate"] - both["base"]) / 1e9
    both["workflow"] = base.table("dags", ["workflow"])["workflow"].iloc[0]
    return CONTRIBUTIONS.conform(both[CONTRIBUTIONS.names])
