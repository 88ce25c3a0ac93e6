"""The regularised incomplete beta function and its inverse, from which the tails of the binomial, beta and F distributions follow.

``scipy.special`` has both. Its import takes a tenth of a second, a quarter of what pandas takes, so that only what is needed less often
comes from there. Tests compare these functions with SciPy's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = np.ndarray[Any, np.dtype[np.float64]]

_TINY = 1e-300
_CLOSE = 4 * float(np.finfo(float).eps)
_MOST_TERMS = 100_000
"""The continued fraction needs some times the root of the larger parameter: about a thousand terms for a million trials."""
_MOST_STEPS = 100
"""Halley's method needs three or four steps; bisection, if it has to take over, fifty."""
_SMALL_STEP = 1e-8
"""Each step at least doubles the digits that are right: after one this small, all are."""
_LARGE = 10
"""From here on, the first terms of Stirling's series are exact to the last digit."""
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


def incomplete_beta(a: npt.ArrayLike, b: npt.ArrayLike, x: npt.ArrayLike) -> Floats:
    """Return the shares of beta distributions, with positive parameters ``a`` and ``b``, that are below ``x``.

    >>> incomplete_beta([1, 2], [1, 3], [0.25, 0.5]).round(6).tolist()
    [0.25, 0.6875]
    """
    a, b, x = np.broadcast_arrays(*(np.asarray(values, float) for values in (a, b, x)))
    below: Floats = np.where(x >= 1, 1.0, np.where(np.isnan(x), np.nan, 0.0))
    is_inside = (x > 0) & (x < 1)
    below[is_inside] = _below(*(values[is_inside] for values in (a, b, x)))[0]
    return below


def incomplete_beta_inverse(a: Floats, b: Floats, share: float) -> Floats:
    """Return the values below which a share, more than 0 and less than 1, of beta distributions lies. The parameters are at least 1.

    >>> incomplete_beta_inverse(np.array([1.0, 2.0]), np.array([1.0, 3.0]), 0.6875).round(6).tolist()
    [0.6875, 0.5]
    """
    if share > 0.5:  # the smaller share is computed with more digits
        above: Floats = 1 - incomplete_beta_inverse(b, a, 1 - share)
        return above
    low, high, x = np.zeros(len(a)), np.ones(len(a)), _near_quantile(a, b, share)
    is_found = np.zeros(len(a), bool)
    for _ in range(_MOST_STEPS):
        below, weight = _below(a, b, x)
        low, high = np.where(below < share, x, low), np.where(below > share, x, high)
        newton = (below - share) / np.maximum(weight, _TINY) * x * (1 - x)
        after = x - newton / np.maximum(0.5, 1 - newton / 2 * ((a - 1) / x - (b - 1) / (1 - x)))
        is_small = np.abs(after - x) <= _SMALL_STEP * x
        after = np.where(is_small | ((after > low) & (after < high)), after, (low + high) / 2)
        x = np.where(is_found, x, after)
        is_found |= is_small
        if is_found.all():
            break
    return x


def _below(a: Floats, b: Floats, x: Floats) -> tuple[Floats, Floats]:
    """Return the shares below ``x``, and ``x ** a * (1 - x) ** b / B(a, b)``; ``x`` is more than 0 and less than 1."""
    weight = _weight(a, b, x)
    # The continued fraction converges fast below the mean. Above it, the rest of the distribution is computed.
    is_above = x > (a + 1) / (a + b + 2)
    first, second, value = np.where(is_above, b, a), np.where(is_above, a, b), np.where(is_above, 1 - x, x)
    tail = weight / first * _continued_fraction(first, second, value)
    return np.where(is_above, 1 - tail, tail), weight


def _continued_fraction(a: Floats, b: Floats, x: Floats) -> Floats:
    """Evaluate the continued fraction of the incomplete beta function (DLMF 8.17.22) by the method of Lentz."""
    result, rows = np.ones(len(a)), np.arange(len(a))
    numerator, denominator = np.ones(len(a)), 1 / (1 - (a + b) * x / (a + 1))
    value = denominator
    for m in range(1, _MOST_TERMS):
        double = a + 2 * m
        for factor in (m * (b - m) * x / ((double - 1) * double), -(a + m) * (a + b + m) * x / (double * (double + 1))):
            denominator = 1 / _not_zero(1 + factor * denominator)
            numerator = _not_zero(1 + factor / numerator)
            change = numerator * denominator
            value = value * change
        is_done = np.abs(change - 1) <= _CLOSE
        if is_done.any():
            result[rows[is_done]] = value[is_done]
            a, b, x, numerator, denominator, value = (values[~is_done] for values in (a, b, x, numerator, denominator, value))
            rows = rows[~is_done]
            if not len(rows):
                break
    return result


def _not_zero(values: Floats) -> Floats:
    return values if values.all() else np.where(values == 0, _TINY, values)


def _weight(a: Floats, b: Floats, x: Floats) -> Floats:
    """Return ``x ** a * (1 - x) ** b / B(a, b)`` by the saddle point (Loader 2000), because large logarithms would cancel each other."""
    n = a + b
    off = x - a / n  # which cancels to the first order between both logarithms
    deviance = -a * _log_ratio(x, a / n, off) - b * _log_ratio(1 - x, b / n, -off)
    error = _stirling_error(n) - _stirling_error(a) - _stirling_error(b)
    weight: Floats = np.sqrt(a * b / (2 * math.pi * n)) * np.exp(error - deviance)
    return weight


def _log_ratio(x: Floats, mean: Floats, off: Floats) -> Floats:
    """Return the logarithm of ``x / mean``, given the difference as well."""
    return np.where(off > -mean / 2, np.log1p(np.maximum(off / mean, -0.5)), np.log(x / mean))


def _stirling_error(z: Floats) -> Floats:
    """Return the logarithm of the gamma function less Stirling's approximation to it."""
    error = np.zeros(len(z))
    while (is_small := z < _LARGE).any():
        error += np.where(is_small, (z + 0.5) * np.log1p(1 / z) - 1, 0.0)
        z = np.where(is_small, z + 1, z)
    return error + np.polynomial.polynomial.polyval(1 / z**2, _STIRLING) / z


def _near_quantile(a: Floats, b: Floats, share: float) -> Floats:
    """Return values near quantiles of beta distributions (Abramowitz and Stegun 1964, 26.5.22)."""
    from statistics import NormalDist

    z = -NormalDist().inv_cdf(share)
    of_a, of_b, square = 1 / (2 * a - 1), 1 / (2 * b - 1), (z**2 - 3) / 6
    mean = 2 / (of_a + of_b)
    off = z * np.sqrt(mean + square) / mean - (of_b - of_a) * (square + 5 / 6 - 2 / (3 * mean))
    near: Floats = a / (a + b * np.exp(2 * off))
    return np.clip(near, _TINY, 1 - _CLOSE)
