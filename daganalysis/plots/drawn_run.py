"""Which run a Gantt chart shows where the caller names none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.errors import UsageError

if TYPE_CHECKING:
    from daganalysis.archive import Archive


def only_run(archive: Archive, *, children: bool) -> str | None:
    """Return the only run of an archive, or with ``children`` the only one without a main DAG; None for an empty archive.

    >>> import daganalysis as da
    >>> only_run(da.load("sample_data/documented/scale-out.json"), children=False)
    '11'
    """
    dags = archive.table("dags", ["run_id", "parent_run_id"])
    roots = dags.loc[~dags["parent_run_id"].isin(dags["run_id"]), "run_id"].tolist()
    if len(roots) > 1 or (len(dags) > 1 and not children):
        raise UsageError(f"the archive holds {len(dags)} runs, and a chart shows one", hint="name the run with run_id")
    return roots[0] if roots else None
