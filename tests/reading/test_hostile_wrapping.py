"""Hostile wrapping: depth, near-answers and layers are bounded, and good answers beside them are read."""

from __future__ import annotations

import json

import pytest

from daganalysis.reading import Limits, read_sources
from daganalysis.reading.document_search import peeled_documents
from daganalysis.reading.limits import DEFAULT_LIMITS
from daganalysis.reading.literal_notations import find_literals
from tests.profiles import LONG
from tests.reading.broken_inputs import GOOD, response


def nested(value: object, depth: int) -> bytes:
    for _ in range(depth):
        value = {"a": value}
    return json.dumps(value).encode()


def test_an_answer_within_the_limit_of_wrapping_is_read():
    assert [answer.gid for answer in read_sources(nested(response(), 30)).answers] == ["1900"]


def test_an_answer_beyond_the_limit_of_wrapping_is_a_warning():
    reading = read_sources(nested(response(), 60))
    assert (reading.answers, [issue.code for issue in reading.issues]) == ([], ["unread-answer"])


def test_many_near_answers_are_counted_once_there_are_enough():
    near = json.dumps([{"max_stage": 1, "state": "FAILED"}] * 50).encode()
    issues = read_sources(near, limits=Limits(issues=10)).issues
    assert [issue.code for issue in issues] == ["no-id"] * 10 + ["more-issues"]
    assert issues[-1].message == "40 more of no-id"


def test_a_good_answer_among_near_answers_is_read():
    lines = [b'{"max_stage": 1, "dag_id": {}}'] * 30 + [GOOD] + [b'{"successful": [[[{"traceId": "{\\"dag_id\\"'] * 30
    assert [answer.gid for answer in read_sources(b"\n".join(lines)).answers] == ["1900"]


@pytest.mark.parametrize(
    "part", [b"{'dag_id':", b"('", b'"{\\"dag_id\\"', b"&quot;{", b'{""dag_id"":', b"> ", b"\x1b[", b"[[{'", b"%7B%22", b"eyJkYWdfaWQi" * 9]
)
def test_layers_without_an_end_are_given_up(part):
    assert peeled_documents(b"dag_id " + part * (60_000 // len(part)), DEFAULT_LIMITS) == []


def test_literals_that_do_not_end_are_looked_at_once():
    assert list(find_literals(b"{'a': " * 50_000)) == []


REPEATED = (
    *(
        "-",
        "--",
        "-- ",
        "=",
        "#",
        "/*",
        "//",
        "| ",
        "> ",
        "+---+\n",
        ": ",
        ";",
        "_",
        "<a ",
        "<![CDATA[",
        "&quot;",
        "\\",
        "\\n",
        "'",
        '"',
        "(",
    ),
    *("[{", '{"a":', "{\n", "a {\n", "a: {\n", "a\n", "1\n", "a ", "a=", "%7B%22", "=\n", "\n", "\r\n", "\0", "\x1b[0m", "\u00a0", "eyJ"),
    *("7b22", "123,", "max_stage: 1\n", "insert ", "INSERT INTO t VALUES ('{\"", "a stdout P x\n", "Content-Transfer-Encoding: base64\n"),
    *("2025-01-01T00:00:00Z ", "HTTP/1.1\n", "@{id=", "=>", "A(a=", "b'", "租"),
)
"""What a text may consist of that a careless pattern would take apart in every way there is."""
SIZE = 6_000 if LONG else 2_000


@pytest.mark.parametrize("begin", ["", "max_stage dag_id ", '{"max_stage": ', 'INSERT INTO t VALUES (\'{"max_stage"', "<html>max_stage "])
def test_a_text_of_one_thing_repeated_is_given_up_in_time(begin):
    for part in REPEATED:
        assert read_sources((begin + part * (SIZE // len(part))).encode()).answers == []
