"""Table declarations: what every table is, in one place."""

from daganalysis.tables.archive_tables import (
    AGENT_EVENTS,
    AGENTS,
    ATTEMPTS,
    BASE_TABLES,
    CLOCK_OFFSETS,
    DAGS,
    FAILED_ATTEMPTS,
    ISSUES,
    LINKS,
    NODES,
    OPERATIONS,
    SCHEMA_VERSION,
    SNAPSHOTS,
    SUB_TASKS,
    TIMELINE,
)
from daganalysis.tables.declaration import Column, Table, Type

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
