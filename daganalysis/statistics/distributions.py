"""Quantiles and tails of distributions, as ``scipy.stats`` has them, from the functions that its current version calls itself.

Importing ``scipy.stats`` takes five times as long as importing these, and longer than most analyses.
"""

from __future__ import annotations

import bisect
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd

    Values = float | Sequence[float] | np.ndarray | pd.Series[float] | pd.Series[int]


def normal_ppf(share: float) -> float:
    """Return the quantile of the standard normal distribution.

    >>> round(normal_ppf(0.975), 3)
    1.96
    """
    from scipy.special import ndtri

    return float(ndtri(share))


def normal_isf(tail: float) -> float:
    """Return the value above which a share of the standard normal distribution lies."""
    return -normal_ppf(tail)


def normal_sf(value: float) -> float:
    """Return the share of the standard normal distribution above a value."""
    from scipy.special import ndtr

    return float(ndtr(-value))


def t_ppf(share: float, freedom: float) -> float:
    """Return the quantile of Student's t with some degrees of freedom.

    >>> round(t_ppf(0.975, 4), 3)
    2.776
    """
    from scipy.special import stdtrit

    return float(stdtrit(freedom, share))


def t_isf(tail: float, freedom: float) -> float:
    """Return the value above which a share of Student's t lies."""
    return -t_ppf(tail, freedom)


def t_sf(value: float, freedom: float) -> float:
    """Return the share of Student's t above a value."""
    from scipy.special import stdtr

    return float(stdtr(freedom, -value))


def f_sf(value: float, freedom: float, freedom_below: float) -> float:
    """Return the share of the F distribution above a value.

    >>> round(f_sf(4.0, 2, 10), 3)
    0.053
    """
    from scipy.special import fdtrc

    return float(fdtrc(freedom, freedom_below, value))


def beta_ppf(share: float, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return quantiles of beta distributions."""
    from scipy.special import betaincinv

    return cast("np.ndarray", betaincinv(a, b, share))


def binomial_tails(hits: Values, n: Values, chance: Values) -> np.ndarray:
    """Return the chance of at least ``hits`` hits in ``n`` trials.

    >>> binomial_tails([0, 1, 3], [3, 3, 3], [0.5, 0.5, 0.5]).tolist()
    [1.0, 0.875, 0.125]
    """
    import numpy as np
    from scipy.special import betainc

    k = np.asarray(hits, float)
    return np.where(k > 0, betainc(np.maximum(k, 1), np.asarray(n, float) - k + 1, chance), 1.0)


def binomial_ppf(share: float, n: int, chance: float) -> int:
    """Return the smallest number of hits in ``n`` trials that is not exceeded with a probability of at least ``share``.

    >>> binomial_ppf(0.5, 10, 0.5), binomial_ppf(0.95, 10, 0.5)
    (5, 8)
    """
    return bisect.bisect_left(range(n), share, key=lambda k: 1 - float(binomial_tails(k + 1, n, chance)))


def hypergeometric_chances(hits: int, n: int, m: int) -> np.ndarray:
    """Return the chance of each possible number of hits among ``m`` of ``n + m`` values, of which ``hits`` are hits, the least first.

    >>> hypergeometric_chances(2, 2, 3).round(6).tolist()
    [0.1, 0.6, 0.3]
    """
    import numpy as np

    k = np.arange(max(0, hits - n), min(hits, m), dtype=float)
    growth = (hits - k) * (m - k) / ((k + 1) * (n - hits + k + 1))  # each chance over the one before
    mode = int((growth > 1).sum())
    chances: np.ndarray = np.concatenate([np.cumprod(1 / growth[:mode][::-1])[::-1], [1.0], np.cumprod(growth[mode:])])
    chances /= chances.sum()
    return chances
