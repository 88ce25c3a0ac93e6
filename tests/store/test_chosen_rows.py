"""Rows that have one of some texts, and rows of many runs: a store tells them apart part by part, memory at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import daganalysis as da

if TYPE_CHECKING:
    from pathlib import Path

    from daganalysis.archive import Archive


@pytest.fixture(scope="module")
def fleet() -> Archive:
    return da.load("sample_data/fleet", cluster_by="dir")


@pytest.fixture
def stored(fleet: Archive, tmp_path: Path) -> Archive:
    fleet.to_parquet(tmp_path / "store")
    return da.read_parquet(tmp_path / "store")


def test_rows_with_some_texts_are_those_of_the_whole_table(fleet: Archive, stored: Archive) -> None:
    line = fleet.timeline
    expected = line.loc[line["category"].isin(["handoff", "lost"]), "run_id"].tolist()
    for archive in (fleet, stored):
        found = archive.coded("timeline", ["run_id", "category"], ("category", {"handoff", "lost"}))
        assert found.column("run_id").to_pylist() == expected
        assert set(found.column("category").to_pylist()) <= {"handoff", "lost"}


def test_columns_that_were_read_before_give_the_same_rows(stored: Archive) -> None:
    columns, only = ["run_id", "outcome"], ("outcome", {"failed", "passed"})
    first = stored.coded("nodes", columns, only).to_pylist()
    assert len(stored.coded("nodes", columns)) > len(first)
    assert stored.coded("nodes", columns, only).to_pylist() == first


@pytest.mark.parametrize("n", [3, 70])
def test_rows_of_few_and_of_many_runs_are_theirs_alone(fleet: Archive, stored: Archive, n: int) -> None:
    wanted = sorted(fleet.dags["run_id"])[:n]
    nodes = fleet.nodes
    expected = nodes.loc[nodes["run_id"].isin(wanted), "name"].tolist()
    for archive in (fleet, stored):
        assert archive.lazily(wanted).coded("nodes", ["name"]).column("name").to_pylist() == expected
