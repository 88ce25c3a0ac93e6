"""Holdings of maintenance locks that cannot both be true, as issues."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from daganalysis.analysis._locks import find_holdings
from daganalysis.reading.issue_codes import issue
from daganalysis.tables import ISSUES
from daganalysis.tables.column_arrays import NONE

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.analysis.holdings import Holdings
    from daganalysis.archive import Archive


def lock_conflicts(archive: Archive, *, run_ids: Iterable[str] | None = None) -> pd.DataFrame:
    """Return an issue for each two DAGs that seem to have held one maintenance lock at the same time, which the engine never allows.

    Loading cannot find them, because it looks at one run at a time. ``validate``, ``table ARCHIVE issues``, ``show`` and the report show
    them with the issues that loading found.

    Args:
        archive: The runs.
        run_ids: Look at the holdings of these runs only.

    Returns:
        Rows like those of the base table ``issues``, with code ``locks-overlap``, sorted by run. The run is the one that began to hold the
        lock first; the message names the other.

    Example:
        >>> import daganalysis as da
        >>> from daganalysis.analysis import lock_conflicts
        >>> len(lock_conflicts(da.load("sample_data/tenant")))
        0
    """
    import pandas as pd

    holdings = find_holdings(archive, run_ids)
    found = [
        issue("locks-overlap", None, None, _message(holdings, one, other), run_id=holdings.run_id[one])
        for one, other in sorted(holdings.against)
    ]
    return ISSUES.conform(pd.DataFrame([asdict(one) for one in found], columns=ISSUES.names)) if found else ISSUES.empty()


def all_issues(archive: Archive) -> pd.DataFrame:
    """Return the issues that loading found, and after them the lock conflicts.

    >>> import daganalysis as da
    >>> archive = da.load("sample_data/tenant")
    >>> len(all_issues(archive)) == len(archive.issues)
    True
    """
    import pandas as pd

    return pd.concat([archive.issues, lock_conflicts(archive)], ignore_index=True)


def _message(holdings: Holdings, one: int, other: int) -> str:
    kind, key, end = holdings.kind[one], holdings.key[one], holdings.end[one]
    what = f"the {kind} lock" + (f" of {key}" if key else "")
    is_same = (kind, key) == (holdings.kind[other], holdings.key[other])
    taken = "it" if is_same else f"the {holdings.kind[other]} lock"
    held = f"{holdings.run_id[one]} seems to have held {what} from {_text(holdings.taken[one])} to {_text(end)}"
    return f"{held}, and {holdings.run_id[other] or 'another DAG'} to have taken {taken} at {_text(holdings.taken[other])}"


def _text(moment: int) -> str:
    import pandas as pd

    return "an unknown time" if moment == NONE else pd.Timestamp(moment, tz="UTC").isoformat(timespec="milliseconds")
