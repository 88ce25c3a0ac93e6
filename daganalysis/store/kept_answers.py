"""Evidence: the answers a store was made of, kept so that runs can be rebuilt when more is learnt about them.

It is private to this package (``_evidence/`` in the store). Each part holds some answers, and each different node text among them once.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from daganalysis.reading.answers import Answer, Kind
from daganalysis.store.parts import MarkedWriter, damaged, read_file

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from types import TracebackType

    import pyarrow as pa

    from daganalysis.store.new_files import Closing
    from daganalysis.store.remote_paths import StagePath, StorePath
    from daganalysis.tables.column_arrays import Bools, Ints

ANSWERS = "_evidence/answers"
TEXTS = "_evidence/texts"
_TEXT_COLUMNS = ("gid", "cluster", "source_name", "position", "trace_id")
_INTEGER_COLUMNS = ("observed_at", "utc_offset_s", "http_status", "request_ms")
_FIELDS = Answer.__struct_fields__
_COLUMN_OF = {name: "source_name" if name == "source" else name for name in _FIELDS}
"""The columns that hold the fields of an answer; `source` is the number of its source."""
_REPEATING = ["kind", "gid", "cluster", "source_name", "references"]
_INDEXED = ["source", "kind", "key", "references", "size"]
_KINDS = frozenset(kind.value for kind in Kind)
_ROW_GROUP = 8192
"""Rows a row group; there are as many more groups as there are pieces that are written at a time."""


@dataclass(slots=True)
class Kept:
    """An answer with the number of its source, the key of what it describes, and the keys to which it refers."""

    answer: Answer
    source: int
    key: str
    references: tuple[str, ...] = ()


class KeptRow(NamedTuple):
    """One row of an index: its number, and the key, the kind, the references and the size of the answer."""

    number: int
    key: str
    kind: Kind
    references: list[str]
    size: int


class KeptIndex:
    """The keys and references of the answers of one part, without the answers: columns, because nearly all rows concern no new answer."""

    def __init__(self, part: str, answers: pa.Table) -> None:
        self.part = part
        self._answers = answers

    def of_kinds(self, kinds: Iterable[Kind]) -> list[int]:
        """Return the rows of answers of some kinds."""
        from daganalysis.tables.column_arrays import is_equal

        return _where(is_equal(self._answers.column("kind"), *kinds))

    def from_sources(self, numbers: Collection[int]) -> list[int]:
        """Return the rows of answers from some sources."""
        import numpy as np

        from daganalysis.tables.column_arrays import integers

        return _where(np.isin(integers(self._answers.column("source")), list(numbers))) if numbers else []

    def with_references(self) -> list[KeptRow]:
        """Return the rows of answers that refer to others."""
        return self.rows(_where(self._n_references() > 0))

    def near(self, keys: pa.Array) -> list[KeptRow]:
        """Return the rows of answers that may concern others: of another kind than DAG, with references, or with one of some keys."""
        import pyarrow.compute as pc

        from daganalysis.tables.column_arrays import NONE, integers, is_equal

        is_dag = is_equal(self._answers.column("kind"), Kind.DAG, Kind.DAG_FACTS)
        has_key = integers(pc.index_in(self._answers.column("key"), keys)) != NONE
        return self.rows(_where(~is_dag | (self._n_references() > 0) | has_key))

    def rows(self, numbers: list[int]) -> list[KeptRow]:
        """Return some rows."""
        import pyarrow as pa

        from daganalysis.tables.arrays import array_of

        if not numbers:
            return []
        found = self._answers.select(["key", "kind", "references", "size"]).take(array_of(numbers, pa.int64()))
        keys, kinds, references, sizes = (column.to_pylist() for column in found.columns)
        return list(map(KeptRow, numbers, keys, map(Kind, kinds), references, sizes))

    def _n_references(self) -> Ints:
        import pyarrow.compute as pc

        from daganalysis.tables.column_arrays import integers

        return integers(pc.list_value_length(self._answers.column("references")))


def _where(mask: Bools) -> list[int]:
    import numpy as np

    rows: list[int] = np.flatnonzero(mask).tolist()
    return rows


def _schema() -> pa.Schema:
    import pyarrow as pa

    fields: list[tuple[str, pa.DataType]] = [("source", pa.int32()), ("size", pa.int64()), ("kind", pa.string()), ("key", pa.string())]
    fields += [(name, pa.string()) for name in _TEXT_COLUMNS] + [(name, pa.int64()) for name in _INTEGER_COLUMNS]
    fields += [("references", pa.list_(pa.string())), ("body", pa.binary()), ("nodes", pa.list_(pa.int32()))]
    return pa.schema(fields)


def _coded_schema() -> pa.Schema:
    """Return the schema with the kinds as places in a dictionary."""
    import pyarrow as pa

    schema = _schema()
    return schema.set(schema.get_field_index("kind"), pa.field("kind", pa.dictionary(pa.int32(), pa.string())))


class EvidenceWriter:
    """Writes answers as a new part of the store in ``folder``, some at a time. Without answers it makes no file.

    Equal texts of one batch are written once. The same answers give the same bytes.
    """

    def __init__(self, folder: StagePath, part: str, closing: Closing | None = None) -> None:
        self._closing = closing
        self._paths = (folder / ANSWERS / part, folder / TEXTS / part)
        self._writers: list[MarkedWriter] = []
        self._n_answers = self._n_texts = 0

    @property
    def rows(self) -> dict[str, int]:
        """The row counts of the files written so far, by folder."""
        return {ANSWERS: self._n_answers, TEXTS: self._n_texts} if self._writers else {}

    def write(self, kept: Sequence[Kept]) -> None:
        """Append answers."""
        from daganalysis.tables.arrays import table_of

        if not kept:
            return
        if not self._writers:
            for path, schema, name, repeating in zip(
                self._paths, (_schema(), _text_schema()), (ANSWERS, TEXTS), (_REPEATING, []), strict=True
            ):
                path.parent.mkdir(parents=True, exist_ok=True)
                self._writers.append(MarkedWriter(path, schema, name, repeating, self._closing))
        answers = [item.answer for item in kept]
        nodes = [answer.nodes for answer in answers]
        texts = list(dict.fromkeys(chain.from_iterable(shown or () for shown in nodes)))
        number_of = dict(zip(texts, range(self._n_texts, self._n_texts + len(texts)), strict=True)).__getitem__
        self._n_answers += len(answers)
        self._n_texts += len(texts)
        columns: dict[str, list[Any]] = {column: list(map(attrgetter(name), answers)) for name, column in _COLUMN_OF.items()}
        columns |= {name: list(map(attrgetter(name), kept)) for name in ("source", "key", "references")}
        columns["size"] = [len(body) + sum(map(len, shown or ())) for body, shown in zip(columns["body"], nodes, strict=True)]
        columns["nodes"] = [None if shown is None else list(map(number_of, shown)) for shown in nodes]
        self._writers[0].write(table_of(columns, _schema()), _ROW_GROUP)
        self._writers[1].write(table_of({"text": texts}, _text_schema()), _ROW_GROUP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.ExitStack() as every:  # where the disk is full, one that cannot be finished keeps no other open
            for writer in self._writers:
                every.push(writer)
            if kind is not None:
                every.pop_all().__exit__(kind, error, trace)


def _text_schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([("text", pa.large_binary())])


def evidence_parts(store: StorePath) -> list[str]:
    """List the names of a store's evidence parts, oldest first."""
    return sorted(path.name for path in (store / ANSWERS).glob("*.parquet"))


def read_index(store: StorePath, part: str) -> KeptIndex:
    """Read the keys and references of the answers of a part."""
    answers = read_file(store / ANSWERS / part, _INDEXED, _coded_schema())
    _check_kinds(store, part, answers)
    return KeptIndex(part, answers)


def read_evidence(store: StorePath, part: str, rows: Sequence[int] | None = None) -> list[Kept]:
    """Read some answers of a part (None: all), in the given order. Equal texts are one object."""
    import pyarrow as pa

    from daganalysis.tables.arrays import array_of

    table = read_file(store / ANSWERS / part, schema=_schema())
    _check_kinds(store, part, table)
    if rows is not None:
        table = table.take(array_of(rows, pa.int64()))
    texts = _texts(store, part, table)
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    columns["nodes"] = [None if numbers is None else list(map(texts.__getitem__, numbers)) for numbers in columns["nodes"]]
    columns["kind"] = list(map(Kind, columns["kind"]))
    answers = map(Answer, *(columns[_COLUMN_OF[name]] for name in _FIELDS))
    return list(map(Kept, answers, columns["source"], columns["key"], map(tuple, columns["references"])))


def _check_kinds(store: StorePath, part: str, answers: pa.Table) -> None:
    from daganalysis.tables.column_arrays import encoded

    if not {*encoded(answers.column("kind"))[1].to_pylist()} <= _KINDS:
        raise damaged(store / ANSWERS / part, ValueError("it holds answers of an unknown kind"))


def _texts(store: StorePath, part: str, answers: pa.Table) -> dict[int, bytes]:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pc.unique(pc.list_flatten(answers.column("nodes")))
    try:
        texts = read_file(store / TEXTS / part, ["text"], _text_schema()).column("text").take(wanted)
    except pa.ArrowException as error:
        raise damaged(store / TEXTS / part, error) from error
    return dict(zip(wanted.to_pylist(), texts.to_pylist(), strict=True))


def digest(answer: Answer) -> bytes:
    """Return a digest of an answer and its origin, equal only for equal ones."""
    fields = (answer.kind.value, answer.gid, answer.cluster, answer.source, answer.position, answer.observed_at, answer.utc_offset_s)
    state = hashlib.blake2b(repr((*fields, answer.trace_id, answer.http_status, answer.request_ms)).encode(), digest_size=16)
    for text in (answer.body, *(answer.nodes or ())):
        state.update(b"%d:" % len(text))  # so that no two lists of texts look alike
        state.update(text)
    state.update(b"none" if answer.nodes is None else b"%d" % len(answer.nodes))
    return state.digest()
