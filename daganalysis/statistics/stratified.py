"""Two samples compared within strata: only values of one stratum are ever compared with each other.

The rank test is that of van Elteren (1960), the location test that of two means over the variance within samples, widened by the memory of
the series; shares are compared by the exact conditional test over several two-by-two tables (Birch 1964; Cox 1970).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from daganalysis.statistics.autocorrelation import LagSums, winsorised
from daganalysis.statistics.distributions import hypergeometric_chances, normal_ppf, t_sf
from daganalysis.statistics.multiple_testing import LEVEL
from daganalysis.statistics.rank_tests import (
    LARGEST_EXACT,
    MOST_PAIRED,
    Effect,
    doubled_ranks,
    effect,
    log_seconds,
    mean,
    rank_sum_chances,
    smallest_mann_whitney_p,
    thinned,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from daganalysis.statistics.autocorrelation import Autocorrelation

    Strata = Sequence[tuple[np.ndarray, np.ndarray]]

_FINEST_WEIGHT = 6
"""The largest whole number that represents a weight of van Elteren's, so that the distribution of small samples is a convolution."""
_HALVINGS = 40
_MOST_FORMED = 1 << 16
"""So many pairs are sorted in a fraction of the time that bisection takes in each of dozens of strata."""
_FEWEST_FAR_APART = 8
"""Runs a side from which on a distance between the sides says something."""
_LARGEST_TABLE = 20_000
"""Values of both sides up to which the conditional distribution of a share is computed exactly."""


def van_elteren_weights(sizes: Sequence[tuple[int, int]]) -> list[int]:
    """Return the weight of the rank sum of each stratum, by its sizes (base, candidate): inverse to its size and one, rounded.

    >>> van_elteren_weights([(4, 5), (9, 10), (40, 40)])
    [6, 3, 1]
    """
    least = min(n + m for n, m in sizes) + 1
    return [max(1, round(_FINEST_WEIGHT * least / (n + m + 1))) for n, m in sizes]


def stratified_effect(strata: Strata) -> Effect:
    """Compare two samples of durations within strata: the ratio common to all, its interval, and the p-value of van Elteren's test.

    The p-value of small samples is exact, ties or not. The ratio is the median of all ratios within strata, weighted like the test
    (Hodges and Lehmann 1963). One stratum gives the Mann-Whitney test.

    >>> import numpy as np
    >>> slow, fast = np.array([100.0, 110.0, 120.0, 130.0]), np.array([10.0, 11.0, 12.0, 13.0])
    >>> found = stratified_effect([(slow, 1.5 * slow), (fast, 1.5 * fast)])
    >>> round(found.ratio, 3), found.p_value < 0.002
    (1.5, True)
    """
    if len(strata) == 1:
        return effect(*strata[0])
    import numpy as np

    logs = [(log_seconds(x), log_seconds(y)) for x, y in strata]
    sizes = [(len(x), len(y)) for x, y in logs]
    weights = van_elteren_weights(sizes)
    most = max(1, round(MOST_PAIRED / math.sqrt(len(logs))))
    pairs = _Pairs([(np.sort(thinned(x, most)), np.sort(thinned(y, most))) for x, y in logs], logs, weights)
    total = float(sum(weight * n * m for weight, (n, m) in zip(weights, sizes, strict=True)))
    less, not_greater = (float(pairs.below(np.zeros(1), side)[0]) for side in ("left", "right"))
    above = 1 - (less + not_greater) / 2 / total
    targets = [total / 2]
    if smallest_stratified_p(sizes) <= LEVEL:
        spread = math.sqrt(sum(w**2 * n * m * (n + m + 1) / 12 for w, (n, m) in zip(weights, sizes, strict=True)))
        reach = min(total / 2, -normal_ppf(LEVEL / 2) * spread)
        targets += [total / 2 - reach, total / 2 + reach]
    found = [math.exp(value) for value in pairs.quantiles(targets, total)]
    low, high = found[1:] if len(found) > 1 else (None, None)
    return Effect(found[0], low, high, van_elteren_p(logs), above)


class _Pairs:
    """All pairs within strata, each with the weight of its stratum. Many pairs are not formed to compute the weight below a difference."""

    def __init__(self, samples: Strata, whole: Strata, weights: Sequence[int]) -> None:
        self.samples = samples
        sizes = [len(x) * len(y) for x, y in samples]
        self.weights = [w * len(x) * len(y) / n for w, (x, y), n in zip(weights, whole, sizes, strict=True)]
        self._formed = self._form(sizes) if sum(sizes) <= _MOST_FORMED else None

    def _form(self, sizes: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the differences of all pairs in order, and the weight below each and below none."""
        import numpy as np

        differences = np.concatenate([(y - x[:, None]).ravel() for x, y in self.samples])
        order = np.argsort(differences, kind="stable")
        return differences[order], np.append(0.0, np.cumsum(np.repeat(self.weights, sizes)[order]))

    def below(self, differences: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
        """Return the weight of the pairs that differ by less (``left``), or not by more (``right``)."""
        import numpy as np

        if self._formed is not None:
            ordered, weights = self._formed
            return weights[np.searchsorted(ordered, differences, side)]
        found = np.zeros(len(differences))
        for (x, y), weight in zip(self.samples, self.weights, strict=True):
            found += weight * np.searchsorted(y, x[:, None] + differences, side).sum(axis=0)
        return found

    def quantiles(self, targets: Sequence[float], total: float) -> list[float]:
        """Return the differences that have a given weight below them, by bisection; values between two differences if need be."""
        import numpy as np

        slack = 1e-9 * total
        wanted = np.array([target + sign * slack for target in targets for sign in (-1, 1)]).clip(slack, total - slack)
        low = np.full(len(wanted), min(float(y[0] - x[-1]) for x, y in self.samples) - 1e-9)
        high = np.full(len(wanted), max(float(y[-1] - x[0]) for x, y in self.samples) + 1e-9)
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            enough = self.below(middle, "right") >= wanted
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        return [float(value) for value in high.reshape(-1, 2).mean(axis=1)]


def van_elteren_p(strata: Strata) -> float:
    """Return the two-sided p-value of the weighted sum of the rank sums within strata (van Elteren 1960).

    >>> import numpy as np
    >>> round(van_elteren_p([(np.array([1.0, 2.0]), np.array([3.0, 4.0])), (np.array([1.0]), np.array([2.0, 3.0]))]), 6)
    0.111111
    """
    import numpy as np

    strata = _one_way_round(strata)
    weights = van_elteren_weights([(len(x), len(y)) for x, y in strata])
    if sum(min(len(x), len(y)) * (len(x) + len(y)) for x, y in strata) <= LARGEST_EXACT:
        return _exact_p(strata, weights)
    off = variance = 0.0
    for (x, y), weight in zip(strata, weights, strict=True):
        n, m = len(x), len(y)
        doubled, of_y = doubled_ranks(x, y)
        off += weight * (of_y / 2 - m * (n + m + 1) / 2)
        variance += weight**2 * n * m / ((n + m) * max(n + m - 1, 1)) * float(((np.asarray(doubled) / 2 - (n + m + 1) / 2) ** 2).sum())
    return math.erfc(max(0.0, abs(off) - 0.5) / math.sqrt(2 * variance)) if variance > 0 else 1.0


def _one_way_round(strata: Strata) -> Strata:
    """Choose which side comes first by the values alone: swapping the sides must not show, not even in the last digit."""
    import numpy as np

    keys = [[(len(side), np.sort(side).tolist()) for side in sides] for sides in zip(*strata, strict=True)]
    return strata if keys[0] <= keys[1] else [(y, x) for x, y in strata]


def _exact_p(strata: Strata, weights: Sequence[int]) -> float:
    """Convolve the distributions of the rank sums of all strata."""
    import numpy as np

    observed, chances = 0, np.ones(1)
    for (x, y), weight in zip(strata, weights, strict=True):
        doubled, of_y = doubled_ranks(x, y)
        if len(y) <= len(x):
            own = rank_sum_chances(tuple(doubled), len(y))
        else:
            total = sum(doubled)
            of_x = rank_sum_chances(tuple(doubled), len(x))
            # The sum of the many is the total less that of the few.
            own = np.zeros(total + 1)
            own[total - len(of_x) + 1 :] = of_x[::-1]
        spaced = np.zeros((len(own) - 1) * weight + 1)
        spaced[::weight] = own
        chances = _convolved(chances, spaced)
        observed += weight * of_y
    return min(1.0, 2 * max(0.0, float(min(chances[: observed + 1].sum(), chances[observed:].sum()))))


def _convolved(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Convolve by Fourier transforms, as ``scipy.signal.fftconvolve`` does, whose module takes a second to import."""
    from scipy.fft import irfft, next_fast_len, rfft

    n = len(x) + len(y) - 1
    if n == max(len(x), len(y)):
        product: np.ndarray = x * y
        return product
    size = next_fast_len(n, real=True)
    convolved: np.ndarray = irfft(rfft(x, size) * rfft(y, size), size)[:n]
    return convolved


def smallest_stratified_p(sizes: Sequence[tuple[int, int]]) -> float:
    """Return the smallest two-sided p-value that a test within strata of these sizes can give.

    >>> smallest_stratified_p([(3, 3)]), smallest_stratified_p([(3, 3), (1, 1)])
    (0.1, 0.05)
    """
    smallest = 2.0
    for n, m in sizes:
        smallest *= smallest_mann_whitney_p(n, m) / 2 if n and m and n + m > 2 else 0.5 if n and m else 1.0
    return min(1.0, smallest)


def robust_logs(strata: Strata) -> Strata:
    """Return the winsorised logarithms of the durations of each stratum and side."""
    return [(winsorised(log_seconds(x)), winsorised(log_seconds(y))) for x, y in strata]


def lag_sums(logs: Strata) -> LagSums:
    """Sum the products of neighbours over the series of all strata and both sides, :func:`robust_logs` in order of time."""
    sums = LagSums.of(())
    for x, y in logs:
        # Two sums in either order are the same to the last bit: swapping the sides must not show.
        sums += LagSums.of([x]) + LagSums.of([y])
    return sums


class Location(NamedTuple):
    """A test of location: its p-value, how much memory widened the variance, and how many independent runs each side is worth."""

    p_value: float
    inflation: float
    effective: tuple[float, float]


def location_test(logs: Strata, memory: Autocorrelation) -> Location:
    """Compare two samples of durations in order of time, within strata, by the means of their :func:`robust_logs`.

    The variance of each mean is that of a series with this autocorrelation, and the degrees of freedom are those of its effective number of
    runs.

    >>> import numpy as np
    >>> from daganalysis.statistics.autocorrelation import Autocorrelation
    >>> sample = np.array([10.0, 11.0, 12.0, 11.0])
    >>> location_test(robust_logs([(sample, sample)]), Autocorrelation()).p_value
    1.0
    """
    difference = variance = weight_sum = squares = room = plain = 0.0
    effective = [0.0, 0.0]
    for a, b in logs:
        n, m = len(a), len(b)
        of_a, of_b = memory.inflation(n), memory.inflation(m)
        weight, of_base, of_candidate = n * m / (n + m), mean(a), mean(b)
        difference += weight * (of_candidate - of_base)
        variance += weight**2 * (of_a / n + of_b / m)
        plain += weight**2 * (1 / n + 1 / m)
        weight_sum += weight
        squares += float(((a - of_base) ** 2).sum()) + float(((b - of_candidate) ** 2).sum())
        room += (n - of_a) + (m - of_b)
        effective[0] += n / of_a
        effective[1] += m / of_b
    spread = math.sqrt(squares / room * variance) if room > 0 else 0.0
    inflation = variance / plain
    found = (effective[0], effective[1])
    if spread <= 1e-12 * weight_sum:
        return Location(1.0 if abs(difference) <= 1e-12 * weight_sum else 0.0, inflation, found)
    freedom = max(sum(effective) - 2 * len(logs), 0.5) if memory.coefficient else max(sum(len(x) + len(y) - 2 for x, y in logs), 0.5)
    return Location(2 * t_sf(abs(difference) / spread, freedom), inflation, found)


def lie_far_apart(strata: Strata) -> bool:
    """Return whether, in every stratum, the gap between the sides is more than half of the range of either of them, all in one direction.

    An autocorrelation that keeps eight or more runs so close together hardly moves them so far: autoregressive series without a shift look
    like this in less than 1 % of all cases, with any coefficient.

    >>> import numpy as np
    >>> slow, fast = np.linspace(13, 14, 8), np.linspace(10, 11, 8)
    >>> lie_far_apart([(fast, slow)]), lie_far_apart([(fast, fast)])
    (True, False)
    """
    directions = set()
    for x, y in strata:
        if min(len(x), len(y)) < _FEWEST_FAR_APART:
            return False
        least_x, most_x, least_y, most_y = log_seconds([x.min(), x.max(), y.min(), y.max()]).tolist()
        gaps = (least_y - most_x, least_x - most_y)
        if 2 * max(gaps) <= max(most_x - least_x, most_y - least_y):
            return False
        directions.add(gaps[0] > gaps[1])
    return len(directions) == 1


class Shares(NamedTuple):
    """A share on both sides, standardised to the same mix of strata, with the exact p-value and the smallest there could be."""

    base: float
    candidate: float
    p_value: float
    smallest: float


def compare_shares(strata: Strata, inflation: float = 1.0) -> Shares:
    """Compare how often something holds (1, otherwise 0) on two sides, within strata.

    The p-value is that of the exact conditional test, two-sided; for autocorrelated series, it is at least that of the score test (Cochran
    1954; Mantel and Haenszel 1959) with its variance inflated.

    >>> import numpy as np
    >>> found = compare_shares([(np.zeros(10), np.array([1.0] * 6 + [0.0] * 4))])
    >>> found.base, found.candidate, round(found.p_value, 4)
    (0.0, 0.6, 0.0108)
    """
    import numpy as np

    chances, observed, expected, variance, lowest = np.ones(1), 0, 0.0, 0.0, 0
    weights, shares = 0.0, [0.0, 0.0]
    exact = sum(len(x) + len(y) for x, y in strata) <= _LARGEST_TABLE
    for x, y in strata:
        n, m, hits = len(x), len(y), int(x.sum() + y.sum())
        weight = n * m / (n + m)
        weights += weight
        shares = [shares[0] + weight * mean(x), shares[1] + weight * mean(y)]
        observed += int(y.sum())
        expected += hits * m / (n + m)
        variance += hits * (n + m - hits) * n * m / ((n + m) ** 2 * max(n + m - 1, 1))
        lowest += max(0, hits - n)
        if exact:
            chances = np.convolve(chances, hypergeometric_chances(hits, n, m))
    if variance <= 0:
        return Shares(shares[0] / weights, shares[1] / weights, 1.0, 1.0)
    off = max(0.0, abs(observed - expected) - 0.5)
    score = math.erfc(off / math.sqrt(2 * variance * inflation))
    place = observed - lowest
    p_value = min(1.0, 2 * float(min(chances[: place + 1].sum(), chances[place:].sum()))) if exact else score
    smallest = min(1.0, 2 * float(min(chances[0], chances[-1]))) if exact else 0.0
    return Shares(shares[0] / weights, shares[1] / weights, max(p_value, score) if inflation > 1 else p_value, smallest)
