"""The part files of a store: which of their columns are compressed."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

import daganalysis as da
from daganalysis.store.parts import _COMPRESSED
from daganalysis.tables import BASE_TABLES

SAVED = Path(__file__).resolve().parents[2] / "sample_data" / "documented" / "scale-out.json"


def compressions(part: Path) -> dict[str, str]:
    """How each column of a file is compressed; a list is named like its column."""
    group = pq.ParquetFile(part).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    return {column.path_in_schema.split(".")[0]: column.compression for column in columns}


def test_only_texts_and_numbers_that_count_are_compressed(tmp_path: Path) -> None:
    da.load_into_store(SAVED, store=tmp_path / "store", jobs=1)
    found: dict[str, str] = {}
    for name in BASE_TABLES:
        found |= compressions(next((tmp_path / "store" / name).glob("*.parquet")))
    assert found["run_id"] == found["seq"] == found["task_gid"] == found["task_logs"] == "ZSTD"
    assert found["started_at"] == found["duration_s"] == found["stage"] == found["agent"] == found["category"] == "UNCOMPRESSED"


def test_columns_that_are_named_as_compressed_exist() -> None:
    every = {column for table in BASE_TABLES.values() for column in table.names}
    assert every >= _COMPRESSED
