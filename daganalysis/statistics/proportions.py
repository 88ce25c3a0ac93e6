"""Proportions: exact intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.statistics.distributions import beta_ppf
from daganalysis.statistics.multiple_testing import LEVEL

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Values = Sequence[float] | np.ndarray


def clopper_pearson_interval(hits: Values, n: Values, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return the two-sided interval of a proportion, from ``hits`` hits in ``n`` trials (Clopper and Pearson 1934).

    >>> [float(end.round(3)) for end in clopper_pearson_interval(1, 10)]
    [0.003, 0.445]
    """
    import numpy as np

    k, n = np.broadcast_arrays(np.asarray(hits, float), np.asarray(n, float))
    # Thousands of agents share a few pairs of hits and trials. A complex number is one pair.
    pairs, place = np.unique(k + 1j * n, return_inverse=True)
    k, n = pairs.real, pairs.imag
    low = np.where(k > 0, beta_ppf(level / 2, np.maximum(k, 1), n - k + 1), 0.0)
    high = np.where(k < n, beta_ppf(1 - level / 2, k + 1, np.maximum(n - k, 1)), 1.0)
    return low[place], high[place]
