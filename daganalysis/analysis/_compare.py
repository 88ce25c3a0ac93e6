"""Comparison of two archives, or two runs: what got slower, shown or not."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis._stage_matching import StageKey, match_stages, stage_keys
from daganalysis.engine.times import SCHEDULER_SLEEP_S
from daganalysis.errors import UsageError
from daganalysis.statistics.families import LEVEL, SMALLEST_RATIO, holm, tarone_testable
from daganalysis.statistics.rank_tests import effect, median, smallest_mann_whitney_p
from daganalysis.statistics.sample_sizes import sample_size_to_show, sample_size_to_test
from daganalysis.tables.results import COMPARE, CONTRIBUTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from daganalysis.archive import Archive


def compare(base: Archive, candidate: Archive, *, outcomes: Sequence[str] = ("succeeded",), level: str = "stage") -> pd.DataFrame:
    """Compare the runs of two archives: one row per stage of a workflow, and one for the whole run, like with like.

    Like is what has the same workflow, number of agents and outcome. Only runs of these ``outcomes`` are compared; the others are counted
    in ``left_out_base`` and ``left_out_candidate``. Stages are matched by name and order; a stage that one side alone has, or that has
    another name on each, stands out. The ratio is that of Hodges and Lehmann. A verdict needs a Mann-Whitney test that holds after
    correction over all rows of the result (Holm, without the rows that could show nothing), and an effect of at least 10 % and one tick of
    the engine. Where so few runs could show nothing, or such an effect is seen that these runs do not show, the verdict is
    ``insufficient``, and ``n_needed`` says how many would do. ``same`` says that no such effect is seen; the interval says how large a
    hidden one may be.

    ``level="contributions"`` takes one run a side and splits the difference of their elapsed times, exactly, by stage and category. Raises
    :class:`UsageError` for another level, or where the difference of two elapsed times is not known.

    >>> import daganalysis as da
    >>> a, b = (da.load(f"sample_data/versions/{v}") for v in "ab")
    >>> da.compare(a, b).query("verdict == 'slower'")["name"].dropna().tolist()
    ['Import script for tenant']
    """
    if level == "contributions":
        return _contributions(base, candidate)
    if level != "stage":
        raise UsageError("no such level of compare", where=level, hint="stage or contributions")
    rows = list(_rows(_Side.of(base, outcomes), _Side.of(candidate, outcomes), outcomes))
    _judge(rows)
    import pandas as pd

    return COMPARE.conform(pd.DataFrame([{name: row[name] for name in COMPARE.names} for row in rows], columns=COMPARE.names))


def left_out(compared: pd.DataFrame) -> list[str]:
    """Say of each workflow of a result of ``compare`` which runs were left out, if any were.

    >>> import daganalysis as da
    >>> tenants = da.load("sample_data/endpoints")
    >>> left_out(da.compare(tenants, tenants))
    ['Create tenant: 1 succeeded_after_retry of the base, 1 succeeded_after_retry of the candidate']
    """
    whole = compared[compared["name"].isna()].drop_duplicates("workflow")
    said = []
    for workflow, *sides in whole[["workflow", "left_out_base", "left_out_candidate"]].to_numpy(dtype=object).tolist():
        words = [f"{runs} of the {side}" for runs, side in zip(sides, ("base", "candidate"), strict=True) if isinstance(runs, str)]
        if words:
            said.append(f"{workflow if isinstance(workflow, str) else '(unnamed)'}: {', '.join(words)}")
    return said


class _Group(NamedTuple):
    """Runs that are like each other."""

    workflow: str | None
    n_agents: int
    outcome: str


_LIKE = list(_Group._fields)


def _group(keys: Any) -> _Group:
    workflow, n_agents, outcome = keys
    return _Group(workflow or None, int(n_agents), outcome)


@dataclass(slots=True)
class _Series:
    """The durations of a group on one side: of whole runs, and of each stage, with the place of each."""

    whole: np.ndarray
    stages: dict[StageKey, np.ndarray] = field(default_factory=dict)
    places: dict[StageKey, float] = field(default_factory=dict)

    @property
    def sequence(self) -> list[StageKey]:
        """The stages in the order in which they usually stand."""
        return sorted(self.places, key=lambda key: (self.places[key], str(key)))


@dataclass(slots=True)
class _Side:
    """One archive: its series by group, and by workflow how many runs of which outcome were left out."""

    groups: dict[_Group, _Series]
    left_out: dict[str | None, Counter[str]]

    @classmethod
    def of(cls, archive: Archive, outcomes: Sequence[str]) -> _Side:
        import numpy as np

        dags = archive.table("dags", ["run_id", *_LIKE, "elapsed_s"])
        dags = dags.assign(workflow=dags["workflow"].fillna(""))
        chosen = dags["outcome"].isin(list(outcomes))
        used = dags[chosen]
        left_out: dict[str | None, Counter[str]] = {}
        for workflow, outcome in zip(dags["workflow"][~chosen], dags["outcome"][~chosen], strict=True):
            left_out.setdefault(workflow or None, Counter())[outcome] += 1
        groups = {}
        for keys, elapsed in used.groupby(_LIKE)["elapsed_s"]:
            group = _group(keys)
            groups[group] = _Series(_known(elapsed))
            if elapsed.isna().any():
                left_out.setdefault(group.workflow, Counter())["of unknown length"] += int(elapsed.isna().sum())
        nodes = archive.table("nodes", ["run_id", "stage", "name", "duration_s"])
        nodes = nodes.merge(used[["run_id", *_LIKE]], on="run_id").sort_values(["run_id", "stage"], ignore_index=True)
        nodes["key"] = stage_keys(nodes)
        # The rows of one group and key after the other, in order of their length: then each is a stretch of two columns.
        like = nodes.groupby([*_LIKE, "key"], sort=False).ngroup()
        nodes = nodes.assign(like=like).sort_values(["like", "duration_s"], ignore_index=True)
        seconds, stages = nodes["duration_s"].to_numpy(float), nodes["stage"].to_numpy(float)
        first = np.flatnonzero(np.diff(nodes["like"].to_numpy(), prepend=-1)).tolist()
        starts = nodes.loc[first, [*_LIKE, "key"]].itertuples(index=False, name=None)
        for (*keys_of_group, key), low, high in zip(starts, first, [*first[1:], len(nodes)], strict=False):
            own, series = seconds[low:high], groups[_group(keys_of_group)]
            series.stages[key] = own[~np.isnan(own)]
            series.places[key] = float(stages[low:high].mean())
        return cls(groups, left_out)

    def left_out_of(self, workflow: str | None) -> str | None:
        """Say how many runs of a workflow were left out, by outcome."""
        return ", ".join(f"{n} {outcome}" for outcome, n in sorted(self.left_out.get(workflow, Counter()).items())) or None


def _known(values: pd.Series[float]) -> np.ndarray:
    import numpy as np

    known: np.ndarray = np.sort(values.dropna().to_numpy(float))
    return known


def _rows(base: _Side, candidate: _Side, outcomes: Sequence[str]) -> Iterator[dict[str, Any]]:
    import numpy as np

    groups = {*base.groups, *candidate.groups}
    compared = {group.workflow for group in groups}
    # A workflow none of whose runs was compared still has its row, which says what was left out.
    rest = {*base.left_out, *candidate.left_out} - compared
    nothing = _Series(np.empty(0))
    for group in sorted([*groups, *(_Group(workflow, -1, outcomes[0]) for workflow in rest)], key=lambda g: (g[0] or "", g[1:])):
        left, right = base.groups.get(group, nothing), candidate.groups.get(group, nothing)
        shared = {
            "workflow": group.workflow,
            "n_agents": group.n_agents if group.n_agents >= 0 else None,
            "outcome": group.outcome,
            "left_out_base": base.left_out_of(group.workflow),
            "left_out_candidate": candidate.left_out_of(group.workflow),
        }
        yield shared | {"stage": 0, "name": None, "base_name": None} | _numbers(left.whole, right.whole)
        matched = match_stages(left.sequence, right.sequence)
        former = set(matched.values())
        for key in [*right.sequence, *(key for key in left.sequence if key not in former)]:
            own = key in right.stages
            before = matched.get(key) if own else key
            row = shared | {"name": str(key), "base_name": str(before) if before and str(before) != str(key) else None}
            row["stage"] = round(right.places[key] if own else left.places[key])
            values = left.stages.get(before, nothing.whole) if before else nothing.whole
            yield row | _numbers(values, right.stages[key] if own else nothing.whole)


def _numbers(base: np.ndarray, candidate: np.ndarray) -> dict[str, Any]:
    import numpy as np

    a, b = (median(values) if len(values) else None for values in (base, candidate))
    found = effect(base, candidate) if len(base) and len(candidate) else None
    return {
        "n_base": len(base),
        "n_candidate": len(candidate),
        "base_s": a,
        "candidate_s": b,
        "diff_s": None if a is None or b is None else b - a,
        "ratio": found and found.ratio,
        "ci_low": found and found.low,
        "ci_high": found and found.high,
        "p_value": found and found.p_value,
        "above": found and found.above,
        "identical": np.array_equal(base, candidate),
    }


def _judge(rows: Sequence[dict[str, Any]]) -> None:
    """Give every row its verdict, and its p-value corrected over all that could show anything."""
    both = [row for row in rows if row["n_base"] and row["n_candidate"]]
    could = tarone_testable([smallest_mann_whitney_p(row["n_base"], row["n_candidate"]) for row in both])
    tested = [row for row, can in zip(both, could, strict=True) if can]
    corrected = holm([row["p_value"] for row in tested])
    for row in rows:
        row["p_value"] = None
    for row, p_value in zip(tested, corrected, strict=True):
        row["p_value"] = p_value
    for row in rows:
        row["verdict"] = _verdict(row)
        row["n_needed"] = _needed(row, len(both) or 1, len(tested)) if row["verdict"] == "insufficient" else None


def _verdict(row: dict[str, Any]) -> str:
    if not row["n_base"] and not row["n_candidate"]:
        return "insufficient"
    if not row["n_base"]:
        return "only_candidate"
    if not row["n_candidate"]:
        return "only_base"
    if row["identical"]:
        return "same"
    ratio, diff = row["ratio"], row["diff_s"]
    large = abs(math.log(ratio)) >= math.log(SMALLEST_RATIO) and abs(diff) >= SCHEDULER_SLEEP_S and (ratio > 1) == (diff > 0)
    if row["p_value"] is None or (large and row["p_value"] > LEVEL):
        return "insufficient"
    if not large:
        return "same"
    return "slower" if ratio > 1 else "faster"


def _needed(row: dict[str, Any], compared: int, tested: int) -> int:
    """How many runs each side needs: to be tested at all, or to show a difference as large as is seen."""
    if row["p_value"] is None:
        return sample_size_to_test(row["n_base"], row["n_candidate"], compared)
    return max(sample_size_to_show(row["above"], tested), 1 + min(int(row["n_base"]), int(row["n_candidate"])))


def _contributions(base: Archive, candidate: Archive) -> pd.DataFrame:
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
    """Nanoseconds by stage (as a pair of what it is on each side) and category; what lies between two stages belongs to the later."""
    line = archive.table("timeline", ["category", "to_stage", "from_stage", "started_at", "ended_at"])
    stages = line["to_stage"].fillna(line["from_stage"])
    ns = line["ended_at"].astype("int64") - line["started_at"].astype("int64")
    spent: dict[tuple[_Pair, str], int] = {}
    for stage, category, length in zip(stages.tolist(), line["category"].tolist(), ns.tolist(), strict=True):
        key = (pairs.get(stage, (None, None)), category)
        spent[key] = spent.get(key, 0) + length
    return spent
