"""Table declarations: what every table is, in one place."""

from daganalysis.tables.archive_tables import BASE_TABLES, SCHEMA_VERSION
from daganalysis.tables.cluster_tables import AGENT_EVENTS, AGENTS, ISSUES, OPERATIONS
from daganalysis.tables.declaration import Column, Table, Type
from daganalysis.tables.run_tables import ATTEMPTS, CLOCK_OFFSETS, DAGS, FAILED_ATTEMPTS, LINKS, NODES, SNAPSHOTS, SUB_TASKS, TIMELINE

__all__ = [
    "AGENTS",
    "AGENT_EVENTS",
    "ATTEMPTS",
    "BASE_TABLES",
    "CLOCK_OFFSETS",
    "DAGS",
    "FAILED_ATTEMPTS",
    "ISSUES",
    "LINKS",
    "NODES",
    "OPERATIONS",
    "SCHEMA_VERSION",
    "SNAPSHOTS",
    "SUB_TASKS",
    "TIMELINE",
    "Column",
    "Table",
    "Type",
]
