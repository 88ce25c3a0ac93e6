"""Database copies among the files of a source, recognised by their content. Several files of one copy are gathered."""

from __future__ import annotations

import ipaddress
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self, cast

from daganalysis.reading.databases.database_answers import AnswerMaker, CopyTables, Owner
from daganalysis.reading.databases.database_rows import DumpedRow, ExcessiveRowError, TruncatedRowsError, read_bare_rows, read_rows
from daganalysis.reading.databases.database_times import OwnOffsets, SessionZone, parse_zone, zone_shown_by
from daganalysis.reading.databases.forms import Form
from daganalysis.reading.databases.grouping import ending, table_in_name
from daganalysis.reading.databases.printed_rows import read_printed
from daganalysis.reading.databases.schema import AGENT_FACTS
from daganalysis.reading.databases.sql_dump import SqlDump
from daganalysis.reading.databases.staging import StagedDump, copy_stream, keep_to_list, open_copy
from daganalysis.reading.encodings import codec_of, recoded
from daganalysis.reading.issue_codes import issue

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo
    from types import TracebackType

    from daganalysis.reading.answers import Answer, Issue
    from daganalysis.reading.databases.forms import Recognised
    from daganalysis.reading.databases.schema import DatabaseTable
    from daganalysis.reading.limits import Limits


@dataclass(slots=True)
class _AgentCopy:
    """The files of one agent's database: the paths of the private copies, and the name of the main file in the source."""

    main: Path
    name: str


@dataclass(slots=True)
class _Dump:
    """The files of one dump of the cluster's database."""

    staged: StagedDump
    name: str
    zone: tzinfo | None = None
    columns: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _BareRows:
    """Rows without a header line, put aside until the file that tells their columns has come."""

    path: Path
    name: str
    table: DatabaseTable


_BOM = b"\xef\xbb\xbf"


class _Whole:
    """A stream whose beginning was read already."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, the ones read already first."""
        if not self._head:
            return self._rest.read(size)
        some, self._head = self._head[:size], self._head[size:]
        return some


class DatabaseCopies:
    """Gathers the files of database copies that one source holds, and gives their answers when all have been taken.

    ``zone`` is that of the times of a dump that does not tell it, ``name`` what the one copy is called that all files make, if they do.
    """

    def __init__(
        self, cluster: str | None, limits: Limits, issues: list[Issue], zone: str | None = None, *, name: str | None = None
    ) -> None:
        self._cluster, self._limits, self._issues = cluster, limits, issues
        self._zone, self._zone_name = parse_zone(zone), zone
        self._name = name
        self._place: Path | None = None
        self._agents: dict[str, _AgentCopy] = {}
        self._dumps: dict[str, _Dump] = {}
        self._bare: list[_BareRows] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for dump in self._dumps.values():
            dump.staged.connection.close()
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)

    def take(self, recognised: Recognised, name: str, head: bytes, rest: IO[bytes]) -> None:
        """Read one file, whose head was read already, to its end."""
        form, table = recognised
        if form in {Form.SQLITE, Form.WAL, Form.JOURNAL}:
            self._take_sqlite(form, name, cast("IO[bytes]", _Whole(head, rest)))
        elif form is not Form.SHARED_MEMORY:
            codec = codec_of(head)
            stream = cast("IO[bytes]", recoded(head, rest, codec) if codec else _Whole(head.removeprefix(_BOM), rest))
            if form is Form.SQL:
                self._take_sql(name, stream)
            elif form is Form.BARE and table is not None:
                self._bare.append(_BareRows(self._new_path(), name, table))
                copy_stream(stream, self._bare[-1].path)
            else:
                self._take_rows(form, table, name, stream)

    def answers(self) -> Iterator[Answer]:
        """Yield the answers of every copy, in order of their names."""
        for bare in sorted(self._bare, key=lambda bare: bare.name):
            self._add_bare(bare)
        for key in sorted(self._dumps):
            yield from self._of_dump(self._dumps[key])
        for key in sorted(self._agents):
            yield from self._of_agent(self._agents[key])

    def _note(self, code: str, name: str, position: str | None, message: str) -> None:
        self._issues.append(issue(code, name, position, message))

    def _new_path(self) -> Path:
        if self._place is None:
            self._place = Path(tempfile.mkdtemp(prefix="daganalysis-"))
        return self._place / f"{len(self._dumps) + len(self._agents) + len(self._bare):06d}"

    # -- dumps of the cluster's database ----------------------------------------------------------------------------------------------

    def _dump(self, name: str, table: str | None) -> _Dump:
        """The dump that a file belongs to. A file whose name is that of a table belongs to one dump with the files beside it."""
        folder = name.rpartition("/")[0]
        several = f"{folder}/*{ending(name)}"
        key = several if table is not None else self._name or name
        if key not in self._dumps:
            self._dumps[key] = _Dump(StagedDump(self._new_path()), self._name or (several if table is not None else name))
        return self._dumps[key]

    def _take_sql(self, name: str, stream: IO[bytes]) -> None:
        dump = self._dump(name, table_in_name(name))
        statements = SqlDump(
            stream,
            self._limits.document_bytes,
            lambda position, message: self._note("wrong-row", name, position, message),
            dump.columns,
        )
        self._stage(dump, name, statements.rows())
        dump.zone = dump.zone or parse_zone(statements.zone)

    def _take_rows(self, form: Form, table: DatabaseTable | None, name: str, stream: IO[bytes]) -> None:
        dump = self._dump(name, table.name if table is not None else table_in_name(name))
        read = read_printed if form is Form.PRINTED else read_rows
        rows = read(stream, self._limits.document_bytes, lambda position, message: self._note("wrong-row", name, position, message))
        self._stage(dump, name, rows)

    def _add_bare(self, bare: _BareRows) -> None:
        """Add rows without a header line to the dump in the same folder that creates their table."""
        folder = bare.name.rpartition("/")[0]
        dump = next((own for key, own in sorted(self._dumps.items()) if bare.table.name in own.columns and key.startswith(folder)), None)
        if dump is None:
            self._note("rows-without-columns", bare.name, None, f"rows of {bare.table.name} without a header line")
            return
        with bare.path.open("rb") as stream:
            names = dump.columns[bare.table.name]
            limit = self._limits.document_bytes
            rows = read_bare_rows(
                bare.table, names, stream, limit, lambda position, message: self._note("wrong-row", bare.name, position, message)
            )
            self._stage(dump, bare.name, rows)

    def _stage(self, dump: _Dump, name: str, rows: Iterator[DumpedRow]) -> None:
        try:
            dump.staged.add(rows, lambda position, message: self._note("wrong-row", name, position, message))
        except TruncatedRowsError as error:
            self._note("truncated-dump", name, str(error), "the file ends in the middle of a statement")
        except ExcessiveRowError as error:
            self._note("document-too-large", name, str(error), f"a row of more than {self._limits.document_bytes:,} bytes")

    def _of_dump(self, dump: _Dump) -> Iterator[Answer]:
        dump.staged.finish()
        tables = CopyTables(dump.staged.connection)
        missing = [name for name in ("dag_instance", "node_instance", "subtask_instance", "sub_task_log") if not tables.count(name)]
        if "dag_instance" in missing and not tables.count("all_agent") and not tables.count("node_instance"):
            self._note("no-tasks-in-dump", dump.name, None, "the tables of tasks and agents have no rows")
        elif "node_instance" in missing or "subtask_instance" in missing:
            self._note("incomplete-dump", dump.name, None, f"no rows of {', '.join(missing)}")
        maintainer = next(tables.select("task_maintainer"), {})
        shown = zone_shown_by(maintainer.get("agent_time"), maintainer.get("active_time"))
        times = SessionZone(dump.zone or shown or self._zone)
        if not times.known and tables.count("dag_instance"):
            self._note("unknown-time-zone", dump.name, None, "neither the dump nor an option gives the time zone of its times")
        elif not (dump.zone or shown) and times.known:
            self._note("given-time-zone", dump.name, None, f"times without a zone were read as those of {self._zone_name}")
        yield from AnswerMaker(tables, Owner(), times, self._cluster, dump.name).answers()

    # -- agents' own databases --------------------------------------------------------------------------------------------------------

    def _take_sqlite(self, form: Form, name: str, stream: IO[bytes]) -> None:
        suffix = {Form.WAL: "-wal", Form.JOURNAL: "-journal"}.get(form, "")
        main = self._name or name.removesuffix(suffix)
        if main not in self._agents:
            self._agents[main] = _AgentCopy(self._new_path(), main)
        path = self._agents[main].main
        copy_stream(stream, path.with_name(path.name + suffix))

    def _of_agent(self, copy: _AgentCopy) -> Iterator[Answer]:
        try:
            connection = open_copy(copy.main)
        except sqlite3.Error as error:
            self._damaged(copy, error)
            return
        try:
            trouble = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            keep_to_list(connection)
            if trouble != "ok":
                self._note("damaged-database", copy.name, None, str(trouble)[:200].replace("\n", " "))
            yield from self._answers_of(copy, CopyTables(connection))
        except sqlite3.Error as error:
            self._damaged(copy, error)
        finally:
            connection.close()

    def _answers_of(self, copy: _AgentCopy, tables: CopyTables) -> Iterator[Answer]:
        if not tables.has("dag_instance"):
            self._note("not-an-agents-database", copy.name, None, "it has no table dag_instance")
            return
        owner = _owner(tables.values("ocs_info", AGENT_FACTS))
        if owner is None:
            self._note("no-agent-address", copy.name, None, "its table ocs_info does not hold the address of its agent")
            return
        yield from AnswerMaker(tables, owner, OwnOffsets(), self._cluster, copy.name).answers()
        if tables.n_foreign:
            self._note("damaged-database", copy.name, None, f"{tables.n_foreign:,} rows that are not of their table were left out")

    def _damaged(self, copy: _AgentCopy, error: sqlite3.Error) -> None:
        self._note("damaged-database", copy.name, None, str(error))


def _owner(entries: dict[str, str]) -> Owner | None:
    try:
        return Owner(str(ipaddress.ip_address(entries["ip"].strip("[]"))), int(entries["port"]))
    except (KeyError, ValueError):
        return None
