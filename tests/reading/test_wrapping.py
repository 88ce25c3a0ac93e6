"""Answers inside something else: the same rows wherever they lie, and where they lie."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.reading import read_sources
from tests.profiles import examples, needed
from tests.reading.broken_inputs import response
from tests.reading.wrapping import BYTES, OBJECTS, TEXTS, TOOLS, TYPED

GOOD = json.dumps(response(name="Create tenant 租户 'a'"), ensure_ascii=False)
BARE = response()["data"]
OF_ANSWERS = {"broken after 60 bytes", "records of lines", "records of bytes"}
"""Ways in which a file of answers is cut, not one of records."""
COMPARED = ("dags", "nodes", "sub_tasks", "attempts")


def rows_of(archive: da.Archive) -> dict[str, list[dict[str, Any]]]:
    return {name: archive.arrow(name).to_pylist() for name in COMPARED}


ALONE = rows_of(da.load(GOOD.encode()))


@pytest.mark.parametrize("wrap", [*OBJECTS.values(), *TYPED.values(), *TEXTS.values()], ids=[*OBJECTS, *TYPED, *TEXTS])
def test_a_wrapped_answer_gives_the_rows_that_it_gives_alone(wrap):
    archive = da.load(wrap(GOOD).encode())
    assert rows_of(archive) == ALONE
    assert "error" not in set(archive.issues["severity"])


@pytest.mark.parametrize("pack", BYTES.values(), ids=BYTES)
def test_an_encoded_or_packed_answer_gives_the_rows_that_it_gives_alone(pack):
    assert rows_of(da.load(pack(GOOD.encode()))) == ALONE


@pytest.mark.parametrize("wrap", TOOLS.values(), ids=TOOLS)
def test_an_answer_that_another_tool_wrote_down_gives_the_rows_that_it_gives_alone(wrap):
    assert rows_of(da.load(wrap(GOOD).encode())) == ALONE


def test_an_answer_that_lies_across_two_stretches_of_a_long_text_is_read_whole(monkeypatch):
    text = TEXTS["quoted in a mail"](GOOD) + "and so on\n" * 3
    for bytes_held in range(len(text) // 2, len(text) + 200, 97):
        monkeypatch.setattr("daganalysis.reading.document_search._GAP_BYTES", bytes_held)
        assert rows_of(da.load(("and so on\n" * 40 + text).encode())) == ALONE


@pytest.mark.parametrize("encoding", ["gb18030", "gbk"])
def test_an_answer_in_a_chinese_encoding_keeps_its_names_and_says_so(encoding):
    archive = da.load(GOOD.encode(encoding))
    assert rows_of(archive) == ALONE
    assert "other-encoding" in set(archive.issues["code"])


def test_lists_of_answers_in_an_attribute_give_the_rows_that_they_give_alone():
    lists = TEXTS["an attribute"](OBJECTS["a list of lists"](GOOD))
    assert rows_of(da.load(lists.encode())) == ALONE


@examples(4, long=300)
@given(
    types=st.sampled_from(["", *sorted(TYPED)]),
    objects=st.lists(st.sampled_from(sorted(OBJECTS)), max_size=3),
    text=st.sampled_from(["", *sorted(TEXTS.keys() - OF_ANSWERS)]),
    pack=st.sampled_from(sorted(BYTES)),
)
def test_any_wrapping_of_wrappings_gives_the_same_rows(types, objects, text, pack):
    wrapped = TYPED[types](GOOD) if types else GOOD
    for name in objects:
        wrapped = OBJECTS[name](wrapped)
    if text:
        wrapped = TEXTS[text](wrapped)
    assert rows_of(da.load(BYTES[pack](wrapped.encode()))) == ALONE


@examples(4, long=300)
@given(
    st.recursive(
        st.just(json.loads(GOOD)),
        lambda inner: (
            st.dictionaries(st.text(max_size=8).map("k".__add__), inner, min_size=1, max_size=1)
            | st.lists(inner, min_size=1, max_size=1)
            | inner.map(json.dumps)
        ),
        max_leaves=8,
    )
)
def test_an_answer_in_any_objects_lists_and_strings_is_found(value):
    assert rows_of(da.load(json.dumps(value).encode())) == ALONE


def test_the_position_leads_through_the_wrapping():
    (answer,) = read_sources(json.dumps({"log": {"a/b": [{"text": GOOD}]}}).encode()).answers
    assert answer.position == "byte 0 /log/a~1b/0/text/data"


def test_the_time_of_a_wrapper_orders_an_answer_without_an_envelope_and_is_marked():
    lines = [
        json.dumps({"ts": f"2025-01-01T00:0{minute}:00Z", "dag": BARE | {"state": state}})
        for minute, state in ((2, "SUCCEED"), (1, "RUNNING"))
    ]
    archive = da.load("\n".join(lines).encode())
    assert archive.dags["state"].tolist() == ["SUCCEED"]
    assert archive.issues["code"].tolist() == ["wrapper-time"]


@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("2025-01-01 00:02:00", "has no time zone"),
        ("2025-01-01T00:02:00+08:00", "is 8.0 h before the latest time in the answer"),
        ("2025-01-01T05:32:00-00:30", "is 6.0 h after the latest time"),
    ],
)
def test_a_time_of_a_wrapper_that_cannot_be_right_is_not_taken_and_named(time, said):
    dag = BARE | {"end_time": "2025-01-01T05:31:00+05:30"}
    archive = da.load(json.dumps({"ts": time, "dag": dag}).encode())
    assert archive.snapshots["observed_at"].isna().tolist() == [True]
    assert archive.issues["code"].tolist() == ["unused-wrapper-time"]
    assert said in archive.issues["message"][0]


@pytest.mark.parametrize("time", ["2024-12-31T23:58:00Z", "2025-01-01T09:30:00+08:00", "2025-01-02T00:00:00Z"])
def test_a_time_of_a_wrapper_that_can_be_right_is_taken(time):
    archive = da.load(json.dumps({"ts": time, "dag": BARE}).encode())
    assert archive.issues["code"].tolist() == ["wrapper-time"]


def test_the_time_of_a_wrapper_leaves_an_envelope_its_own():
    archive = da.load(json.dumps({"ts": "2025-06-01T00:00:00Z", "answer": response()}).encode())
    assert archive.snapshots["observed_at"].dt.strftime("%F %T").tolist() == ["2025-01-01 00:01:00"]


def test_two_forms_of_one_response_in_one_wrapper_count_once():
    both = {"json": response(), "content": json.dumps(response(), indent=3)}
    assert da.load(json.dumps(both).encode()).dags["n_snapshots"].tolist() == [1]


def test_rows_of_the_database_become_no_runs():
    row = {"id": 11, "name": "Create tenant t1", "stage": 1, "max_stage": 1, "state": 5, "operator": 1, "gmt_create": "2025-01-01 00:00:00"}
    archive = da.load(json.dumps({"dag_instance": [row]}).encode())
    assert (len(archive), archive.issues["code"].tolist()) == (0, ["database-row"])


def test_what_looks_like_an_answer_and_cannot_be_used_is_a_warning():
    archive = da.load(json.dumps({"body": GOOD[:-40]}).encode())
    assert archive.issues[["severity", "code", "position"]].values.tolist() == [["warning", "unread-answer", "byte 0 /body"]]


def test_an_answer_beside_other_objects_is_read_and_these_are_no_faults():
    archive = da.load(json.dumps({"meta": {"tool": "poll"}, "answer": response(), "other": [1, {"a": "b"}]}).encode())
    assert (archive.dags["run_id"].tolist(), len(archive.issues)) == (["1900"], 0)


def test_printed_objects_of_the_sdk_are_read():
    task = needed("obshell.model.task")
    printed = str(task.DagDetailDTO(BARE))
    rows = rows_of(da.load(printed.encode()))
    assert rows["sub_tasks"] == rows_of(da.load(json.dumps(BARE).encode()))["sub_tasks"]


def test_milliseconds_of_dotnet_are_instants():
    text = GOOD.replace('"2025-01-01T00:00:01.05Z"', '"\\/Date(1735689601050)\\/"')
    assert rows_of(da.load(text.encode())) == ALONE


@pytest.mark.parametrize("head", ["", "Transfer-Encoding: chunked\r\n"])
def test_a_response_with_headers_and_a_compressed_body_is_unpacked(head):
    body = gzip.compress(GOOD.encode(), mtime=0)
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if head else body
    content = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n{head}\r\n".encode() + body
    assert rows_of(da.load(content)) == ALONE


def test_entities_of_a_chat_are_decoded_and_named():
    answer = json.dumps(response(name="a & b <c>"))
    escaped = answer.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    archive = da.load(json.dumps([{"type": "message", "text": f"```{escaped}```"}]).encode())
    assert archive.dags["name"].tolist() == ["a & b <c>"]
    assert archive.issues["code"].tolist() == ["decoded-entities"]


def test_entities_that_are_not_all_that_a_text_has_of_their_kind_stay():
    answer = json.dumps(response(name="a &amp; b <c>"))
    assert da.load(json.dumps({"text": answer}).encode()).dags["name"].tolist() == ["a &amp; b <c>"]


def test_types_are_left_alone_in_what_is_no_field_of_the_api():
    answer = response(additional_data={"limit": {"N": "1"}})
    assert json.loads(da.load(json.dumps(answer).encode()).dags["additional_data"][0]) == {"limit": {"N": "1"}}
