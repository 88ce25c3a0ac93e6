"""The memory pool that Arrow uses during an analysis."""

from __future__ import annotations

import threading

import pyarrow as pa
import pytest

import daganalysis as da
from daganalysis.tables.arrow_memory import memory_kept

needs_mimalloc = pytest.mark.skipif(
    pa.default_memory_pool().backend_name != "mimalloc", reason="another pool was chosen, which stays as it is"
)


def backend() -> str:
    return pa.default_memory_pool().backend_name


@needs_mimalloc
def test_the_pool_is_replaced_within_the_outermost_block_and_put_back_after_it() -> None:
    with memory_kept():
        with memory_kept():
            assert backend() == "system"
        assert backend() == "system"
    assert backend() == "mimalloc"


@needs_mimalloc
def test_the_pool_is_put_back_after_an_exception() -> None:
    with pytest.raises(da.UsageError):
        da.what_if(da.load("sample_data/documented/scale-out.json"), scenarios=["no such"])
    assert backend() == "mimalloc"


@needs_mimalloc
def test_the_last_of_two_threads_to_end_puts_the_pool_back_although_the_first_began() -> None:
    begun, ended, told = threading.Event(), threading.Event(), []

    def other() -> None:
        with memory_kept():
            begun.set()
            ended.wait(10)
            told.append(backend())
        told.append(backend())

    thread = threading.Thread(target=other)
    with memory_kept():
        thread.start()
        assert begun.wait(10)
    told.append(backend())
    ended.set()
    thread.join()
    assert told == ["system", "system", "mimalloc"]


def test_another_pool_that_was_chosen_stays() -> None:
    before, chosen = pa.default_memory_pool(), pa.logging_memory_pool(pa.system_memory_pool())
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        with memory_kept():
            assert backend() == chosen.backend_name == "system"
        assert backend() == "system"
    finally:
        pa.set_memory_pool(before)
