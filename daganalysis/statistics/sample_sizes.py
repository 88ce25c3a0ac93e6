"""Sample sizes: how many runs a test needs."""

from __future__ import annotations

import math

from daganalysis.statistics.distributions import normal_isf, normal_ppf
from daganalysis.statistics.multiple_testing import LEVEL
from daganalysis.statistics.rank_tests import smallest_mann_whitney_p

_POWER = 0.8


def sample_size_to_test(n: int, m: int, family: int) -> int:
    """Return how many runs each side needs for a verdict in a family of some rows, given that it has n and m runs.

    >>> sample_size_to_test(3, 3, 1), sample_size_to_test(3, 3, 10), sample_size_to_test(1, 40, 1)
    (4, 6, 1)
    """
    needed = 1
    while smallest_mann_whitney_p(max(n, needed), max(m, needed)) * family > LEVEL:
        needed += 1
    return needed


def sample_size_to_show(above: float, family: int) -> int:
    """Return how many runs a side show a difference with a given share of greater pairs four times out of five (Noether 1987).

    >>> sample_size_to_show(1.0, 1), sample_size_to_show(0.8, 6)
    (6, 23)
    """
    reach = normal_isf(LEVEL / 2 / family) + normal_ppf(_POWER)
    return math.ceil(reach**2 / (6 * max(abs(above - 0.5), 0.01) ** 2))
