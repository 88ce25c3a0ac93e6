"""Dumps of the cluster's database as DBAs make them: statements of mysqldump, tabs of ``mysql --batch``, commas of ``INTO OUTFILE``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from enginemodel.databases import Tables


def as_sql(tables: Tables, *, zone: str | None = "+00:00", rows_a_statement: int = 40) -> bytes:
    """A dump as mysqldump writes it; ``zone`` is what its header sets, None if it says nothing."""
    parts = ["-- MySQL dump 10.13  Distrib 5.7.25, for Linux (x86_64)\n--\n-- Host: 192.0.2.11    Database: ocs\n\n"]
    parts.append("/*!40101 SET NAMES utf8mb4 */;\n")
    if zone is not None:
        parts.append(f"/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;\n/*!40103 SET TIME_ZONE='{zone}' */;\n")
    for name, (columns, rows) in tables.items():
        declared = ",\n".join(f"  `{column}` {'bigint(20)' if column == 'id' else 'text'} DEFAULT NULL" for column in columns)
        parts.append(f"\nDROP TABLE IF EXISTS `{name}`;\nCREATE TABLE `{name}` (\n{declared},\n  PRIMARY KEY (`{columns[0]}`)\n);\n")
        parts.append(f"LOCK TABLES `{name}` WRITE;\n")
        for begin in range(0, len(rows), rows_a_statement):
            values = ",".join(f"({','.join(map(_sql_value, row))})" for row in rows[begin : begin + rows_a_statement])
            parts.append(f"INSERT INTO `{name}` VALUES {values};\n")  # noqa: S608 - text, executed by nobody
        parts.append("UNLOCK TABLES;\n")
    parts.append("-- Dump completed on 2026-03-03  0:00:00\n")
    return "".join(parts).encode()


def _sql_value(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    text = value.decode() if isinstance(value, bytes) else str(value)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace('"', '\\"').replace("\0", "\\0")
    return f"'{escaped}'"


def as_tsv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """One table as ``mysql --batch`` prints it."""
    return ("\t".join(columns) + "\n" + "".join("\t".join(map(_tsv_value, row)) + "\n" for row in rows)).encode()


def _tsv_value(value: object) -> str:
    if value is None:
        return "NULL"
    text = value.decode() if isinstance(value, bytes) else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\0", "\\0")


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """One table as ``SELECT … INTO OUTFILE`` writes it, with a header line: a quotation mark and a line break have a backslash before."""
    lines = [",".join(f'"{column}"' for column in columns), *(",".join(map(_csv_value, row)) for row in rows)]
    return ("\n".join(lines) + "\n").encode()


def _csv_value(value: object) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, int):
        return str(value)
    text = value.decode() if isinstance(value, bytes) else str(value)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\\n").replace("\0", "\\0")
    return f'"{escaped}"'
