"""Any number of boxes as one artist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import Collection
from matplotlib.path import Path

if TYPE_CHECKING:
    from collections.abc import Sequence


class Boxes(Collection):
    """Boxes along the axes: one square, stretched and moved for each of them.

    A path for each, as in a ``PolyCollection``, takes long to make, and half as long as the painting to give away.
    """

    def __init__(self, x: tuple[np.ndarray, np.ndarray], y: tuple[np.ndarray, np.ndarray], **look: Any) -> None:
        n = len(x[0])
        super().__init__(**look)
        # As many items are drawn as there are paths or offsets.
        self.set_offsets(np.zeros((n, 2)))
        self._places = np.zeros((n, 3, 3))
        for axis, (low, high) in enumerate((x, y)):
            self._places[:, axis, axis] = high - low
            self._places[:, axis, 2] = low
        self._places[:, 2, 2] = 1

    def get_paths(self) -> Sequence[Path]:
        """Return the square."""
        return [Path.unit_rectangle()]

    def get_transforms(self) -> np.ndarray:  # type: ignore[override] # the renderers take matrices
        """Return what makes each box of the square."""
        return self._places
