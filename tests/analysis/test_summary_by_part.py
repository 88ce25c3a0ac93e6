"""The summary of a large store, whose timeline is read part by part, is that of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

import daganalysis as da
from daganalysis.analysis import _summary

if TYPE_CHECKING:
    from pathlib import Path


def test_a_timeline_that_is_read_part_by_part_gives_the_same_summary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for cluster in ("prod-b", "prod-a", "prod-c"):
        archive = da.load_into_store(f"sample_data/fleet/{cluster}", store=tmp_path / "store", cluster=cluster)
    assert len(archive.by_part()) > 2
    whole = da.summary(archive)
    monkeypatch.setattr(_summary, "_AT_ONCE", 0)
    pd.testing.assert_frame_equal(da.summary(da.read_parquet(tmp_path / "store")), whole)
    assert whole["engine_share"].gt(0).any()
