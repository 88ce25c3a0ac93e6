"""What a file is, by its content: read, skipped, or named with what to save instead."""

from __future__ import annotations

import json
import os
import threading
import zipfile
from pathlib import Path

import pytest

import daganalysis as da
from daganalysis.reading import read_sources
from daganalysis.reading.file_kinds import kind_of
from tests.reading.broken_inputs import GOOD, text, zip_of

TASK_SHOW = b"id: 11\ndag_id: 1\nname: Create tenant t1\nstage: 1\nmax_stage: 1\nstate: SUCCEED\nnodes:\n  id: 11\n  node_id: 1\n  id: 12\n"
DOWNLOADED = b"2025-01-01 08:00:01\n start work\n2025-01-01 08:00:02\n work done"
OBD = b"[2025-01-01 08:00:01.123] [0b1c2d3e-0000-11ef-8000-0242ac110002] [INFO] start cluster\n"
OBSERVER = b"[2025-01-01 08:00:01.123456] INFO  [SERVER] init (ob_server.cpp:100) [4242][observer][T0][Y0-0000000000000000-0-0] ok\n"
OBSHELL = b"2025-01-01T08:00:01.123 INFO  [42] [LS00000000000000] [scheduler/dag_handler.go:35] advance dag 1\n"


def issues_of(folder: Path) -> list[tuple[str, str]]:
    return [(issue.code, issue.source or "") for issue in read_sources(folder).issues]


@pytest.mark.parametrize(
    ("content", "code", "noun"),
    [
        (TASK_SHOW, "unusable-form", "output of `obshell task show`"),
        (DOWNLOADED, "unusable-form", "sub-task log from the dashboard's Download Log"),
        (OBD, "other-log", "obd log"),
        (OBSERVER, "other-log", "observer.log"),
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "skipped-file", "picture"),
        (b"%PDF-1.7\n", "skipped-file", "PDF document"),
        (b"7z\xbc\xaf\x27\x1c", "unread-archive", "archive of an unsupported kind"),
        (b"-----BEGIN PGP MESSAGE-----\n\nhQEMA\n", "encrypted-archive", "encrypted file"),
        (b"ID3\3\0" + bytes(50), "skipped-file", "sound"),
        (b"Obj\1\4" + bytes(50), "skipped-file", "data file of another program"),
        (b'Obj\1\4{"name":"dag_id"},{"name":"max_stage"}', "unusable-form", "binary file that names fields of a task"),
        (
            b"\x10dag_id\0\1\0\0\0\x10max_stage\0\1\0\0\0" + bytes(range(1, 9)) * 9,
            "unusable-form",
            "binary file that names fields of a task",
        ),
        (b"notes about Tuesday [1]\n", "skipped-file", "text without answers"),
        (bytes(range(1, 9)) * 40, "skipped-file", "binary file"),
    ],
)
def test_a_file_is_named_for_what_it_is(content, code, noun, tmp_path):
    (tmp_path / "a.log").write_bytes(content)
    (issue,) = read_sources(tmp_path).issues
    assert (issue.code, issue.message.partition(";")[0]) == (code, noun)


def test_the_log_of_obshell_is_told_by_its_lines():
    kind = kind_of(OBSHELL)
    assert kind is not None
    assert kind.noun == "obshell.log"


@pytest.mark.parametrize("name", ["poll.ndjson.1", "poll-20250101", "dag.json.bak", "answers", "poll.log", "trace.har", "a.data"])
def test_answers_are_read_under_any_name_in_a_folder(name, tmp_path):
    (tmp_path / name).write_bytes(GOOD)
    assert [answer.gid for answer in read_sources(tmp_path).answers] == ["1900"]


def test_a_file_that_promises_answers_and_has_none_is_an_error_and_another_is_not(tmp_path):
    for name in ("a.json", "README"):
        (tmp_path / name).write_bytes(b"see the wiki\n")
    assert issues_of(tmp_path) == [("skipped-file", "README"), ("no-json", "a.json")]


def test_clutter_in_an_archive_is_skipped_and_strict_passes(tmp_path):
    clutter = (("__MACOSX/._a.json", b"\0\5\x16\7"), (".DS_Store", b"\0\0\0\1Bud1"), ("README.md", b"# polls\n"), ("p.png", b"\x89PNG\r\n"))
    (tmp_path / "a.zip").write_bytes(zip_of(("a.json", GOOD), *clutter))
    archive = da.load(tmp_path, strict=True)
    assert (len(archive), archive.issues["code"].tolist()) == (1, ["skipped-file"] * 4)


def test_an_encrypted_zip_is_one_error(tmp_path):
    content = bytearray(zip_of(("a.json", GOOD), ("b.json", GOOD)))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start) + 1) > 0:
            content[start - 1 + at] |= 1
    (tmp_path / "a.zip").write_bytes(content)
    assert zipfile.ZipFile(tmp_path / "a.zip").infolist()[0].flag_bits & 1
    assert issues_of(tmp_path) == [("encrypted-archive", "a.zip")]


def test_an_office_document_is_skipped_as_a_whole(tmp_path):
    (tmp_path / "plan.xlsx").write_bytes(zip_of(("[Content_Types].xml", b"<Types/>"), ("xl/a.xml", b"<a/>")))
    assert issues_of(tmp_path) == [("skipped-file", "plan.xlsx")]


def test_a_named_fifo_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(GOOD,))
    writer.start()
    answers = read_sources(str(tmp_path / "pipe")).answers
    writer.join()
    assert [answer.gid for answer in answers] == ["1900"]


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "did not accept the credentials"), (404, "the DAG may still exist"), (500, "see the message")]
)
def test_what_to_do_about_an_error_depends_on_its_status(status, hint):
    answer = {"successful": False, "status": status, "traceId": "x", "error": {"code": 1, "message": "no"}}
    (issue,) = read_sources(json.dumps(answer).encode()).issues
    assert hint in (issue.hint or "")


@pytest.mark.parametrize(
    ("content", "code"), [(b"ERROR: [A.B]: timeout", "no-json"), (b"task {1} ok", "no-json"), (text()[:-9], "truncated-json")]
)
def test_a_bracket_in_prose_is_no_json(content, code):
    assert [issue.code for issue in read_sources(content).issues] == [code]


@pytest.mark.parametrize(
    "content",
    [
        "map[data:map[dag_id:1 id:1900 max_stage:2 state:SUCCEED] successful:true]",
        "DagDetailDTO[id=1900, dagId=1, name=Create tenant, maxStage=2, state=SUCCEED]",
        '{ successful = true, data = { id = "1900", dag_id = 1, max_stage = 1 } }',
        '["data"]=>\n array(3) {\n ["dag_id"]=>\n int(1)\n ["max_stage"]=>\n int(1)\n }',
        "data.dag_id=1\ndata.max_stage=2\n",
        "<key>dag_id</key><integer>1</integer><key>max_stage</key><integer>1</integer>",
    ],
)
def test_an_answer_in_a_notation_that_cannot_be_read_is_named(content):
    issues = read_sources(content.encode()).issues
    assert [(found.code, found.message) for found in issues] == [
        ("unusable-form", "answer in another notation than JSON; save the answer itself, as JSON")
    ]


def test_an_answer_that_is_cut_off_is_not_taken_for_another_notation():
    assert [found.code for found in read_sources(b'{"successful": true, "data": {"dag_id": 1, "max_stage": 2, "na').issues] == [
        "truncated-json"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes(4096), "nothing but NUL bytes"),
        (b"\x01\x02" + bytes(2000) + b"{\n", "a binary file of an unknown kind"),
        (text()[300:], "the document is cut off at its beginning"),
    ],
)
def test_a_named_file_without_an_answer_is_told_what_it_is(content, said, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    assert [issue.message.partition(",")[0] for issue in read_sources(tmp_path / "a.json").issues] == [said]


def test_a_broken_link_in_a_folder_is_called_one(tmp_path):
    (tmp_path / "a.json").symlink_to("nowhere")
    assert [issue.message for issue in read_sources(tmp_path).issues] == ["a broken link"]


@pytest.mark.parametrize("name", ["dags", "nodes", "sub_tasks", "attempts"])
@pytest.mark.parametrize("form", ["json", "csv"])
def test_a_table_of_this_package_is_no_answer_and_is_named(name, form):
    table = da.load(GOOD).table(name)
    text = table.to_json(orient="records", date_format="iso") if form == "json" else table.to_csv(index=False)
    reading = read_sources(text.encode())
    assert reading.answers == []
    assert {issue.code for issue in reading.issues} == {"table-row"}


def test_a_web_page_is_named_with_its_title():
    page = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>"
    assert [issue.message for issue in read_sources(page).issues] == ["a web page with the title '502 Bad Gateway'"]


def test_answers_in_records_with_a_run_id_of_another_program_are_read():
    records = [{"run_id": 7, "answer": json.loads(GOOD)}, {"run_id": 8, "answer": text(gid="1901").decode()}]
    assert [answer.gid for answer in read_sources(json.dumps(records).encode()).answers] == ["1900", "1901"]
