"""Medians, quantiles and ends of many groups of values at once.

Groups of one size are the rows of one matrix, which NumPy sorts in one call. The groups of n values have at most √(2n) different sizes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    Ints = np.ndarray[Any, np.dtype[np.int64]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Bools = np.ndarray[Any, np.dtype[np.bool_]]
    Numbers = np.ndarray[Any, Any]

_SHORT = 1 << 16
"""Numbers below this are sorted by their digits, in a tenth of the time."""


class GroupedRows:
    """Rows in groups: ``of_row`` is the number of each row's group, ``sizes`` how many rows each group has.

    >>> GroupedRows(np.array([1, 0, 1]), 2).medians(np.array([1.0, 5.0, 2.0])).tolist()
    [5.0, 1.5]
    """

    def __init__(self, of_row: Ints, n_groups: int) -> None:
        self.of_row = of_row
        self.sizes: Ints = np.bincount(of_row, minlength=n_groups)
        self._starts = np.cumsum(self.sizes) - self.sizes
        is_ordered = bool((of_row[1:] >= of_row[:-1]).all())
        # What puts the rows of each group after each other, as they stood; None if they are so already.
        self._order = None if is_ordered else np.argsort(of_row.astype(np.uint16) if n_groups <= _SHORT else of_row, kind="stable")
        self._of_sizes: list[tuple[Ints, Ints]] | None = None

    def only(self, kept: Bools) -> GroupedRows:
        """Return the same groups with some of the rows."""
        return self if kept.all() else GroupedRows(self.of_row[kept], len(self.sizes))

    def reduced(self, values: Numbers, by: np.ufunc, none: float) -> Numbers:
        """Return what ``np.minimum``, ``np.maximum`` or ``np.add`` makes of the values of each group, ``none`` of a group without rows.

        >>> GroupedRows(np.array([0, 0, 2]), 3).reduced(np.array([4, 3, 5]), np.minimum, -1).tolist()
        [3, -1, 5]
        """
        result = np.full(len(self.sizes), none, values.dtype)
        held = np.flatnonzero(self.sizes)
        if len(held):
            result[held] = by.reduceat(values if self._order is None else values[self._order], self._starts[held])
        return result

    def medians(self, values: Floats) -> Floats:
        """Return the median of each group. Values that are not a number are left out; a group without values has none."""
        known = ~np.isnan(values)
        groups, values = self.only(known), values[known] if not known.all() else values
        result = np.full(len(self.sizes), np.nan)
        for chosen, rows in groups.by_size():
            low, high = (rows.shape[1] - 1) // 2, rows.shape[1] // 2
            middle = np.partition(values[rows], (low, high), axis=1)
            result[chosen] = (middle[:, low] + middle[:, high]) / 2
        return result

    def quantiles(self, values: Floats, shares: Sequence[float]) -> list[Floats]:
        """Return quantiles of each group, interpolated between neighbours; not-a-number as for :meth:`medians`.

        >>> [found.tolist() for found in GroupedRows(np.array([0, 0, 0]), 1).quantiles(np.array([1.0, 9.0, 3.0]), (0, 0.25, 1))]
        [[1.0], [2.0], [9.0]]
        """
        known = ~np.isnan(values)
        groups, values = self.only(known), values[known] if not known.all() else values
        results = [np.full(len(self.sizes), np.nan) for _ in shares]
        for chosen, rows in groups.by_size():
            ordered = np.sort(values[rows], axis=1)
            for result, share in zip(results, shares, strict=True):
                place = share * (rows.shape[1] - 1)
                low, part = int(place), place % 1
                result[chosen] = ordered[:, low] + (ordered[:, low + 1] - ordered[:, low]) * part if part else ordered[:, low]
        return results

    def medians_of_others(self, values: Floats) -> Floats:
        """Return, for each row, the median over the other rows of its group, which has at least two rows.

        >>> GroupedRows(np.array([0, 0, 0]), 1).medians_of_others(np.array([1.0, 9.0, 3.0])).tolist()
        [6.0, 2.0, 5.0]
        """
        result = np.empty(len(values))
        for _, rows in self.by_size():
            own, size = values[rows], rows.shape[1]
            ordered = np.sort(own, axis=1)
            # Without a value, the values at its place and after it move up by one.
            low, high = (
                np.where(own <= ordered[:, [at]], ordered[:, [at + 1]], ordered[:, [at]]) for at in ((size - 2) // 2, (size - 1) // 2)
            )
            result[rows] = (low + high) / 2
        return result

    def by_size(self) -> list[tuple[Ints, Ints]]:
        """Return the numbers of the groups of each size, and a row for each of them with the places of its rows, in their order."""
        if self._of_sizes is None:
            by_size = np.argsort(self.sizes, kind="stable")
            self._of_sizes = []
            for chosen in np.split(by_size, np.flatnonzero(np.diff(self.sizes[by_size])) + 1):
                if len(chosen) and (size := int(self.sizes[chosen[0]])):
                    places = self._starts[chosen][:, None] + np.arange(size)
                    self._of_sizes.append((chosen, places if self._order is None else self._order[places]))
        return self._of_sizes
