"""Calls that run at the same time, in threads."""

from __future__ import annotations

import threading

from daganalysis.tables.side_by_side import in_threads, is_one_of_several, n_side_by_side, n_threads


def threads_used() -> set[int]:
    """Return the threads in which calls run that are made from this thread."""
    return {threading.get_ident(), *in_threads([threading.get_ident] * 3, n_threads())}


def test_calls_of_a_thread_that_is_one_of_several_run_in_that_thread() -> None:
    assert [len(used) for used in in_threads([threads_used, threads_used], 2)] == [1, 1]


def test_a_thread_is_one_of_several_only_while_it_works_side_by_side() -> None:
    assert in_threads([is_one_of_several] * 2, 2) == [True, True]
    assert in_threads([is_one_of_several], 2) == [False]
    assert not is_one_of_several()


def test_many_rows_are_worth_no_second_thread_within_one_of_several() -> None:
    assert in_threads([lambda: n_side_by_side(10**9)] * 2, 2) == [1, 1]
