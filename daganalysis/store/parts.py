"""Part files: how one table, or a piece of one, is written to Parquet and read back.

The same rows give the same bytes. The metadata of a file says what it holds, for readers without this package.
"""

from __future__ import annotations

import mmap
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from daganalysis.errors import SchemaVersionError, StoreError
from daganalysis.store.new_files import Closing, NewFile
from daganalysis.store.remote_paths import dataset_files
from daganalysis.tables import BASE_TABLES, SCHEMA_VERSION
from daganalysis.tables.chain_tables import CHAIN_FOLDER, DOUBTS, ON_PATH
from daganalysis.tables.declaration import Type
from daganalysis.tables.side_by_side import in_threads, is_one_of_several, n_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence
    from types import TracebackType

    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds
    import pyarrow.parquet as pq

    from daganalysis.store.remote_paths import StagePath, StorePath
    from daganalysis.tables import Table
    from daganalysis.tables.declaration import Only

VERSION_KEY = b"daganalysis.schema_version"
TABLE_KEY = b"daganalysis.table"
_ROW_GROUP = 16_384
"""Rows a row group: one run is found by reading a few thousand rows, and a million rows are still only some sixty groups."""
_WORTH_THREADS = 100_000
"""So many values of a file are decoded by several threads; to hand out fewer takes as long as to decode them."""
_WORTH_READERS = 4
"""So many files are read by several threads; a thread takes as long to start as a small file to open."""
_ZSTD_LEVEL = 1
_COMPRESSED = frozenset({"run_id", "parent_run_id", "child_run_id", "dag_id", "dag_gid", "node_id", "task_id", "name", "line", "seq"})
"""Columns of numbers that count, and of texts of which a part has many: compression makes them a fraction of their size."""
_WRITER_BYTES, _WRITER_COPIES = 1 << 25, 8
"""The memory that a writer of Parquet may need: a number of copies of a row group (growing buffers, minimum and maximum), and a
constant."""


def write_part(table: pa.Table, name: str, path: StagePath, closing: Closing | None = None) -> None:
    """Write rows of one base table to a new file and sync it to the disk, at once or by the end of ``closing``."""
    declared = BASE_TABLES[name]
    schema = declared.schema()
    # Differences of numbers take no more time to write than the numbers, and a fifth less space.
    encodings = {c.name: "DELTA_BINARY_PACKED" for c in declared.columns if c.type in {Type.INTEGER, Type.INSTANT}}
    with MarkedWriter(path, schema, name, declared.repeating, closing, encodings, _dense(declared)) as writer:
        writer.write(_as(schema, table), _ROW_GROUP)


def _dense(table: Table) -> set[str]:
    """Return the columns that are not compressed: numbers, and codes of a few texts.

    Differences and codes are small already. A part of a table is so small that to prepare the decompression of a column would take as
    long as the rest of reading it.
    """
    codes = {*table.repeating} | {column.name for column in table.columns if column.type not in {Type.STRING, Type.STRINGS}}
    return codes - _COMPRESSED


def write_chains(on_path: pa.Table, doubts: pa.Table, path: StagePath, closing: Closing | None = None) -> None:
    """Write the chains of a part to a new file and sync it to the disk, at once or by the end of ``closing``.

    The columns of both tables are in the file, and each table is a row group, in which the columns of the other one are null.
    """
    import pyarrow as pa

    declared = {column.name: column for column in (*ON_PATH.columns, *DOUBTS.columns)}
    fields = {field.name: field for table in (on_path, doubts) for field in table.schema}
    schema = pa.schema([fields[name] for name in declared])
    encodings = {name: "DELTA_BINARY_PACKED" for name, column in declared.items() if column.type in {Type.INTEGER, Type.INSTANT}}
    coded = [*dict.fromkeys([*ON_PATH.repeating, *DOUBTS.repeating])]
    with MarkedWriter(path, schema, CHAIN_FOLDER, coded, closing, encodings, _dense(ON_PATH) | _dense(DOUBTS), statistics=False) as writer:
        for table in (on_path, doubts):
            columns = [
                table.column(field.name) if field.name in table.column_names else pa.nulls(table.num_rows, field.type) for field in schema
            ]
            writer.write(pa.Table.from_arrays(columns, schema=schema), max(1, table.num_rows))


def _as(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """Cast a table to a schema if it differs. The comparison avoids a needless cast, which imports all of Arrow's functions."""
    return table if table.schema.equals(schema) else table.select(schema.names).cast(schema)


def write_parquet(table: pa.Table, path: StagePath, name: str, dictionary: list[str], row_group: int) -> None:
    """Write a table with this package's metadata to a new file, and sync it to the disk."""
    with MarkedWriter(path, table.schema, name, dictionary) as writer:
        writer.write(table, row_group)


class MarkedWriter:
    """Writes one new Parquet file with this package's metadata, some rows at a time. By the end of ``closing`` it is on the disk.

    ``dictionary`` are columns of repeating texts, ``dense`` are columns that are not compressed.
    """

    def __init__(
        self,
        path: StagePath,
        schema: pa.Schema,
        name: str,
        dictionary: list[str],
        closing: Closing | None = None,
        encodings: Mapping[str, str] | None = None,
        dense: Container[str] = frozenset(),
        *,
        statistics: bool = True,
    ) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        compressed = [
            f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name for field in schema if field.name not in dense
        ]

        marks = {VERSION_KEY: SCHEMA_VERSION.encode(), TABLE_KEY: name.encode()}
        self._file = NewFile(path)
        self._closing = closing
        self._schema = schema.with_metadata(marks)
        self._writer = pq.ParquetWriter(
            self._file.stream,
            self._schema,
            compression=dict.fromkeys(compressed, "zstd"),
            compression_level=dict.fromkeys(compressed, _ZSTD_LEVEL),
            use_dictionary=dictionary or False,
            column_encoding=encodings,
            write_statistics=statistics,
            write_page_checksum=True,  # zstd's frames have none of their own: a bit that flipped would give other values
        )

    def write(self, table: pa.Table, row_group: int) -> None:
        """Append rows in row groups of a fixed size. Raises :class:`MemoryError` if memory for the row group is lacking."""
        _check_memory(table, row_group)
        self._writer.write_table(table, row_group_size=row_group)

    def close(self, *, whole: bool) -> None:
        """Finish the file and sync it to the disk, now or later; or drop it if it is not complete."""
        try:
            if whole:
                self._writer.close()
        except BaseException:
            whole = False
            raise
        finally:
            self._writer.is_open = False  # otherwise it tries again when it is collected, fails, and says so on stderr
            if whole and self._closing is not None:
                self._closing.add(self._file)
            else:
                self._file.close(whole=whole)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close(whole=kind is None)


def _check_memory(table: pa.Table, row_group: int) -> None:
    """Raise :class:`MemoryError` unless as much memory can be reserved as writing a row group may take.

    Otherwise Arrow would end the whole process, because its C++ exception does not become a Python exception.
    """
    # A number of bytes that leaves out what slices do not show takes as long to find as a thousandth of the table to write.
    of_group = table.get_total_buffer_size() * min(1, row_group / max(1, table.num_rows))
    try:
        mmap.mmap(-1, _WRITER_BYTES + int(_WRITER_COPIES * of_group)).close()
    except OSError as error:
        raise MemoryError("writing Parquet") from error


def parquet_file(path: StorePath, coded: Sequence[str] = ()) -> pq.ParquetFile:
    """Open a Parquet file, on disk or at a URL; columns that are ``coded`` are read as places in a dictionary."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # At a URL, where each request takes long, the pieces of several columns are requested together. On disk that would only cost time.
    is_local = isinstance(path, Path)
    stream = pa.OSFile(os.fsencode(path)) if isinstance(path, Path) else path.open_to_read()
    return pq.ParquetFile(stream, read_dictionary=list(coded) or None, pre_buffer=not is_local, page_checksum_verification=True)


def _parquet_format(coded: Iterable[str] = ()) -> ds.ParquetFileFormat:
    """Return how a dataset reads files: with each page held against its checksum, and some columns as dictionaries."""
    import pyarrow.dataset as ds

    return ds.ParquetFileFormat(
        read_options=ds.ParquetReadOptions(dictionary_columns=coded),
        default_fragment_scan_options=ds.ParquetFragmentScanOptions(page_checksum_verification=True),
    )


def check_version(path: StorePath, listed: str | None = None) -> None:
    """Raise :class:`SchemaVersionError` for a part of another schema version, :class:`StoreError` for a file of another program.

    The part is not opened if the list of the store's files has this version, ``listed``, because every file is compared with the list.
    """
    if listed == SCHEMA_VERSION:
        return
    import pyarrow as pa

    try:
        metadata = parquet_file(path).schema_arrow.metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error
    found = metadata.get(VERSION_KEY)
    if found is None:
        raise StoreError("a Parquet file that daganalysis did not write", where=str(path), hint="remove it from the store")
    if found != SCHEMA_VERSION.encode():
        raise SchemaVersionError(found.decode(errors="replace"), SCHEMA_VERSION, where=str(path.parent.parent))


def damaged(path: StorePath, error: Exception) -> StoreError:
    """Return the error for a Parquet file that cannot be read."""
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return StoreError(
        f"a damaged Parquet file ({reason})", where=str(path), hint="restore it from a copy, or load the saved responses into a new store"
    )


def count_rows(paths: Sequence[StorePath]) -> int:
    """Return the number of rows of some files together, without reading them."""
    import pyarrow as pa

    try:
        if all(isinstance(path, Path) for path in paths):
            return sum(parquet_file(path).metadata.num_rows for path in paths)
        import pyarrow.dataset as ds  # which asks for many files at a time, but takes long to import

        with dataset_files(paths) as (files, names):
            return int(ds.dataset(names, format="parquet", filesystem=files).count_rows())
    except (pa.ArrowException, OSError) as error:
        raise damaged(_culprit(paths), error) from error


def first_and_last(path: StorePath, column: str) -> tuple[str, str]:
    """Return the least and the greatest text of a column of a file, from its footer; empty texts for a file without rows."""
    import pyarrow as pa

    try:
        metadata = parquet_file(path).metadata
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error
    place = metadata.schema.names.index(column)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    found = [group.column(place).statistics for group in groups if group.num_rows]
    if not all(one is not None and one.has_min_max for one in found):
        return "", chr(sys.maxunicode)
    return min((one.min for one in found), default=""), max((one.max for one in found), default="")


def read_coded(paths: Sequence[StorePath], declared: Table, columns: Sequence[str], only: Only | None = None) -> pa.Table:
    """Read some columns of several files, with repeating texts dictionary-encoded as in the files.

    Decoding the texts takes several times as long. With ``only``, read only rows with some texts in a column. A file that cannot be read
    raises a :class:`StoreError` that names it.
    """
    import pyarrow as pa

    from daganalysis.tables.column_arrays import rows_with

    coded = {*declared.repeating} & {*columns}
    dictionary = pa.dictionary(pa.int32(), pa.string())
    wanted = pa.schema([field.with_type(dictionary) if field.name in coded else field for field in declared.schema()])
    if all(isinstance(path, Path) for path in paths):

        def read(path: StorePath) -> pa.Table:
            table = read_file(path, columns, wanted)
            return table if only is None else rows_with(table, only)

        tables = _each(paths, read)
        return pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    import pyarrow.dataset as ds  # which asks for many files at a time, but takes long to import

    form = _parquet_format(coded)
    try:
        with dataset_files(paths) as (files, names):
            table = ds.dataset(names, schema=wanted, format=form, filesystem=files).to_table(columns=list(columns))
            table = table.unify_dictionaries().combine_chunks()
            return table if only is None else rows_with(table, only)
    except (pa.ArrowException, OSError) as error:
        raise damaged(_culprit(paths), error) from error


def _each(paths: Sequence[StorePath], read: Callable[[StorePath], pa.Table]) -> list[pa.Table]:
    """Return the result for each file, in order. Several files are read at a time, because Arrow decodes without Python's lock."""
    return in_threads([partial(read, path) for path in paths], n_threads() if len(paths) >= _WORTH_READERS else 1)


def read_chains(paths: Sequence[StorePath]) -> list[tuple[pa.Table, pa.Table]]:
    """Read the chains of some parts, with repeating texts dictionary-encoded. A file that cannot be read raises a :class:`StoreError`."""
    return _each(paths, _chains)


def _chains(path: StorePath) -> tuple[pa.Table, pa.Table]:
    import pyarrow as pa

    try:
        file = parquet_file(path, [*ON_PATH.repeating, *DOUBTS.repeating])
        on_path, doubts = (file.read_row_group(n, table.names, use_threads=False) for n, table in enumerate((ON_PATH, DOUBTS)))
    except (pa.ArrowException, OSError, IndexError) as error:
        raise damaged(path, error) from error
    for found, declared in ((on_path, ON_PATH), (doubts, DOUBTS)):
        if not found.schema.equals(declared.coded_schema()):
            raise damaged(path, ValueError("its columns are others"))
    return on_path, doubts


def read_file(path: StorePath, columns: Sequence[str] | None = None, schema: pa.Schema | None = None, *, threads: bool = True) -> pa.Table:
    """Read one file, or some columns of it. A file that cannot be read raises a :class:`StoreError` that names it.

    With a ``schema``, so does a file in which a wanted column is missing or has another type; texts that are dictionaries in the schema are
    read as such. Without ``threads``, this thread decodes even a large file.
    """
    import pyarrow as pa

    names = list(columns) if columns is not None else [] if schema is None else schema.names
    coded = [] if schema is None else [name for name in names if pa.types.is_dictionary(schema.field(name).type)]
    try:
        file = parquet_file(path, coded)
        n_values = file.metadata.num_rows * (len(names) or file.metadata.num_columns)
        table = file.read(columns, use_threads=threads and n_values >= _WORTH_THREADS and not is_one_of_several())
    except KeyError as error:  # of a column that is to be a dictionary
        raise damaged(path, _of_column(error.args[0].decode())) from error
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error
    if schema is None:
        return table
    found = {field.name: field.type for field in table.schema}
    for name in names:
        if found.get(name) != schema.field(name).type:
            raise damaged(path, _of_column(name))
    return table.select(names).replace_schema_metadata(None)


def _of_column(name: str) -> ValueError:
    return ValueError(f"its column {name} is missing or has another type")


def read_parts(
    paths: Sequence[StorePath],
    schema: pa.Schema,
    columns: Sequence[str],
    only: tuple[str, Sequence[str]] | None,
    where: pc.Expression | None = None,
) -> pa.Table:
    """Read some columns of several files: rows with one of some values in the key column that meet a condition.

    Row groups that cannot hold a wanted row are not read. A file that cannot be read raises a :class:`StoreError` that names it.
    """
    import pyarrow as pa

    if only is None and where is None and paths and all(isinstance(path, Path) for path in paths):
        # This takes two thirds of the processor time of a dataset.
        return pa.concat_tables(_each(paths, lambda path: read_file(path, columns, schema)))
    import pyarrow.dataset as ds  # which asks for many files at a time, but takes long to import

    condition = where
    if only is not None:
        key, wanted = only
        if not wanted:
            return pa.schema([schema.field(c) for c in columns]).empty_table()
        column = ds.field(key)
        # The range lets old versions of Arrow skip row groups too, which they do not for isin.
        of_runs = (column >= min(wanted)) & (column <= max(wanted)) & column.isin(pa.array(wanted, pa.string()))
        condition = of_runs if where is None else of_runs & where
    try:
        with dataset_files(paths) as (files, names):
            dataset = ds.dataset(names, schema=schema, format=_parquet_format(), filesystem=files)
            return dataset.to_table(columns=list(columns), filter=condition)
    except (pa.ArrowException, OSError) as error:
        raise damaged(_culprit(paths), error) from error


def _culprit(paths: Sequence[StorePath]) -> StorePath:
    import pyarrow as pa

    for path in paths:
        try:
            parquet_file(path).read()
        except (pa.ArrowException, OSError):
            return path
    return paths[0].parent
