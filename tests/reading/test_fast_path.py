"""The fast reader of documented answers gives what the lenient reader gives, and leaves every other answer to it."""

from __future__ import annotations

import json

import pytest

from daganalysis.reading import DEFAULT_LIMITS, Answer, Issue
from daganalysis.reading.documents import Document
from daganalysis.reading.fast_path import fast_answer, placed
from daganalysis.reading.responses import Reader
from enginemodel import answer, random_run

RUN = random_run(7)
ANSWER = answer(RUN, RUN.created + 3_000_000)
TEXT = json.dumps(ANSWER).encode()
COMPACT = json.dumps(ANSWER, separators=(",", ":")).encode()


def looked_at_closely(text: bytes) -> tuple[list[Answer], list[Issue]]:
    issues: list[Issue] = []
    return list(Reader("prod-a", DEFAULT_LIMITS, issues).read(Document(text, "line 3"), "a.json")), issues


@pytest.mark.parametrize("text", [TEXT, COMPACT, json.dumps(ANSWER, indent=2).encode(), COMPACT.replace(b'"name":', b'"name" :')])
def test_an_answer_as_documented_is_the_one_that_a_closer_look_gives(text):
    found = fast_answer(text, DEFAULT_LIMITS)
    assert found is not None
    assert ([placed(found, "prod-a", "a.json", "line 3 /data")], []) == looked_at_closely(text)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        (COMPACT.replace(b'"status":', b'"status":201,"status":'), ["duplicate-key"]),
        (COMPACT.replace(b'"dag_id":', b'"dag_id":7,"dag_id":', 1), ["duplicate-key"]),
        (COMPACT.replace(b'"nodes":[', b'"nodes":[],"nodes":[', 1), ["duplicate-key"]),
        (COMPACT[:-2] + b',"nodes":[{"id":"1"}]}}', ["duplicate-key"]),
        (COMPACT[:-1] + b',"status":201}', ["duplicate-key"]),
        (COMPACT.replace(b'"additional_data":', b'"additional_data":{"nodes":[]},"x":', 1), []),
        (COMPACT.replace(b'"nodes":[', b'"nodes":[7,', 1), ["no-id"]),
        (COMPACT.replace(b'"data":{"id":"', b'"data":{"id":"a/'), ["wrong-id"]),
        (COMPACT + b"}", ["no-json"]),
        (COMPACT[:-3] + b",]}}", ["trailing-comma"]),
        (COMPACT.replace(b'"name":"', b'"name":"\xff'), ["invalid-utf8"]),
    ],
)
def test_what_is_not_quite_as_documented_is_left_to_a_closer_look(text, codes):
    assert fast_answer(text, DEFAULT_LIMITS) is None
    assert [issue.code for issue in looked_at_closely(text)[1]] == codes


def test_in_a_list_each_answer_is_what_it_would_be_alone():
    other = COMPACT.replace(b'"status":', b'"status":201,"status":')
    (first, second), issues = looked_at_closely(b"[" + TEXT + b"," + other + b"]")
    (alone,), _ = looked_at_closely(TEXT)
    assert (first.position, second.position) == ("line 3 /0/data", "line 3 /1/data")
    assert (first.body, first.nodes, first.gid) == (alone.body, alone.nodes, second.gid)
    assert [(issue.code, issue.position) for issue in issues] == [("duplicate-key", "line 3 /1")]
