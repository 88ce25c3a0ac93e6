"""Stages distinguished by name, across runs in which they have other numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def numbered(rows: pd.DataFrame) -> pd.Series[str]:
    """Return the stage name of each row; a second stage of the name in a run ends in #2, one without a name is its number."""
    import pandas as pd

    named = rows["name"].fillna("stage " + rows["stage"].astype("string")).astype(object)
    again = named.to_frame("name").assign(run_id=rows["run_id"], stage=rows["stage"]).sort_values(["run_id", "stage"], kind="stable")
    count = again.groupby(["run_id", "name"]).cumcount().reindex(rows.index)
    names = [name if number == 0 else f"{name} #{number + 1}" for name, number in zip(named, count, strict=True)]
    return pd.Series(names, index=rows.index, dtype=object)
