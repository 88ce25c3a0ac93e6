"""Whether a store was loaded last from the sources that are given again: the quick answer is that of the full comparison."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import daganalysis as da
from daganalysis.errors import RejectedRecordsError, StoreError
from daganalysis.loading.unchanged import fingerprint, fingerprint_of_folder, is_unchanged
from daganalysis.reading import list_source_files
from daganalysis.reading.plain_folder import plain_folder

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return Path(shutil.copytree("sample_data/start", tmp_path / "sources" / "prod-a"))


@pytest.fixture
def store(sources: Path, tmp_path: Path) -> Path:
    da.load_into_store(sources, store=tmp_path / "store", cluster="prod-a")
    return tmp_path / "store"


def unchanged(store: Path, sources: Path, cluster: str | None = "prod-a", zone: str | None = None) -> bool:
    return is_unchanged(store, list_source_files([sources], cluster=cluster, zone=zone))


def test_the_sources_of_the_last_load_are_known(store: Path, sources: Path) -> None:
    assert unchanged(store, sources)


CHANGES: dict[str, Callable[[Path], object]] = {
    "a new file": lambda file: shutil.copy(file, file.with_name("more.json")),
    "a removed file": Path.unlink,
    "another time": lambda file: os.utime(file, ns=(0, 1)),
    "more bytes": lambda file: file.write_bytes(file.read_bytes() + b" "),
    "another name": lambda file: file.rename(file.with_name("other.json")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_of_a_file_asks_for_a_closer_look(store: Path, sources: Path, change: str) -> None:
    CHANGES[change](min(path for path in sources.rglob("*") if path.is_file()))
    assert not unchanged(store, sources)


def test_another_label_a_zone_and_other_sources_ask_for_a_closer_look(store: Path, sources: Path) -> None:
    assert not unchanged(store, sources, cluster=None)
    assert not unchanged(store, sources, zone="+08:00")
    da.load_into_store("sample_data/tenant", store=store)
    assert not unchanged(store, sources)


def test_a_store_that_is_not_there_or_was_written_from_memory_asks_for_a_closer_look(sources: Path, tmp_path: Path) -> None:
    assert not unchanged(tmp_path / "none", sources)
    da.load(sources).to_parquet(tmp_path / "memory")
    assert not unchanged(tmp_path / "memory", sources)


def test_nothing_new_changes_no_file_and_the_counts_stay(store: Path, sources: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.rglob("*")}
    archive = da.load_into_store(sources, store=store, cluster="prod-a")
    assert {path: path.stat().st_mtime_ns for path in store.rglob("*")} == before
    assert [archive.count(name) for name in ("dags", "attempts")] == [len(archive.dags), len(archive.attempts)]


@pytest.mark.parametrize("folder", ["_evidence/answers", "_sources", "nodes"])
def test_a_damaged_store_is_told_though_nothing_is_new(store: Path, sources: Path, folder: str) -> None:
    next((store / folder).glob("*.parquet")).unlink()
    with pytest.raises(StoreError, match="missing"):
        da.load_into_store(sources, store=store, cluster="prod-a")


def test_strict_refuses_known_sources_with_rejected_records(tmp_path: Path) -> None:
    broken = shutil.copytree("sample_data/broken", tmp_path / "broken")
    for strict in (False, True):
        if strict:
            with pytest.raises(RejectedRecordsError):
                da.load_into_store(broken, store=tmp_path / "store", strict=True)
        else:
            da.load_into_store(broken, store=tmp_path / "store")


@pytest.mark.parametrize(("cluster", "cluster_by"), [(None, None), ("prod-a", None), (None, "dir"), (None, "file")])
def test_the_fingerprint_of_a_folder_is_that_of_its_sources(sources: Path, cluster: str | None, cluster_by: str | None) -> None:
    for folder in (sources, sources.parent):
        files = list_source_files([folder], cluster=cluster, cluster_by=cluster_by)
        expected = fingerprint((file.identity, file.cluster, file.size, file.mtime_ns) for file in files)
        plain = plain_folder(folder)
        assert plain is not None
        assert fingerprint_of_folder(plain, cluster, cluster_by) == expected


def test_a_folder_that_was_looked_at_gives_the_sources_that_its_path_gives(sources: Path) -> None:
    (sources / "z").mkdir()
    (sources / "z" / "one.json").touch()
    (sources / "zz.json").touch()
    assert list_source_files([plain_folder(sources.parent)], cluster_by="dir") == list_source_files([sources.parent], cluster_by="dir")


NOT_PLAIN: dict[str, Callable[[Path], object]] = {
    "a hidden file": lambda folder: (folder / ".hidden.json").touch(),
    "a link": lambda folder: (folder / "link.json").symlink_to(folder),
    "a store": lambda folder: (folder / "dags").mkdir(),
    "a name that is not ASCII": lambda folder: (folder / "\u8fd0\u884c.json").touch(),
}


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_a_folder_with_anything_but_ordinary_files_asks_for_a_closer_look(sources: Path, what: str) -> None:
    NOT_PLAIN[what](sources)
    assert plain_folder(sources.parent) is None


def test_a_folder_that_is_not_there_asks_for_a_closer_look(tmp_path: Path) -> None:
    assert plain_folder(tmp_path / "none") is None


def test_a_dump_in_several_files_is_known_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree("sample_data/databases", tmp_path / "databases")
    da.load_into_store(tmp_path / "databases", store=tmp_path / "store")
    monkeypatch.setattr("daganalysis.loading.into_store.load_sources", None)  # what is new would be loaded
    da.load_into_store(tmp_path / "databases", store=tmp_path / "store")
    shutil.copytree("sample_data/tenant", tmp_path / "databases" / "more")
    with pytest.raises(TypeError):
        da.load_into_store(tmp_path / "databases", store=tmp_path / "store")
