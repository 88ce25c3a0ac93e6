"""What modules higher up provide for modules below them, which must not import them. The package puts it in place when it is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

worst_run: Callable[[Any], pd.DataFrame] | None = None
"""Return the row of ``runs`` of the worst run of an archive, which a notebook shows first. From ``daganalysis.analysis``."""
