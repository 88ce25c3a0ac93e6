"""A store names what is missing, altered or foreign in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import daganalysis as da
from daganalysis.errors import StoreError, UsageError
from daganalysis.store.folder_manifest import write_manifest
from daganalysis.store.parts import read_file
from daganalysis.tables import BASE_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWERS = ["sample_data/start", "sample_data/tenant"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "store"
    da.load_into_store(ANSWERS[0], store=folder)
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "store"))


def parts(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_whole_store_is_opened_and_added_to(store: Path) -> None:
    assert len(da.read_parquet(store)) == len(da.load(ANSWERS[0]))
    assert len(da.load_into_store(ANSWERS[1], store=store)) > len(da.load(ANSWERS[0]))


def damage(path: Path, how: str) -> None:
    if how == "removed":
        path.unlink()
    elif how == "truncated":
        os.truncate(path, path.stat().st_size // 2)
    elif how == "altered":
        content = bytearray(path.read_bytes())
        content[-12] ^= 1
        path.write_bytes(content)
    else:
        shutil.copy2(path, path.with_name("zz-" + path.name))


@pytest.mark.parametrize("how", ["removed", "truncated", "altered", "doubled"])
def test_each_file_that_is_damaged_is_named_when_the_store_is_opened_or_at_the_next_load(made: Path, tmp_path: Path, how: str) -> None:
    names = [name for name in parts(made) if how != "doubled" or name.endswith(".parquet")]
    said = {}
    for number, name in enumerate(names):
        folder = Path(shutil.copytree(made, tmp_path / str(number)))
        damage(folder / name, how)
        said[name] = what_is_said(folder)
    assert names
    assert {name: words for name, words in said.items() if not words} == {}
    if how != "doubled":
        named = ("there is no store", "list of the store's files")
        assert {name: words for name, words in said.items() if name not in words and not any(part in words for part in named)} == {}


def what_is_said(folder: Path) -> str:
    """Open a store, read it and add to it; return the error."""
    try:
        da.read_parquet(folder).dags  # noqa: B018 - reading is what may fail
        da.load_into_store(ANSWERS[1], store=folder)
    except StoreError as error:
        return str(error)
    return ""


def test_two_parts_that_changed_places_are_noticed(store: Path) -> None:
    one, other = (next((store / name).glob("*.parquet")) for name in ("nodes", "attempts"))
    one.rename(store / "x")
    other.rename(one)
    (store / "x").rename(other)
    with pytest.raises(StoreError, match="altered"):
        da.read_parquet(store)


def ends_of_pages(path: Path) -> list[int]:
    """The places of the last byte of each column's data."""
    metadata = pq.read_metadata(path)
    chunks = [
        metadata.row_group(group).column(column) for group in range(metadata.num_row_groups) for column in range(metadata.num_columns)
    ]
    return [(chunk.dictionary_page_offset or chunk.data_page_offset) + chunk.total_compressed_size - 1 for chunk in chunks]


@pytest.mark.parametrize("table", ["sub_tasks", "dags", "_evidence/answers", "_evidence/texts"])
def test_a_bit_that_flips_in_the_data_is_noticed(made: Path, tmp_path: Path, table: str) -> None:
    # Arrow packs pages without a checksum of its own, so most flips would give other values.
    whole = next((made / table).glob("*.parquet"))
    copy = tmp_path / "copy.parquet"
    content = whole.read_bytes()
    for place in ends_of_pages(whole):
        copy.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(StoreError, match="damaged Parquet file"):
            read_file(copy)


def listed(store: Path, **changes: object) -> None:
    """Change the entry of the first file in the list of a store's files, as somebody does who knows how its checksum is made."""
    path = store / "_files.json"
    told = json.loads(path.read_bytes())
    del told["checksum"]
    next(iter(told["files"].values())).update(changes)
    text = json.dumps(told, sort_keys=True)
    path.write_text(json.dumps({**told, "checksum": hashlib.sha256(text.encode()).hexdigest()}))


@pytest.mark.parametrize("changes", [{"rows": "abc"}, {"rows": -1}, {"rows": 10**30}, {"rows": [1]}, {"size": "abc"}, {"size": None}])
def test_a_count_in_the_list_that_is_none_is_refused(store: Path, changes: dict[str, object]) -> None:
    listed(store, **changes)
    with pytest.raises(StoreError, match="list of the store's files is damaged"):
        da.read_parquet(store)


def test_a_list_that_is_a_folder_is_refused(store: Path) -> None:
    (store / "_files.json").unlink()
    (store / "_files.json").mkdir()
    with pytest.raises(StoreError, match="list of the store's files is damaged"):
        da.read_parquet(store)


def test_a_link_to_nothing_is_named(store: Path) -> None:
    (store / "dags" / "zz.parquet").symlink_to("/nonexistent")
    with pytest.raises(StoreError, match="does not belong to it"):
        da.read_parquet(store)


@pytest.mark.parametrize(("table", "column"), [("dags", "state"), ("_evidence/answers", "kind"), ("_sources", "path")])
@pytest.mark.parametrize("is_missing", [True, False])
def test_a_column_that_is_missing_or_of_another_type_is_named(store: Path, table: str, column: str, is_missing: bool) -> None:
    for path in (store / table).glob("*.parquet"):
        part = pq.read_table(path)
        if column in part.column_names:
            place, other = part.column_names.index(column), pa.array([[1]] * len(part))
            changed = part.drop_columns([column]) if is_missing else part.set_column(place, column, other)
            pq.write_table(changed.replace_schema_metadata(part.schema.metadata), path)
    write_manifest(store)
    assert f"column {column} is missing or has another type" in what_is_said(store)


def rewritten(store: Path, table: str, how: str) -> None:
    """Double the rows of a table or take the run from the first, and list the files anew, as a program does that knows the store."""
    path = max((store / table).glob("*.parquet"), key=lambda part: pq.read_metadata(part).num_rows)
    rows = pq.read_table(path)
    place = next(number for number, name in enumerate(rows.column_names) if name.endswith("run_id"))
    runs = pa.array([None, *rows.column(place).to_pylist()[1:]], pa.string())
    changed = pa.concat_tables([rows, rows]) if how == "doubled" else rows.set_column(place, rows.schema.field(place), runs)
    pq.write_table(changed, path)
    write_manifest(store)


@pytest.mark.parametrize("analysis", [da.summary, da.retries, da.critical_path, da.failures, da.time_budget, da.what_if])
def test_a_run_that_is_in_a_store_twice_is_named(store: Path, analysis: Callable[[da.Archive], object]) -> None:
    rewritten(store, "dags", "doubled")
    with pytest.raises(StoreError, match=r"the store holds the run \d+ twice.*load the sources again"):
        analysis(da.read_parquet(store))


@pytest.mark.parametrize("table", ["dags", "timeline", "links", "failed_attempts", "snapshots"])
def test_rows_without_a_run_are_named(store: Path, table: str) -> None:
    rewritten(store, table, "null")
    for read in (da.Archive.arrow, da.Archive.coded):
        with pytest.raises(StoreError, match=f"the store holds rows of {table} without a .*run_id"):
            read(da.read_parquet(store), table, BASE_TABLES[table].names)


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077, 0o002])
def test_a_new_store_is_as_open_as_the_umask_says(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        da.load_into_store(ANSWERS[0], store=tmp_path / "store")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) & umask for path in (tmp_path / "store", *(tmp_path / "store").rglob("*"))}
    assert modes == {0}
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o777 & ~umask


@pytest.mark.parametrize("mode", [0o700, 0o750, 0o2770])
def test_a_load_keeps_the_mode_of_the_store(store: Path, mode: int) -> None:
    store.chmod(mode)
    da.load_into_store(ANSWERS[1], store=store)
    assert stat.S_IMODE(store.stat().st_mode) == mode
    assert all(stat.S_IMODE(path.stat().st_mode) == mode & 0o666 for path in store.rglob("*.parquet"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_load_by_root_leaves_the_store_to_its_owner(store: Path) -> None:
    for path in (store, *store.rglob("*")):
        os.chown(path, 12345, 54321)
    da.load_into_store(ANSWERS[1], store=store)
    assert {(path.stat().st_uid, path.stat().st_gid) for path in (store, *store.rglob("*"))} == {(12345, 54321)}


def test_a_folder_of_a_user_with_the_name_of_the_stage_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / ".store.new").mkdir()
    (tmp_path / ".store.new" / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match="a folder is in the way"):
        da.load_into_store(ANSWERS[0], store=tmp_path / "store")
    assert (tmp_path / ".store.new" / "thesis.txt").read_text() == "mine"


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (tmp_path / ".store.lock").symlink_to(tmp_path / "target")
    with pytest.raises(StoreError):
        da.load_into_store(ANSWERS[0], store=tmp_path / "store")
    assert (tmp_path / "target").read_text() == "mine"


def test_a_store_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="the store has no name"):
        da.load_into_store(ANSWERS[0], store="")
