"""Which tables and columns of obshell's databases are read: a white list, because the others hold passwords, keys and blobs.

The agent's own database (``.meta``, SQLite) and the cluster's (``ocs``) have the same tables with few differences (obshell's
repository/model/sqlite and repository/model/oceanbase). A table or a column that is not listed here is never opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

_TASK_STATE = ("state", "operator", "start_time", "end_time", "gmt_create", "gmt_modify")

_KEYS = frozenset(
    (
        "id",
        "dag_id",
        "node_id",
        "sub_task_id",
        "state",
        "operator",
        "ip",
        "port",
        "agent_ip",
        "lock_type",
        "remote_task_id",
        "local_task_id",
    )
)
_ADDRESSES = frozenset({"ip", "agent_ip"})


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """One table that is read.

    ``columns`` are the selected columns. ``distinctive`` are columns that no other table has together; a file of rows is recognised by
    them. ``context`` says whether the column of that name is looked through for the ids of other DAGs.
    """

    name: str
    columns: tuple[str, ...]
    distinctive: frozenset[str]
    context: bool = False

    @property
    def indispensable(self) -> frozenset[str]:
        """The columns without which rows of a table of this name are another program's."""
        return self.distinctive & _KEYS

    @property
    def numeric_keys(self) -> frozenset[str]:
        """Those of the indispensable columns that hold numbers in every row."""
        return self.indispensable - _ADDRESSES


_TABLES = (
    DatabaseTable(
        "dag_instance",
        ("id", "name", "type", "stage", "max_stage", "is_maintenance", "maintenance_type", "maintenance_key", *_TASK_STATE),
        frozenset({"id", "name", "stage", "max_stage", "is_finished", "state", "operator"}),
        context=True,
    ),
    DatabaseTable(
        "node_instance",
        ("id", "name", "dag_id", "dag_stage", *_TASK_STATE),
        frozenset({"id", "name", "dag_id", "dag_stage", "state", "operator"}),
    ),
    DatabaseTable(
        "subtask_instance",
        ("id", "node_id", "name", "executer_agent_ip", "executer_agent_port", "execute_times", *_TASK_STATE),
        frozenset({"id", "node_id", "name", "execute_times", "state", "operator"}),
        context=True,
    ),
    DatabaseTable(
        "sub_task_log",
        ("id", "sub_task_id", "execute_times", "log_content", "create_time"),
        frozenset({"id", "sub_task_id", "execute_times", "log_content"}),
    ),
    DatabaseTable(
        "task_mapping",
        ("remote_task_id", "local_task_id", "execute_times", "gmt_modify"),
        frozenset({"remote_task_id", "local_task_id"}),
    ),
    DatabaseTable("all_agent", ("ip", "port", "identity", "version", "zone"), frozenset({"ip", "port", "identity", "version", "zone"})),
    DatabaseTable(
        "task_maintainer",
        ("agent_ip", "agent_port", "agent_time", "active_time"),
        frozenset({"agent_ip", "agent_port", "agent_time", "active_time"}),
    ),
    DatabaseTable("cluster_status", ("id", "status"), frozenset({"id", "status"})),
    DatabaseTable(
        "partial_maintenance",
        ("lock_type", "lock_name", "dag_id", "count", "gmt_locked", "gmt_modify"),
        frozenset({"lock_type", "lock_name", "gmt_locked"}),
    ),
    DatabaseTable("ocs_info", ("name", "value"), frozenset()),
    DatabaseTable("obproxy_info", ("name", "value"), frozenset()),
)

TABLES = MappingProxyType({table.name: table for table in _TABLES})
"""Every table that is read, by name."""

AGENT_FACTS = ("ip", "port", "identity", "status", "version", "zone")
"""The rows of ``ocs_info`` that are read, by name; others hold keys."""

LINK_COLUMN = "link_keys"
"""The column that replaces ``context`` where rows are put aside: the ids of other DAGs found in it, as JSON, and nothing else."""


def table_of_columns(names: frozenset[str]) -> DatabaseTable | None:
    """Return the table whose rows have these columns, or None for another table.

    >>> table_of_columns(frozenset({"id", "status"})).name
    'cluster_status'
    """
    if names == TABLES["cluster_status"].distinctive:
        return TABLES["cluster_status"]
    fitting = [table for table in _TABLES if len(table.distinctive) > 2 and table.distinctive <= names]
    if names >= TABLES["task_mapping"].distinctive:
        return TABLES["task_mapping"]
    return fitting[0] if len(fitting) == 1 else None
