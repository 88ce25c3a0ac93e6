"""What holds exactly: p-values, sums, a comparison with itself, the other way round."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy

import daganalysis as da
from benchmarks.goals import Row
from benchmarks.studies.archives import MEANS, STRICT_FROM, archive_of, noisy
from daganalysis.statistics.rank_tests import mann_whitney_p

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

_SAMPLES = Path(__file__).resolve().parents[2] / "sample_data"
_FLIPPED = {"slower": "faster", "faster": "slower", "only_base": "only_candidate", "only_candidate": "only_base"}


def exactness(trials: int) -> Iterator[Row]:
    """Look for the largest deviation in so many random cases."""
    rng = np.random.default_rng(65)
    off = max(_p_value_error(rng) for _ in range(5 * trials))
    yield _row("Mann-Whitney p, up to 6 against 6", "largest error against enumeration", 1e-12, off, samples=5 * trials)
    sums = [abs(error) for error in _sums(runs=8 if trials >= STRICT_FROM else 3)]
    yield _row("contributions of two sample runs", "largest error of the sum, seconds", 1e-6, max(sums), pairs=len(sums))
    archives = [archive_of(noisy(rng, MEANS, int(rng.integers(1, 12)), 0.2)) for _ in range(max(3, trials // 10))]
    flips = [_flips(one, other) for one, other in itertools.pairwise(archives)]
    fleet = _SAMPLES / "fleet" if trials >= STRICT_FROM else _SAMPLES / "fleet" / "prod-a"
    archives += [da.load(fleet, cluster_by="dir"), da.load(_SAMPLES / "tenant"), da.load(_SAMPLES / "upgrade")]
    differs = [not _all_same(da.compare(archive, archive)) for archive in archives]
    yield _row("an archive against itself", "archives with any difference", 0, sum(differs), archives=len(differs))
    yield _row("the other way round", "pairs in which more flips than signs", 0, flips.count(False), pairs=len(flips))


def _row(work: str, measure: str, goal: float, value: float, **detail: int) -> Row:
    return Row(work, measure, goal, at_least=False, value=value, detail=detail)


def _all_same(compared: pd.DataFrame) -> bool:
    return set(compared.loc[compared["n_base"] > 0, "verdict"]) <= {"same"}


def _p_value_error(rng: np.random.Generator) -> float:
    n, m = rng.integers(1, 7, 2)
    # Every other sample has ties.
    x, y = (rng.integers(0, 5, size) if rng.random() < 0.5 else rng.normal(size=size) for size in (n, m))
    ranks = scipy.stats.rankdata(np.concatenate([x, y]))
    observed = ranks[:n].sum()
    sums = np.array([sum(chosen) for chosen in itertools.combinations(ranks, int(n))])
    expected = min(1.0, 2 * float(min((sums <= observed).mean(), (sums >= observed).mean())))
    return abs(mann_whitney_p(x, y) - expected)


def _sums(runs: int) -> Iterator[float]:
    """How far the contributions are from the difference of elapsed times, for every pair of some runs of the sample data."""
    for folder in ("tenant", "versions"):
        archive = da.load(_SAMPLES / folder, cluster_by="dir" if folder == "versions" else None)
        timed = archive.dags.dropna(subset="elapsed_s").head(runs)
        for one, other in itertools.combinations(timed[["run_id", "elapsed_s"]].itertuples(index=False), 2):
            found = da.compare(archive.run(one.run_id), archive.run(other.run_id), level="contributions")
            yield float(found["diff_s"].sum()) - (other.elapsed_s - one.elapsed_s)


def _flips(one: da.Archive, other: da.Archive) -> bool:
    there, back = da.compare(one, other), da.compare(other, one)
    return (
        there["verdict"].map(lambda verdict: _FLIPPED.get(verdict, verdict)).equals(back["verdict"])
        and np.allclose(there["diff_s"], -back["diff_s"])
        and np.allclose(np.log(there["ratio"]), -np.log(back["ratio"]))
        and there["p_value"].equals(back["p_value"])
        and there["n_needed"].equals(back["n_needed"])
    )
