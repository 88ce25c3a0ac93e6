"""Database copies: what an agent's own ``.meta`` and the cluster's ``ocs`` hold of some runs at a moment, secrets and all.

Layouts are those of obshell's repository/db/sqlite and repository/db/oceanbase. Contexts hold the ids of other DAGs beside passwords, as
they do in reality: who reads them has to tell the two apart.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import sqlite3
from typing import TYPE_CHECKING, Any

from enginemodel.dag_parts import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from enginemodel.dag_parts import Agent, Attempt
    from enginemodel.engine import DagRun
    from enginemodel.row_history import Row

SECRETS = (
    "Root#s3cret",
    "Agent#s3cret",
    "cipher-of-the-root-password==",
    "private-key-of-the-agent==",
    "token-of-the-agent==",
    "AKsecretkey",
)
"""Values planted where the real databases hold passwords, keys and tokens."""
_STATES = {"PENDING": 1, "READY": 2, "RUNNING": 3, "FAILED": 4, "SUCCEED": 5}
_OPERATORS = {"RUN": 1, "RETRY": 2, "ROLLBACK": 3, "CANCEL": 4, "PASS": 5}
_WIDTHS = {"1": 1, "2": 16, "3": 45, "4": 16, "5": 45}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ZONE_S = 8 * 3600
_VERSION_FIELD = slice(96, 100)
"""Where SQLite writes its own version into a file, which would differ from machine to machine."""

Tables = dict[str, tuple[list[str], list[tuple[Any, ...]]]]

_TIMES = ["start_time", "end_time", "gmt_create", "gmt_modify"]
_EXECUTER = ["executer_agent_ip", "executer_agent_port"]
_CAPABILITIES = ["can_cancel", "can_continue", "can_pass", "can_retry", "can_rollback"]
_AGENT_COLUMNS = ["ip", "port", "identity", "version", "os", "architecture", "zone", "mysql_port", "rpc_port", "home_path", "public_key"]
_NODE_COLUMNS = [
    "id",
    "name",
    "dag_id",
    "dag_stage",
    "struct_name",
    "type",
    "state",
    "max_stage",
    *_EXECUTER,
    "context",
    "operator",
    *_TIMES,
]
_TASK_COLUMNS = [
    "id",
    "node_id",
    "name",
    "struct_name",
    *_EXECUTER,
    "execute_times",
    *_CAPABILITIES,
    "context",
    "state",
    "operator",
    *_TIMES,
]
_LOCAL_DAG = [
    "id",
    "name",
    "type",
    "stage",
    "max_stage",
    "state",
    *_EXECUTER,
    "is_maintenance",
    "is_finished",
    "context",
    "operator",
    *_TIMES,
]
_CLUSTER_DAG = [*_LOCAL_DAG[:9], "maintenance_type", "maintenance_key", *_LOCAL_DAG[9:]]


class _Stamps:
    """How a database writes instants: those of an agent to the nanosecond with their offset, those of the cluster without a zone."""

    def __init__(self, *, local: bool, zone_s: int) -> None:
        self._local, self._zone_s = local, zone_s

    def exact(self, micros: int | None) -> str:
        """A start or an end."""
        moment = _EPOCH + dt.timedelta(microseconds=micros or 0, seconds=self._zone_s)
        if not self._local:
            return f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond:06d}" if micros is not None else f"{moment:%Y-%m-%d %H:%M:%S}"
        digits = f"{moment.microsecond:06d}{'' if micros is None else f'{micros * 7919 % 1000:03d}'}".rstrip("0")
        hours = self._zone_s // 3600
        return f"{moment:%Y-%m-%d %H:%M:%S}{'.' if digits else ''}{digits}{hours:+03d}:00"

    def written(self, micros: int) -> str:
        """When a row was written: whole seconds in the cluster's database."""
        return self.exact(micros) if self._local else self.exact(micros // SECOND * SECOND)[:19]


def _row_id(gid: str) -> int:
    return int(gid[_WIDTHS[gid[0]] :])


def _encoded(context: Mapping[str, object]) -> str:
    return base64.b64encode(json.dumps(context, separators=(",", ":")).encode()).decode()


def _context(run: DagRun) -> dict[str, object]:
    """What the context of a DAG's tasks holds: parameters with secrets, the main DAG's id, those of its children by agent."""
    root, _, cipher, *_, access_key = SECRETS
    params: dict[str, object] = {"rootPwd": cipher, "createTenant": {"root_password": root}, "backup": f"oss://x?access_key={access_key}"}
    if "main_dag_id" in run.data:
        params["mainDagId"] = run.data["main_dag_id"]
    if "scaleOutUUID" in run.data:
        params["scaleOutUUID"] = run.data["scaleOutUUID"]
    children = {agent: {"subDagInfo": {"genecric_id": gid, "expected_stage": 3}} for agent, gid in run.data.get("sub_dags", {}).items()}
    return {"Params": params, "Data": {"rootPwd": cipher}, "AgentData": children, "AgentDataUpdateCount": {}}


class _Copy:
    """The tables of tasks of one database at a moment."""

    def __init__(self, t: int, stamps: _Stamps, *, local: bool) -> None:
        self._t, self._stamps, self._local = t, stamps, local
        self._line_id = 0
        self.tables: Tables = {
            "dag_instance": (list(_LOCAL_DAG if local else _CLUSTER_DAG), []),
            "node_instance": (list(_NODE_COLUMNS), []),
            "subtask_instance": (list(_TASK_COLUMNS), []),
            "sub_task_log": (
                ["id", "sub_task_id", "execute_times", "log_content", *(["is_sync"] if local else []), "create_time", "update_time"],
                [],
            ),
        }

    def add(self, run: DagRun) -> None:
        """Add the rows of a run, as far as it was created by then."""
        if run.created > self._t:
            return
        now, context = run.dag.at(self._t), _context(run)
        kind = "obproxy" if run.gid[0] in "45" else ""
        dag_id = _row_id(run.gid)
        locked = run.maintenance != 1
        finished = now["state"] == "SUCCEED" or (now["state"] == "FAILED" and not locked)
        head = (dag_id, run.name, kind, now["stage"], len(run.stages), _STATES[now["state"]], "", 0, int(locked))
        lock = () if self._local else (run.maintenance, run.maintenance_key)
        tail = (int(finished), _encoded(context).encode(), _OPERATORS[now["operator"]], *self._times(run.maintainer, run.dag, now))
        self.tables["dag_instance"][1].append((*head, *lock, *tail))
        for stage, (declared, row) in enumerate(zip(run.stages, run.nodes, strict=True)):
            self._add_node(run, dag_id, stage, row.at(self._t), row, json.dumps(context).encode())
            for index in range(len(declared.tasks)):
                self._add_task(run, stage, index, json.dumps(context).encode())

    def _add_node(self, run: DagRun, dag_id: int, stage: int, now: dict[str, Any], row: Row, context: bytes) -> None:
        n_tasks = len(run.stages[stage].tasks)
        kind = "parallel" if n_tasks > 1 else "normal"
        head = (_row_id(run.node_ids[stage]), run.stages[stage].name, dag_id, stage + 1, "SomeTask", kind, _STATES[now["state"]], n_tasks)
        times = self._times(run.maintainer, row, now)
        self.tables["node_instance"][1].append((*head, "", 0, context, _OPERATORS[now["operator"]], *times))

    def _add_task(self, run: DagRun, stage: int, index: int, context: bytes) -> None:
        row, gid = run.tasks[stage][index], run.ids[stage][index]
        now = row.at(self._t)
        agent: Agent = now["agent"]
        head = (_row_id(gid), _row_id(run.node_ids[stage]), run.stages[stage].name, "SomeTask", agent.ip, agent.port, now["times"])
        state = (_STATES[now["state"]], _OPERATORS[now["operator"]])
        times = self._times(run.maintainer, row, now)
        self.tables["subtask_instance"][1].append((*head, 1, 1, 1, 1, 1, context, *state, *times))
        self.add_lines(_row_id(gid), now, run.maintainer)

    def add_lines(self, task_id: int, now: dict[str, Any], writer: Agent, only: Iterable[int] | None = None) -> None:
        """Add the log lines of a sub-task, or of some of its attempts."""
        for line, (attempt, at) in zip(now["logs"], now["marks"], strict=True):
            if only is not None and attempt not in only:
                continue
            self._line_id += 1
            written = self._stamps.written(writer.clock(at))
            synced = (1,) if self._local else ()
            self.tables["sub_task_log"][1].append((self._line_id, task_id, attempt, line, *synced, written, written))

    def _times(self, writer: Agent, row: Row, now: dict[str, Any]) -> tuple[str, str, str, str]:
        written = self._stamps.written
        return (
            self._stamps.exact(now["start"]),
            self._stamps.exact(now["end"]),
            written(writer.clock(row.created)),
            written(writer.clock(row.changed_at(self._t))),
        )

    def in_time_order(self) -> None:
        """Number the log lines in the order in which they were written."""
        columns, rows = self.tables["sub_task_log"]
        rows.sort(key=lambda row: (row[columns.index("create_time")], row[0]))
        self.tables["sub_task_log"] = columns, [(number, *row[1:]) for number, row in enumerate(rows, start=1)]


# -- an agent's own database ----------------------------------------------------------------------------------------------------------


def agent_tables(agent: Agent, runs: Sequence[DagRun], t: int, *, agents: Sequence[Agent], version: str = "4.5.0.0-1") -> Tables:
    """The tables of an agent's ``.meta`` at a true time: its own local runs, and mirrors of what it executed for the cluster."""
    stamps = _Stamps(local=True, zone_s=_ZONE_S)
    copy = _Copy(t, stamps, local=True)
    for run in runs:
        if not run.is_cluster and run.maintainer == agent:
            copy.add(run)
    mapping = _add_mirrors(copy, stamps, agent, [run for run in runs if run.is_cluster], t)
    copy.in_time_order()
    root, password, cipher, key, token, _ = SECRETS
    told = {"ip": agent.ip, "port": str(agent.port), "identity": "CLUSTER AGENT", "version": version, "zone": _zone(agents, agent)}
    locked = any(
        run.maintenance != 1 and not run.is_cluster and run.maintainer == agent and run.dag.at(t)["state"] != "SUCCEED" and run.created <= t
        for run in runs
    )
    return {
        "all_agent": (list(_AGENT_COLUMNS), _agent_rows(agents, version)),
        **copy.tables,
        "task_mapping": (["remote_task_id", "local_task_id", "execute_times", "is_sync", "gmt_modify"], mapping),
        "ocs_info": (
            ["name", "value", "info"],
            [(name, value, "") for name, value in {**told, "status": "2" if locked else "1", "private_key": key}.items()],
        ),
        "obproxy_info": (["name", "value", "info"], [("status", "1", ""), ("obproxy_sys_password", cipher, "")]),
        "ocs_token": (["ip", "port", "token", "gmt_modify"], [(agent.ip, agent.port, token, "")]),
        "ob_global_config": (["name", "value", "is_cluster", "gmt_modify"], [("rootPwd", cipher, 1, "")]),
        "ob_config": (["name", "value", "gmt_modify", "info"], [("agentRootPwd", password, "", root)]),
    }


def _add_mirrors(copy: _Copy, stamps: _Stamps, agent: Agent, runs: Iterable[DagRun], t: int) -> list[tuple[Any, ...]]:
    mapping = []
    local_id = 1 + max((row[0] for row in copy.tables["subtask_instance"][1]), default=0)
    for run in runs:
        for stage, ids in enumerate(run.ids):
            for index, gid in enumerate(ids):
                row = run.tasks[stage][index]
                own = [one for one in run.truth[gid] if one.start is not None and one.start <= t and _executor(row, one) == agent]
                if own:
                    context = json.dumps(_context(run)).encode()
                    times = _mirror_times(stamps, agent, own[-1], t)
                    done = own[-1].end is not None and own[-1].end <= t
                    state = _STATES["SUCCEED" if own[-1].outcome == "succeeded" else "FAILED"] if done else _STATES["RUNNING"]
                    head = (local_id, 0, run.stages[stage].name, "SomeTask", agent.ip, agent.port, own[-1].number)
                    operator = _OPERATORS["ROLLBACK" if own[-1].kind == "rollback" else "RUN"]
                    copy.tables["subtask_instance"][1].append((*head, 1, 1, 1, 1, 1, context, state, operator, *times))
                    copy.add_lines(local_id, row.at(t), agent, {one.number for one in own})
                    mapping.append((_row_id(gid), local_id, own[-1].number, int(done), times[-1]))
                    local_id += 1
    return mapping


def _executor(row: Row, attempt: Attempt) -> Agent:
    return row.at(attempt.start or 0)["agent"]  # type: ignore[no-any-return]


def _mirror_times(stamps: _Stamps, agent: Agent, attempt: Attempt, t: int) -> tuple[str, str, str, str]:
    """Start and end by the executor's own clock; a run that goes on still bears the end of before."""
    start = agent.clock(attempt.start or 0)
    ended = attempt.end is not None and attempt.end <= t
    end = agent.clock(attempt.end) if attempt.end is not None and ended else start - 20_000
    return stamps.exact(start), stamps.exact(end), stamps.written(start - 20_000), stamps.written(max(start, end) + 300)


def _zone(agents: Sequence[Agent], agent: Agent) -> str:
    return f"zone{1 + agents.index(agent) % 3}"


def _agent_rows(agents: Sequence[Agent], version: str) -> list[tuple[Any, ...]]:
    return [
        (one.ip, one.port, "CLUSTER AGENT", version, "linux", "x86_64", _zone(agents, one), 2881, 2882, "/opt/oceanbase", SECRETS[3])
        for one in agents
    ]


def write_agent_database(path: Path, tables: Tables, *, log_alone: bool = False) -> None:
    """Write a ``.meta`` file; with ``log_alone`` all its pages lie in the write-ahead log beside an empty file, as a crash may leave it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(path.name + ".scratch") if log_alone else path
    connection = sqlite3.connect(scratch)
    if log_alone:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
    for name, (columns, rows) in tables.items():
        connection.execute(f"CREATE TABLE `{name}` ({', '.join(f'`{column}` {_sqlite_type(column)}' for column in columns)})")
        connection.executemany(f"INSERT INTO `{name}` VALUES ({', '.join('?' * len(columns))})", rows)  # noqa: S608 - names of this module
        connection.commit()
    if log_alone:
        path.write_bytes(b"")
        path.with_name(path.name + "-wal").write_bytes(scratch.with_name(scratch.name + "-wal").read_bytes())
    connection.close()
    if log_alone:
        scratch.unlink()
        return
    content = bytearray(path.read_bytes())
    content[_VERSION_FIELD] = (3_045_000).to_bytes(4)
    path.write_bytes(bytes(content))


def _sqlite_type(column: str) -> str:
    if column in _TIMES or column.endswith("_time"):
        return "datetime"
    whole = column.endswith(("id", "port", "stage", "_times")) or column.startswith(("can_", "is_")) or column in {"state", "operator"}
    return "integer" if whole else "text"


# -- the cluster's database -----------------------------------------------------------------------------------------------------------


def cluster_tables(
    runs: Sequence[DagRun], t: int, *, agents: Sequence[Agent], zone_s: int = 0, context: bool = True, version: str = "4.5.0.0-1"
) -> Tables:
    """The tables of ``ocs`` at a true time, their times in the zone of the session that dumps them."""
    stamps = _Stamps(local=False, zone_s=zone_s)
    copy = _Copy(t, stamps, local=False)
    for run in runs:
        if run.is_cluster:
            copy.add(run)
    copy.in_time_order()
    maintainer = agents[0]
    now = maintainer.clock(t)
    tables: Tables = {
        "all_agent": (list(_AGENT_COLUMNS), _agent_rows(agents, version)),
        "cluster_status": (["id", "status"], [(1, 1)]),
        **copy.tables,
        "partial_maintenance": (
            ["id", "lock_type", "lock_name", "dag_id", "count", "gmt_locked", "gmt_create", "gmt_modify"],
            _tenant_locks(runs, t, stamps),
        ),
        "task_maintainer": (
            ["id", "agent_ip", "agent_port", "counter", "agent_time", "active_time"],
            [(1, maintainer.ip, maintainer.port, 7, now // SECOND, stamps.written(now))],
        ),
        "ocs_config": (["name", "value"], [("rootPwd", SECRETS[2])]),
    }
    return tables if context else {name: _without_context(*table) for name, table in tables.items()}


def _tenant_locks(runs: Sequence[DagRun], t: int, stamps: _Stamps) -> list[tuple[Any, ...]]:
    by_tenant: dict[str, list[DagRun]] = {}
    for run in sorted(runs, key=lambda run: run.created):
        if run.is_cluster and run.maintenance == 3 and run.created <= t:
            by_tenant.setdefault(run.maintenance_key, []).append(run)
    rows = []
    for number, (tenant, own) in enumerate(sorted(by_tenant.items()), start=1):
        taken, first = own[-1].maintainer.clock(own[-1].created), own[0].maintainer.clock(own[0].created)
        held = own[-1].dag.at(t)["state"] != "SUCCEED"
        locked = stamps.written(taken) if held else stamps.written(0)
        rows.append((number, 3, tenant, _row_id(own[-1].gid), len(own), locked, stamps.written(first), stamps.written(taken)))
    return rows


def _without_context(columns: list[str], rows: list[tuple[Any, ...]]) -> tuple[list[str], list[tuple[Any, ...]]]:
    if "context" not in columns:
        return columns, rows
    at = columns.index("context")
    return columns[:at] + columns[at + 1 :], [row[:at] + row[at + 1 :] for row in rows]
