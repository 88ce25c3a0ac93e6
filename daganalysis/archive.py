"""The central class of the package: an archive of saved sources, loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from daganalysis.archive_frames import ArchiveFrames
from daganalysis.engine.identifiers import key_of, split_run_key
from daganalysis.engine.user_catalogue import EMPTY_CATALOGUE
from daganalysis.errors import RunNotFoundError
from daganalysis.table_sources import MemoryTables, RunsOnly, WithCatalogue, parts_of
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from daganalysis.engine.user_catalogue import Catalogue
    from daganalysis.table_sources import TableSource

_MOST_REMEMBERED = 16
"""The number of recently chosen runs that are remembered: a post-mortem needs several analyses of the same run."""


class Archive(ArchiveFrames):
    """Saved sources, loaded. Every base table is an attribute: a pandas frame.

    An archive is immutable. Each frame is created when you first use it; do not modify it, copy it first.
    :func:`daganalysis.load` and :func:`daganalysis.read_parquet` return archives.

    Example:
        >>> import daganalysis as da
        >>> archive = da.load("sample_data/documented/scale-out.json")
        >>> archive.dags[["run_id", "name", "outcome"]].to_dict("records")
        [{'run_id': '11', 'name': 'Cluster scale out', 'outcome': 'succeeded'}]
    """

    def __init__(self, source: TableSource, client: Any = None, catalogue: Catalogue = EMPTY_CATALOGUE) -> None:
        renames = bool(catalogue.workflows) and not isinstance(source, WithCatalogue)
        self._source = WithCatalogue(source, catalogue) if renames else source
        self._frames: dict[str, pd.DataFrame] = {}
        self._kept: Archive | None = None
        self._chosen: tuple[tuple[str, ...], Archive] | None = None
        self.client = client
        """The Dask client, or the address of a scheduler, whose workers compute the analyses. None computes them in this process."""
        self.catalogue = catalogue
        """Your own workflow name patterns and failure signatures; see :meth:`with_catalogue`."""

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker that is sent an archive reads its tables itself, and does the work itself.
        return Archive, (self._source, None, self.catalogue)

    @classmethod
    def from_tables(cls, tables: Mapping[str, pa.Table]) -> Archive:
        """Return an archive of Arrow tables.

        Args:
            tables: Arrow tables by the names of base tables. Tables that are not given are empty.

        Returns:
            An archive in memory.

        Example:
            >>> len(Archive.from_tables({}))
            0
        """
        return cls(MemoryTables(tables))

    def run(self, run_id: str, *, children: bool = False) -> Archive:
        """Return an archive of one run.

        Args:
            run_id: The id of the run, as in the column ``run_id``.
            children: Include its child runs, and their child runs.

        Returns:
            A new archive, in memory.

        Raises:
            RunNotFoundError: The archive has no such run. The error names similar ids, or the runs of that name.

        Example:
            >>> import daganalysis as da
            >>> len(da.load("sample_data/documented/scale-out.json").run("11"))
            1
        """
        if not self._source.read("dags", ["run_id"], [run_id]).num_rows:
            from daganalysis.text.suggestions import MOST_SUGGESTIONS, closest

            dags = self.table("dags", ["run_id", "name"])
            known = dags["run_id"].tolist()
            alike = [key for key in known if run_id in {split_run_key(key)[1], key_of(*split_run_key(key))}]
            alike = alike or dags.loc[dags["name"].eq(run_id), "run_id"].tolist()
            alike = alike or closest(run_id, known) or [key for key in known if run_id and key.endswith(run_id)]
            raise RunNotFoundError(run_id, alike[:MOST_SUGGESTIONS])
        return self.only(self._family(run_id) if children else [run_id])

    def only(self, run_ids: Iterable[str]) -> Archive:
        """Return an archive of some runs, in memory.

        Args:
            run_ids: The ids of the runs. Ids that the archive does not have are ignored.

        Returns:
            A new archive.

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/documented/scale-out.json")
            >>> len(archive.only(["11", "12"]))
            1
        """
        wanted = tuple(dict.fromkeys(run_ids))
        if self._chosen is not None and self._chosen[0] == wanted:
            return self._chosen[1]
        tables = MemoryTables({name: self._source.read(name, None, wanted) for name in BASE_TABLES})
        chosen = Archive(tables, catalogue=self.catalogue)
        if len(wanted) <= _MOST_REMEMBERED:
            self._chosen = wanted, chosen
        return chosen

    def in_clusters(self, clusters: Iterable[str]) -> Archive:
        """Return an archive of some clusters, in memory: their runs, agents, locks, and requests that made no run.

        Args:
            clusters: The labels of the clusters. Labels that the archive does not have are ignored.

        Returns:
            A new archive.

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/fleet", cluster_by="dir")
            >>> archive.in_clusters(["prod-a"]).dags["cluster"].unique().tolist()
            ['prod-a']
        """
        import pyarrow.compute as pc

        is_chosen = pc.field("cluster").isin(sorted({*clusters}))
        run_ids = self._source.read("dags", ["run_id"], None, is_chosen).column("run_id").to_pylist()
        tables = {
            name: self._source.read(name, None, None, is_chosen) if "cluster" in table.names else self._source.read(name, None, run_ids)
            for name, table in BASE_TABLES.items()
        }
        return Archive(MemoryTables(tables), catalogue=self.catalogue)

    def with_catalogue(self, catalogue: Catalogue | str | os.PathLike[str]) -> Archive:
        """Return the same archive with workflow name patterns and failure signatures of your own.

        The column ``workflow`` of ``dags``, and everything grouped by it, follows the patterns of the catalogue; the column ``known`` of
        :func:`daganalysis.failures` its signatures. The store that the archive reads from stays as it is.

        Args:
            catalogue: A TOML file, or what :func:`daganalysis.read_catalogue` returned. It replaces the catalogue that the archive has.

        Returns:
            An archive that reads the same tables.

        Raises:
            UsageError: The file cannot be read or is wrong.

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/documented").with_catalogue("examples/catalogue.toml")
            >>> len(archive.catalogue.signatures)
            2
        """
        from daganalysis.engine.user_catalogue import Catalogue, read_catalogue

        read = catalogue if isinstance(catalogue, Catalogue) else read_catalogue(catalogue)
        source = self._source.source if isinstance(self._source, WithCatalogue) else self._source
        result = Archive(source, self.client, read)
        result._kept = self  # a temporary store goes with the archive that was loaded into it
        return result

    @property
    def folder(self) -> Path | None:
        """The folder that the tables are read from; None if they are in memory or at a URL."""
        folder: Path | None = getattr(self._source, "folder", None)
        return folder

    def by_part(self, most: int | None = None) -> list[Archive]:
        """Return the parts of the archive as archives. Each run is in one of them, whole. An archive in memory is one part.

        Args:
            most: The largest number of archives; neighbouring parts are put together. None puts none together.

        Returns:
            One archive for each part of the store, or for some neighbouring parts.

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/documented/scale-out.json")
            >>> len(archive.by_part())
            1
        """
        return [Archive(part, catalogue=self.catalogue) for part in parts_of(self._source, most)]

    def lazily(self, run_ids: Iterable[str]) -> Archive:
        """Return an archive of some runs that reads their rows only when they are needed.

        Args:
            run_ids: The ids of the runs. Ids that the archive does not have are ignored.

        Returns:
            A new archive.

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/documented/scale-out.json")
            >>> archive.lazily(["11"]).place
            '1 run in memory'
        """
        return Archive(RunsOnly(self._source, tuple(run_ids)), catalogue=self.catalogue)

    def _family(self, run_id: str) -> list[str]:
        links = self.table("links", ["parent_run_id", "child_run_id"]).dropna()
        children = links.groupby("parent_run_id", sort=False)["child_run_id"].agg(list).to_dict()
        family = {run_id}
        members = [run_id]
        for member in members:
            found = [child for child in dict.fromkeys(children.get(member, [])) if child not in family]
            family.update(found)
            members += found
        return members

    def sql(self, query: str) -> pd.DataFrame:
        """Return the result of one SELECT, in DuckDB's dialect.

        Every base table and every analysis is a table of that name: ``dags``, ``attempts``, ``summary``, ``time_budget``. The query reads
        only the archive: no file, no network, no variable of the program. An analysis runs only if the query names it.

        Args:
            query: One SELECT.

        Returns:
            The rows of the query, in its order, in a new frame. Instants are UTC.

        Raises:
            UsageError: The query is not a single SELECT, or DuckDB cannot answer it.
            MissingExtraError: DuckDB is not installed (``pip install 'daganalysis[sql]'``).

        Example:
            >>> import daganalysis as da
            >>> archive = da.load("sample_data/documented/scale-out.json")
            >>> archive.sql("SELECT count(*) AS n FROM attempts WHERE duration_s < 1")
               n
            0  6
        """
        from daganalysis.sql_query import declared
        from daganalysis.sql_query import query as answered

        result = answered(self, query)
        return declared(result).frame(result)

    def to_parquet(self, store: str | os.PathLike[str]) -> None:
        """Write every table to a store, which :func:`daganalysis.read_parquet` opens.

        Args:
            store: The folder or the URL of the store. The content of an existing store is replaced.

        Raises:
            StoreError: The store cannot be written, or the place holds other things.

        Example:
            >>> import daganalysis as da, tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     da.load("sample_data/documented").to_parquet(f"{folder}/store")
        """
        from daganalysis.store import write_tables

        write_tables(self._source, store)

    def __len__(self) -> int:
        """Return the number of runs."""
        return self._source.count("dags")

    def __repr__(self) -> str:
        from daganalysis.text.humanize import plural

        return f"<Archive of {plural(len(self), 'run')}, {self.place}>"

    def _repr_html_(self) -> str:
        """Show the archive in a notebook."""
        from daganalysis import provided
        from daganalysis.archive_card import card_html

        worst = provided.worst_run(self) if len(self) and provided.worst_run is not None else None
        return card_html(len(self), self.place, self.table, worst)

    @property
    def place(self) -> str:
        """Where the tables are, in a few words, such as ``in memory``."""
        return self._source.describe()


def read_parquet(
    store: str | os.PathLike[str], *, client: Any = None, catalogue: Catalogue | str | os.PathLike[str] | None = None
) -> Archive:
    """Open a store as an archive. Tables and columns are read when they are needed.

    Args:
        store: The folder or the URL of the store.
        client: A Dask client, or the address of a scheduler, whose workers compute the analyses. They must see the store.
        catalogue: Your own workflow name patterns and failure signatures (:meth:`Archive.with_catalogue`).

    Returns:
        The archive.

    Raises:
        StoreError: There is no store, or it is damaged.
        SchemaVersionError: The store has another schema version.
        UsageError: The catalogue cannot be read or is wrong.

    Example:
        >>> import daganalysis as da, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     da.load("sample_data/documented").to_parquet(f"{folder}/store")
        ...     len(read_parquet(f"{folder}/store"))
        1
    """
    from daganalysis.store import open_tables

    # A worker has a working directory of its own.
    archive = Archive(open_tables(store, absolute=client is not None), client)
    return archive if catalogue is None else archive.with_catalogue(catalogue)
