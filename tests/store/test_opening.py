"""Stores seen from outside: plain Parquet, read only as far as needed, refused if they are damaged."""

from __future__ import annotations

import os
import pickle
import shutil

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis import SchemaVersionError, StoreError, UsageError, load, read_parquet
from daganalysis.loading import load_into_store
from daganalysis.store import is_store, opening, parts
from daganalysis.store.folder_manifest import check_manifest
from daganalysis.store.parts import read_coded, read_parts
from daganalysis.store.recent_columns import RecentColumns
from daganalysis.tables import BASE_TABLES
from tests.store.saved import history, polls, save


def stored(folder):
    load_into_store(save(history(), folder / "responses"), store=folder / "store")
    return folder / "store"


@pytest.fixture
def store(tmp_path):
    """A store of the test's own, in the folder of what was loaded into it."""
    return stored(tmp_path)


@pytest.fixture(scope="module")
def store_to_read(tmp_path_factory):
    """A store that no test may change."""
    return stored(tmp_path_factory.mktemp("read-only"))


@pytest.mark.parametrize("name", BASE_TABLES)
def test_pandas_reads_every_table_with_its_declared_columns(store_to_read, name):
    assert list(pd.read_parquet(store_to_read / name).columns) == BASE_TABLES[name].names


def test_duckdb_reads_a_table(store_to_read):
    import duckdb

    found = duckdb.sql(f"select count(*) from '{store_to_read}/dags/*.parquet' where outcome = 'succeeded'").fetchall()
    assert found == [(5,)]


def test_every_file_says_which_table_it_is_and_of_which_schema_version(store_to_read):
    for path in store_to_read.glob("[a-z]*/*.parquet"):
        metadata = pq.read_schema(path).metadata
        assert (metadata[parts.TABLE_KEY].decode(), metadata[parts.VERSION_KEY]) == (path.parent.name, b"2")


def test_a_run_is_found_without_reading_the_rows_of_others(store_to_read):
    one = read_parquet(store_to_read).run("12")
    assert one.dags["run_id"].tolist() == ["12"]
    assert set(one.sub_tasks["run_id"]) == {"12"}


def test_of_several_parts_those_alone_are_read_that_may_hold_a_run(store, tmp_path, monkeypatch):
    save({"c.json": polls("999")[2]}, tmp_path / "responses")
    load_into_store(tmp_path / "responses", store=store)
    archive, read = read_parquet(store), []
    monkeypatch.setattr(opening, "read_parts", lambda paths, *rest: read.extend(paths) or parts.read_parts(paths, *rest))
    for run_id in archive.dags["run_id"]:
        read.clear()
        one = archive.only([run_id])
        assert [path.parent.name for path in read].count("sub_tasks") == 1
        whole = archive.attempts
        assert one.attempts.equals(whole[whole["run_id"].eq(run_id)].reset_index(drop=True))


def test_a_run_that_is_not_there_has_no_rows(store_to_read):
    assert read_parquet(store_to_read).only(["no such run"]).sub_tasks.empty


def test_a_run_that_is_asked_for_again_is_not_read_again(store_to_read):
    archive = read_parquet(store_to_read)
    assert archive.run("12") is archive.run("12")
    assert archive.run("11") is not archive.run("12")


def test_some_columns_come_in_the_order_asked_for(store_to_read):
    frame = read_parquet(store_to_read).table("dags", ["outcome", "run_id"])
    assert frame.columns.tolist() == ["outcome", "run_id"]


@pytest.mark.parametrize("times", ["once", "twice"])
def test_of_one_part_and_of_several_only_rows_come_for_which_a_condition_holds(store, tmp_path, times):
    if times == "twice":
        save({"c.json": polls("111")[2]}, tmp_path / "responses")
        load_into_store(tmp_path / "responses", store=store)
    columns, executes = ["run_id", "category"], pc.field("category") == "execute"
    every = read_parquet(store).table("timeline", columns)
    wanted = every[every["category"] == "execute"].reset_index(drop=True)
    assert 0 < len(wanted) < len(every)
    for archive in (read_parquet(store), load(tmp_path / "responses")):
        pd.testing.assert_frame_equal(archive.table("timeline", columns, executes), wanted)


def test_rows_of_several_parts_come_in_order_of_the_run(store, tmp_path):
    save({"c.json": polls("111")[2]}, tmp_path / "responses")
    archive = load_into_store(tmp_path / "responses", store=store)
    runs = archive.table("sub_tasks", ["run_id", "name"])["run_id"]
    assert runs.dropna().is_monotonic_increasing
    assert runs.isna().tolist() == [False] * (len(runs) - 1) + [True]


@pytest.mark.parametrize("name", BASE_TABLES)
def test_rows_are_counted_without_being_read(store_to_read, name, monkeypatch):
    archive = read_parquet(store_to_read)
    expected = archive.arrow(name).num_rows
    assert archive.lazily(archive.dags["run_id"]).count(name) == archive.only(archive.dags["run_id"]).count(name)
    monkeypatch.setattr(archive._source, "read", None)
    assert archive.count(name) == expected


def test_a_folder_without_tables_is_no_store(tmp_path):
    assert not is_store(tmp_path)
    with pytest.raises(StoreError, match="there is no store"):
        read_parquet(tmp_path)


def test_a_store_in_a_folder_whose_name_is_not_utf_8_is_refused(store):
    folder = store.parent / os.fsdecode(b"h\xe4lt")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_parquet(store).to_parquet(folder)


def test_of_many_damaged_files_the_first_is_named(store):
    for number in range(2, 7):
        shutil.copyfile(store / "nodes" / "part-000001-0000.parquet", store / "nodes" / f"part-00000{number}-0000.parquet")
    files = sorted((store / "nodes").iterdir())
    for file in files[2:]:
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(StoreError) as caught:
        read_coded(files, BASE_TABLES["nodes"], ["name"])
    assert caught.value.where == str(files[2])


def test_a_damaged_file_is_named(store):
    (path,) = (store / "nodes").glob("*-0000.parquet")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=path.name):
        _ = read_parquet(store).nodes


def test_a_file_damaged_in_the_middle_is_named(store):
    (path,) = (store / "sub_tasks").glob("*-0000.parquet")
    content = bytearray(path.read_bytes())
    content[4:200] = bytes(196)
    path.write_bytes(content)
    with pytest.raises(StoreError, match=path.name):
        _ = read_parquet(store).sub_tasks


def test_damaged_evidence_is_named_by_the_load_that_needs_it(store, tmp_path):
    (path,) = (store / "_evidence/answers").glob("*-0000.parquet")
    path.write_bytes(b"nothing")
    save({"c.json": polls("111")[2]}, tmp_path / "responses")
    with pytest.raises(StoreError, match=path.name):
        load_into_store(tmp_path / "responses", store=store)


def test_a_store_of_another_schema_version_is_refused(store, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "SCHEMA_VERSION", "next")
    with pytest.raises(SchemaVersionError) as caught:
        read_parquet(store)
    assert (caught.value.found, caught.value.supported) == ("2", "next")
    save({"c.json": polls("111")[2]}, tmp_path / "responses")
    with pytest.raises(SchemaVersionError):
        load_into_store(tmp_path / "responses", store=store)


def test_a_list_of_files_of_another_schema_version_is_not_called_damaged(store, tmp_path):
    (store / "_files.json").write_text('{"schema_version": "1", "parts": []}')
    save({"c.json": polls("111")[2]}, tmp_path / "responses")
    with pytest.raises(SchemaVersionError) as caught:
        load_into_store(tmp_path / "responses", store=store)
    assert (caught.value.found, caught.value.supported) == ("1", "2")
    assert "daganalysis load ANSWERS --out STORE" in caught.value.hint


def test_a_parquet_file_of_somebody_else_is_refused(tmp_path):
    (tmp_path / "dags").mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "dags" / "a.parquet")
    with pytest.raises(StoreError, match="daganalysis did not write"):
        read_parquet(tmp_path)


def test_a_store_without_one_of_its_tables_is_refused(store):
    for path in (store / "links").glob("*"):
        path.unlink()
    with pytest.raises(StoreError, match=r"a file of the store is missing.*links"):
        read_parquet(store)


def test_a_store_replaced_under_an_open_archive_is_not_read_in_a_mixture(store, tmp_path):
    archive = read_parquet(store)
    assert len(archive.dags) == 5
    save({"b2.json": polls("12", ["other"])[2]}, tmp_path / "responses", second=1)
    load_into_store(tmp_path / "responses", store=store)
    with pytest.raises(StoreError, match="open it again"):
        _ = archive.nodes


@pytest.mark.parametrize("name", ["attempts", "timeline", "nodes", "operations"])
def test_coded_texts_are_those_of_the_table_in_its_order(store_to_read, name):
    archive = read_parquet(store_to_read)
    columns = [name for name in BASE_TABLES[name].names if name != "task_logs"]
    for one in (archive, archive.only(archive.dags["run_id"])):
        plain = one.arrow(name, columns)
        assert one.coded(name, columns).cast(plain.schema).equals(plain)


@given(st.lists(st.integers(0, 5), max_size=30), st.sampled_from([0, 4096]))
def test_rows_of_several_parts_come_in_order_of_their_runs(counts, most_slices):
    # Each part holds whole runs in order of their ids. 7 and 31 share no factor, so no two ids are equal.
    runs = [(f"c/{number * 7 % 31:02d}", n) for number, n in enumerate(counts)]
    rows = [(run, seq) for part in (runs[::2], runs[1::2]) for run, n in sorted(part) for seq in range(n)]
    table = pa.table({"run_id": pa.array([run for run, _ in rows], pa.string()), "seq": pa.array([seq for _, seq in rows], pa.int64())})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "_MOST_SLICES", most_slices)
        ordered = opening._ordered_by_run(table, "run_id").to_pydict()
    assert list(zip(ordered["run_id"], ordered["seq"], strict=True)) == sorted(rows)


def replaced_while_reading(monkeypatch, store, times, *sources):
    """Let another load replace a store just before each of some reads of its parts."""
    left = iter(range(times))

    def reading(*arguments):
        if next(left, None) is not None:
            shutil.rmtree(store)
            load_into_store(*sources, store=store)
        return read_parts(*arguments)

    monkeypatch.setattr("daganalysis.store.opening.read_parts", reading)


def test_a_store_that_is_replaced_by_an_equal_one_while_it_is_read_is_read(tmp_path, monkeypatch):
    load_into_store("sample_data/start", store=tmp_path / "store")
    archive = read_parquet(tmp_path / "store")
    replaced_while_reading(monkeypatch, tmp_path / "store", 1, "sample_data/start")
    assert len(archive.table("sub_tasks")) == len(load("sample_data/start").sub_tasks)


def test_a_store_that_is_replaced_by_another_one_while_it_is_read_is_named_not_mixed(tmp_path, monkeypatch):
    # Parts of both have the same names.
    load_into_store("sample_data/start", store=tmp_path / "store")
    archive = read_parquet(tmp_path / "store")
    replaced_while_reading(monkeypatch, tmp_path / "store", 1, "sample_data/upgrade")
    for _ in range(2):
        with pytest.raises(StoreError, match="replaced after it was opened"):
            archive.table("sub_tasks")


def test_a_file_that_vanishes_while_a_store_is_opened_is_looked_for_again(tmp_path, monkeypatch):
    load_into_store("sample_data/start", store=tmp_path / "store")
    left = iter(range(1))

    def checked(folder, *, private):
        if next(left, None) is not None:
            shutil.rmtree(tmp_path / "store")
            load_into_store("sample_data/start", store=tmp_path / "store")
            raise FileNotFoundError
        return check_manifest(folder, private=private)

    monkeypatch.setattr("daganalysis.store.opening.check_manifest", checked)
    assert len(read_parquet(tmp_path / "store")) == len(load("sample_data/start"))


def test_columns_that_were_read_last_are_not_read_again(store_to_read, monkeypatch):
    archive = read_parquet(store_to_read)
    first = archive.table("nodes", ["run_id", "name"])
    monkeypatch.setattr("daganalysis.store.opening.read_coded", None)  # whoever reads now fails
    assert archive.table("nodes", ["name"])["name"].equals(first["name"])
    with pytest.raises(TypeError):
        archive.table("nodes", ["stage"])


def test_columns_beyond_the_memory_given_are_forgotten_the_longest_unused_first():
    rows = pa.table({name: range(100) for name in "abc"})
    recent = RecentColumns(most_bytes=2 * rows.column("a").nbytes)
    for name in "abac":
        recent.remember("nodes", {name: rows.column(name)})
    assert list(recent.known("nodes", ["a", "b", "c"])) == ["a", "c"]


def test_an_opened_store_sent_to_another_process_leaves_the_columns_it_has_read_behind(store_to_read):
    archive = read_parquet(store_to_read)
    length = da.stage_latency(archive)
    sent = pickle.dumps(archive)
    assert len(sent) < 10_000
    pd.testing.assert_frame_equal(da.stage_latency(pickle.loads(sent)), length)
