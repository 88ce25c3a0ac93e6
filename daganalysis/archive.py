"""The noun in the middle: an archive of saved responses, loaded."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Protocol

from daganalysis.engine.user_catalogue import EMPTY_CATALOGUE
from daganalysis.errors import RunNotFoundError, UsageError
from daganalysis.tables import BASE_TABLES
from daganalysis.tables.declaration import code_texts

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.engine.user_catalogue import Catalogue


class TableSource(Protocol):
    """Where an archive's tables come from: memory, or a store on disk that reads only what is asked for."""

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return some columns (all, if None) of the rows of some runs (all, if None) of one base table for which a condition holds."""
        ...

    def count(self, name: str) -> int:
        """Return how many rows one base table has."""
        ...

    def describe(self) -> str:
        """Say in a few words where the tables are."""
        ...


class MemoryTables:
    """Tables held in memory."""

    def __init__(self, tables: Mapping[str, pa.Table]) -> None:
        self._tables = {name: tables[name] if name in tables else declared.schema().empty_table() for name, declared in BASE_TABLES.items()}

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return some columns of the rows of some runs of one base table."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = self._tables[name]
        key = BASE_TABLES[name].run_key
        if run_ids is not None and key is not None:
            table = table.filter(pc.is_in(table.column(key), pa.array(run_ids, pa.string())))
        if where is not None:
            table = table.filter(where)
        return table if columns is None else table.select(list(columns))

    def count(self, name: str) -> int:
        """Return how many rows one base table has."""
        return int(self._tables[name].num_rows)

    def describe(self) -> str:
        """Say in a few words where the tables are."""
        return "in memory"


class RunsOnly:
    """The tables of some runs."""

    def __init__(self, source: TableSource, run_ids: tuple[str, ...]) -> None:
        self._source, self._run_ids = source, run_ids

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return some columns of the rows of some of the runs of one base table."""
        wanted = self._run_ids if run_ids is None else sorted({*self._run_ids} & {*run_ids})
        return self._source.read(name, columns, wanted, where)

    def count(self, name: str) -> int:
        """Return how many rows of one base table the runs have."""
        return int(self.read(name, BASE_TABLES[name].names[:1], None).num_rows)

    def describe(self) -> str:
        """Say in a few words where the tables are."""
        from daganalysis.text.humanize import plural

        return f"{plural(len(self._run_ids), 'run')} {self._source.describe()}"


class WithCatalogue:
    """Tables in which a user's catalogue names the workflows that the engine's rules do not know."""

    def __init__(self, source: TableSource, catalogue: Catalogue) -> None:
        self.source, self.catalogue = source, catalogue

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return some columns of the rows of some runs of one base table for which a condition holds."""
        if name != "dags" or not (columns is None or "workflow" in columns or where is not None):
            return self.source.read(name, columns, run_ids, where)
        wanted = BASE_TABLES[name].names if columns is None else list(columns)
        # A condition may be on the workflow, and the workflow comes from the name.
        read = None if where is not None else list(dict.fromkeys([*wanted, "name", "workflow"]))
        table = self._renamed(self.source.read(name, read, run_ids))
        return (table if where is None else table.filter(where)).select(wanted)

    def read_coded(self, name: str, columns: Sequence[str]) -> pa.Table:
        """Return some columns of one base table, texts that repeat as places in a dictionary."""
        return code_texts(self.read(name, columns, None), BASE_TABLES[name]) if name == "dags" else _coded(self.source, name, columns)

    def _renamed(self, dags: pa.Table) -> pa.Table:
        import pyarrow as pa

        names, workflows = (dags.column(column).to_pylist() for column in ("name", "workflow"))
        found = self.catalogue.workflows_of(name for name in names if name is not None)
        if not found:
            return dags
        place = dags.schema.get_field_index("workflow")
        renamed = [found.get(name, workflow) for name, workflow in zip(names, workflows, strict=True)]
        return dags.set_column(place, dags.schema.field(place), pa.array(renamed, pa.string()))

    def count(self, name: str) -> int:
        """Return how many rows one base table has."""
        return self.source.count(name)

    def describe(self) -> str:
        """Say in a few words where the tables are."""
        return self.source.describe()

    @property
    def folder(self) -> Path | None:
        """The folder of the store; None where there is none."""
        found: Path | None = getattr(self.source, "folder", None)
        return found

    def split(self) -> list[WithCatalogue]:
        """Return the tables part by part: each run is in one of them, whole."""
        return [WithCatalogue(part, self.catalogue) for part in _parts(self.source)]


def _coded(source: TableSource, name: str, columns: Sequence[str]) -> pa.Table:
    read: Callable[[str, Sequence[str]], pa.Table] | None = getattr(source, "read_coded", None)
    return code_texts(source.read(name, columns, None), BASE_TABLES[name]) if read is None else read(name, columns)


def _parts(source: TableSource) -> Sequence[TableSource]:
    split: Callable[[], Sequence[TableSource]] | None = getattr(source, "split", None)
    return [source] if split is None else split()


class Archive:
    """Saved responses, loaded: every base table of :data:`daganalysis.tables.BASE_TABLES` as an attribute.

    An archive is never changed. Each attribute is a frame of its own, made when it is first asked for; treat it as read-only or copy it.

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
        self.client = client
        """The Dask client, or the address of a scheduler, on whose workers analyses are done; None to do them here."""
        self.catalogue = catalogue
        """The workflow name patterns and failure signatures of the user; see :meth:`with_catalogue`."""

    def __reduce__(self) -> tuple[Any, ...]:
        # A worker that is sent an archive reads its tables itself, and does the work itself.
        return Archive, (self._source, None, self.catalogue)

    @classmethod
    def from_tables(cls, tables: Mapping[str, pa.Table]) -> Archive:
        """Make an archive of Arrow tables; those not given are empty."""
        return cls(MemoryTables(tables))

    def table(self, name: str, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pd.DataFrame:
        """Return a base table, or some of its columns, or of its rows those for which an Arrow expression holds.

        Of a store, only the columns are read, and only the rows are kept.

        Raises :class:`UsageError` for a table or a column that is not declared.
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
        """Return a base table, or some of its columns or rows, as an Arrow table."""
        return self._source.read(name, columns, None, where)

    def coded(self, name: str, columns: Sequence[str]) -> pa.Table:
        """Return columns of a base table as an Arrow table in which texts that repeat are places in a dictionary.

        Of a store, that is read in a fraction of the time that the texts take.
        """
        return _coded(self._source, name, columns)

    def count(self, name: str) -> int:
        """Return how many rows a base table has; of a store only the ends of its files are read."""
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
        """One row is one agent as one source told of it."""
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
        """One row is one agent in one stage of a run, where its clock differs from that of the DAG's own rows."""
        return self.table("clock_offsets")

    @property
    def timeline(self) -> pd.DataFrame:
        """One row is one stretch of a run's elapsed time, with what it was spent on."""
        return self.table("timeline")

    def run(self, run_id: str, *, children: bool = False) -> Archive:
        """Return an archive of one run and, on request, of its child runs and theirs.

        Raises :class:`RunNotFoundError` with the nearest ids where there is no such run.
        """
        known = self.table("dags", ["run_id"])["run_id"].tolist()
        if run_id not in set(known):
            alike = [key for key in known if key.partition("#")[0] == run_id or key.partition("#")[0].endswith("/" + run_id)]
            raise RunNotFoundError(run_id, (alike or difflib.get_close_matches(run_id, known, n=3))[:3])
        return self.only(self._family(run_id) if children else [run_id])

    def only(self, run_ids: Iterable[str]) -> Archive:
        """Return an archive of these runs alone."""
        wanted = list(dict.fromkeys(run_ids))
        tables = MemoryTables({name: self._source.read(name, None, wanted) for name in BASE_TABLES})
        return Archive(tables, catalogue=self.catalogue)

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
        """The folder on disk that the tables are read from; None where they are in memory or at a URL."""
        found: Path | None = getattr(self._source, "folder", None)
        return found

    def by_part(self) -> list[Archive]:
        """Return archives that together are this one, whole runs in each: one for each part of a store."""
        return [Archive(part, catalogue=self.catalogue) for part in _parts(self._source)]

    def lazily(self, run_ids: Iterable[str]) -> Archive:
        """Return an archive of these runs alone that reads of them what is asked for, when it is."""
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
        the archive and nothing else: no file, no network, no variable of the program. An analysis runs only if the query names it.

        Args:
            query: One SELECT.

        Returns:
            The rows of the query, in its order, in a new frame. Instants are UTC.

        Raises:
            UsageError: The query is no single SELECT, or DuckDB cannot answer it.
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
        """Write every table to a store, replacing what the store held; see :func:`daganalysis.read_parquet`."""
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
        """Where the tables are, in a few words."""
        return self._source.describe()


def read_parquet(
    store: str | os.PathLike[str], *, client: Any = None, catalogue: Catalogue | str | os.PathLike[str] | None = None
) -> Archive:
    """Open a store, in a folder or at a URL, as an archive; tables and columns are read when they are asked for.

    With a Dask ``client``, or the address of a scheduler, analyses are done by its workers, which must see the store as well.

    With a ``catalogue`` (a TOML file, or one that was read), workflow name patterns and failure signatures of your own apply
    (:meth:`Archive.with_catalogue`).

    Raises :class:`StoreError` where there is no store or it is damaged, and :class:`SchemaVersionError` for one of another schema version.
    """
    from daganalysis.store import open_tables

    # A worker has a working directory of its own.
    archive = Archive(open_tables(store, absolute=client is not None), client)
    return archive if catalogue is None else archive.with_catalogue(catalogue)
