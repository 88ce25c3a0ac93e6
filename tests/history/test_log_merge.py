from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.history.log_merge import common_lines, merge_lines


class CountedLine(str):
    """A line that counts how often it is compared."""

    __slots__ = ()
    compared = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedLine.compared += 1
        return str.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        CountedLine.compared += 1
        return str.__ne__(self, other)


def comparisons(polls):
    CountedLine.compared = 0
    merge_lines([[CountedLine(line) for line in poll] for poll in polls])
    return CountedLine.compared


lines = st.lists(st.sampled_from("abc"), max_size=12)


@given(lines, lines)
def test_the_common_lines_are_the_longest_common_subsequence(old, new):
    longest = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, one in enumerate(old):
        for j, other in enumerate(new):
            longest[i + 1][j + 1] = longest[i][j] + 1 if one == other else max(longest[i][j + 1], longest[i + 1][j])
    pairs = common_lines(old, new)
    assert len(pairs) == longest[-1][-1]
    assert all(old[i] == new[j] for i, j in pairs)
    assert pairs == sorted(pairs)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


@given(st.lists(lines, max_size=4))
def test_every_line_of_every_answer_is_kept(polls):
    merged = Counter(merge_lines(polls).lines)
    assert all(Counter(poll) <= merged for poll in polls)


def test_late_lines_find_their_places_among_equal_ones():
    polls = [["work"] * 2000]
    for n in range(1, 6):
        polls.append([*polls[-1][: 300 * n], f"late {n}", *polls[-1][300 * n :]])
    assert merge_lines(polls) == (polls[-1], True)


def test_lines_that_no_other_answer_has_are_put_together():
    first, second = [f"a {n}" for n in range(3000)], [f"b {n}" for n in range(3000)]
    assert merge_lines([first, second]) == ([*first, *second], True)


def test_lists_too_different_to_be_aligned_lose_and_double_no_line():
    first = [f"line {n}" for n in range(3000)]
    merged = merge_lines([first, [*reversed(first), "new"]])
    assert merged == ([*first, "new"], False)


@pytest.mark.parametrize(
    "polls",
    [
        lambda n: [[f"{k} {7919 * k % n}" for k in range(n)], [f"{k} {104729 * k % n}" for k in range(n)]],
        lambda n: [[f"line {k}" for k in range(n)], [f"line {n - k}" for k in range(n)]],
        lambda n: [[*["work"] * (n * k // 7), f"late {k}", *["work"] * (n - n * k // 7)] for k in range(1, 7)],
    ],
    ids=["random lines", "reversed lines", "equal lines with a late one each"],
)
def test_the_comparisons_grow_with_the_lines(polls):
    assert comparisons(polls(8000)) <= 2.2 * comparisons(polls(4000))
