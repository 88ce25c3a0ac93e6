"""Change points: how probable a split of a series is by chance."""

from __future__ import annotations

import math


def split_p(largest: float, n: int, least: int) -> float:
    """Return the p-value of the best split of n successive values into two parts of a least size.

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
