"""The statistics of small samples, by SciPy: corrections, intervals, what a sample can show at all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.05
_LARGEST_EXACT = 2_000
"""Products of sample sizes up to which the Mann-Whitney distribution is taken exactly."""
_SHORTEST_S = 1e-6


class Effect(NamedTuple):
    """Candidate over base: the ratio, its interval (None if the samples are too small for one) and the p-value."""

    ratio: float
    low: float | None
    high: float | None
    p_value: float


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values over a family (Holm 1979), in their order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def smallest_p(n: int, m: int) -> float:
    """Return the smallest two-sided p-value that a Mann-Whitney test of so many against so many can give.

    >>> smallest_p(3, 3)
    0.1
    """
    return 2 / math.comb(n + m, n) if n and m else 1.0


def runs_needed(family: int) -> int:
    """Return how many runs a side a verdict needs at least, in a family of so many rows.

    >>> runs_needed(1), runs_needed(10)
    (4, 6)
    """
    n = 1
    while smallest_p(n, n) * family > LEVEL:
        n += 1
    return n


def effect(base: Sequence[float], candidate: Sequence[float]) -> Effect:
    """Compare two samples of durations: the Hodges-Lehmann ratio with its distribution-free interval, and the Mann-Whitney p-value.

    The p-value is exact for small samples without ties.
    """
    import numpy as np
    from scipy.stats import mannwhitneyu, norm

    x = np.log(np.maximum(np.asarray(base, float), _SHORTEST_S))
    y = np.log(np.maximum(np.asarray(candidate, float), _SHORTEST_S))
    n, m = len(x), len(y)
    differences = np.sort((y[:, None] - x[None, :]).ravel())
    ratio = float(np.exp(np.median(differences)))
    ties = len(np.unique(np.concatenate([x, y]))) < n + m
    if ties or n * m > _LARGEST_EXACT:
        p_value = float(mannwhitneyu(x, y, alternative="two-sided", method="asymptotic").pvalue)
    else:
        p_value = float(mannwhitneyu(x, y, alternative="two-sided", method="exact").pvalue)
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    k = math.floor(n * m / 2 - float(norm.ppf(1 - LEVEL / 2)) * spread)
    if k < 1 or smallest_p(n, m) > LEVEL:
        return Effect(ratio, None, None, min(p_value, 1.0))
    return Effect(ratio, float(np.exp(differences[k - 1])), float(np.exp(differences[n * m - k])), min(p_value, 1.0))
