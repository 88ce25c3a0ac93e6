"""Failures: what went wrong, the same things together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.analysis._outages import runs_in_outages
from daganalysis.analysis.signatures import NO_LINE, OTHER, masked, signatures, without_names
from daganalysis.engine.log_lines import error_parts
from daganalysis.engine.messages import known_message
from daganalysis.engine.user_catalogue import Failure
from daganalysis.errors import UsageError
from daganalysis.tables import DAGS, NODES
from daganalysis.tables.column_arrays import rows_with
from daganalysis.tables.declaration import decode_texts
from daganalysis.tables.results import FAILURES, FAILURES_BY_ATTEMPT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from daganalysis.archive import Archive
    from daganalysis.engine.user_catalogue import Catalogue
    from daganalysis.tables.declaration import Table

_KEYS = ["workflow", "name", "error_code", "signature"]


class SignatureCoverage(NamedTuple):
    """The number of failed attempts by their line: one of the engine's own, a mined one, no line, or another.

    Other lines are beyond the mined ones and resemble none of them.
    """

    catalogue: int
    mined: int
    no_line: int
    other: int = 0


def failures(archive: Archive, *, earlier: Archive | None = None, level: str = "signature") -> pd.DataFrame:
    """Group failed attempts by signature.

    A failure counts whether an answer showed it, or a later attempt or a log line implies it. A sub-DAG that fails on purpose, to wait for
    its main DAG, is not counted. If there are very many different lines, only the most frequent are mined. Lines that resemble none of
    those share the signature ``(other lines)``. Failures in outages, in which everything of a cluster failed, count in ``n_outage`` and do
    not affect the order.

    Args:
        archive: The archive.
        earlier: An archive to compare with: ``is_new`` then marks signatures that its runs of the workflow do not have. The lines of both
            archives are mined together.
        level: ``"signature"``, or ``"attempt"`` for one row per failed attempt, with its signature.

    Returns:
        One row per workflow, stage name, error code and signature, the most frequent first. ``known`` is the name of the message if it is
        one of the engine's own or of the archive's catalogue (:meth:`Archive.with_catalogue`), otherwise null. ``is_new`` is null without
        an ``earlier`` archive.

    Raises:
        UsageError: There is no such level.

    Example:
        >>> import daganalysis as da
        >>> da.failures(da.load("sample_data/upgrade"))[["error_code", "signature", "n"]].to_dict("records")
        [{'error_code': 'Common.DirNotEmpty', 'signature': 'dir <name> is not empty', 'n': 2}]
    """
    if level not in {"signature", "attempt"}:
        raise UsageError("no such level of failures", where=level, hint="signature or attempt")
    rows = _masked_failures(archive)
    old = _masked_failures(earlier) if earlier is not None else rows.head(0).copy()
    _add_signatures(rows, old)
    rows["is_new"] = None if earlier is None else ~_identities(rows).isin(set(_identities(old)))
    rows["in_outage"] = rows["run_id"].isin(runs_in_outages(archive))
    rows = rows.sort_values(["run_id", "stage", "task_gid", "attempt"])
    if level == "attempt":
        return FAILURES_BY_ATTEMPT.conform(rows[FAILURES_BY_ATTEMPT.names])
    grouped = rows.groupby(_KEYS, dropna=False)
    result = grouped.agg(
        n=("attempt", "size"),
        first_seen=("seen_at", "min"),
        last_seen=("seen_at", "max"),
        example_run_id=("run_id", "first"),
        example_line=("line", "first"),
        n_runs=("run_id", "nunique"),
        n_agents=("agent", "nunique"),
        known=("known", "first"),
        is_new=("is_new", "first"),
        n_outage=("in_outage", "sum"),
    ).reset_index()
    result["n_agents"] = result["n_agents"].astype("Int64").mask(result["n_agents"] == 0)
    # A failure during an outage is no cause, so it comes after others that are as frequent.
    result["n_alone"] = result["n"] - result["n_outage"]
    result = result.sort_values(["n_alone", "n", *_KEYS], ascending=[False, False, *[True] * len(_KEYS)])
    return FAILURES.conform(result[FAILURES.names])


def _add_signatures(*frames: pd.DataFrame) -> None:
    """Add the columns ``signature`` and ``known``; lines of one name in the user's catalogue are mined together, apart from all others."""
    mined: dict[str | None, list[tuple[str | None, str | None]]] = {}
    for frame in frames:
        for own, pair in zip(frame["own"], _pairs(frame), strict=True):
            mined.setdefault(own, []).append(pair)
    found = {own: signatures(pairs) for own, pairs in mined.items()}
    for frame in frames:
        signed = [(own, found[own][pair]) for own, pair in zip(frame["own"], _pairs(frame), strict=True)]
        frame["signature"] = [signature.text for _, signature in signed]
        frame["known"] = [signature.known if own is None else own for own, signature in signed]


def _own_signatures(rows: pd.DataFrame, catalogue: Catalogue) -> list[str | None]:
    """Return the name of each row's failure in the user's catalogue; None if it has none, or if the engine's rules decide."""
    failures = [Failure(*pair) for pair in zip(_plain(rows["error_code"]), _plain(rows["line"]), strict=True)]
    if not catalogue.signatures:
        return [None] * len(failures)
    named = catalogue.signatures_of(failures, overriding=True)
    foreign = [failure for failure, (code, text) in zip(failures, _pairs(rows), strict=True) if not known_message(text or "", code)]
    named = catalogue.signatures_of(foreign, overriding=False) | named
    return [named.get(failure) for failure in failures]


def _pairs(rows: pd.DataFrame) -> Iterator[tuple[str | None, str | None]]:
    """The error code and the masked message of each row."""
    return zip(_plain(rows["error_code"]), _plain(rows["text"]), strict=True)


def _identities(rows: pd.DataFrame) -> pd.Series[Any]:
    """The identity of a failure, which an earlier archive may share."""
    import pandas as pd

    columns = (_plain(rows[name]) for name in ("workflow", "error_code", "signature"))
    return pd.Series(list(zip(*columns, strict=True)), index=rows.index, dtype=object)


def _plain(values: pd.Series[Any]) -> list[Any]:
    """The values of a column, with None for every null."""
    return values.astype(object).where(values.notna(), None).tolist()


def coverage(found: pd.DataFrame) -> SignatureCoverage:
    """Count the failed attempts of a result of ``failures`` by the kind of their lines.

    >>> import daganalysis as da
    >>> coverage(da.failures(da.load("sample_data/upgrade")))
    SignatureCoverage(catalogue=2, mined=0, no_line=0, other=0)
    """
    catalogue = int(found.loc[found["known"].notna(), "n"].sum())
    no_line = int(found.loc[found["signature"].eq(NO_LINE), "n"].sum())
    # A line of the engine's own may be an other as well, where thousands differ.
    other = int(found.loc[found["signature"].eq(OTHER) & found["known"].isna(), "n"].sum())
    return SignatureCoverage(catalogue, int(found["n"].sum()) - catalogue - no_line - other, no_line, other)


def _masked_failures(archive: Archive) -> pd.DataFrame:
    """One row per failed attempt, with its masked message and its time."""
    import pandas as pd

    rows = archive.table("failed_attempts")
    of_dags = ["run_id", "name", "workflow", "maintenance_key", "started_at"]
    # Outages need the others: reading them now opens each file once.
    dags = _of_runs(archive, DAGS, of_dags, rows["run_id"], also=["cluster", "outcome", "parent_run_id"])
    dags = dags.rename(columns={"name": "dag_name", "started_at": "run_started_at"})
    nodes = _of_runs(archive, NODES, ["run_id", "stage", "name"], rows["run_id"])
    rows = rows.merge(dags, on="run_id").merge(nodes, on=["run_id", "stage"], how="left")
    rows["seen_at"] = rows["started_at"].fillna(rows["run_started_at"])
    columns = [_plain(rows[name]) for name in ("line", "dag_name", "workflow", "maintenance_key")]
    messages = [line and without_names(error_parts(line)[1], _own_names(*names)) for line, *names in zip(*columns, strict=True)]
    texts = {message: message and masked(message) for message in set(messages)}  # many failures write the same message
    rows = rows.assign(text=pd.Series([texts[message] for message in messages], index=rows.index, dtype=object))
    return rows.assign(own=pd.Series(_own_signatures(rows, archive.catalogue), index=rows.index, dtype=object))


def _of_runs(archive: Archive, declared: Table, columns: list[str], run_ids: pd.Series[str], also: Sequence[str] = ()) -> pd.DataFrame:
    """Return columns of the rows of some runs, and read others too. Few runs of an archive fail, so the texts of the others stay codes."""
    read = archive.coded(declared.name, [*columns, *also]).select(columns)
    return declared.frame(decode_texts(rows_with(read, ("run_id", set(run_ids))), declared))


def _own_names(name: str | None, workflow: str | None, maintenance_key: str | None) -> list[str]:
    """The names in a run's name that are not part of its workflow's name: a tenant, a zone, a version."""
    parameters = set((name or "").split()) - set((workflow or "").split())
    return [word for word in {*parameters, maintenance_key or ""} if len(word) > 1]
