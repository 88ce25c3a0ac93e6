"""Which values of a column are among known ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


def among(values: pd.Series[str], known: Iterable[str]) -> pd.Series[bool]:
    """Return which texts are among known ones; null is not.

    Does what ``Series.isin`` does in a fraction of the time where thousands are known: pandas turns each of them into a scalar first.

    >>> import pandas as pd
    >>> among(pd.Series(["a", None, "c"]), ["c", "d"]).tolist()
    [False, False, True]
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pa.array(values, pa.large_string())
    found = pc.is_in(texts, pa.array(list(known), pa.large_string()), skip_nulls=True)
    return pd.Series(np.asarray(found), index=values.index)
