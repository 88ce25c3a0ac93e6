"""The base tables of an archive: whole or in part, as pandas frames or Arrow tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.errors import UsageError
from daganalysis.table_sources import coded
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.table_sources import TableSource
    from daganalysis.tables.column_arrays import Ints
    from daganalysis.tables.declaration import Only


class ArchiveFrames:
    """The parts of an archive that read from the source of its tables."""

    _source: TableSource
    _frames: dict[str, pd.DataFrame]

    def table(self, name: str, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pd.DataFrame:
        """Return a base table, or some of its columns or rows.

        Args:
            name: The name of the table, such as ``"dags"``.
            columns: The columns to return; None returns all. Only these are read from a store.
            where: An Arrow expression; only the rows for which it is true are returned.

        Returns:
            The rows in the order of the table.

        Raises:
            UsageError: There is no such table or column.

        Example:
            >>> import daganalysis as da
            >>> da.load("sample_data/documented/scale-out.json").table("nodes", ["stage", "name"]).shape
            (9, 2)
        """
        declared = BASE_TABLES.get(name)
        if declared is None:
            raise UsageError("no such table", where=name, hint="one of " + ", ".join(BASE_TABLES))
        if columns is None and where is None:
            if name not in self._frames:
                self._frames[name] = declared.frame(self._source.read(name, None, None))
            return self._frames[name]
        unknown = [column for column in columns or () if column not in declared.names]
        if unknown:
            raise UsageError(f"no such column in {name}", where=", ".join(unknown), hint="one of " + ", ".join(declared.names))
        if name in self._frames and columns is not None and where is None:
            return self._frames[name][list(columns)]
        return declared.frame(self._source.read(name, columns, None, where))

    def arrow(self, name: str, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pa.Table:
        """Return a base table, or some of its columns or rows, as an Arrow table.

        Args:
            name: As for :meth:`table`.
            columns: As for :meth:`table`.
            where: As for :meth:`table`.

        Returns:
            The rows in the order of the table.

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/documented/scale-out.json")
            >>> archive.arrow("nodes", ["name"]).num_rows
            9
        """
        return self._source.read(name, columns, None, where)

    def coded(self, name: str, columns: Sequence[str], only: Only | None = None) -> pa.Table:
        """Return columns of a base table as an Arrow table with dictionary-encoded texts, which a store reads much faster.

        Args:
            name: The name of the table, such as ``"dags"``.
            columns: The columns to return.
            only: A column of texts that repeat, one of the ``columns``, and some texts; only rows with one of these texts are returned.

        Returns:
            The rows in the order of the table. Columns of texts that repeat are dictionaries.

        Example:
            >>> import daganalysis as da
            >>> da.load("sample_data/documented/scale-out.json").coded("nodes", ["name"]).num_rows
            9
        """
        return coded(self._source, name, columns, only)

    def count(self, name: str) -> int:
        """Return the number of rows of a base table, without reading the rows.

        Args:
            name: The name of the table, such as ``"dags"``.

        Returns:
            The number of rows.

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/documented/scale-out.json")
            >>> archive.count("nodes")
            9
        """
        return self._source.count(name)

    @property
    def snapshots(self) -> pd.DataFrame:
        """One row is one DAG in one response."""
        return self.table("snapshots")

    @property
    def dags(self) -> pd.DataFrame:
        """One row is one run."""
        return self.table("dags")

    @property
    def nodes(self) -> pd.DataFrame:
        """One row is one node (stage) of a run."""
        return self.table("nodes")

    @property
    def sub_tasks(self) -> pd.DataFrame:
        """One row is one sub-task."""
        return self.table("sub_tasks")

    @property
    def attempts(self) -> pd.DataFrame:
        """One row is one attempt of a sub-task."""
        return self.table("attempts")

    @property
    def failed_attempts(self) -> pd.DataFrame:
        """One row is one attempt that failed, with the log line that it ended with."""
        return self.table("failed_attempts")

    @property
    def links(self) -> pd.DataFrame:
        """One row is one main DAG and one of its child DAGs."""
        return self.table("links")

    @property
    def operations(self) -> pd.DataFrame:
        """One row is one request to a DAG."""
        return self.table("operations")

    @property
    def agents(self) -> pd.DataFrame:
        """One row is one agent as one source describes it."""
        return self.table("agents")

    @property
    def maintenance_locks(self) -> pd.DataFrame:
        """One row is one maintenance lock as one copy of a database showed it."""
        return self.table("maintenance_locks")

    @property
    def agent_events(self) -> pd.DataFrame:
        """One row is one thing that happened to an agent, as a log tells it."""
        return self.table("agent_events")

    @property
    def issues(self) -> pd.DataFrame:
        """One row is one thing the reader should know about the input."""
        return self.table("issues")

    @property
    def clock_offsets(self) -> pd.DataFrame:
        """One row is one agent in one stage of a run, if its clock differs from the clock of the DAG's own rows."""
        return self.table("clock_offsets")

    @property
    def timeline(self) -> pd.DataFrame:
        """One row is one stretch of a run's elapsed time, with what it was spent on."""
        return self.table("timeline")


def stored_chains(archive: ArchiveFrames) -> list[tuple[pa.Table, pa.Table]] | None:
    """Return the chains of work that the store of an archive keeps, part by part.

    For each part: its attempts on the critical paths, and what decides how certain they are. None in memory, or if the store does not keep
    the chains of each part.

    Example:
        >>> import daganalysis as da
        >>> stored_chains(da.load("sample_data/documented/scale-out.json")) is None
        True
    """
    read = getattr(archive._source, "read_chains", None)  # noqa: SLF001 - a function of this module, as users call no such method
    return None if read is None else read()


def chain_places(archive: ArchiveFrames) -> list[Ints | int]:
    """Return where the stretches of each part of :func:`stored_chains` are in the timeline.

    For each part: the places of its stretches among all rows of ``timeline``, or that of the first one, if they stay in order.

    Example:
        >>> import daganalysis as da
        >>> chain_places(da.load("sample_data/documented/scale-out.json"))
        []
    """
    read = getattr(archive._source, "chain_places", None)  # noqa: SLF001 - as above
    return [] if read is None else read()
