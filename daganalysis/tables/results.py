"""The result tables: what each analysis returns."""

from __future__ import annotations

from types import MappingProxyType

from daganalysis.tables.base import RUN_ID
from daganalysis.tables.declaration import Column, Table, Type

_ = (RUN_ID, Column, Table, Type)

RESULT_TABLES: MappingProxyType[str, Table] = MappingProxyType({})
"""Every result table by the name of its analysis."""
