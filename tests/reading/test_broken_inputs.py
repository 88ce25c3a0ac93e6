"""Broken inputs: each gives its issue, and nothing good is lost because of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

import daganalysis as da
from daganalysis.errors import InputError
from daganalysis.reading import ISSUE_CODES, Limits, SourceFile, iter_answers, list_source_files, read_sources
from daganalysis.reading.answers import Issue
from tests.profiles import LONG
from tests.reading.broken_inputs import CORPUS, GOOD, Broken, text, zip_of


def write(folder: Path, *broken: Broken) -> Path:
    for one in broken:
        (folder / one.name).write_bytes(one.content)
    (folder / "good-before.json").write_bytes(text(gid="1001"))
    (folder / "zz-good-after.json").write_bytes(text(gid="1002"))
    return folder


def test_the_corpus_is_as_large_as_promised_and_its_names_differ() -> None:
    assert len({broken.name for broken in CORPUS}) == len(CORPUS) >= 60


@pytest.mark.parametrize("broken", CORPUS, ids=lambda broken: broken.name)
def test_each_broken_input_gives_its_issue_and_spares_its_neighbours(broken: Broken, tmp_path: Path) -> None:
    archive = da.load(write(tmp_path, broken))
    issues = archive.issues
    own = issues[issues["source"].fillna("").str.startswith(broken.name) | (issues["run_id"] == "1900")]
    assert broken.code in set(own["code"]), own[["code", "message"]].to_string()
    assert set(archive.dags["run_id"]) == {"1001", "1002"} | ({"1900"} if broken.usable else set())


@pytest.fixture(scope="module")
def all_together(tmp_path_factory: pytest.TempPathFactory) -> da.Archive:
    return da.load(write(tmp_path_factory.mktemp("corpus"), *(one for one in CORPUS if LONG or "bomb" not in one.name)))


def test_all_broken_inputs_together_lose_no_good_one(all_together: da.Archive) -> None:
    assert {"1001", "1002", "1900"} <= set(all_together.dags["run_id"])
    alone = da.load(text(gid="1001")).sub_tasks
    together = all_together.sub_tasks[all_together.sub_tasks["run_id"] == "1001"].reset_index(drop=True)
    assert together.equals(alone)


def test_every_issue_says_what_where_and_of_which_known_kind(all_together: da.Archive) -> None:
    for row in all_together.issues.to_dict("records"):
        assert row["code"] in ISSUE_CODES, row["code"]
        assert row["severity"] == ISSUE_CODES[row["code"]].severity or row["code"] == "wrong-type"
        assert row["message"]
        assert row["source"] == row["source"] or row["run_id"] == row["run_id"]


def test_a_bomb_is_given_up_at_the_limit(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * 3_000_000, mtime=0))
    limits = Limits(unpacked_ratio=100, ratio_from_bytes=1 << 20)
    assert [i.code for i in read_sources(tmp_path, limits=limits).issues] == ["unpacks-too-large"]


def test_a_document_beyond_the_limit_is_left_out_and_the_others_load(tmp_path: Path) -> None:
    long = b'{"x": "' + b"a" * 9_000_000 + b'"}'
    (tmp_path / "lines.ndjson").write_bytes(GOOD + b"\n" + long + b"\n" + text(gid="1901"))
    reading = read_sources(tmp_path, limits=Limits(document_bytes=1 << 20))
    assert [a.gid for a in reading.answers] == ["1900", "1901"]
    assert [(i.code, i.position) for i in reading.issues] == [("document-too-large", "line 2")]


def test_a_member_of_a_zip_without_a_name_is_read(tmp_path: Path) -> None:
    content = bytearray(zip_of(("a", GOOD)))
    for lengths in (26, content.find(b"PK\x01\x02") + 28):  # of its name and of the field behind: the name becomes a part of that
        content[lengths : lengths + 4] = b"\x00\x00\x01\x00"
    (tmp_path / "answers.zip").write_bytes(content)
    assert [a.gid for a in read_sources(tmp_path).answers] == ["1900"]


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    assert [i.code for i in read_sources(tmp_path).issues] == ["not-a-file"]


def test_a_loop_of_links_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "back").symlink_to(tmp_path)
    (tmp_path / "self.json").symlink_to(tmp_path / "self.json")
    (tmp_path / "answer.json").write_bytes(GOOD)
    reading = read_sources(tmp_path)
    assert [a.gid for a in reading.answers] == ["1900"]
    assert [i.code for i in reading.issues] == ["link-loop", "link-loop"]


def test_a_file_that_vanished_since_it_was_listed_is_said_to_have(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_bytes(GOOD)
    (file,) = list_source_files([tmp_path])
    (tmp_path / "answer.json").unlink()
    issues: list[Issue] = []
    assert list(iter_answers(file, issues)) == []
    assert [i.code for i in issues] == ["vanished-file"]


def test_a_file_that_grew_while_it_was_read_is_said_to_have(tmp_path: Path) -> None:
    (tmp_path / "answer.json").write_bytes(GOOD)
    (file,) = list_source_files([tmp_path])
    (tmp_path / "answer.json").write_bytes(GOOD + b"\n")
    issues: list[Issue] = []
    assert len(list(iter_answers(file, issues))) == 1
    assert [i.code for i in issues] == ["changed-file"]


def test_a_file_that_may_not_be_opened_is_an_issue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "answer.json").write_bytes(GOOD)

    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    files = list_source_files([tmp_path])
    monkeypatch.setattr(os, "open", refuse)
    issues: list[Issue] = []
    assert list(iter_answers(files[0], issues)) == []
    assert [(i.code, i.message) for i in issues] == [("unreadable-file", "Permission denied")]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="there is no file here that cannot be read even by root")
def test_a_file_that_cannot_be_read_is_an_issue_and_its_neighbours_load(tmp_path: Path) -> None:
    (tmp_path / "damaged.json").symlink_to("/proc/self/mem")  # its first bytes belong to no memory
    archive = da.load(write(tmp_path))
    assert archive.issues[["source", "code", "message"]].values.tolist() == [["damaged.json", "unreadable-file", "Input/output error"]]
    assert sorted(archive.dags["run_id"]) == ["1001", "1002"]


def test_a_source_that_is_not_there_is_an_error_of_the_call() -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        da.load("not/there")


def test_trouble_found_in_listing_is_an_issue_of_the_file() -> None:
    issues: list[Issue] = []
    assert list(iter_answers(SourceFile("x", "x", trouble=("link-loop", "a loop")), issues)) == []
    assert issues[0].code == "link-loop"
