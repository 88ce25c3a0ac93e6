"""Calls that run at the same time, in threads: NumPy and Arrow release the interpreter's lock while they compute."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")
One = TypeVar("One")
Other = TypeVar("Other")

_WORTH_THREADS = 100_000
"""The number of rows from which work is worth more than one thread."""
_MOST_THREADS = 4
"""More threads wait for each other's Python, and each has memory of its own."""
_thread = threading.local()


def n_threads() -> int:
    """Return the number of threads that work side by side: one within a thread of :func:`in_threads`, because the others work, too."""
    import pyarrow as pa

    return 1 if is_one_of_several() else max(1, min(int(pa.cpu_count()), _MOST_THREADS))


def is_one_of_several() -> bool:
    """Return whether this thread is one of those that :func:`in_threads` started."""
    return getattr(_thread, "is_one_of_several", False)


def _mark() -> None:
    _thread.is_one_of_several = True


def n_side_by_side(n_rows: int) -> int:
    """Return the number of threads that work on so many rows is worth.

    >>> n_side_by_side(10)
    1
    """
    return 1 if n_rows < _WORTH_THREADS else n_threads()


def side_by_side(calls: Sequence[Callable[[], T]], n_rows: int) -> list[T]:
    """Return the results of some calls, in order. The calls run at the same time if they work on many rows.

    >>> side_by_side([lambda: 1, lambda: 2], 1_000_000)
    [1, 2]
    """
    return in_threads(calls, n_side_by_side(n_rows))


def both(one: Callable[[], One], other: Callable[[], Other], n_rows: int) -> tuple[One, Other]:
    """Return the results of two different calls. They run at the same time if they work on many rows.

    >>> both(lambda: 1, lambda: "two", 1_000_000)
    (1, 'two')
    """
    return cast("tuple[One, Other]", tuple(side_by_side([one, other], n_rows)))


def in_threads(calls: Sequence[Callable[[], T]], most: int) -> list[T]:
    """Return the results of some calls, in order. The calls run in threads, ``most`` at a time.

    >>> in_threads([lambda: 1, lambda: 2], 1)
    [1, 2]
    """
    n = min(most, len(calls))
    if n < 2:
        return [call() for call in calls]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(n, initializer=_mark) as pool:
        return list(pool.map(lambda call: call(), calls))
