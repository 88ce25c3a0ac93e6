"""The chains of work that a store keeps: the critical path is the same as without them, after any loads."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.archive_frames import stored_chains
from daganalysis.errors import StoreError
from tests.analysis.test_critical_path import answers_of, attempts, stretch
from tests.profiles import examples
from tests.rows import archive_of

if TYPE_CHECKING:
    from daganalysis.archive import Archive

# Each load: some runs of some clusters, each answer of a run or only the last.
LOADS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b"]), st.booleans()), min_size=1, max_size=4), max_size=4)


def in_memory(archive: Archive) -> Archive:
    """The same tables without what a store keeps beside them."""
    return archive.only(archive.dags["run_id"])


def assert_same_paths(archive: Archive) -> None:
    assert stored_chains(archive) is not None
    pd.testing.assert_frame_equal(da.critical_path(archive), da.critical_path(in_memory(archive)))


@given(LOADS)
@examples(20)
def test_a_stored_path_is_that_of_the_attempts_after_any_loads(loads: list[list[tuple[int, str, bool]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        for load in [[(0, "a", False)], *loads]:
            for seed, cluster, is_every in load:
                answers = answers_of(seed) if is_every else answers_of(seed)[-1:]
                archive = da.load_into_store(*answers, store=store, cluster=cluster, jobs=1)
        assert_same_paths(archive)


def test_runs_that_parts_hold_in_another_order_have_their_own_paths(tmp_path: Path) -> None:
    for seed in (4, 1, 3, 0, 2):
        archive = da.load_into_store(answers_of(seed)[-1], store=tmp_path / "store", cluster=f"c{seed}", jobs=1)
    assert_same_paths(archive)


def test_small_parts_that_become_one_keep_their_paths(tmp_path: Path) -> None:
    for number in range(18):
        archive = da.load_into_store(answers_of(number % 5)[-1], store=tmp_path / "store", cluster=f"c{number:02d}", jobs=1)
    assert len(list((tmp_path / "store" / "_chains").glob("*.parquet"))) < 18
    assert_same_paths(archive)


def test_a_store_that_keeps_no_chains_has_the_same_paths(tmp_path: Path) -> None:
    stored = da.load_into_store(*answers_of(3), store=tmp_path / "store", jobs=1)
    stored.to_parquet(tmp_path / "tables")
    tables = da.read_parquet(tmp_path / "tables")
    assert stored_chains(tables) is None
    pd.testing.assert_frame_equal(da.critical_path(tables), da.critical_path(stored))


def test_runs_added_to_a_store_that_keeps_no_chains_have_the_same_paths(tmp_path: Path) -> None:
    store = tmp_path / "store"
    da.load_into_store(*answers_of(3), store=store, cluster="a", jobs=1)
    shutil.rmtree(store / "_chains")
    (store / "_files.json").unlink()
    from daganalysis.store.folder_manifest import write_manifest

    write_manifest(store)
    added = da.load_into_store(answers_of(4)[-1], store=store, cluster="b", jobs=1)
    assert stored_chains(added) is None
    pd.testing.assert_frame_equal(da.critical_path(added), da.critical_path(in_memory(added)))


def test_some_parts_of_a_store_have_the_paths_of_their_runs(tmp_path: Path) -> None:
    for seed in range(3):
        archive = da.load_into_store(answers_of(seed)[-1], store=tmp_path / "store", cluster=f"c{seed}", jobs=1)
    parts = [part for part in archive.by_part() if len(part)]
    assert len(parts) == 3
    for part in parts:
        assert_same_paths(part)


def test_chains_that_are_missing_are_found_out(tmp_path: Path) -> None:
    da.load_into_store(*answers_of(3), store=tmp_path / "store", jobs=1)
    next((tmp_path / "store" / "_chains").glob("*.parquet")).unlink()
    with pytest.raises(StoreError, match="a file of the store is missing"):
        da.read_parquet(tmp_path / "store")


def test_a_later_run_of_the_cluster_can_settle_which_attempt_ended_last() -> None:
    """Run 1 alone bounds the clocks to half a second, and b ended 0.1 s before a; run 2 bounds them to 10 ms."""
    from daganalysis.analysis.run_chains import together
    from daganalysis.chains.chain_rows import NEEDED, chains_of_part

    parts = [
        archive_of(
            dags=[{"run_id": "1", "scope": "cluster"}], timeline=[stretch(1, 0, 9.2)], attempts=attempts({"a": (0.5, 9.0), "b": (0.5, 8.9)})
        ),
        archive_of(
            dags=[{"run_id": "2", "scope": "cluster"}],
            timeline=[stretch(1, 100, 109, run_id="2")],
            attempts=attempts({"a": (100.01, 108.99), "b": (100.01, 108.99)}, run_id="2"),
        ),
    ]
    chains = [chains_of_part({name: part.arrow(name) for name in NEEDED}) for part in parts]
    assert together([(*chains[0], 0)]).is_uncertain.tolist() == [True]
    assert together([(*chains[0], 0), (*chains[1], 1)]).is_uncertain[0] == False  # noqa: E712 - a NumPy truth
