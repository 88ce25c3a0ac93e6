"""Which of the given sources a load reads: a folder that is looked at as a whole and its files one by one give the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

import daganalysis as da
from daganalysis.loading.given import FolderFiles, compare
from daganalysis.loading.unchanged import fingerprint_of_folder
from daganalysis.reading import list_source_files
from daganalysis.reading.plain_folder import plain_folder
from daganalysis.store.source_list import KnownSource, SourceList, read_sources
from daganalysis.tables.column_arrays import NONE
from tests.store.saved import fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b/z.json", "b.json", "a/2.json", "a/1.json"):
        path = tmp_path / "answers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "answers"


def stored(*sources: KnownSource) -> SourceList:
    """A list of sources as a store has it."""
    every = SourceList()
    every.extend(sources)
    return SourceList(every.table())


def known(folder: Path, cluster_by: str | None = "dir") -> SourceList:
    return stored(*(KnownSource(f.identity, f.cluster, f.size, f.mtime_ns) for f in list_source_files([folder], cluster_by=cluster_by)))


def looked_at(folder: Path, cluster_by: str | None = "dir") -> FolderFiles:
    plain = plain_folder(folder)
    assert plain is not None
    return FolderFiles(plain, fingerprint_of_folder(plain, None, cluster_by), cluster_by=cluster_by)


CHANGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "nothing": (lambda _: None, []),
    "a new file": (lambda folder: (folder / "a" / "0.json").touch(), ["a/0.json"]),
    "a new folder": (lambda folder: shutil.copytree(folder / "b", folder / "B"), ["B/z.json"]),
    "another time": (lambda folder: os.utime(folder / "b.json", ns=(0, -1)), ["b.json"]),
    "another size": (lambda folder: (folder / "b" / "z.json").write_text(""), ["b/z.json"]),
    "a removed file": (lambda folder: (folder / "b.json").unlink(), []),
    "a moved file": (lambda folder: (folder / "b.json").rename(folder / "b" / "a.json"), ["b/a.json"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_is_read(folder: Path, change: str) -> None:
    sources, others = known(folder), known(folder)
    make, expected = CHANGES[change]
    make(folder)
    given = compare(looked_at(folder), sources, ())
    assert [file.name for _, file in given.fresh] == expected
    listed = compare(list_source_files([folder], cluster_by="dir"), others, ())
    assert given.fresh == listed.fresh
    assert sorted(given.numbers) == sorted(listed.numbers)
    assert sources.all() == others.all()


def test_a_file_with_another_label_is_another_source(folder: Path) -> None:
    given = compare(looked_at(folder, None), known(folder), ())
    # Only b.json has no label by folder either.
    assert [file.name for _, file in given.fresh] == ["a/1.json", "a/2.json", "b/z.json"]


def test_all_files_are_new_to_a_store_without_sources(folder: Path) -> None:
    sources = SourceList()
    given = compare(looked_at(folder), sources, ())
    assert [file.name for _, file in given.fresh] == ["a/1.json", "a/2.json", "b/z.json", "b.json"]
    assert sources.all() == known(folder).all()


def test_sources_of_one_path_are_told_apart_by_their_labels() -> None:
    sources = stored(*(KnownSource("/a.json", label, 1, 1) for label in ("x", None, "y")), KnownSource("/b.json", None, 1, 1))
    paths, labels = ["/a.json"] * 4 + ["/b.json"] * 2, [None, "x", "y", "z", "x", None]
    assert sources.find(paths, labels) == [1, 0, 2, NONE, NONE, 3]
    assert SourceList().find(paths, labels) == [NONE] * 6


def test_a_source_in_a_new_state_keeps_its_number_and_a_new_one_follows() -> None:
    sources = stored(KnownSource("/a", None, 1, 1), KnownSource("/b", "x", 2, 2))
    assert sources.is_as_before()
    sources[0] = KnownSource("/a", None, 9, None)
    assert sources.add(KnownSource("/c", None, 3, 3)) == 2
    assert not sources.is_as_before()
    assert sources.all() == [KnownSource("/a", None, 9, None), KnownSource("/b", "x", 2, 2), KnownSource("/c", None, 3, 3)]
    assert [sources[number] for number in range(len(sources))] == sources.all()
    assert isinstance(sources.table(), pa.Table)


@pytest.mark.parametrize("cluster_by", [None, "dir", "file"])
def test_a_store_is_the_same_whether_its_folder_is_looked_at_or_its_files_are_listed(tmp_path: Path, cluster_by: str | None) -> None:
    folder = shutil.copytree("sample_data/fleet/prod-a", tmp_path / "answers" / "prod-a").parent
    stores = tmp_path / "looked-at", tmp_path / "listed"
    for store in stores:
        da.load_into_store(folder, store=store, cluster_by=cluster_by)
    shutil.copytree("sample_data/start", folder / "more")
    first = min(path for path in folder.rglob("*") if path.is_file())
    first.write_bytes(first.read_bytes() + b"\n")
    da.load_into_store(folder, store=stores[0], cluster_by=cluster_by)
    da.load_into_store(folder, f"{folder}/more", store=stores[1], cluster_by=cluster_by)  # two sources are listed
    assert fingerprint(stores[0]) == fingerprint(stores[1])
    assert read_sources(stores[0])[0].all() == read_sources(stores[1])[0].all()
