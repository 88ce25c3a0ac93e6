"""A load that is planned cluster by cluster gives the bytes of one that is planned at once."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from daganalysis.loading import by_cluster, into_store, load_into_store, scanning
from daganalysis.reading.answers import Kind
from tests.profiles import some
from tests.store.saved import fingerprint, history, save

if TYPE_CHECKING:
    from pathlib import Path

TO_LOAD = ["one cluster", "many clusters", "clusters whose names begin alike", "answers with and without a cluster", "logs"]


def saved(what: str, folder: Path) -> tuple[Path, str | None]:
    """Save responses; return where, and how the clusters are told."""
    if what == "logs":
        return folder.cwd() / "sample_data" / "logs", None
    clusters = {
        "one cluster": ["a"],
        "many clusters": ["a", "b", "c", "d"],
        "clusters whose names begin alike": ["a", "a-b", "a b", "ab", "1"],
        "answers with and without a cluster": ["", "1", "2"],
    }[what]
    for name in clusters:
        save(history(), folder / name if name else folder)
    return folder, "dir"


IN_THE_GATE = [(what, 2 if what == "many clusters" else 1) for what in TO_LOAD]


@pytest.mark.parametrize(("what", "jobs"), some(list(itertools.product(TO_LOAD, (1, 2))), gate=IN_THE_GATE, several=True))
def test_a_plan_by_cluster_gives_the_same_bytes(what, jobs, tmp_path, monkeypatch):
    monkeypatch.setattr(into_store, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(scanning, "CHUNK_BYTES", 1 << 14)
    monkeypatch.setattr("daganalysis.loading.planning.SHARD_BYTES", 1 << 11)
    folder, told = saved(what, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "at-once", cluster_by=told, jobs=jobs)
    monkeypatch.setattr(into_store, "MANY_PIECES", 0)
    monkeypatch.setattr(by_cluster, "STRETCH_ANSWERS", 1)
    load_into_store(folder, store=tmp_path / "by-cluster", cluster_by=told, jobs=jobs)
    assert fingerprint(tmp_path / "by-cluster") == fingerprint(tmp_path / "at-once")


def test_the_process_that_plans_holds_a_row_for_each_cluster_of_a_piece(tmp_path):
    (tmp_path / "spill").mkdir()
    found = scanning.Scanned(tmp_path / "spill" / "spill-00000")
    for number in range(1000):
        found.keys.append(f"c{number % 4}/1{number}")
        found.kinds.append(Kind.DAG)
        found.is_dag.append(1)
        found.sources.append(0)
        found.places.extend((number, number + 1, number + 2))
    summary = by_cluster.by_cluster(found)
    assert {label: n for label, (_, n) in summary.clusters.items()} == dict.fromkeys(["c0", "c1", "c2", "c3"], 250)
