"""Families of tests: the level, corrections over a family, and the members of a family that can show anything."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = 0.05
"""The chance of a false alarm that is accepted, over a whole family."""
SMALLEST_RATIO = 1.1
"""A level, or a lag, that differs by less than 10 % is not called different, however sure it is."""


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


def tarone_testable(smallest: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Return which members of a family could show anything, by the smallest p-value that each could have (Tarone 1990).

    The others are not part of the family: they would reduce the power of these tests and could never show anything. The choice depends only
    on the sizes of the samples, so the correction over the rest is valid.

    >>> tarone_testable([0.1, 0.1, 0.1, 0.001, 0.03])
    [False, False, False, True, False]
    """
    ordered = sorted(smallest)
    family = 1
    while bisect_right(ordered, level / family) > family:
        family += 1
    return [p <= level / family for p in smallest]
