"""A load that is killed, or runs out of space, leaves the old content or the new; the next load reaches what an undisturbed one reaches."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time

import pytest

from daganalysis import StoreBusyError, StoreError, load, read_parquet
from daganalysis.loading import into_store, load_into_store
from daganalysis.store import commit
from tests.profiles import LONG
from tests.store.faults import killed_after, killed_at_step, start_child, wait_for, with_files_up_to
from tests.store.saved import contents, fingerprint, history, polls, save


@pytest.fixture
def scene(tmp_path):
    """An old store, more responses to load, and what the store holds before and after an undisturbed load of them."""
    folder = save(history(), tmp_path / "responses")
    store = tmp_path / "stores" / "store"
    load_into_store(folder, store=store)
    shutil.copytree(store, tmp_path / "old")
    save({"b2.json": polls("12", ["other"])[2]}, folder, second=1)
    save({f"n{i}.json": polls(f"2{i}")[2] for i in range(3)}, folder)
    undisturbed = tmp_path / "undisturbed" / "store"
    shutil.copytree(store, undisturbed)
    load_into_store(folder, store=undisturbed)
    return folder, store, tmp_path / "old", undisturbed


def restore(store, old):
    for path in store.parent.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(old, store)


def assert_old_or_new(scene):
    """The store opens with the old content or the new, and the same load again reaches what an undisturbed one reaches."""
    folder, store, old, undisturbed = scene
    read_parquet(store)
    assert fingerprint(store) in (fingerprint(old), fingerprint(undisturbed))
    load_into_store(folder, store=store)
    assert fingerprint(store) == fingerprint(undisturbed)
    assert sorted(path.name for path in store.parent.iterdir()) == [".store.lock", "store"]


def test_a_load_killed_at_any_step_leaves_the_old_store_or_the_new(scene):
    folder, store, old, _ = scene

    def work():
        load_into_store(folder, store=store)

    n_steps = 0
    outcomes = []
    picked = random.Random(4).sample(range(200), 60 if LONG else 3)
    for number in sorted(picked):
        restore(store, old)
        outcomes.append(killed_at_step(number, work))
        n_steps += outcomes[-1] != 0
        assert_old_or_new(scene)
    assert n_steps > len(picked) // 3
    assert set(outcomes) <= {0, -9}


def test_a_first_load_killed_at_any_step_leaves_no_store_or_the_new(tmp_path):
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "undisturbed")
    store = tmp_path / "stores" / "store"
    for number in random.Random(5).sample(range(80), 30 if LONG else 2):
        killed_at_step(number, lambda: load_into_store(folder, store=store))
        assert not store.exists() or fingerprint(store) == fingerprint(tmp_path / "undisturbed")
        load_into_store(folder, store=store)
        assert fingerprint(store) == fingerprint(tmp_path / "undisturbed")
        shutil.rmtree(store.parent)


def test_a_load_killed_between_two_renames_is_finished_by_the_next(scene, monkeypatch):
    monkeypatch.setattr(commit, "_exchange", lambda one, other: False)
    folder, store, old, undisturbed = scene
    for number in range(40, 200, 8 if LONG else 100):
        restore(store, old)
        killed_at_step(number, lambda: load_into_store(folder, store=store))
        read_parquet(store)
        load_into_store(folder, store=store)
        assert fingerprint(store) == fingerprint(undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_load_killed_at_a_random_instant_leaves_the_old_store_or_the_new(scene, monkeypatch, jobs):
    monkeypatch.setattr(into_store, "_WORTH_A_PROCESS", 0)
    folder, store, old, _ = scene
    used = time.process_time()
    load_into_store(folder, store=store, jobs=1)
    used = time.process_time() - used
    chance = random.Random(6)
    for _ in range(60):
        restore(store, old)
        killed_after(chance.uniform(0.001, used), lambda: load_into_store(folder, store=store, jobs=jobs))
        assert_old_or_new(scene)


def test_a_load_that_may_not_write_large_files_leaves_the_store_as_it_was(scene):
    folder, store, old, _ = scene

    def work():
        with pytest.raises(StoreError, match="no space left to write the store"):
            load_into_store(folder, store=store)

    for size in (0, 1_000, 5_000):
        assert with_files_up_to(size, work) == 0
        assert fingerprint(store) == fingerprint(old)
    assert_old_or_new(scene)


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)], capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system may be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill_up_to(place, room):
    """Write a file that leaves so many bytes of a file system free, as far as it has them."""
    status = os.statvfs(place)
    (place / "filler").write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - room)))


def loaded_with_room(folder, store):
    """Load, and say whether there was room for it; if not, the store is to be as it was."""
    before = fingerprint(store)
    try:
        load_into_store(folder, store=store)
    except StoreError as error:
        assert "no space left" in str(error)  # noqa: PT017 - whether it is raised is what the disk decides
        assert fingerprint(store) == before
        return False
    return True


def test_a_disk_that_fills_up_at_any_step_leaves_the_old_store_or_the_new(scene, small_disk):
    folder, _, old, undisturbed = scene
    store = small_disk / "stores" / "store"
    store.parent.mkdir()
    n_full = 0
    for pages in range(0, 120, 2 if LONG else 40):
        restore(store, old)
        fill_up_to(small_disk, pages * 4096)
        n_full += not loaded_with_room(folder, store)
        (small_disk / "filler").unlink()
        assert_old_or_new((folder, store, old, undisturbed))
    assert n_full > 1


def test_two_loads_at_once_come_one_after_the_other(tmp_path):
    folder = save(history(), tmp_path / "responses")
    names = sorted(folder.iterdir())
    store = tmp_path / "store"
    children = [start_child(lambda part=part: load_into_store(*names[part::2], store=store)) for part in range(2)]
    assert [wait_for(child) for child in children] == [0, 0]
    assert contents(read_parquet(store)) == contents(load(*names))


def test_a_load_into_a_store_that_is_being_written_says_so(tmp_path):
    folder = save(history(), tmp_path / "responses")
    with commit.locked(tmp_path / "store"), pytest.raises(StoreBusyError, match="another process"), commit.locked(tmp_path / "store", 0):
        pass
    assert contents(load_into_store(folder, store=tmp_path / "store")) == contents(load(folder))


def test_left_overs_of_a_crash_are_removed_and_spoken_of(tmp_path, caplog):
    folder = save(history(), tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    (tmp_path / ".store.new" / "dags").mkdir(parents=True)
    load_into_store(folder, store=tmp_path / "store")
    assert not (tmp_path / ".store.new").exists()
    assert "was interrupted; its temporary files were removed" in caplog.text


def test_a_folder_with_other_things_is_not_overwritten(tmp_path):
    folder = save(history(), tmp_path / "responses")
    with pytest.raises(StoreError, match="is not a store"):
        load_into_store(folder, store=folder)
    assert (folder / "a0.json").exists()


def test_what_a_user_put_into_the_store_stays_there(tmp_path):
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    save({"README": b"ours", "notes/today": b"more"}, tmp_path / "store")
    save(history(), folder)
    load_into_store(folder, store=tmp_path / "store")
    assert (tmp_path / "store/README").read_bytes() == b"ours"
    assert (tmp_path / "store/notes/today").read_bytes() == b"more"


def test_a_store_behind_a_symbolic_link_is_replaced_where_it_is(tmp_path):
    folder = save(history(), tmp_path / "responses")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    load_into_store(folder, store=tmp_path / "store")
    assert (tmp_path / "store").is_symlink()
    assert (tmp_path / "elsewhere" / "dags").is_dir()
