"""The runs that ``compare`` compares: one side's durations and outcomes, by kind of run, by stage and by cluster, in order of time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis._stage_matching import StageKey, coded_stages
from daganalysis.engine.vocabulary import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from daganalysis.archive import Archive

    ByCluster = dict[str, np.ndarray]

UNLABELLED = ""
"""Stands for the cluster of runs without a label: they are compared with each other alone."""
_NOT_ENDED = UNFINISHED | {"unknown"}


class RunKind(NamedTuple):
    """Runs that are like each other."""

    workflow: str | None
    n_agents: int
    outcome: str


_LIKE = list(RunKind._fields)


@dataclass(slots=True)
class Series:
    """The durations of a kind of run on one side: of whole runs, and of each stage, by cluster; and the usual place of each stage."""

    whole: ByCluster = field(default_factory=dict)
    stages: dict[StageKey, ByCluster] = field(default_factory=dict)
    places: dict[StageKey, float] = field(default_factory=dict)

    @property
    def sequence(self) -> list[StageKey]:
        """The stages in their usual order."""
        return sorted(self.places, key=lambda key: (self.places[key], str(key)))


@dataclass(slots=True)
class Side:
    """One archive to compare.

    ``needed_help`` has a value for each ended run, 1 if it needed help, otherwise 0, by workflow and number of agents, and by cluster.
    ``ordered`` are the clusters whose runs have an order: their starts are known and differ.
    """

    kinds: dict[RunKind, Series]
    left_out: dict[str | None, Counter[str]]
    needed_help: dict[tuple[str | None, int], ByCluster]
    ordered: set[str]

    @classmethod
    def of(cls, archive: Archive, outcomes: Sequence[str]) -> Side:
        """Collect the runs of these outcomes, and count the others."""
        dags = archive.table("dags", ["run_id", *_LIKE, "cluster", "elapsed_s", "started_at", "parent_run_id"])
        dags = dags.assign(workflow=dags["workflow"].fillna(""), cluster=dags["cluster"].fillna(UNLABELLED))
        dags = dags.sort_values(["started_at", "run_id"], ignore_index=True)
        chosen = dags["outcome"].isin(list(outcomes))
        used = dags[chosen]
        left_out: dict[str | None, Counter[str]] = {}
        for workflow, outcome in zip(dags["workflow"][~chosen], dags["outcome"][~chosen], strict=True):
            left_out.setdefault(workflow or None, Counter())[outcome] += 1
        kinds: dict[RunKind, Series] = {}
        keys: Any
        for keys, elapsed in used.groupby([*_LIKE, "cluster"])["elapsed_s"]:
            kind, cluster = _kind(keys[:-1]), str(keys[-1])
            series = kinds.setdefault(kind, Series())
            series.whole[cluster] = elapsed.dropna().to_numpy(float)
            if elapsed.isna().any():
                left_out.setdefault(kind.workflow, Counter())["of unknown length"] += int(elapsed.isna().sum())
        _add_stages(kinds, used, archive.coded("nodes", ["run_id", "stage", "name", "duration_s"]))
        starts = dags.groupby("cluster")["started_at"].agg(["nunique", "size"])
        return cls(kinds, left_out, _needed_help(dags), set(starts.index[2 * starts["nunique"] > starts["size"]]))

    def left_out_of(self, workflow: str | None) -> str | None:
        """Return how many runs of a workflow were left out, by outcome."""
        return ", ".join(f"{n} {outcome}" for outcome, n in sorted(self.left_out.get(workflow, Counter()).items())) or None


def _kind(keys: Sequence[Any]) -> RunKind:
    workflow, n_agents, outcome = keys
    return RunKind(workflow or None, int(n_agents), outcome)


def _add_stages(kinds: dict[RunKind, Series], used: pd.DataFrame, nodes: pa.Table) -> None:
    """Add what each stage of the runs took. ``used`` are the runs in order of time."""
    import numpy as np
    import pyarrow as pa

    from daganalysis.tables.column_arrays import NONE, codes_of, integers, one_array, reals

    like = used.groupby([*_LIKE, "cluster"]).ngroup().fillna(NONE).to_numpy(np.int64)
    run = codes_of(nodes.column("run_id"), one_array(pa.array(used["run_id"], pa.string())))
    rows, key, keys = coded_stages(nodes, np.where(np.append(like, NONE)[run] == NONE, NONE, run))
    # The rows of one kind, cluster and stage after the other, in order of time: then each is a stretch of two columns.
    group = like[run[rows]] * len(keys) + key
    order = np.lexsort((run[rows], group))
    rows, group = rows[order], group[order]
    seconds, stages = reals(nodes.column("duration_s"))[rows], integers(nodes.column("stage"))[rows]
    stages = np.where(stages == NONE, np.nan, stages)
    first = np.flatnonzero(np.diff(group, prepend=NONE)).tolist()
    starts = used.iloc[run[rows[first]]][[*_LIKE, "cluster"]].itertuples(index=False, name=None)
    placed: dict[tuple[RunKind, StageKey], tuple[float, int]] = {}
    for (*of_run, cluster), low, high in zip(starts, first, [*first[1:], len(rows)], strict=False):
        own, kind, stage = seconds[low:high], _kind(of_run), keys[group[low] % len(keys)]
        kinds[kind].stages.setdefault(stage, {})[cluster] = own[~np.isnan(own)]
        total, n = placed.get((kind, stage), (0.0, 0))
        placed[kind, stage] = (total + float(stages[low:high].sum()), n + high - low)
    for (kind, stage), (total, n) in placed.items():
        kinds[kind].places[stage] = total / n


def _needed_help(dags: pd.DataFrame) -> dict[tuple[str | None, int], ByCluster]:
    """Return which ended main runs did not succeed by themselves: a person had to act, or still has to."""
    ended = dags[~dags["outcome"].isin(_NOT_ENDED) & dags["parent_run_id"].isna()]
    found: dict[tuple[str | None, int], ByCluster] = {}
    keys: Any
    for keys, outcome in ended.groupby(["workflow", "n_agents", "cluster"])["outcome"]:
        found.setdefault((keys[0] or None, int(keys[1])), {})[keys[2]] = outcome.ne("succeeded").to_numpy(float)
    return found
