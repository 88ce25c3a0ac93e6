"""Saved responses at a URL are read like those on disk, and no output holds the credentials."""

from __future__ import annotations

import functools
import http.server
import sys
import threading

import fsspec
import pytest

from daganalysis import InputError, MissingExtraError, load
from daganalysis.commands import main
from daganalysis.loading import into_store, load_into_store
from daganalysis.reading import list_source_files, remote_files
from tests.remote.conftest import file_system, put
from tests.store.saved import contents, history, polls, save


def test_responses_in_a_bucket_give_the_tables_of_the_same_responses_on_disk(bucket, tmp_path):
    folder = save({f"prod/{name}": text for name, text in history().items()}, tmp_path / "responses")
    put({f"prod/{name}": text for name, text in history().items()}, f"{bucket}/saved")
    assert contents(load(f"{bucket}/saved", cluster_by="dir")) == contents(load(folder, cluster_by="dir"))


def test_several_processes_read_a_bucket(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(into_store, "_WORTH_A_PROCESS", 0)
    monkeypatch.setattr("daganalysis.loading.scanning.CHUNK_BYTES", 1)
    put(history(), f"{bucket}/saved")
    folder = save(history(), tmp_path / "responses")
    assert contents(load_into_store(f"{bucket}/saved", store=tmp_path / "store", jobs=2)) == contents(load(folder))


def test_large_files_are_streamed_with_the_same_result(bucket, tmp_path, monkeypatch):
    monkeypatch.setattr(remote_files, "_SMALL", 1 << 9)
    put(history(), f"{bucket}/saved")
    assert contents(load(f"{bucket}/saved")) == contents(load(save(history(), tmp_path / "responses")))


def test_a_file_is_read_again_only_when_its_content_has_changed(bucket, tmp_path, monkeypatch):
    put({"a.json": polls("11")[2], "b.json": polls("12")[2]}, f"{bucket}/saved")
    load_into_store(f"{bucket}/saved", store=tmp_path / "store")
    put({"b.json": polls("13")[2]}, f"{bucket}/saved")
    read = []
    real = remote_files.fetched
    monkeypatch.setattr("daganalysis.reading.fetched", lambda files: real(read.append(file.name) or file for file in files))
    archive = load_into_store(f"{bucket}/saved", store=tmp_path / "store")
    assert read == ["b.json"]
    assert archive.dags["run_id"].tolist() == ["11", "13"]


def test_a_pattern_and_other_files_at_a_url_are_treated_as_on_disk(bucket):
    put({"a/x.json": b"{}", "b/y.json": b"{}", "b/notes.pdf": b"%PDF", "b/.hidden/z.json": b"{}"}, f"{bucket}/saved")
    listed = list_source_files([f"{bucket}/saved"])
    assert [(file.name, file.trouble is None) for file in listed] == [("a/x.json", True), ("b/notes.pdf", False), ("b/y.json", True)]
    by_pattern = list_source_files([f"{bucket}/saved/*/*.json"], cluster_by="dir")
    assert [(file.name, file.cluster) for file in by_pattern] == [("a/x.json", "a"), ("b/y.json", "b")]


def test_a_store_at_a_url_is_passed_over_among_sources_and_is_a_source_by_itself(tmp_path):
    place = f"memory://{tmp_path.name}"
    fsspec.filesystem("memory").pipe_file(f"/{tmp_path.name}/a.json", polls("11")[2])
    for _ in range(2):
        load_into_store(place, store=f"{place}/store")
        assert [file.name for file in list_source_files([place])] == ["a.json"]
    assert contents(load(f"{place}/store")) == contents(load(f"{place}/a.json"))


def test_a_file_that_vanishes_or_changes_while_it_is_read_is_an_issue(bucket):
    put({"a.json": polls("11")[2], "b.json": polls("12")[2]}, f"{bucket}/saved")
    files = list_source_files([f"{bucket}/saved"])
    file_system().rm(f"{bucket}/saved/a.json")
    archive = load(*files)
    assert archive.dags["run_id"].tolist() == ["12"]
    assert archive.issues["code"].tolist() == ["vanished-file"]


@pytest.mark.parametrize(
    ("url", "words"), [("s3://no-such-bucket-here/x", "cannot be reached|no file"), ("nonsense://x", "cannot be reached")]
)
def test_a_place_that_is_not_there_is_named(bucket, url, words):
    with pytest.raises(InputError, match=words) as caught:
        load(url)
    assert caught.value.where == url


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'daganalysis\[s3\]'"):
        load("s3://bucket/x")


def test_a_url_of_a_file_is_a_path_and_memory_is_a_place(tmp_path):
    folder = save(history(), tmp_path / "responses")
    memory = fsspec.filesystem("memory")
    memory.pipe({f"/saved/{name}": text for name, text in history().items()})
    assert contents(load(folder.as_uri())) == contents(load("memory://saved")) == contents(load(folder))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def web(tmp_path):
    """The address of a web server of a folder with one response, with a password in it as some browsers write it."""
    save({"a.json": polls("11")[2], "page.json": b"<html>"}, tmp_path / "served")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path / "served")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_signed_url_is_read_and_its_signature_kept_out_of_everything(web, tmp_path, capfd):
    signed = f"{web}/a.json?version=2&X-Amz-Signature=s3cr3t"
    assert main(["load", signed, f"{web}/page.json?token=s3cr3t", "--out", str(tmp_path / "store")]) == 0
    assert main(["show", signed, "11"]) == 0
    assert main(["validate", f"{web}/gone.json?token=s3cr3t"]) == 3
    assert main(["table", str(tmp_path / "store"), "snapshots", "--format", "json"]) == 0
    captured = capfd.readouterr()
    assert "s3cr3t" not in captured.out + captured.err
    assert "X-Amz-Signature=…" in captured.out
    stored = b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*.parquet"))
    assert b"s3cr3t" not in stored


def test_credentials_are_in_no_store_and_no_message(bucket, tmp_path, capfd, caplog):
    put(history(), f"{bucket}/saved")
    assert main(["load", f"{bucket}/saved", "--out", str(tmp_path / "store")]) == 0
    assert main(["load", "s3://testing:not-for-anybodys-eyes@bucket/x", "--out", str(tmp_path / "other"), "--debug"]) == 3
    captured = capfd.readouterr()
    assert "not-for-anybodys-eyes" not in captured.out + captured.err
    assert "credentials do not belong in the URL: s3://…@bucket/x" in captured.err
    assert "not-for-anybodys-eyes" not in caplog.text
    assert b"not-for-anybodys-eyes" not in b"".join(path.read_bytes() for path in (tmp_path / "store").rglob("*.parquet"))
