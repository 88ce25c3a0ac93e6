"""Where the tables of an archive come from: memory, a store, some runs of either, or either under the workflow names of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from daganalysis.tables import BASE_TABLES
from daganalysis.tables.declaration import code_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.compute as pc

    from daganalysis.engine.user_catalogue import Catalogue
    from daganalysis.tables.declaration import Only


_FEW = 64
"""So many runs or fewer are looked for in the parts that may hold them; of more, most parts hold some."""


class TableSource(Protocol):
    """Where an archive's tables come from: memory, or a store that reads only what is needed."""

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return rows of one base table: of some runs (None: all), that meet a condition, with some columns (None: all)."""
        ...

    def count(self, name: str) -> int:
        """Return how many rows one base table has."""
        ...

    def describe(self) -> str:
        """Return in a few words where the tables are."""
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
        """Return in a few words where the tables are."""
        return "in memory"


class RunsOnly:
    """The tables of some runs."""

    def __init__(self, source: TableSource, run_ids: tuple[str, ...]) -> None:
        self._source, self._run_ids = source, run_ids

    def read(self, name: str, columns: Sequence[str] | None, run_ids: Sequence[str] | None, where: pc.Expression | None = None) -> pa.Table:
        """Return some columns of the rows of some of the runs of one base table."""
        wanted = self._run_ids if run_ids is None else sorted({*self._run_ids} & {*run_ids})
        return self._source.read(name, columns, wanted, where)

    def read_coded(self, name: str, columns: Sequence[str], only: Only | None = None) -> pa.Table:
        """Return some columns of one base table, texts that repeat as places in a dictionary; of rows that have ``only`` some texts."""
        key = BASE_TABLES[name].run_key
        if key is None or len(self._run_ids) <= _FEW:
            return _coded_rows(self.read(name, columns, None), name, only)
        # The dictionaries of a part tell its runs apart faster than their ids.
        table = coded(self._source, name, list(dict.fromkeys([*columns, key])), (key, frozenset(self._run_ids)))
        return (table if only is None else _rows_with(table, only)).select(list(columns))

    def count(self, name: str) -> int:
        """Return how many rows of one base table the runs have."""
        return int(self.read(name, BASE_TABLES[name].names[:1], None).num_rows)

    def describe(self) -> str:
        """Return in a few words where the tables are."""
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

    def read_coded(self, name: str, columns: Sequence[str], only: Only | None = None) -> pa.Table:
        """Return some columns of one base table, texts that repeat as places in a dictionary; of rows that have ``only`` some texts."""
        if name != "dags":
            return coded(self.source, name, columns, only)
        return _coded_rows(self.read(name, columns, None), name, only)

    def read_chains(self) -> Any:
        """Return what the store keeps of the chains of the runs, if it does."""
        read = getattr(self.source, "read_chains", None)
        return None if read is None else read()

    def chain_places(self) -> Any:
        """Return where the stretches of these runs are in the timeline."""
        read = getattr(self.source, "chain_places", None)
        return [] if read is None else read()

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
        """Return in a few words where the tables are."""
        return self.source.describe()

    @property
    def folder(self) -> Path | None:
        """The folder of the store; None without a store."""
        found: Path | None = getattr(self.source, "folder", None)
        return found

    def split(self, most: int | None = None) -> list[WithCatalogue]:
        """Return the tables in parts, at most so many: each run is in one of them, whole."""
        return [WithCatalogue(part, self.catalogue) for part in parts_of(self.source, most)]


def coded(source: TableSource, name: str, columns: Sequence[str], only: Only | None = None) -> pa.Table:
    """Return some columns of one base table, texts that repeat as places in a dictionary; of rows that have ``only`` some texts."""
    read: Callable[[str, Sequence[str], Only | None], pa.Table] | None = getattr(source, "read_coded", None)
    return _coded_rows(source.read(name, columns, None), name, only) if read is None else read(name, columns, only)


def _coded_rows(table: pa.Table, name: str, only: Only | None) -> pa.Table:
    table = code_texts(table, BASE_TABLES[name])
    return table if only is None else _rows_with(table, only)


def _rows_with(table: pa.Table, only: Only) -> pa.Table:
    from daganalysis.tables.column_arrays import rows_with  # NumPy takes long to import

    return rows_with(table, only)


def parts_of(source: TableSource, most: int | None = None) -> Sequence[TableSource]:
    """Return the tables in parts, at most so many, where they have parts."""
    split: Callable[[int | None], Sequence[TableSource]] | None = getattr(source, "split", None)
    return [source] if split is None else split(most)
