"""Redacting a store: every text in every table, and the responses it keeps, rewritten in place of the originals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.redaction.engine_words import ENGINE_WORDS
from daganalysis.redaction.pseudonyms import Originals
from daganalysis.store.commit import new_generation
from daganalysis.store.opening import StoreTables
from daganalysis.store.parts import TABLE_KEY, damaged, write_parquet
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

    from daganalysis.progress import Progress
    from daganalysis.redaction.redaction_walks import RedactionWalks
    from daganalysis.redaction.texts import JsonRedactor

_JSON = frozenset({"additional_data", "body", "text"})
_NAMES = frozenset({"name", "workflow", "maintenance_key"})
_HOSTS = frozenset({"agent", "agent_ip", "owner_agent", "client"})
_RUNS = frozenset({"run_id", "parent_run_id", "child_run_id"})
_VERSIONS = frozenset({"obshell_version", "ob_version"})
_PATHS = frozenset({"source", "source_name", "path"})
_STATES = frozenset({"state", "operator", "position"})
"""Columns of what should be words of the engine, and of places in files."""
_KEPT = frozenset({"outcome", "kind", "severity", "code", "evidence", "category", "history", "scope", "direction"})
"""Columns of words that this package itself has written."""
_ROW_GROUP = 16_384


def redact_store(store: Path, target: Path, progress: Progress, walks: RedactionWalks) -> tuple[int, Originals]:
    """Write a redacted copy of a store; return the number of its files and of the replaced things."""
    StoreTables(store)  # raises for what is no store, or one of another version
    files = sorted(path for path in store.rglob("*.parquet") if path.relative_to(store).parts[0] in {*BASE_TABLES, "_evidence", "_sources"})
    originals = Originals()
    collecting = walks.collecting(originals)
    for number, path in enumerate(files, start=1):
        _rewritten(_read(path), collecting)
        progress("looking", number, len(files))
    replacing = walks.replacing(originals, {*ENGINE_WORDS, *(word.lower() for word in collecting.names)})
    with new_generation(target) as folder:
        for number, path in enumerate(files, start=1):
            copy = folder / path.relative_to(store)
            copy.parent.mkdir(parents=True, exist_ok=True)
            table = _rewritten(_read(path), replacing)
            name = (table.schema.metadata or {}).get(TABLE_KEY, b"").decode()
            if name in BASE_TABLES:
                table = table.sort_by([(key, "ascending") for key in BASE_TABLES[name].sort])
            texts = [
                column
                for column in table.column_names
                if column in _KEPT | _STATES | {"trace_id"} | _NAMES | _HOSTS | {"run_id", "cluster"}
            ]
            write_parquet(table, copy, name, texts, _ROW_GROUP)
            progress("replacing", number, len(files))
    return len(files), originals


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path).read()
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error


def _rewritten(table: pa.Table, texts: JsonRedactor) -> pa.Table:
    """Return a table with every text in it rewritten, each different one once."""
    import pyarrow as pa

    columns = []
    for field in table.schema:
        column = table.column(field.name).combine_chunks()
        rewrite = _rewriter(field.name, texts)
        if pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type):
            values = _mapped(column.flatten(), rewrite)
            column = pa.ListArray.from_arrays(_offsets(column), values, mask=column.is_null())
        elif pa.types.is_string(field.type) or pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            column = _mapped(column, rewrite)
        columns.append(column)
    return pa.Table.from_arrays(columns, schema=table.schema)


def _offsets(column: pa.ListArray) -> pa.Array:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())


def _mapped(column: pa.Array, rewrite: Callable[[str], str]) -> pa.Array:
    import pyarrow as pa

    is_text = pa.types.is_string(column.type)
    encoded = column.dictionary_encode()
    values = [value if is_text else value.decode() for value in encoded.dictionary.to_pylist()]
    rewritten = [rewrite(value) for value in values]
    return pa.array([v if is_text else v.encode() for v in rewritten], column.type).take(encoded.indices)


def _rewriter(name: str, texts: JsonRedactor) -> Callable[[str], str]:
    if name in _KEPT:
        return str
    if name in _JSON:
        return texts.document
    rewriters = (
        (_STATES, texts.engine_word),
        ({"trace_id"}, texts.trace),
        (_NAMES, texts.title),
        (_HOSTS, texts.host),
        (_PATHS, texts.place),
        (_RUNS, texts.run),
        (_VERSIONS, texts.version),
        ({"cluster"}, texts.run_cluster),
    )
    return next((rewrite for columns, rewrite in rewriters if name in columns), texts.line)
