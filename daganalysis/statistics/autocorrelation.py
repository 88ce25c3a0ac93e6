"""Autocorrelation: how much less a series of runs tells than independent runs do, because neighbours in time resemble each other.

The autocovariance of a series is fitted as that of a first-order autoregressive process, alone or with white noise on top. Sums over a
finite series around its own mean are biased towards independence; the fit compares them with their expectations, so that short series
are judged without that bias, and several short series can be taken together.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.statistics.rank_tests import mean, median

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

_COEFFICIENTS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
"""Correlations of neighbours that are tried."""
_LAGS = 4
"""Neighbours up to this distance are looked at."""
_SHORTEST = 3
_LIKELY = 1.645
"""Standardised sum of autocorrelations beyond which noise on top of the memory is considered (one-sided, 5 %)."""
_WINSOR = 3.0
"""Robust standard deviations beyond which a value is pulled in, so that one spike does not hide or feign memory."""


@dataclass(frozen=True, slots=True)
class Autocorrelation:
    """The autocorrelation of a series: ``share * coefficient ** lag``."""

    coefficient: float = 0.0
    share: float = 0.0

    def inflation(self, n: int) -> float:
        """Return how many times larger the variance of a mean of n values is than that of independent ones.

        >>> Autocorrelation().inflation(50), round(Autocorrelation(0.6, 1.0).inflation(50), 2)
        (1.0, 3.85)
        """
        return 1.0 if n < 2 or not self.coefficient else 1 + self.share * (_inflation(self.coefficient, n) - 1)


def _inflation(coefficient: float, n: int) -> float:
    """Variance of a mean of a first-order autoregressive process over that of independent values (Bayley and Hammersley 1946)."""
    return (1 + coefficient) / (1 - coefficient) - 2 * coefficient * (1 - coefficient**n) / (n * (1 - coefficient) ** 2)


@dataclass(frozen=True, slots=True)
class LagSums:
    """Sums of products of neighbours around the mean, over several series, and their expected values for each coefficient tried.

    ``expected`` has a row for each coefficient and a last one for independent values; all are per unit of variance.
    """

    observed: np.ndarray
    expected: np.ndarray
    n: int

    @classmethod
    def of(cls, series: Iterable[np.ndarray]) -> LagSums:
        """Sum over series in order of time; those of fewer than three values say nothing."""
        import numpy as np

        observed, expected, total = np.zeros(_LAGS + 1), np.zeros((len(_COEFFICIENTS) + 1, _LAGS + 1)), 0
        for values in series:
            n = len(values)
            if n < _SHORTEST:
                continue
            off = values - mean(values)
            observed += [float(off[lag:] @ off[: n - lag]) if lag < n else 0.0 for lag in range(_LAGS + 1)]
            expected += _expected_sums(n)
            total += n
        return cls(observed, expected, total)

    def __add__(self, other: LagSums) -> LagSums:
        """Take the series of both together."""
        return LagSums(self.observed + other.observed, self.expected + other.expected, self.n + other.n)

    def scaled(self, weight: float) -> LagSums:
        """Return the sums as those of series of unit variance that hold ``weight`` values in all."""
        variance = self.observed[0] / max(float(self.expected[-1, 0]), 1e-300)
        factor = weight / self.n if self.n else 0.0
        return LagSums(self.observed * (factor / variance if variance > 0 else 0.0), self.expected * factor, round(weight))


def autocorrelation_of(series: Iterable[np.ndarray]) -> Autocorrelation:
    """Return the memory that several series share, each in order of time.

    >>> import numpy as np
    >>> autocorrelation_of([np.array([1.0, 5.0, 2.0, 4.0, 1.0, 5.0])])
    Autocorrelation(coefficient=0.0, share=0.0)
    """
    return fitted_autocorrelation(LagSums.of(series))


def fitted_autocorrelation(sums: LagSums) -> Autocorrelation:
    """Fit an autoregressive process, alone and with noise on top, and return the one that leaves fewer effective values."""
    import numpy as np

    if sums.n < _SHORTEST or sums.observed[0] <= 1e-12 * sums.n:
        return Autocorrelation()
    observed, white, expected = sums.observed[1:] / sums.observed[0], sums.expected[-1], sums.expected[:-1]
    lag_one = np.concatenate([[white[1] / white[0]], expected[:, 1] / expected[:, 0]])
    coefficient = float(np.interp(observed[0], lag_one, [0.0, *_COEFFICIENTS]))
    alone = Autocorrelation(coefficient, 1.0) if coefficient > 0 else Autocorrelation()
    excess = float((observed - white[1:] / white[0]).sum())
    if excess * math.sqrt(sums.n / _LAGS) < _LIKELY:
        return alone
    shares = np.linspace(0.05, 1, 20)
    mixed = shares[:, None] * expected[:, None, :] + (1 - shares)[:, None] * white
    misfit = ((mixed[:, :, 1:] / mixed[:, :, :1] - observed) ** 2).sum(axis=2)
    place, share = np.unravel_index(int(misfit.argmin()), misfit.shape)
    noisy = Autocorrelation(_COEFFICIENTS[int(place)], float(shares[int(share)]))
    return max(alone, noisy, key=lambda memory: memory.inflation(sums.n))


@functools.lru_cache(maxsize=4096)
def _expected_sums(n: int) -> np.ndarray:
    """Expectations of the lag sums of n values around their own mean, a row for each coefficient and one for independent values."""
    import numpy as np

    place = np.arange(1, n + 1)
    rows = []
    for coefficient in (*_COEFFICIENTS, 0.0):
        with_mean = ((1 - coefficient**place) + (1 - coefficient ** (n - place + 1))) / (1 - coefficient) / n - 1 / n
        of_mean = float(with_mean.sum()) / n
        row = [
            (n - lag) * (coefficient**lag + of_mean) - float(with_mean[: n - lag].sum() + with_mean[lag:].sum()) if lag < n else 0.0
            for lag in range(_LAGS + 1)
        ]
        rows.append(row)
    return np.array(rows)


def winsorised(values: np.ndarray) -> np.ndarray:
    """Limit values far from the median to three robust standard deviations from it.

    >>> import numpy as np
    >>> winsorised(np.array([1.0, 2.0, 3.0, 4.0, 50.0])).round(2).tolist()
    [1.0, 2.0, 3.0, 4.0, 7.45]
    """
    import numpy as np

    if not len(values):
        return values
    middle = median(np.sort(values))
    reach = _WINSOR * 1.4826 * median(np.sort(np.abs(values - middle)))
    return values if reach <= 0 else np.clip(values, middle - reach, middle + reach)
