"""Two samples compared by ranks: the exact Mann-Whitney test, the Hodges-Lehmann ratio and its distribution-free interval.

The unit is always the run: what varies within one run says nothing of how runs vary.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.statistics.distributions import normal_ppf, normal_sf
from daganalysis.statistics.multiple_testing import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Values = Sequence[float] | np.ndarray

LARGEST_EXACT = 2_000
"""Size of the smaller sample times that of both, up to which the rank sums are enumerated; beyond, the normal distribution is as good."""
MOST_PAIRED = 2_000
"""The largest sample whose pairs are all formed. A larger one is replaced by this number of its quantiles."""
_SHORTEST_S = 1e-6


class Effect(NamedTuple):
    """Candidate over base: the ratio, its interval (None if the samples are too small for one), the p-value, and how often it is greater.

    ``above`` is the chance that a run of the candidate takes longer than one of the base, ties counting half.
    """

    ratio: float
    low: float | None
    high: float | None
    p_value: float
    above: float


def effect(base: Values, candidate: Values) -> Effect:
    """Compare two samples of durations: the Hodges-Lehmann ratio with its distribution-free interval, and the Mann-Whitney p-value.

    The p-value is exact for small samples, ties or not. The other way round gives the inverse of the ratio and the same p-value.

    >>> effect([1, 2, 3, 4], [10, 20, 30, 40]).p_value
    0.02857142857142857
    """
    import numpy as np

    x, y = log_seconds(base), log_seconds(candidate)
    n, m = len(x), len(y)
    x, y, p_value = np.sort(thinned(x)), thinned(y), mann_whitney_p(x, y)
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


def mean(values: np.ndarray) -> float:
    """Return the mean of some values, to the last bit that of ``values.mean()``, whose call takes as long as a thousand additions.

    >>> import numpy as np
    >>> mean(np.array([1.0, 2.0, 6.0]))
    3.0
    """
    import numpy as np

    return float(np.add.reduce(values) / len(values))


def midmean(ordered: np.ndarray) -> float:
    """Return the mean of the middle half of values in order: as robust as is needed, and no slave of ticks as the median is.

    >>> import numpy as np
    >>> midmean(np.array([1.0, 2.0, 4.0, 900.0]))
    3.0
    """
    cut = len(ordered) // 4
    return mean(ordered[cut : len(ordered) - cut])


def mann_whitney_p(x: Values, y: Values) -> float:
    """Return the two-sided p-value of the Mann-Whitney test: by enumeration for small samples, given the ties that there are.

    >>> mann_whitney_p([1, 1, 2], [2, 3, 3])
    0.2
    """
    import numpy as np

    # Which sample comes first must not show, not even in the last digit.
    few, many = sorted((np.sort(x), np.sort(y)), key=lambda values: (len(values), values.tolist()))
    doubled, observed = doubled_ranks(many, few)
    if not _is_small(len(x), len(y)):
        return _approximate_p(doubled, observed, len(few))
    chances = rank_sum_chances(tuple(doubled), len(few))
    return min(1.0, 2 * float(min(chances[: observed + 1].sum(), chances[observed:].sum())))


def _approximate_p(doubled: Sequence[int], observed: int, n: int) -> float:
    """Return the p-value of a sum of doubled ranks by the normal distribution, corrected for ties and continuity."""
    size, m = len(doubled), len(doubled) - n
    above = observed / 2 - n * (n + 1) / 2
    # Values that are equal share their rank; the size of each group of them counts.
    ties = sum(count**3 - count for count in Counter(doubled).values())
    spread = math.sqrt(n * m / 12 * ((size + 1) - ties / (size * (size - 1))))
    return min(1.0, 2 * normal_sf((max(above, n * m - above) - n * m / 2 - 0.5) / spread)) if spread else 1.0


def smallest_mann_whitney_p(n: int, m: int) -> float:
    """Return the smallest two-sided p-value that a Mann-Whitney test of ``n`` against ``m`` values can give.

    >>> smallest_mann_whitney_p(3, 3), round(smallest_mann_whitney_p(1, 39), 4)
    (0.1, 0.05)
    """
    return min(1.0, 2 / math.comb(n + m, n)) if n and m else 1.0


def _is_small(n: int, m: int) -> bool:
    return min(n, m) * (n + m) <= LARGEST_EXACT


@functools.lru_cache(maxsize=256)
def rank_sum_chances(doubled: tuple[int, ...], size: int) -> np.ndarray:
    """The chance of each sum of doubled ranks of a random sample of a fixed size."""
    import numpy as np

    counts = np.zeros((size + 1, sum(doubled[len(doubled) - size :]) + 1))
    counts[0, 0] = 1
    for rank in doubled:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank]
    chances: np.ndarray = counts[size] / math.comb(len(doubled), size)
    return chances


@functools.lru_cache(maxsize=4096)
def _pairs_outside(n: int, m: int) -> int | None:
    """The number of the n x m ratios below the interval, and also above it; None if the samples are too small for an interval."""
    if not n or not m or smallest_mann_whitney_p(n, m) > LEVEL:
        return None
    if not _is_small(n, m):
        return max(0, math.floor(n * m / 2 + normal_ppf(LEVEL / 2) * math.sqrt(n * m * (n + m + 1) / 12)) - 1)
    few = min(n, m)
    chances = rank_sum_chances(tuple(range(2, 2 * (n + m) + 1, 2)), few)[few * (few + 1) :: 2]
    below, outside = float(chances[0]), 0
    while below + float(chances[outside + 1]) <= LEVEL / 2:
        outside += 1
        below += float(chances[outside])
    return outside


def thinned(values: np.ndarray, most: int = MOST_PAIRED) -> np.ndarray:
    """Return a sample, or its quantiles if it is too large."""
    import numpy as np

    if len(values) <= most:
        return values
    quantiles: np.ndarray = np.quantile(values, (np.arange(most) + 0.5) / most)
    return quantiles


def log_seconds(values: Values) -> np.ndarray:
    """Return the logarithms of durations; nothing is shorter than a microsecond."""
    import numpy as np

    logs: np.ndarray = np.log(np.maximum(np.asarray(values, float), _SHORTEST_S))
    return logs


def doubled_ranks(x: np.ndarray, y: np.ndarray) -> tuple[list[int], int]:
    """Return twice the rank of each value of two samples, in order, and the sum over those of the second.

    Twice the rank that tied values share is how many are less, and how many are not greater, and one.
    """
    import numpy as np

    both = np.sort(np.concatenate([x, y]))
    doubled = np.searchsorted(both, both, "left") + np.searchsorted(both, both, "right") + 1
    of_y = int((np.searchsorted(both, y, "left") + np.searchsorted(both, y, "right") + 1).sum())
    return doubled.tolist(), of_y
