from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.analysis.signatures import MOST_MINED, OTHER, masked, signatures
from daganalysis.analysis.template_tree import TemplateTree
from daganalysis.engine.messages import known_message


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("dial tcp 192.0.2.1:2886 refused", "dial tcp <agent> refused"),
        ("agent [2001:db8::7]:2886 is gone", "agent <agent> is gone"),
        ("agent 2001:db8:0:0:0:0:0:7 is gone", "agent <agent> is gone"),
        ("dial tcp fd00::c0:101:2881: connect: refused", "dial tcp <agent>: connect: refused"),
        ("at 10:20:30 std::move", "at <n>:<n>:<n> std::move"),
        ("agents 192.0.2.1:2886, 192.0.2.2:2886, 192.0.2.3:2886 failed", "agents <agents> failed"),
        ("open /data/1/log: no such file", "open <path>: no such file"),
        ("dag 22130706433028869 failed", "dag <id> failed"),
        ("task 0f8fad5b-d9cb-469f-a165-70867728950e failed", "task <id> failed"),
        ("since 2024-01-09T20:40:01.706+08:00 nothing", "since <time> nothing"),
        ("after 30s and 12.5 MB of 4.3.1", "after <n>s and <n> MB of <n>"),
        ("zone 'zone 1' and \"a b\"", "zone <name> and <name>"),
        ("can't be, won't be", "can't be, won't be"),
        ("request xxx.xxx.x.x:2886 failed", "request <agent> failed"),
        ("one\n\ttwo   three", "one two three"),
        ("IN/OUT is no path", "IN/OUT is no path"),
    ],
)
def test_what_differs_from_run_to_run_is_masked(message, text):
    assert masked(message) == text


def test_names_of_the_run_are_masked_as_whole_words():
    assert masked("tenant t of teams", ["t", "team"]) == "tenant <name> of teams"


@given(st.text(max_size=60))
def test_masking_twice_is_masking_once(message):
    assert masked(masked(message)) == masked(message)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        ("sub task timeout", "timeout of the scheduler"),
        ("Unexpected error: task 71 timeout", "timeout of the executor"),
        ("Unexpected error: task unexpectedly interrupted and cannot continue", "interrupted by a restart"),
        ("request /api/v1/task/dag/1 failed: retry 30 times", "request given up"),
        ("Sub DAG of agents: [192.0.2.13:2886] failed, main DAG failed", "sub-DAGs failed"),
        ("agent 192.0.2.13:2886 not succeed", "sub-DAG failed"),
        ("Remote task 22130706433028869 Start observer failed: exit 1", "remote DAG failed"),
        ("the disk is on fire", None),
    ],
)
def test_the_engine_s_own_lines_are_known(message, name):
    assert known_message(masked(message)) == name


def texts(*messages, code=None):
    return [signature.text for signature in signatures((code, masked(message)) for message in messages).values()]


def test_few_words_at_one_place_are_different_things_many_are_names():
    things = ("observer process not ready", "observer process not exist")
    assert set(texts(*things)) == set(things)
    names = ("orders", "stock", "crm", "hr")
    assert set(texts(*(f"tenant {name} is already locked" for name in names))) == {"tenant <*> is already locked"}


def test_codes_are_never_one_thing():
    found = signatures([("A.B", "it failed"), ("C.D", "it failed"), (None, "it failed")])
    assert len(found) == 3


def test_a_child_s_reason_tells_engine_lines_apart():
    found = signatures([(None, masked(f"dag 2213070643302886{i} X failed: {why}")) for i, why in enumerate(["disk full", "port in use"])])
    assert {signature.known for signature in found.values()} == {"child DAG failed"}
    assert len({signature.text for signature in found.values()}) == 2


@given(st.permutations([f"pool p{i} is full" for i in range(6)] + ["disk is broken", "disk was removed", "port is in use"]))
def test_the_order_of_lines_is_irrelevant(messages):
    pairs = [(None, masked(message)) for message in messages]
    assert signatures(pairs) == signatures(sorted(pairs, key=str))


def test_of_very_many_lines_without_likeness_the_most_frequent_keep_their_signatures():
    letters = "abcdefghijklmnopqrst"
    random = [f"{a}{b} {c}{d} {b}{c}" for a in letters for b in letters for c in letters for d in letters[:2]]
    found = signatures((None, text) for text in [*random, "the disk is on fire", "the disk is on fire"])
    assert found[None, "the disk is on fire"].text == "the disk is on fire"
    assert sum(signature.text == OTHER for signature in found.values()) >= len(random) - 2 * MOST_MINED
    assert len(found) == len(random) + 1
    assert len({signature.text for signature in found.values()}) <= MOST_MINED + 1


def test_lines_beyond_those_that_are_mined_get_the_template_they_fit():
    found = signatures((None, f"tenant t{n}x is already locked") for n in range(MOST_MINED + 500))
    assert {signature.text for signature in found.values()} == {"tenant <*> is already locked"}


@pytest.mark.parametrize("n", [MOST_MINED, 2 * MOST_MINED, 4 * MOST_MINED])
def test_the_lines_that_are_mined_are_bounded(n, monkeypatch):
    mined = []
    add = TemplateTree.group_of
    monkeypatch.setattr(TemplateTree, "group_of", lambda self, text: mined.append(text) or add(self, text))
    signatures((None, f"word{n} one two") for n in range(n))
    assert len(mined) == MOST_MINED


def test_groups_share_three_words_in_five_place_by_place_and_the_first_word():
    tree = TemplateTree(0.6)
    lines = ["dir a is not empty", "dir b is not empty", "dir b is now full", "file b is not empty", "dir is not empty"]
    assert [tree.group_of(line) for line in lines] == [1, 1, 2, 3, 4]


def test_lines_whose_first_words_differ_by_numbers_or_are_very_many_share_a_leaf():
    tree = TemplateTree(0.6)
    assert {tree.group_of(f"task{n} has no more room") for n in range(9)} == {1}
    many = ["".join(letters) for letters in itertools.product("abcdefghijkl", repeat=2)]
    numbers = [tree.group_of(f"{word} has no more room left") for word in many]
    assert len(set(numbers)) == 100
    assert set(numbers[99:]) == {numbers[-1]}
