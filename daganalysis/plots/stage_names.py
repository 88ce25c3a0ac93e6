"""Stages told apart by name, across runs in which they have other numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def numbered(rows: pd.DataFrame) -> pd.Series[str]:
    """Return the stage name of each row; a second stage of the name in a run ends in #2, one without a name is its number."""
    named = rows["name"].fillna("stage " + rows["stage"].astype("string")).astype(object)
    again = named.to_frame("name").assign(run_id=rows["run_id"], stage=rows["stage"]).sort_values(["run_id", "stage"], kind="stable")
    count = again.groupby(["run_id", "name"]).cumcount().reindex(rows.index)
    result: pd.Series[str] = named.where(count == 0, named + " #" + (count + 1).astype(str))
    return result
