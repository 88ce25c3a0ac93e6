"""The statistics of small samples: exact tests, intervals, corrections over a family, and what a sample can show at all.

The unit is always the run: what varies within one run says nothing of how runs vary.
"""

from __future__ import annotations

import functools
import math
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Values = Sequence[float] | np.ndarray

LEVEL = 0.05
"""The chance of a false alarm that is accepted, over a whole family."""
SMALLEST_RATIO = 1.1
"""A level, or a lag, that differs by less than 10 % is not called different, however sure it is."""
_LARGEST_EXACT = 2_000
"""Size of the smaller sample times that of both, up to which the rank sums are enumerated; beyond, the normal distribution is as good."""
_MOST_PAIRED = 2_000
"""Values of a sample whose pairs are all formed; of a larger one as many of its quantiles stand for it."""
_SHORTEST_S = 1e-6
_POWER = 0.8


class Effect(NamedTuple):
    """Candidate over base: the ratio, its interval (None if the samples are too small for one), the p-value, and how often it is greater.

    ``above`` is the chance that a run of the candidate takes longer than one of the base, ties counting half.
    """

    ratio: float
    low: float | None
    high: float | None
    p_value: float
    above: float


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


def can_show(smallest: Sequence[float]) -> list[bool]:
    """Say which members of a family could show anything, by the smallest p-value that each could have (Tarone 1990).

    The others are no part of the family: they would cost those that can show something their power, and could never use it. The choice
    depends on the sizes of the samples alone, so that the correction over the rest holds.

    >>> can_show([0.1, 0.1, 0.1, 0.001, 0.03])
    [False, False, False, True, False]
    """
    ordered = sorted(smallest)
    family = 1
    while bisect_right(ordered, LEVEL / family) > family:
        family += 1
    return [p <= LEVEL / family for p in smallest]


def smallest_p(n: int, m: int) -> float:
    """Return the smallest two-sided p-value that a Mann-Whitney test of so many against so many can give.

    >>> smallest_p(3, 3), round(smallest_p(1, 39), 4)
    (0.1, 0.05)
    """
    return min(1.0, 2 / math.comb(n + m, n)) if n and m else 1.0


def runs_needed(n: int, m: int, family: int) -> int:
    """Return how many runs each side needs to have for a verdict in a family of so many rows, n and m being there already.

    >>> runs_needed(3, 3, 1), runs_needed(3, 3, 10), runs_needed(1, 40, 1)
    (4, 6, 1)
    """
    needed = 1
    while smallest_p(max(n, needed), max(m, needed)) * family > LEVEL:
        needed += 1
    return needed


def runs_to_show(above: float, family: int) -> int:
    """Return how many runs a side show, four times out of five, a difference with such a share of greater pairs (Noether 1987).

    >>> runs_to_show(1.0, 1), runs_to_show(0.8, 6)
    (6, 23)
    """
    from scipy.stats import norm

    reach = float(norm.isf(LEVEL / 2 / family) + norm.ppf(_POWER))
    return math.ceil(reach**2 / (6 * max(abs(above - 0.5), 0.01) ** 2))


def effect(base: Values, candidate: Values) -> Effect:
    """Compare two samples of durations: the Hodges-Lehmann ratio with its distribution-free interval, and the Mann-Whitney p-value.

    The p-value is exact for small samples, ties or not. The other way round gives the inverse of the ratio and the same p-value.

    >>> effect([1, 2, 3, 4], [10, 20, 30, 40]).p_value
    0.02857142857142857
    """
    import numpy as np

    x = np.log(np.maximum(np.asarray(base, float), _SHORTEST_S))
    y = np.log(np.maximum(np.asarray(candidate, float), _SHORTEST_S))
    n, m = len(x), len(y)
    x, y, p_value = np.sort(_thinned(x)), _thinned(y), rank_sum_p(x, y)
    less, not_greater = (int(np.searchsorted(x, y, side).sum()) for side in ("left", "right"))
    n_pairs = len(x) * len(y)
    above = less / n_pairs + (not_greater - less) / n_pairs / 2
    outside = _pairs_outside(n, m)
    ends = [] if outside is None else [place := round(outside / (n * m) * n_pairs), n_pairs - 1 - place]
    # Of all the pairs only those in the middle and at the ends of the interval need to be in their place.
    differences = np.partition((y[:, None] - x[None, :]).ravel(), [(n_pairs - 1) // 2, n_pairs // 2, *ends])
    ratio = float(np.exp(median(differences)))
    low, high = (float(np.exp(differences[at])) for at in ends) if ends else (None, None)
    return Effect(ratio, low, high, p_value, above)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank of each value, from one; values that are equal share theirs.

    >>> import numpy as np
    >>> ranks(np.array([2.0, 1.0, 2.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    import numpy as np

    ordered = np.sort(values)
    shared: np.ndarray = (np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") + 1) / 2
    return shared


def median(ordered: np.ndarray) -> float:
    """Return the median of values in order.

    >>> import numpy as np
    >>> median(np.array([1.0, 2.0, 4.0, 9.0]))
    3.0
    """
    n = len(ordered)
    return float(ordered[n // 2]) if n % 2 else float(ordered[n // 2 - 1] + ordered[n // 2]) / 2


def rank_sum_p(x: Values, y: Values) -> float:
    """Return the two-sided p-value of the Mann-Whitney test: by enumeration for small samples, given the ties that there are.

    >>> rank_sum_p([1, 1, 2], [2, 3, 3])
    0.2
    """
    import numpy as np

    # Which sample comes first must not show, not even in the last digit.
    few, many = sorted((np.sort(x), np.sort(y)), key=lambda values: (len(values), values.tolist()))
    both = np.sort(np.concatenate([few, many]))
    # Twice the rank that tied values share is how many are less, and how many are not greater, and one.
    doubled = np.searchsorted(both, both, "left") + np.searchsorted(both, both, "right") + 1
    observed = int((np.searchsorted(both, few, "left") + np.searchsorted(both, few, "right") + 1).sum())
    if not _is_small(len(x), len(y)):
        from scipy.stats import mannwhitneyu

        return min(1.0, float(mannwhitneyu(few, many, alternative="two-sided", method="asymptotic").pvalue))
    chances = _rank_sums(tuple(doubled.tolist()), len(few))
    return min(1.0, 2 * float(min(chances[: observed + 1].sum(), chances[observed:].sum())))


def _is_small(n: int, m: int) -> bool:
    return min(n, m) * (n + m) <= _LARGEST_EXACT


@functools.lru_cache(maxsize=256)
def _rank_sums(doubled: tuple[int, ...], size: int) -> np.ndarray:
    """The chance of each sum of doubled ranks of so many of them, drawn at random."""
    import numpy as np

    counts = np.zeros((size + 1, sum(doubled[len(doubled) - size :]) + 1))
    counts[0, 0] = 1
    for rank in doubled:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank]
    chances: np.ndarray = counts[size] / math.comb(len(doubled), size)
    return chances


@functools.lru_cache(maxsize=4096)
def _pairs_outside(n: int, m: int) -> int | None:
    """How many of the n x m ratios lie below the interval, and as many above; None if the samples are too small for an interval."""
    if not n or not m or smallest_p(n, m) > LEVEL:
        return None
    if not _is_small(n, m):
        from scipy.stats import norm

        return max(0, math.floor(n * m / 2 + float(norm.ppf(LEVEL / 2)) * math.sqrt(n * m * (n + m + 1) / 12)) - 1)
    few = min(n, m)
    chances = _rank_sums(tuple(range(2, 2 * (n + m) + 1, 2)), few)[few * (few + 1) :: 2]
    below, outside = float(chances[0]), 0
    while below + float(chances[outside + 1]) <= LEVEL / 2:
        outside += 1
        below += float(chances[outside])
    return outside


def _thinned(values: np.ndarray) -> np.ndarray:
    import numpy as np

    if len(values) <= _MOST_PAIRED:
        return values
    quantiles: np.ndarray = np.quantile(values, (np.arange(_MOST_PAIRED) + 0.5) / _MOST_PAIRED)
    return quantiles


def split_p(largest: float, n: int, least: int) -> float:
    """Return how probable it is by chance that the best split of n values in a row, each part of at least so many, splits so well.

    ``largest`` is the standardised rank sum of the values before the split. An upper bound: that of Lausen and Schumacher (1992), or that
    of Bonferroni over the places of a split, whichever is less.

    >>> round(split_p(3.0, 60, 5), 3), round(split_p(4.5, 60, 5), 5)
    (0.063, 0.00034)
    """
    if largest <= 1:
        return 1.0
    density, share = math.exp(-(largest**2) / 2) / math.sqrt(2 * math.pi), least / n
    improved = 4 * density / largest + density * (largest - 1 / largest) * 2 * math.log((1 - share) / share)
    return min(1.0, improved, math.erfc(largest / math.sqrt(2)) * (n - 2 * least + 1))


def largest_split(n: int) -> float:
    """Return the largest standardised rank sum that a split of n values can have: all the smaller ones on one side, in the middle.

    >>> round(largest_split(10), 2)
    2.51
    """
    half = n // 2
    return (half * (n - half) / 2 - 0.5) / math.sqrt((n + 1) * half * (n - half) / 12)


def chance_interval(hits: Values, n: Values, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return the two-sided interval of a chance, from so many hits in so many trials (Clopper and Pearson 1934).

    >>> [float(end.round(3)) for end in chance_interval(1, 10)]
    [0.003, 0.445]
    """
    import numpy as np
    from scipy.stats import beta

    k, n = np.asarray(hits, float), np.asarray(n, float)
    low = np.where(k > 0, beta.ppf(level / 2, np.maximum(k, 1), n - k + 1), 0.0)
    high = np.where(k < n, beta.ppf(1 - level / 2, k + 1, np.maximum(n - k, 1)), 1.0)
    return low, high
