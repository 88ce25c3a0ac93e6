"""A store at a URL is the store that a folder would be: the same tables, replaced as a whole or not at all, one writer at a time."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal

import fsspec
import pandas as pd
import pytest
from fsspec.implementations.local import LocalFileSystem

from daganalysis import StoreBusyError, StoreError, load, read_parquet
from daganalysis.commands import main
from daganalysis.loading import load_into_store, open_archive
from daganalysis.store import is_store, opening, remote_commit
from daganalysis.store.remote_paths import RemotePath, read_remote_manifest
from tests.profiles import LONG, some
from tests.remote.conftest import SECRET, file_system, put
from tests.store.faults import start_child, wait_for
from tests.store.saved import contents, fingerprint, history, polls, save


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Writers that look soon again whether they still have to wait."""
    monkeypatch.setattr(remote_commit, "_POLL_S", 0.1)
    monkeypatch.setattr(remote_commit, "_SILENCE_S", 10.0)


@pytest.fixture
def soon_dead(monkeypatch):
    """Writers that are soon taken to have lost its lease, and that renew it as often as that takes."""
    monkeypatch.setattr(remote_commit, "_BEAT_S", 0.05)
    monkeypatch.setattr(remote_commit, "_SILENCE_S", 0.2)


@pytest.fixture
def memory(tmp_path):
    """The URL of a place that needs no server."""
    return f"memory://{tmp_path.name}"


@pytest.fixture(params=some(["memory", "bucket"], gate=["memory"]))
def place(request):
    """The URL of a place in memory, and of a bucket where time allows it."""
    return request.getfixturevalue(request.param)


def without_token(name: str) -> str:
    return re.sub(r"-[0-9a-f]{8}(?=[-.])", "", name)


def stored_bytes(url: str) -> dict[str, str]:
    """Every Parquet file at a URL by its name on disk, with a digest of its bytes."""
    files, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    found = (name for name in files.find(path) if name.endswith(".parquet"))
    return {without_token(name[len(path) + 1 :]): hashlib.sha256(files.cat_file(name)).hexdigest() for name in found}


def test_a_store_at_a_url_has_load_after_load_the_bytes_of_one_on_disk_for_any_reader(place, tmp_path):
    folder = save(history(), tmp_path / "responses")
    for second in (1, 2):
        archive = load_into_store(folder, store=f"{place}/store")
        assert contents(archive) == contents(load_into_store(folder, store=tmp_path / "store"))
        assert stored_bytes(f"{place}/store") == fingerprint(tmp_path / "store")
        assert sorted(pd.read_parquet(f"{place}/store/dags")["run_id"]) == archive.dags["run_id"].tolist()
        save({"b2.json": polls("12", ["other"])[2], "n.json": polls("13")[2]}, folder, second=second)


def test_from_a_bucket_into_a_bucket_by_the_command_line(bucket, capfd):
    put({"a.json": polls("11")[2], "b.json": polls("12")[2]}, f"{bucket}/saved")
    assert main(["load", f"{bucket}/saved", "--out", f"{bucket}/store"]) == 0
    assert main(["summary", f"{bucket}/store", "--format", "json"]) == 0
    captured = capfd.readouterr()
    assert json.loads(captured.out)[0]["n_runs"] == 2
    assert SECRET not in captured.out + captured.err
    assert SECRET.encode() not in b"".join(map(file_system().cat_file, file_system().find(f"{bucket}/store")))


@pytest.mark.long
def test_a_run_in_a_bucket_is_shown_by_the_command_line(bucket, tmp_path, capfd):
    load_into_store(save(history(), tmp_path / "responses"), store=f"{bucket}/store")
    assert main(["show", f"{bucket}/store", "12"]) == 0
    captured = capfd.readouterr()
    assert "12" in captured.out
    assert SECRET not in captured.out + captured.err


def test_an_archive_is_written_to_a_url_and_a_store_copied_there_can_be_read_and_added_to(memory, tmp_path):
    folder = save(history(), tmp_path / "responses")
    archive = load_into_store(folder, store=tmp_path / "store")
    archive.to_parquet(f"{memory}/written")
    fsspec.filesystem("memory").put(str(tmp_path / "store"), f"{memory}/copied", recursive=True)
    assert contents(read_parquet(f"{memory}/written")) == contents(read_parquet(f"{memory}/copied")) == contents(archive)
    save({"n.json": polls("13")[2]}, folder)
    assert contents(load_into_store(folder, store=f"{memory}/copied")) == contents(load(folder))


def test_one_run_is_found_in_a_store_at_a_url(place, tmp_path):
    load_into_store(save(history(), tmp_path / "responses"), store=f"{place}/store")
    assert set(read_parquet(f"{place}/store").run("12").sub_tasks["run_id"]) == {"12"}


def test_what_is_no_store_is_told_from_one(bucket):
    put({"a.json": polls("11")[2]}, f"{bucket}/saved")
    assert [is_store(f"{bucket}/saved"), is_store(f"{bucket}/nothing"), is_store("http://127.0.0.1:9/x")] == [False, False, False]
    assert open_archive(f"{bucket}/saved").dags["run_id"].tolist() == ["11"]
    with pytest.raises(StoreError, match="there is no store"):
        read_parquet(f"{bucket}/nothing")
    with pytest.raises(StoreError, match="is not a store and not empty"):
        load_into_store(f"{bucket}/saved", store=f"{bucket}/saved")


def test_a_store_replaced_under_an_open_archive_is_not_read_in_a_mixture(memory, tmp_path):
    folder = save(history(), tmp_path / "responses")
    archive = load_into_store(folder, store=f"{memory}/store")
    assert len(archive.dags) == 5
    save({"b2.json": polls("12", ["other"])[2]}, folder, second=1)
    load_into_store(folder, store=f"{memory}/store")
    with pytest.raises(StoreError, match="open it again"):
        _ = archive.nodes


def test_a_damaged_file_is_named_and_a_damaged_manifest_too(memory, tmp_path):
    load_into_store(save({"a.json": polls("11")[2]}, tmp_path / "responses"), store=f"{memory}/store")
    (part,) = fsspec.filesystem("memory").glob(f"{memory}/store/nodes/*-0000.parquet")
    fsspec.filesystem("memory").pipe_file(part, b"PAR1 nothing PAR1")
    with pytest.raises(StoreError, match=r"a damaged Parquet file.*nodes/part-"):
        _ = read_parquet(f"{memory}/store").nodes
    fsspec.filesystem("memory").pipe_file(f"{memory}/store/_manifest.json", b"{}")
    with pytest.raises(StoreError, match="the store's manifest is damaged"):
        read_parquet(f"{memory}/store")


def test_a_place_without_conditional_writes_is_spoken_of(memory, tmp_path, caplog):
    load_into_store(save({"a.json": polls("11")[2]}, tmp_path / "responses"), store=f"{memory}/store")
    assert "memory has no conditional writes" in caplog.text


def test_two_loads_at_once_come_one_after_the_other(bucket, tmp_path):
    folder = save(history(), tmp_path / "responses")
    names = sorted(folder.iterdir())
    children = [start_child(lambda part=part: load_into_store(*names[part::2], store=f"{bucket}/store")) for part in range(2)]
    assert [wait_for(child) for child in children] == [0, 0]
    assert contents(read_parquet(f"{bucket}/store")) == contents(load(*names))
    assert sorted(pd.read_parquet(f"{bucket}/store/dags")["run_id"]) == sorted(load(*names).dags["run_id"])


def test_a_store_that_is_replaced_while_it_is_opened_is_opened_as_it_is_then(place, tmp_path, monkeypatch):
    folder = save({"a.json": polls("11")[0]}, tmp_path / "responses")
    load_into_store(folder, store=f"{place}/store")
    look_into = opening.check_version

    def replace_first(part, told):
        monkeypatch.setattr(opening, "check_version", look_into)
        save({"a.json": polls("12")[2]}, folder)
        os.utime(folder / "a.json", ns=(2**62, 2**62))
        load_into_store(folder, store=f"{place}/store")
        look_into(part, told)

    monkeypatch.setattr(opening, "check_version", replace_first)
    assert read_parquet(f"{place}/store").dags["run_id"].tolist() == ["12"]


def test_while_one_writer_lives_another_is_told_to_wait(bucket):
    store = RemotePath(f"{bucket}/store")
    with remote_commit.claimed(store, 0), pytest.raises(StoreBusyError, match="another process"), remote_commit.claimed(store, 0.3):
        pass


def test_a_writer_whose_lease_expired_cannot_commit_any_more(place, tmp_path, monkeypatch, soon_dead):
    folder = save(history(), tmp_path / "responses")
    monkeypatch.setattr(remote_commit._Writer, "_live", lambda self: None)

    def commit_late(slow):
        with remote_commit.staged_here(slow) as staged:
            save({"dags/part-000001-0000.parquet": b"late"}, staged)
            load_into_store(folder, store=f"{place}/store")

    with (
        remote_commit.claimed(RemotePath(f"{place}/store"), 0) as slow,
        pytest.raises(StoreBusyError, match="took over the store"),
    ):
        commit_late(slow)
    assert contents(read_parquet(f"{place}/store")) == contents(load(folder))


def killed_at(number, work, kind, methods, counts=lambda arguments: True):
    """Run something in a child that is killed before its numbered change of a file system; return its exit status."""

    def counted():
        steps = iter(range(number))

        def with_kill(real):
            def change(self, *arguments, **options):
                if counts(arguments) and next(steps, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(self, *arguments, **options)

            return change

        for name in methods:
            setattr(kind, name, with_kill(getattr(kind, name)))
        work()

    return wait_for(start_child(counted))


def kills_leave_the_old_store_or_the_new(url, tmp_path, kill, steps):
    """Kill a load at each of some steps; return how the loads ended."""
    folder = save(history(), tmp_path / "responses")
    old = contents(load_into_store(folder, store=url))
    files, path = fsspec.core.url_to_fs(url, use_listings_cache=False)
    objects = {name: files.cat_file(name) for name in files.find(path)}
    save({"b2.json": polls("12", ["other"])[2], "n.json": polls("13")[2]}, folder, second=1)
    new = contents(load(folder))
    outcomes = []
    for number in steps:
        files.rm(path, recursive=True)
        for place in {name.rpartition("/")[0] for name in objects} if "local" in files.protocol else ():
            files.makedirs(place, exist_ok=True)
        files.pipe(objects)
        outcomes.append(kill(number, lambda: load_into_store(folder, store=url)))
        assert contents(read_parquet(url)) in (old, new)
        assert contents(load_into_store(folder, store=url)) == new
        assert stored_bytes(url).keys() == {without_token(name) for name in read_remote_manifest(url).files}
    return outcomes


def test_a_load_killed_at_any_step_leaves_the_old_store_or_the_new(tmp_path, soon_dead):
    def kill(number, work):
        return killed_at(number, work, LocalFileSystem, ["put_file", "pipe_file", "rm_file", "rm"])

    steps = random.Random(7).sample(range(60), 40 if LONG else 2)
    outcomes = kills_leave_the_old_store_or_the_new(f"local://{tmp_path}/place/store", tmp_path, kill, steps)
    assert -signal.SIGKILL in outcomes


@pytest.mark.long
def test_a_load_into_a_bucket_killed_at_any_request_leaves_the_old_store_or_the_new(bucket, tmp_path, soon_dead):
    from s3fs import S3FileSystem

    def kill(number, work):
        return killed_at(number, work, S3FileSystem, ["_call_s3"], lambda arguments: arguments[0].startswith(("put", "delete")))

    outcomes = kills_leave_the_old_store_or_the_new(f"{bucket}/store", tmp_path, kill, [9])
    assert outcomes == [-signal.SIGKILL]
