"""The base tables: what an archive holds."""

from __future__ import annotations

from types import MappingProxyType

from daganalysis.tables.cluster_tables import AGENT_EVENTS, AGENTS, ISSUES, MAINTENANCE_LOCKS, OPERATIONS
from daganalysis.tables.run_tables import ATTEMPTS, CLOCK_OFFSETS, DAGS, FAILED_ATTEMPTS, LINKS, NODES, SNAPSHOTS, SUB_TASKS, TIMELINE

SCHEMA_VERSION = "2"
"""Written into the metadata of every Parquet file of a store; raised whenever a declaration below changes."""

BASE_TABLES = MappingProxyType(
    {
        table.name: table
        for table in (
            *(SNAPSHOTS, DAGS, NODES, SUB_TASKS, ATTEMPTS, FAILED_ATTEMPTS, LINKS, OPERATIONS, AGENTS),
            *(AGENT_EVENTS, MAINTENANCE_LOCKS, ISSUES, TIMELINE, CLOCK_OFFSETS),
        )
    }
)
"""Every base table by name; the same names are attributes of an Archive and folders of a store."""
