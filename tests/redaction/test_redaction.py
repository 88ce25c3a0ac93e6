"""Redaction: nothing of the originals is left, and every number stays."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from urllib.parse import quote

import pandas as pd
import pytest

import daganalysis as da
from daganalysis import InputError, UsageError, load, read_parquet
from daganalysis.commands import main
from daganalysis.loading import load_into_store
from daganalysis.reading.limits import Limits
from daganalysis.redaction import redact
from daganalysis.redaction.files import FileRedactor, NotUnderstoodError
from daganalysis.redaction.pseudonyms import Originals
from daganalysis.redaction.texts import JsonRedactor
from daganalysis.redaction.walker import Walker
from daganalysis.tables import BASE_TABLES
from tests.history.responses import node, sub_task
from tests.profiles import LONG, some
from tests.store.saved import dag, fingerprint, polls, save

LOGS = [
    "ERROR: [Common.Unexpected]: Unexpected error: dial tcp 10.20.30.41:2886: connect: connection refused",
    "ssh admin7@obs-node-3.prod.acme.corp failed",
    "start cmd: cd /home/wilhelmina/oceanbase; ./bin/observer -p 2881",
    "mysql -h10.20.30.42 -uwilhelmina -pHunter2Hunter2",
    "connect with password=tr0ub4dor&3 user='wilhelmina'",
    'Get "http://deploy:s3cr3tpass@obs-node-3.prod.acme.corp:2886/api/v1/task/dag/21690050250288669": EOF',
    "oss://acme-backups/full?host=oss.acme.com&access_id=LTAIabcdefgh12345678&access_key=Zm9vYmFyYmF6cXV4MTIzNDU2",
    "Authorization: Bearer abcdEFGH1234.zzzz-yyyy",
    "lookup obs-node-4 on 10.20.30.43:53: no such host",
    "dial tcp fd00::c0:41:2881: connect: refused",
    "peer fd00::c0:41:2881 left, also [fd00::c0:42]:2886",
    "obs-node-3 said hello to wilhelmina at ip-10-20-30-41",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "mac 0a:1b:2c:3d:4e:5f",
]
ORIGINALS = [
    "10.20.30.4", "10-20-30-41", "0169090601", "obs-node", "acme", "wilhelmina", "admin7", "Hunter2", "tr0ub4dor",
    "s3cr3tpass", "LTAIabc", "Zm9vYmFy", "abcdEFGH1234", "fd00::c0:4", "MIIEow", "0a:1b:2c", "deploy:", "swordfish",
]  # fmt: skip
AGENT_GID = "2" + f"{0x0A141E29:010d}" + "02886"
"""Begins the generic ids of the agent 10.20.30.41:2886."""


def archive() -> dict[str, bytes]:
    """Saved responses with something of everything that must not leave."""
    own, child = AGENT_GID + "7", AGENT_GID + "8"
    told = {"main_dag_id": own, "sub_dags": {"10.20.30.41:2886": child}, "password": "swordfish", "host": "obs-node-4", "pin": 4711}
    work = node(sub_task(gid=own, logs=LOGS, ip="10.20.30.41"), sub_task(gid=own + "1", ip="fd00::c0:41"), gid=own)
    return {
        "c1/main.json": dag(own, work, at=3.0, state="SUCCEED", additional_data=told, name="Remove follower agent 10.20.30.42:2886"),
        "c1/child.json": polls(child, ["start"], additional_data={"main_dag_id": own})[2],
        "c1/10.20.30.41.ndjson": b"\n".join(polls("11", ["version 4.2.5.0 of obs-node-3"])),
        "c2/broken.json": dag("12", work, at=3.0)[:-400],
        "c2/page.html.txt": b'<a href="http://obs-node-3.prod.acme.corp/">10.20.30.41</a>',
    }


MARKED = [
    "GET http://obs-77:2886/api/v1/x?password=Kj8sQ2mZx&user=gwendolyn",
    '{"password" : "Kj8sQ2mZx", "host": "obs-77"}',
    'told "{\\"password\\":\\"Kj8sQ2mZx\\"}"',
    "CREATE USER 'gwendolyn'@'10.77.1.9' IDENTIFIED BY 'Kj8sQ2mZx'",
    "alter user root identified by Kj8sQ2mZx",
    "SET PASSWORD FOR 'gwendolyn' = PASSWORD('Kj8sQ2mZx')",
    "export AWS_SECRET_ACCESS_KEY=Kj8sQ2mZx/EXAMPLE",
    "aws AKIAKJ8SQ2MZXKJ8SQ2M",
    "jwt eyJKj8sQ2mZx.eyJKj8sQ2mZx.Kj8sQ2mZx_x",
    "obshell --password Kj8sQ2mZx --sys",
    "the password is Kj8sQ2mZx",
    'password="Kj8 sQ2mZx two"',
    "password=>Kj8sQ2mZx",
    "Cookie: a=b; c=Kj8sQ2mZx",
    'Authorization: Digest username="gwendolyn", response="Kj8sQ2mZx"',
    "jdbc:mysql://obs-77:2881/db?user=gwendolyn",
    "slack xoxb-Kj8sQ2mZx-1234",
    "uid=1001(gwendolyn)",
    "done by user gwendolyn from there",
    "ping obs-77 failed",
    "connect to obs-77 port 22: refused",
    "mysql -h obs-77",
    "scp obs-77:/data/1 .",
    "OBS-77.ACME.CORP and Obs-77.Acme.Com",
    "at http%3A%2F%2Fobs-77.acme.com",
    "\\\\obs-77\\share\\x",
    "ip-10-77-1-9.ec2.internal",
    "10-77-1-9",
    "::ffff:10.77.1.9 fe80::77:abcd",
]
"""Lines in which something is marked as a secret, a user or a host, each in a way of its own."""


@pytest.mark.parametrize("line", MARKED)
def test_what_is_marked_as_sensitive_goes_however_it_is_marked(tmp_path, line):
    (tmp_path / "a.json").write_bytes(dag("12", node(sub_task(logs=[line])), at=3.0))
    redact(tmp_path / "a.json", tmp_path / "b.json")
    copy = (tmp_path / "b.json").read_text().lower()
    assert [word for word in ("sq2mzx", "gwendolyn", "10.77.1", "10-77-1", "obs-77", "acme", "fe80::77") if word in copy] == []


@pytest.mark.parametrize(
    "line", ["[OB.Cluster.Info]: ok", "Modify password: start", "version 4.2.5.0", "server zone1 started", "token expired"]
)
def test_words_of_the_engine_stay(tmp_path, line):
    (tmp_path / "a.json").write_bytes(dag("12", node(sub_task(logs=[line])), at=3.0))
    redact(tmp_path / "a.json", tmp_path / "b.json")
    assert load(tmp_path / "b.json").sub_tasks["task_logs"].iloc[0].tolist() == [line]


@pytest.mark.parametrize("part", some(["a", "a.", "passwd", "user '", "a-", "/a"], gate=["a.", "user '", "/a"]))
def test_a_line_of_any_length_takes_no_longer_than_it_must(tmp_path, part):
    # In a pattern that takes the square of the length, each of these would take many minutes.
    line = part * ((200_000 if LONG else 40_000) // len(part))
    (tmp_path / "a.json").write_bytes(dag("12", node(sub_task(logs=[line])), at=3.0))
    assert redact(tmp_path / "a.json", tmp_path / "b.json").n_files == 1


def everything_in(folder) -> str:
    return "\n".join(f"{path.relative_to(folder)}\n{path.read_text()}" for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.fixture(scope="module")
def redacted(tmp_path_factory):
    place = tmp_path_factory.mktemp("redaction")
    folder = save(archive(), place / "responses")
    redact(folder, place / "redacted")
    return folder, place / "redacted"


@pytest.mark.parametrize("original", ORIGINALS)
def test_none_of_the_originals_is_left(redacted, original):
    folder, copy = redacted
    assert original.lower() in everything_in(folder).lower()
    assert original.lower() not in everything_in(copy).lower()


def test_the_layout_stays_and_names_of_files_are_redacted_too(redacted):
    _, copy = redacted
    names = [path.relative_to(copy).as_posix() for path in sorted(copy.rglob("*")) if path.is_file()]
    assert [name.partition("/")[2] for name in names] == [
        "198.18.100.100.ndjson",
        "child.json",
        "main.json",
        "broken.json",
        "page.html.txt",
    ]
    assert {name.partition("/")[0] for name in names}.isdisjoint({"c1", "c2"})


def test_what_the_engine_says_stays(redacted):
    lines = load(next(redacted[1].rglob("main.json"))).sub_tasks["task_logs"].iloc[0]
    assert lines[0] == "ERROR: [Common.Unexpected]: Unexpected error: dial tcp 198.18.100.100:2886: connect: connection refused"
    assert "/api/v1/task/dag/2" in lines[5]
    assert "version 4.2.5.0 of" in load(next(redacted[1].rglob("*.ndjson"))).sub_tasks["task_logs"].iloc[0][0]


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that hold numbers, instants and truths."""
    return frame.select_dtypes(["number", "boolean", "datetimetz"])


COMPARED = {
    *("critical_path", "events", "failures", "locks", "operations", "retries", "retry_patterns", "runs", "stage_gaps", "stage_latency"),
    *("stragglers", "summary", "time_budget", "trend", "what_if"),
}
ANALYSES = [name for name in da.__all__ if name in COMPARED]


@pytest.mark.parametrize("analysis", ANALYSES)
def test_every_analysis_gives_the_same_numbers(redacted, analysis):
    function = getattr(da, analysis)
    before, after = (function(load(folder, cluster_by="dir")) for folder in redacted)
    pd.testing.assert_frame_equal(numbers(before), numbers(after))


@pytest.mark.parametrize("name", [name for name in BASE_TABLES if name != "issues"])
def test_every_table_has_the_same_numbers_and_words_of_the_engine(redacted, name):
    before, after = (load(folder, cluster_by="dir").table(name) for folder in redacted)
    engine = [column for column in ("state", "operator", "outcome", "kind", "evidence", "category", "history") if column in before]
    pd.testing.assert_frame_equal(numbers(before), numbers(after))
    pd.testing.assert_frame_equal(before[engine], after[engine])


def test_links_told_by_ids_and_by_logs_stay(redacted):
    before, after = (load(folder, cluster_by="dir").links for folder in redacted)
    assert len(before) == len(after) > 0
    assert before["child_run_id"].isna().tolist() == after["child_run_id"].isna().tolist()


def test_the_same_archive_gives_the_same_bytes(redacted, tmp_path):
    folder, copy = redacted
    redact(folder, tmp_path / "again")
    assert fingerprint(tmp_path / "again") == fingerprint(copy)


def test_broken_json_stays_as_broken_as_it_was(redacted):
    folder, copy = redacted
    assert load(folder / "c2/broken.json").issues["code"].tolist() == load(next(copy.rglob("broken.json"))).issues["code"].tolist()


def test_a_number_under_a_secret_key_is_replaced(tmp_path):
    (tmp_path / "a.json").write_text('{"pin": 1, "password": 4711, "list": ["ok"]}')
    redact(tmp_path / "a.json", tmp_path / "b.json")
    copy = json.loads((tmp_path / "b.json").read_text())
    assert copy["password"] != 4711
    assert (copy["pin"], copy["list"]) == (1, ["ok"])


def packed_as_tar(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        member = tarfile.TarInfo("10.20.30.41/a.json")
        member.size, member.uname = len(content), "wilhelmina"
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def packed_as_zip(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("10.20.30.41/a.json", content)
    return out.getvalue()


@pytest.mark.parametrize(("name", "pack"), [("a.json.gz", gzip.compress), ("a.tar.gz", packed_as_tar), ("a.zip", packed_as_zip)])
def test_packed_files_stay_packed(tmp_path, name, pack):
    content = archive()["c1/main.json"]
    (tmp_path / name).write_bytes(pack(content))
    redact(tmp_path / name, tmp_path / f"copy-{name}")
    before, after = load(tmp_path / name), load(tmp_path / f"copy-{name}")
    assert after.sub_tasks["agent_ip"].tolist()[0] == "198.18.100.100"
    pd.testing.assert_frame_equal(numbers(before.sub_tasks), numbers(after.sub_tasks))
    assert not any("10.20.30.41" in source for source in after.snapshots["source"])


def test_a_store_is_redacted_with_the_responses_it_keeps(tmp_path):
    folder = save(archive(), tmp_path / "responses")
    store = load_into_store(folder, store=tmp_path / "store", cluster_by="dir")
    redact(tmp_path / "store", tmp_path / "copy")
    copy = read_parquet(tmp_path / "copy")
    for name in BASE_TABLES:
        pd.testing.assert_frame_equal(numbers(store.table(name)), numbers(copy.table(name)))
    everything = b"".join(
        repr(pd.read_parquet(path).map(repr).to_numpy().tolist()).encode() for path in (tmp_path / "copy").rglob("*.parquet")
    ).decode()
    assert [original for original in ORIGINALS if original.lower() in everything.lower()] == []


def test_a_redacted_store_can_be_added_to(tmp_path):
    folder = save(archive(), tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store", cluster_by="dir")
    redact(tmp_path / "store", tmp_path / "copy", keep_cluster_names=True)
    save({"c1/new.json": polls("15")[2]}, folder)
    assert "c1/15" in load_into_store(folder / "c1/new.json", store=tmp_path / "copy", cluster="c1").dags["run_id"].tolist()


def test_a_destination_that_exists_is_refused(redacted):
    folder, copy = redacted
    with pytest.raises(UsageError, match="exists"):
        redact(folder, copy)
    with pytest.raises(UsageError, match="is inside the source"):
        redact(folder, folder / "inside")


def test_a_folder_without_responses_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="nothing to redact"):
        redact(tmp_path / "empty", tmp_path / "copy")


def test_a_file_that_cannot_be_unpacked_is_left_out_and_named(tmp_path):
    folder = save({"a.json": polls("11")[2], "b.json.gz": gzip.compress(polls("12")[2])[:-9]}, tmp_path / "responses")
    done = redact(folder, tmp_path / "copy")
    assert done.n_files == 1
    assert done.left_out[0][0] == "b.json.gz"


def test_the_command_says_what_it_replaced_and_left_out(tmp_path, capsys):
    folder = save({"a.json": archive()["c1/main.json"], "b.json.gz": b"\x1f\x8bbroken"}, tmp_path / "responses")
    assert main(["redact", str(folder), "-o", str(tmp_path / "copy")]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert "1 file in" in told.err
    assert "left out b.json.gz" in told.err


def test_the_command_refuses_a_destination_that_exists(redacted, capsys):
    folder, copy = redacted
    assert main(["redact", str(folder), "-o", str(copy)]) == 2
    assert "the destination exists" in capsys.readouterr().err


def test_names_of_folders_go_from_names_and_tables_unless_they_are_to_be_kept(tmp_path):
    folder = save({"acme-prod/a.json": polls("11")[2]}, tmp_path / "responses")
    load_into_store(folder, store=tmp_path / "store", cluster_by="dir")
    redact(tmp_path / "store", tmp_path / "copy")
    redact(tmp_path / "store", tmp_path / "kept", keep_cluster_names=True)
    redact(folder, tmp_path / "files")
    copy = read_parquet(tmp_path / "copy")
    assert not any("acme" in repr(copy.table(name).to_numpy().tolist()) for name in BASE_TABLES)
    assert copy.dags["run_id"].iloc[0] == f"{copy.dags['cluster'].iloc[0]}/11"
    assert not any("acme" in str(path.relative_to(tmp_path / "files")) for path in (tmp_path / "files").rglob("*"))
    assert read_parquet(tmp_path / "kept").dags["run_id"].tolist() == ["acme-prod/11"]


@pytest.mark.parametrize("pack", [lzma.compress, bz2.compress, gzip.compress])
def test_what_is_compressed_is_redacted_and_compressed_again(tmp_path, pack):
    (tmp_path / "a").write_bytes(pack(b'{"password": "Hq7leak", "ip": "8.130.4.7"}'))
    redact(tmp_path / "a", tmp_path / "b")
    unpack = {lzma.compress: lzma.decompress, bz2.compress: bz2.decompress}.get(pack, gzip.decompress)
    assert json.loads(unpack((tmp_path / "b").read_bytes()))["ip"] == "198.18.100.100"


def test_a_file_that_unpacks_to_too_much_is_left_out_and_named(tmp_path):
    folder = save({"a.json": polls("11")[2], "b.json.gz": gzip.compress(b"0" * 5_000_000)}, tmp_path / "responses")
    redactor = FileRedactor(JsonRedactor(Walker(Originals())), Limits(unpacked_bytes=1 << 20))
    with pytest.raises(NotUnderstoodError, match="unpacks to more than"):
        redactor.copy(folder / "b.json.gz", None)


@pytest.mark.parametrize("name", ["x.json", ".meta"])
def test_a_damaged_copy_of_a_database_is_left_out_and_named(tmp_path, name):
    folder = save({"a.json": polls("11")[2], name: b"SQLite format 3\0" + bytes(99)}, tmp_path / "responses")
    assert [left for left, _ in redact(folder, tmp_path / "copy").left_out] == [name]
    with pytest.raises(InputError, match="nothing can be redacted"):
        redact(folder / name, tmp_path / "single")


def test_headers_and_cookies_of_a_har_are_replaced(tmp_path):
    pairs = {"headers": [{"value": "Hq7a", "name": "X-OCS-Header"}], "cookies": [{"name": "a", "value": "Hq7b"}], "auth": "Hq7c"}
    (tmp_path / "a.har").write_text(json.dumps(pairs))
    redact(tmp_path / "a.har", tmp_path / "b.har")
    assert "Hq7" not in (tmp_path / "b.har").read_text()


def test_the_command_exits_with_3_for_what_is_left_out_unless_that_is_allowed(tmp_path, capsys):
    folder = save({"a.json": polls("11")[2], "b.json": b"SQLite format 3\0"}, tmp_path / "responses")
    assert main(["redact", str(folder), "-o", str(tmp_path / "copy")]) == 3
    assert main(["redact", str(folder), "-o", str(tmp_path / "again"), "--allow-left-out"]) == 0
    assert "left out b.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "encode", [lambda b: b.hex(":"), lambda b: b.hex(), lambda b: b.hex(" ").upper(), quote, lambda b: quote(quote(b))]
)
def test_a_text_in_hexadecimal_digits_or_percent_encoded_is_redacted_in_it(tmp_path, encode):
    content = b'{"password": "Hq7leak", "agent": "10.20.30.41:2886"}'
    (tmp_path / "a.txt").write_text(encode(content))
    redact(tmp_path / "a.txt", tmp_path / "b.txt", lenient=True)
    copy = (tmp_path / "b.txt").read_text()
    assert encode(b"20.30.41") not in copy
    assert encode(b"Hq7leak") not in copy
    assert encode(b'"agent"') in copy


def test_clutter_is_skipped_as_load_skips_it(tmp_path, capsys):
    clutter = {"__MACOSX/a/._b.json": b"\0\5\x16\7", "a/.DS_Store": b"\0\0\0\1Bud1", "a/c.png": b"\x89PNG\r\n", "a/d.md": b"notes"}
    with zipfile.ZipFile(tmp_path / "mac.zip", "w") as packed:
        for name, content in {"a/b.json": polls("11")[2], **clutter}.items():
            packed.writestr(name, content)
    folder = save({"b.json": polls("12")[2], **clutter}, tmp_path / "folder")
    assert main(["redact", str(tmp_path / "mac.zip"), "-o", str(tmp_path / "copy.zip")]) == 0
    assert "4 files skipped: 2 hidden files" in capsys.readouterr().err
    assert len(zipfile.ZipFile(tmp_path / "copy.zip").namelist()) == len(load(tmp_path / "copy.zip")) == 1
    assert redact(folder, tmp_path / "copy").left_out == ()
    assert len([path for path in (tmp_path / "copy").rglob("*") if path.is_file()]) == len(load(tmp_path / "copy")) == 1


RENAMED = {
    "an answer": polls("11")[2],
    "an answer in a pretty form": json.dumps(json.loads(polls("11")[2]), indent=1).encode(),
    "answers, a line each": b"\n".join(polls("11")),
    "an answer in UTF-16": polls("11")[2].decode().encode("utf-16"),
    "a compressed answer": gzip.compress(polls("11")[2]),
    "a text with an answer": b"# what was saved\n" + polls("11")[2],
}


@pytest.mark.parametrize("name", ["a.txt", "a", "a.json.bak", "a.ndjson.1", "a.dat", "a.log", "a.gz", "a.pdf"])
@pytest.mark.parametrize("content", RENAMED.values(), ids=RENAMED)
def test_a_file_is_redacted_by_its_content_whatever_its_name(tmp_path, name, content):
    folder = save({name: content}, tmp_path / "folder")
    assert redact(folder, tmp_path / "copy").left_out == ()
    assert load(tmp_path / "copy").sub_tasks["agent_ip"].tolist()[0] == "198.18.100.100"


def test_an_answer_behind_more_text_than_tells_the_kind_of_a_file_is_redacted(tmp_path):
    folder = save({"a.log": b"# what was saved\n" * 4_000 + polls("11")[2]}, tmp_path / "folder")
    assert redact(folder, tmp_path / "copy").left_out == ()
    assert load(tmp_path / "copy").sub_tasks["agent_ip"].tolist()[0] == "198.18.100.100"


@pytest.mark.parametrize("name", ["obshell.json", "obshell", "obshell.log.bak", "obshell.csv"])
def test_a_log_is_redacted_by_its_content_whatever_its_name(tmp_path, name):
    line = b"2025-02-19T01:05:41.027 INFO  [7] [F000000000000000] [server/init.go:83] agent is 10.20.30.41:2886\n"
    redact(save({name: line}, tmp_path / "folder"), tmp_path / "copy")
    (copy,) = (path for path in (tmp_path / "copy").iterdir())
    assert copy.read_bytes() == line.replace(b"10.20.30.41", b"198.18.100.100")


@pytest.mark.parametrize("form", [{"indent": 1}, {}, {"separators": (",", ":")}])
def test_a_text_that_stands_as_a_list_of_its_bytes_is_redacted_in_it(tmp_path, form):
    content = polls("11")[2].replace(b'"task_logs":', b'"password": "Hq7leak", "task_logs":')
    folder = save({"a.json": json.dumps({"MESSAGE": list(content)}, **form).encode()}, tmp_path / "folder")
    redact(folder, tmp_path / "copy")
    copy = bytes(json.loads((tmp_path / "copy" / "a.json").read_bytes())["MESSAGE"])
    assert b"Hq7leak" not in copy
    assert load(tmp_path / "copy").sub_tasks["agent_ip"].tolist()[0] == "198.18.100.100"


@pytest.mark.parametrize(
    "begin", ["00000000: 7b22 7375 6363 6573 7366 756c 223a 2074", "<= Recv data, 16 bytes (0x10)\n0000: 7b 22 64 61 74 61"]
)
def test_a_dump_of_bytes_is_left_out(tmp_path, begin):
    folder = save({"a.json": polls("11")[2], "b.txt": begin.encode() + b"  {...\n"}, tmp_path / "folder")
    assert [name for name, _ in redact(folder, tmp_path / "copy").left_out] == ["b.txt"]


@pytest.mark.parametrize("name", ["obd", "obd.log.1", "obd.json"])
def test_a_log_of_another_program_is_copied_redacted(tmp_path, name):
    line = b"[2026-03-02 17:10:00.123] [069ee90f-a4f4-11ef-8000-0242ac110002] [INFO] host 10.20.30.41 is reached\n"
    done = redact(save({name: line}, tmp_path / "folder"), tmp_path / "copy")
    assert (done.n_files, done.left_out, done.skipped) == (1, (), ())


def test_lines_of_obshell_log_stay_readable(tmp_path):
    line = "2026-03-02T17:10:00.123 INFO  [1234] [069ee90fa4f4c3de] [agent/executor.go:112] agent 8.130.4.7:2886 user=gwendolyn\n"
    (tmp_path / "obshell.log").write_text(line)
    redact(tmp_path / "obshell.log", tmp_path / "copy.log")
    assert (tmp_path / "copy.log").read_text() == line.replace("8.130.4.7", "198.18.100.100").replace("gwendolyn", "xaaa")
