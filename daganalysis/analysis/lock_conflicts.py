"""Holdings of maintenance locks that cannot both be true, as issues."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from daganalysis.analysis._locks import find_holdings
from daganalysis.reading.issue_codes import issue
from daganalysis.tables import ISSUES

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

    from daganalysis.analysis.holdings import Holding
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

    found = [
        issue("locks-overlap", None, None, message, run_id=one.run_id)
        for one in find_holdings(archive, run_ids)
        for message in _messages(one)
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


def _messages(one: Holding) -> list[str]:
    what = f"the {one.lock.kind} lock" + (f" of {one.lock.key}" if one.lock.key else "")
    held = f"{one.run_id} seems to have held {what} from {_text(one.taken_at)} to {_text(one.end)}"
    return [
        f"{held}, and {other.run_id or 'another DAG'} to have taken {'it' if other.lock == one.lock else f'the {other.lock.kind} lock'} at "
        f"{_text(other.taken_at)}"
        for other in one.against
    ]


def _text(moment: int | None) -> str:
    import pandas as pd

    return "an unknown time" if moment is None else pd.Timestamp(moment, tz="UTC").isoformat(timespec="milliseconds")
