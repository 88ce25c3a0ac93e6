"""Loading into a store: incremental, whatever the order, whatever the number of processes."""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis import RejectedRecordsError, StoreError, UsageError, load, read_parquet
from daganalysis.loading import carried_parts, into_store, load_into_store, open_archive, scanning
from daganalysis.reading import Issue
from daganalysis.tables import BASE_TABLES
from tests.history.responses import node, sub_task, when
from tests.profiles import examples
from tests.store.saved import contents, dag, fingerprint, history, polls, response, save


def refuse(file, issues):
    issues.append(Issue("error", "unreadable-file", file.name, message="Permission denied"))
    return iter(())


def orders(files: list[str]) -> st.SearchStrategy[list[tuple[str, int]]]:
    """The files in some order, each with the number of the load (of three) that brings it."""
    return st.tuples(st.permutations(files), st.lists(st.integers(0, 2), min_size=len(files), max_size=len(files))).map(
        lambda pair: list(zip(*pair, strict=True))
    )


@examples(3, long=80)
@given(orders(sorted(history())))
def test_an_archive_loaded_in_pieces_in_any_order_is_the_archive_loaded_at_once(order):
    with tempfile.TemporaryDirectory() as place:
        folder = save(history(), Path(place) / "responses")
        for turn in range(3):
            names = [folder / name for name, number in order if number == turn]
            if names:
                load_into_store(*names, store=Path(place) / "store")
        every = [folder / name for name in history()]
        assert contents(read_parquet(Path(place) / "store")) == contents(load(*every))


def test_a_store_holds_what_a_load_into_memory_gives(tmp_path):
    folder = save(history(), tmp_path / "responses")
    assert contents(load_into_store(folder, store=tmp_path / "store")) == contents(load(folder))


def test_loading_again_changes_no_byte(tmp_path):
    folder = save(history(), tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    before = fingerprint(tmp_path / "store")
    load_into_store(folder, store=tmp_path / "store")
    assert fingerprint(tmp_path / "store") == before


def test_a_file_that_is_in_the_store_is_not_read_again(tmp_path, monkeypatch):
    folder = save(history(), tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    save({"new.json": polls("13")[2]}, folder)
    read = []
    monkeypatch.setattr("daganalysis.reading.iter_answers", lambda file, issues: read.append(file.name) or iter(()))
    load_into_store(folder, store=tmp_path / "store")
    assert read == ["new.json"]


def test_parts_without_a_run_that_something_new_tells_of_are_kept_as_they_are(tmp_path):
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    (part,) = (tmp_path / "store/dags").glob("*-0000.parquet")
    number = part.stat().st_ino
    save({"b.json": polls("12")[2]}, folder)
    load_into_store(folder, store=tmp_path / "store")
    assert part.stat().st_ino == number


def test_a_changed_file_replaces_what_it_gave_before(tmp_path):
    folder = save({"a.json": polls("11")[2], "b.json": polls("12")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    save({"b.json": polls("13")[2]}, folder, second=1)
    archive = load_into_store(folder, store=tmp_path / "store")
    assert archive.dags["run_id"].tolist() == ["11", "13"]
    assert contents(archive) == contents(load(folder))


def test_a_file_that_has_grown_leaves_runs_that_it_says_nothing_new_of_alone(tmp_path):
    first = b"\n".join([*polls("11"), *polls("12")[:1]])
    folder = save({"all.ndjson": first}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    save({"all.ndjson": b"\n".join([first, *polls("12")[1:]])}, folder, second=1)
    archive = load_into_store(folder, store=tmp_path / "store")
    assert contents(archive) == contents(load(folder))


@pytest.mark.parametrize("more", [polls("12")[2], polls("13")[2]])
def test_log_records_of_no_sub_task_are_one_issue_after_an_addition_too(tmp_path, more):
    record = {"execute_times": 1, "log_content": "hello", "create_time": when(1.2)}
    logs = response({"contents": [record | {"sub_task_id": 12}, record | {"sub_task_id": 13}]}, 2.9)
    folder = save({"a.json": polls("12", ["hello"])[1], "logs.json": logs}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    save({"more.json": more}, folder)
    archive = load_into_store(folder, store=tmp_path / "store")
    assert archive.issues["code"].tolist().count("orphan-logs") == 1
    assert contents(archive) == contents(load(folder))


@pytest.mark.parametrize("order", list(itertools.permutations(["dag.json", "own.json", "logs.json"])), ids=" ".join)
@pytest.mark.parametrize(
    "own", [sub_task(gid="12", logs=["hello"]), node(sub_task(gid="12", logs=["hello"]), gid="12")], ids=["task", "node"]
)
def test_log_records_that_only_an_answer_about_the_sub_task_or_its_node_explains_find_their_dag(tmp_path, own, order):
    record = {"sub_task_id": 12, "execute_times": 1, "log_content": "hello", "create_time": when(1.2)}
    files = {"dag.json": polls("12")[2], "own.json": response(own, 2.8), "logs.json": response({"contents": [record]}, 2.9)}
    for name in order:
        archive = load_into_store(save({name: files[name]}, tmp_path / "responses"), store=tmp_path / "store")
    at_once = load_into_store(tmp_path / "responses", store=tmp_path / "other")
    assert "orphan-logs" not in archive.issues["code"].tolist()
    assert contents(archive) == contents(at_once) == contents(load(tmp_path / "responses"))


def test_log_records_that_were_replaced_leave_no_issue(tmp_path):
    records = [{"sub_task_id": number, "execute_times": 1, "log_content": "hello"} for number in (12, 13)]
    folder = save({"a.json": polls("12", ["hello"])[1], "logs.json": response({"contents": records}, 2.9)}, tmp_path / "responses")
    assert "orphan-logs" in load_into_store(folder, store=tmp_path / "store").issues["code"].tolist()
    save({"logs.json": response({"contents": records[:1]}, 2.9)}, folder, second=1)
    assert "orphan-logs" not in load_into_store(folder, store=tmp_path / "store").issues["code"].tolist()


def test_a_file_touched_but_not_changed_changes_no_table(tmp_path):
    folder = save(history(), tmp_path / "responses")
    before = contents(load_into_store(folder, store=tmp_path / "store"))
    save(history(), folder, second=1)
    assert contents(load_into_store(folder, store=tmp_path / "store")) == before


def test_a_file_that_was_removed_stays_in_the_store(tmp_path):
    folder = save({"a.json": polls("11")[2], "b.json": polls("12")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    (folder / "b.json").unlink()
    assert load_into_store(folder, store=tmp_path / "store").dags["run_id"].tolist() == ["11", "12"]


def test_a_file_that_cannot_be_read_now_keeps_what_it_gave_before(tmp_path, monkeypatch):
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    before = contents(load_into_store(folder, store=tmp_path / "store"))
    save({"a.json": polls("11")[2]}, folder, second=1)
    with monkeypatch.context() as patch:
        patch.setattr("daganalysis.reading.iter_answers", refuse)
        archive = load_into_store(folder, store=tmp_path / "store")
    assert archive.dags["run_id"].tolist() == ["11"]
    assert archive.issues["code"].tolist() == ["unreadable-file"]
    assert contents(load_into_store(folder, store=tmp_path / "store")) == before


def test_a_file_of_another_kind_in_the_folder_does_not_make_the_store_new(tmp_path):
    folder = save({"a.json": polls("11")[2], "notes.pdf": b"%PDF"}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    number = (tmp_path / "store").stat().st_ino
    load_into_store(folder, store=tmp_path / "store")
    assert (tmp_path / "store").stat().st_ino == number


def test_a_link_that_a_changed_file_no_longer_tells_is_gone_from_both_runs(tmp_path):
    main, child = "11", "12"
    told = dag(child, at=2, max_stage=1, additional_data={"main_dag_id": main})
    folder = save({"main.json": polls(main)[2], "child.json": told}, tmp_path / "responses")
    assert len(load_into_store(folder, store=tmp_path / "store").links) == 1
    save({"child.json": dag(child, at=2, max_stage=1)}, folder, second=1)
    archive = load_into_store(folder, store=tmp_path / "store")
    assert len(archive.links) == 0
    assert archive.dags["parent_run_id"].isna().all()


def test_a_dag_that_arrives_after_an_answer_of_its_sub_task_takes_it_in(tmp_path):
    files = history()
    folder = save({"task.json": files["task.json"]}, tmp_path / "responses")
    alone = load_into_store(folder, store=tmp_path / "store")
    assert alone.sub_tasks["run_id"].isna().all()
    save({"b2.json": files["b2.json"]}, folder)
    archive = load_into_store(folder, store=tmp_path / "store")
    assert archive.sub_tasks["task_logs"].map(list).tolist() == [["hello", "world", "late"]]
    assert archive.sub_tasks["run_id"].tolist() == ["12"]


def test_an_answer_without_nodes_stays_when_another_dag_of_which_a_node_has_the_same_id_is_rebuilt(tmp_path):
    shared = node(sub_task(gid="150"), gid="150")
    first = {
        "a-brief.json": dag("11", at=1.2, details=False, max_stage=1),
        "a.json": dag("11", shared, at=1.5),
        "b.json": dag("12", shared, at=1.5),
        "node.json": response(shared, 1.6),
    }
    load_into_store(save(first, tmp_path / "responses"), store=tmp_path / "store")
    folder = save({"b-done.json": dag("12", shared, at=2.6, state="SUCCEED")}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    assert contents(read_parquet(tmp_path / "store")) == contents(load(folder))


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_any_number_of_processes_gives_the_same_bytes(tmp_path, monkeypatch, jobs):
    monkeypatch.setattr(into_store, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr(scanning, "CHUNK_BYTES", 1)
    folder = save(history(), tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "alone", jobs=1)
    load_into_store(folder, store=tmp_path / "store", jobs=jobs)
    assert fingerprint(tmp_path / "store") == fingerprint(tmp_path / "alone")


@pytest.mark.parametrize(("most", "n_parts"), [(8, 4), (2, 3)])
def test_the_size_of_the_pieces_that_are_rebuilt_at_a_time_changes_no_table(tmp_path, monkeypatch, most, n_parts):
    folder = save(history(), tmp_path / "responses")
    whole = contents(load(folder))
    monkeypatch.setattr("daganalysis.loading.planning.SHARD_BYTES", 1)
    monkeypatch.setattr("daganalysis.loading.planning.PART_SHARDS", most)
    archive = load_into_store(folder, store=tmp_path / "store")
    assert len(list((tmp_path / "store/dags").glob("*.parquet"))) == n_parts
    assert contents(archive) == whole


def test_many_small_parts_become_one(tmp_path, monkeypatch):
    monkeypatch.setattr(carried_parts, "_MANY_SMALL", 4)
    for number in range(6):
        folder = save({f"{number}.json": polls(f"1{number}")[2]}, tmp_path / "responses")
        archive = load_into_store(folder / f"{number}.json", store=tmp_path / "store")
    assert len(list((tmp_path / "store/dags").glob("*.parquet"))) < 4
    assert contents(archive) == contents(load(*(folder / f"{number}.json" for number in range(6))))


def test_a_large_source_goes_through_a_temporary_store_with_the_same_result(tmp_path, monkeypatch):
    folder = save(history(), tmp_path / "responses")
    whole = contents(load(folder))
    monkeypatch.setattr("daganalysis.loading._IN_MEMORY", 0)
    assert contents(load(folder, jobs=1)) == whole


def test_strict_refuses_rejected_records_and_leaves_the_store_as_it_was(tmp_path):
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store", strict=True)
    before = fingerprint(tmp_path / "store")
    save({"page.json": b"<html>"}, folder)
    with pytest.raises(RejectedRecordsError) as caught:
        load_into_store(folder, store=tmp_path / "store", strict=True)
    assert caught.value.n_rejected == 1
    assert fingerprint(tmp_path / "store") == before


def test_strict_refuses_a_part_that_was_rejected_in_a_good_answer(tmp_path):
    answer = json.loads(polls("11")[2])
    del answer["data"]["nodes"][0]["id"]
    folder = save({"a.json": polls("12")[2]}, tmp_path / "responses")
    store = tmp_path / "store"
    load_into_store(folder, store=store, strict=True)
    before = fingerprint(store)
    bad = folder / "b.json"
    bad.write_text(json.dumps(answer))
    for load_strictly in (lambda: load_into_store(bad, store=store, strict=True), lambda: load(bad, strict=True)):
        with pytest.raises(RejectedRecordsError, match="without an id"):
            load_strictly()
    assert fingerprint(store) == before
    load_into_store(bad, store=store)
    load_into_store(folder / "a.json", store=store, strict=True)
    with pytest.raises(RejectedRecordsError, match="without an id"):
        load_into_store(bad, store=store, strict=True)


def test_strict_remembers_what_was_rejected_in_an_earlier_load(tmp_path):
    folder = save({"a.json": polls("11")[2], "page.json": b"<html>"}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    with pytest.raises(RejectedRecordsError):
        load_into_store(folder, store=tmp_path / "store", strict=True)


def test_an_archive_written_from_memory_cannot_be_added_to(tmp_path):
    folder = save({"a.json": polls("11")[2]}, tmp_path / "responses")
    load(folder).to_parquet(tmp_path / "store")
    with pytest.raises(StoreError, match="does not hold the responses"):
        load_into_store(folder, store=tmp_path / "store")


def test_open_archive_takes_a_store_or_responses(tmp_path):
    folder = save(history(), tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    assert contents(open_archive(tmp_path / "store")) == contents(open_archive(folder))


def test_an_empty_source_makes_a_store_of_empty_tables(tmp_path):
    (tmp_path / "responses").mkdir()
    archive = load_into_store(tmp_path / "responses", store=tmp_path / "store")
    assert {name: len(archive.table(name)) for name in BASE_TABLES} == dict.fromkeys(BASE_TABLES, 0)


def test_progress_is_told_and_reaches_its_end(tmp_path):
    folder = save(history(), tmp_path / "responses")
    told = []
    load_into_store(folder, store=tmp_path / "store", progress=lambda *step: told.append(step))
    assert ("reading", 1, 1) in told
    assert told[-1][1] == told[-1][2]


def test_a_store_among_its_own_sources_is_passed_over(tmp_path):
    folder = save(history(), tmp_path / "responses")
    load_into_store(folder, store=folder / "store")
    once = fingerprint(folder / "store")
    load_into_store(folder, store=folder / "store")
    assert fingerprint(folder / "store") == once


def halves(tmp_path):
    """A history in two folders, and each loaded into a store of its own."""
    folders = []
    for number in (0, 1):
        files = {name: content for place, (name, content) in enumerate(sorted(history().items())) if place % 2 == number}
        folders.append(save(files, tmp_path / f"half-{number}"))
        load_into_store(folders[-1], store=tmp_path / f"store-{number}")
    return folders, [tmp_path / "store-0", tmp_path / "store-1"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_stores_loaded_into_one_are_what_their_responses_loaded_at_once_are(tmp_path, jobs):
    folders, stores = halves(tmp_path)
    merged = load_into_store(*stores, store=tmp_path / "merged", jobs=jobs)
    assert contents(merged) == contents(load_into_store(*folders, store=tmp_path / "at-once"))


def test_a_store_and_files_may_be_loaded_together_into_memory_too(tmp_path):
    folders, stores = halves(tmp_path)
    assert contents(load(stores[0], folders[1])) == contents(load(*folders))


def test_what_came_from_a_store_is_not_read_again_from_its_files(tmp_path):
    folders, stores = halves(tmp_path)
    load_into_store(*stores, store=tmp_path / "merged")
    before = fingerprint(tmp_path / "merged")
    load_into_store(*folders, *stores, store=tmp_path / "merged")
    assert fingerprint(tmp_path / "merged") == before


def test_of_a_file_in_two_stores_its_later_state_counts_in_any_order(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    folder = save({"a.json": polls("11")[0]}, tmp_path / "responses")
    load_into_store(folder, store=old)
    save({"a.json": polls("11")[2]}, folder)
    os.utime(folder / "a.json", ns=(2**62, 2**62))
    load_into_store(folder, store=new)
    wanted = contents(load(folder))
    assert contents(load(old, new)) == wanted
    assert contents(load(new, old)) == wanted
    load_into_store(old, store=tmp_path / "merged")
    assert contents(load_into_store(new, store=tmp_path / "merged")) == wanted
    assert contents(load_into_store(old, store=tmp_path / "merged")) == wanted


def test_a_label_is_for_the_responses_of_a_store_that_bear_none(tmp_path):
    load_into_store(save({"a.json": polls("11")[2]}, tmp_path / "a"), store=tmp_path / "bare")
    load_into_store(save({"b.json": polls("12")[2]}, tmp_path / "b"), store=tmp_path / "labelled", cluster="own")
    merged = load_into_store(tmp_path / "bare", tmp_path / "labelled", store=tmp_path / "merged", cluster="given")
    assert merged.dags["run_id"].tolist() == ["given/11", "own/12"]


def test_issues_come_with_the_sources_they_were_found_in(tmp_path):
    folder = save({"a.json": polls("11")[2], "b.json": b"no json"}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store")
    merged = load_into_store(tmp_path / "store", store=tmp_path / "merged")
    assert contents(merged) == contents(load(folder))
    with pytest.raises(RejectedRecordsError):
        load_into_store(tmp_path / "store", store=tmp_path / "strict", strict=True)


def test_a_store_without_responses_cannot_be_loaded_from(tmp_path):
    load(save(history(), tmp_path / "responses")).to_parquet(tmp_path / "bare")
    with pytest.raises(StoreError, match="does not hold the responses"):
        load_into_store(tmp_path / "bare", store=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_stores_named_by_a_pattern_are_refused_with_the_way_out(tmp_path):
    halves(tmp_path)
    with pytest.raises(UsageError, match="name each store by itself"):
        load(tmp_path / "store-*")
