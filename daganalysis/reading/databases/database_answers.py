"""Rows of a database copy to answers: each DAG as the API would have answered it at the moment of the copy.

The layout is that of obshell's engine/task/task_dto.go. Facts hold what only a database shows: when the rows were created, and the attempt
and the time of each log line.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.engine.facts import AgentState, AnyFact, Creation, Execution, Line, LockState, encode_facts
from daganalysis.engine.identifiers import agent_address
from daganalysis.engine.states import BEGUN
from daganalysis.engine.times import SECOND_NS
from daganalysis.reading.answers import Answer, Kind
from daganalysis.reading.databases.database_links import merged_links
from daganalysis.reading.databases.schema import LINK_COLUMN, TABLES

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping

    from daganalysis.reading.databases.database_times import DatabaseTimes

Row = dict[str, Any]
_STATES = {1: "PENDING", 2: "READY", 3: "RUNNING", 4: "FAILED", 5: "SUCCEED"}
_OPERATORS = {1: "RUN", 2: "RETRY", 3: "ROLLBACK", 4: "CANCEL", 5: "PASS"}
_KINDS = {1: "run", 3: "rollback"}
_OBPROXY = "obproxy"
_NO_MAINTENANCE, _GLOBAL, _TENANT, _OBPROXY_MAINTENANCE = 1, 2, 3, 4
"""Values of ``status`` and ``maintenance_type`` (obshell's engine/task/maintenance_type.go)."""
_INSTANTS = ("start_time", "end_time", "gmt_modify")
_NUMBERS = {table.name: [place for place, name in enumerate(table.columns) if name in table.numeric_keys] for table in TABLES.values()}
"""The positions of the numbers that every row of a table has."""
_encode = msgspec.json.encode


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose database it is: that of an agent (its address), or the cluster's."""

    ip: str | None = None
    port: int | None = None

    @property
    def agent(self) -> str | None:
        """`ip:port`; None for the cluster's database."""
        return agent_address(self.ip, self.port)

    def gid(self, row_id: int, dag_type: str | None = None) -> str:
        """Return the generic id of a row (engine-semantics §4).

        >>> Owner("127.0.0.1", 2886).gid(9), Owner().gid(1)
        ('22130706433028869', '11')
        """
        return f"1{row_id}" if self.ip is None else f"{_local_prefix(self.ip, self.port or 0, dag_type == _OBPROXY)}{row_id}"


@lru_cache(maxsize=1024)
def _local_prefix(ip: str, port: int, obproxy: bool) -> str:
    address = ipaddress.ip_address(ip)
    digits = f"{int(address):010d}" if address.version == 4 else f"{int(address):039d}"
    return f"{(2 if address.version == 4 else 3) + (2 if obproxy else 0)}{digits}{port:05d}"


class CopyTables:
    """The listed tables of one database, with the listed columns that it has."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._statements: dict[str, str] = {}
        self.n_foreign = 0
        """Rows that were left out because they belong to another table: in a damaged file, one page may be in the place of another."""
        self._has = {name: {column for _, column, *_ in connection.execute(f"PRAGMA table_info({name})")} for name in TABLES}

    def has(self, name: str) -> bool:
        """Return whether the database has this table."""
        return bool(self._has[name])

    def count(self, name: str) -> int:
        """Return how many rows a table has."""
        return self._connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] if self.has(name) else 0  # noqa: S608 - a listed name

    def select(self, name: str, rest: str = "", *values: object) -> Iterator[Row]:
        """Yield rows of a table as dictionaries of all its listed columns; one that this database does not have is None."""
        if not self.has(name):
            return
        names = (*TABLES[name].columns, LINK_COLUMN)
        numbers = _NUMBERS[name]
        for row in self._connection.execute(self._selecting(name) + rest, values):
            # A row of another table may hold a password where this one has a name.
            if all(isinstance(row[place], int) for place in numbers):
                yield dict(zip(names, row, strict=False))
            else:
                self.n_foreign += 1

    def _selecting(self, name: str) -> str:
        """Return the beginning of the statement that selects the listed columns of a table. Each DAG, node and task needs it."""
        if name not in self._statements:
            table, own = TABLES[name], self._has[name]
            columns = [column if column in own else f"NULL AS {column}" for column in table.columns]
            if table.context:
                columns.append(LINK_COLUMN if LINK_COLUMN in own else "link_keys(context)" if "context" in own else "NULL")
            self._statements[name] = f"SELECT {', '.join(columns)} FROM {name} "  # noqa: S608 - listed names
        return self._statements[name]

    def values(self, name: str, wanted: Iterable[str]) -> dict[str, str]:
        """Return some rows of a table of names and values; the others are not looked at."""
        names = tuple(wanted)
        rows = self.select(name, f"WHERE name IN ({', '.join('?' * len(names))})", *names)
        return {row["name"]: str(row["value"]) for row in rows}

    def newest(self, name: str, column: str, times: DatabaseTimes) -> int | None:
        """Return the newest instant of a column, nanoseconds."""
        if column not in self._has[name]:
            return None
        # Texts of one offset sort as their instants do.
        by_offset = f"GROUP BY substr({column}, -6)" if times.zoned else ""
        found = self._connection.execute(f"SELECT max({column}) FROM {name} {by_offset}")  # noqa: S608 - listed names
        return max((at for (text,) in found if (at := times.instant(text)) is not None), default=None)


class AnswerMaker:
    """Makes the answers of one database copy, which is that of ``owner`` and writes instants in the way of ``times``."""

    def __init__(self, tables: CopyTables, owner: Owner, times: DatabaseTimes, cluster: str | None, source: str) -> None:
        self._tables, self._owner, self._times = tables, owner, times
        self._cluster, self._source = cluster, source
        self._precision_ns = 1 if times.zoned else SECOND_NS
        self._copied_at = self._moment() if times.known else None

    def answers(self) -> Iterator[Answer]:
        """Yield an answer for each DAG, then the facts of the copy."""
        yield from self._dags()
        yield from self._without_dag()
        yield from self._mirrors()
        others: list[AnyFact] = [*self._agents(), *self._locks()]
        if others:
            yield self._facts(Kind.AGENT_FACTS, "", others, "")

    def _moment(self) -> int | None:
        """Until when every row is known to have been as it is: the newest change in the table whose newest change is the oldest.

        A dump is made table by table. An agent's database is copied as a whole, so the newest change in any table counts.
        """
        newest = [self._tables.newest(name, "gmt_modify", self._times) for name in ("dag_instance", "node_instance", "subtask_instance")]
        if not self._times.zoned:
            return min((at for at in newest if at is not None), default=None) if None not in newest else None
        newest += [
            self._tables.newest("sub_task_log", "create_time", self._times),
            self._tables.newest("task_mapping", "gmt_modify", self._times),
        ]
        return max((at for at in newest if at is not None), default=None)

    def _answer(self, kind: Kind, gid: str, body: bytes, position: str, at: int | None, nodes: list[bytes] | None = None) -> Answer:
        return Answer(kind, gid, body, nodes, self._cluster, self._source, position, at)

    def _facts(self, kind: Kind, gid: str, facts: list[AnyFact], position: str) -> Answer:
        return self._answer(kind, gid, encode_facts(facts), position, self._copied_at)

    # -- DAGs -------------------------------------------------------------------------------------------------------------------------

    def _dags(self) -> Iterator[Answer]:
        for dag in self._tables.select("dag_instance", "ORDER BY id"):
            nodes = [*self._tables.select("node_instance", "WHERE dag_id = ? ORDER BY dag_stage, id", dag["id"])]
            tasks = {node["id"]: [*self._tables.select("subtask_instance", "WHERE node_id = ? ORDER BY id", node["id"])] for node in nodes}
            yield from self._dag(dag, nodes, tasks)

    def _dag(self, dag: Row, nodes: list[Row], tasks: Mapping[int, list[Row]]) -> Iterator[Answer]:
        rows = [dag, *nodes, *(task for own in tasks.values() for task in own)]
        dag_type, gid = dag["type"], self._owner.gid(dag["id"], dag["type"])
        facts: list[AnyFact] = [*self._creation(gid, rows)]
        texts = [_encode(self._node(node, tasks[node["id"]], dag_type, facts)) for node in nodes]
        position = f"dag_instance {dag['id']}"
        yield self._answer(Kind.DAG, gid, _encode(self._dag_fields(dag, gid, rows)), position, self._shown_at(rows), texts or None)
        if facts:
            yield self._facts(Kind.DAG_FACTS, gid, facts, position)

    def _shown_at(self, rows: Iterable[Row]) -> int | None:
        """When these rows were as they are: no earlier than they were last changed."""
        if not self._times.known:
            return None
        own = [at for row in rows for name in _INSTANTS if (at := self._times.instant(row[name])) is not None]
        return max((at for at in (self._copied_at, *own) if at is not None), default=None)

    def _creation(self, gid: str, rows: Iterable[Row]) -> Iterator[Creation]:
        created = [at for row in rows if (at := self._times.instant(row["gmt_create"])) is not None]
        if created:
            yield Creation(dag_gid=gid, at=min(created), **self._common())

    def _common(self) -> dict[str, Any]:
        """What every fact of this copy has in common."""
        agent = self._owner.agent
        return {"teller": agent, "clock": agent, "zoned": self._times.known, "precision_ns": self._precision_ns}

    def _dag_fields(self, dag: Row, gid: str, rows: Iterable[Row]) -> Row:
        maintenance = dag["maintenance_type"]
        if maintenance is None and dag["is_maintenance"] is not None:
            locked = _OBPROXY_MAINTENANCE if dag["type"] == _OBPROXY else _GLOBAL
            maintenance = locked if dag["is_maintenance"] else _NO_MAINTENANCE
        links = merged_links([row[LINK_COLUMN] for row in rows if row.get(LINK_COLUMN)])
        return {
            "id": gid,
            "dag_id": dag["id"],
            "name": dag["name"],
            "stage": dag["stage"],
            "max_stage": dag["max_stage"],
            "maintenance_type": maintenance,
            "maintenance_key": dag["maintenance_key"] or ("" if maintenance is not None else None),
            **self._state(dag),
            "additional_data": None if links is None else msgspec.Raw(links.encode()),
        }

    def _state(self, row: Row) -> Row:
        return {
            "state": _STATES.get(row["state"], str(row["state"])),
            "operator": _OPERATORS.get(row["operator"], str(row["operator"])),
            "start_time": self._times.rfc3339(row["start_time"]),
            "end_time": self._times.rfc3339(row["end_time"]),
        }

    def _node(self, node: Row, tasks: Iterable[Row], dag_type: str | None, facts: list[AnyFact]) -> Row:
        return {
            "id": self._owner.gid(node["id"], dag_type),
            "node_id": node["id"],
            "name": node["name"],
            **self._state(node),
            "additional_data": None,
            "sub_tasks": [self._task(task, dag_type, facts) for task in tasks],
        }

    def _task(self, task: Row, dag_type: str | None, facts: list[AnyFact]) -> Row:
        gid = self._owner.gid(task["id"], dag_type)
        lines = [*self._lines(task["id"], gid)]
        facts += lines
        return {
            "id": gid,
            "task_id": task["id"],
            "name": task["name"],
            **self._state(task),
            "additional_data": None,
            "execute_times": task["execute_times"] or 0,
            "execute_agent": {"ip": task["executer_agent_ip"], "port": task["executer_agent_port"]},
            "task_logs": [line.text for line in lines],
        }

    def _lines(self, task_id: int, gid: str) -> Iterator[Line]:
        for row in self._tables.select("sub_task_log", "WHERE sub_task_id = ? ORDER BY id", task_id):
            at = self._times.instant(row["create_time"]) or 0
            yield Line(text=row["log_content"] or "", at=at, task_gid=gid, attempt=row["execute_times"], place=row["id"], **self._common())

    def _without_dag(self) -> Iterator[Answer]:
        """Nodes and sub-tasks whose DAG is not in the copy."""
        for node in self._tables.select("node_instance", "WHERE dag_id NOT IN (SELECT id FROM dag_instance) ORDER BY id"):
            tasks = [*self._tables.select("subtask_instance", "WHERE node_id = ? ORDER BY id", node["id"])]
            facts: list[AnyFact] = []
            body = _encode(self._node(node, (), None, facts))
            yield self._answer(Kind.NODE, self._owner.gid(node["id"]), body, f"node_instance {node['id']}", self._copied_at)
            for task in tasks:
                body = _encode(self._task(task, None, facts))
                yield self._answer(Kind.SUB_TASK, self._owner.gid(task["id"]), body, f"subtask_instance {task['id']}", self._copied_at)

    # -- what else an agent's database tells ------------------------------------------------------------------------------------------

    def _mirrors(self) -> Iterator[Answer]:
        """The agent's own record of each sub-task of the cluster that it executed, by its own clock (engine/executor/executor.go)."""
        if self._owner.ip is None:
            return
        for mapping in self._tables.select("task_mapping", "ORDER BY remote_task_id"):
            gid = f"1{mapping['remote_task_id']}"
            facts: list[AnyFact] = [*self._lines(mapping["local_task_id"], gid)]
            for row in self._tables.select("subtask_instance", "WHERE id = ? AND node_id = 0", mapping["local_task_id"]):
                facts += self._execution(row, gid)
            if facts:
                yield self._facts(Kind.FACTS, gid, facts, f"task_mapping {mapping['remote_task_id']}")

    def _execution(self, row: Row, gid: str) -> Iterator[Execution]:
        """The run that a mirror shows; a task that was only handed over still has the times of the cluster's row."""
        state = _STATES.get(row["state"])
        if state not in BEGUN or not row["execute_times"]:
            return
        yield Execution(
            task_gid=gid,
            local_id=row["id"],
            attempt=row["execute_times"],
            kind=_KINDS.get(row["operator"]),
            started_at=self._times.instant(row["start_time"]),
            # A cancelled task ends here as if it had succeeded, so what it came to is left to the cluster's own row.
            ended_at=self._times.instant(row["end_time"]) if state != "RUNNING" else None,
            place=row["id"],
            **self._common(),
        )

    def _agents(self) -> Iterator[AgentState]:
        for row in self._tables.select("all_agent", "ORDER BY ip, port"):
            agent = agent_address(row["ip"], row["port"])
            if agent is not None:
                yield AgentState(
                    agent=agent,
                    observed_at=self._copied_at,
                    zone=row["zone"] or None,
                    identity=row["identity"] or None,
                    obshell_version=row["version"] or None,
                    teller=self._owner.agent,
                )

    def _locks(self) -> Iterator[LockState]:
        common = {**self._common(), "observed_at": self._copied_at}
        for row in self._tables.select("partial_maintenance", "ORDER BY lock_type, lock_name"):
            taken = self._times.instant(row["gmt_locked"])
            if row["lock_type"] == _TENANT and row["lock_name"] and (taken is not None or self._times.instant(row["gmt_modify"])):
                holder = f"1{row['dag_id']}" if row["dag_id"] else None
                yield LockState(
                    lock="tenant",
                    key=row["lock_name"],
                    dag_gid=holder,
                    held=taken is not None,
                    locked_at=taken,
                    n_taken=row["count"],
                    **common,
                )
        for row in self._tables.select("cluster_status", "WHERE id = 1"):
            if row["status"] in {_NO_MAINTENANCE, _GLOBAL, _TENANT}:
                yield LockState(lock="global", key="", held=row["status"] == _GLOBAL, **common)
        if self._owner.agent is not None:
            for name, lock, held in (("ocs_info", "agent", _GLOBAL), ("obproxy_info", "obproxy", _OBPROXY_MAINTENANCE)):
                status = self._tables.values(name, ("status",)).get("status")
                if status is not None:
                    yield LockState(lock=lock, key=self._owner.agent, held=status == str(held), **common)
