"""The memory that Arrow takes during an analysis: that of the C library, which keeps what is given back for the next array.

Arrow's own allocator, mimalloc, returns freed memory to the system at once. An analysis makes hundreds of arrays of several megabytes, one
after the other; to get each page anew, cleared, took half of the processor time of the critical path of a million sub-tasks.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_REPLACED = "mimalloc"


class _Replacement:
    """The pool that is replaced as long as an analysis runs in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._n_running = 0
        self._pool: pa.MemoryPool | None = None

    def begin(self) -> None:
        """Replace Arrow's default pool, unless somebody chose another one."""
        import pyarrow as pa

        with self._lock:
            pool = pa.default_memory_pool()
            if not self._n_running and pool.backend_name == _REPLACED:
                self._pool = pool
                pa.set_memory_pool(pa.system_memory_pool())
            self._n_running += 1

    def end(self) -> None:
        """Put the pool back after the last analysis."""
        import pyarrow as pa

        with self._lock:
            self._n_running -= 1
            if not self._n_running and self._pool is not None:
                pa.set_memory_pool(self._pool)
                self._pool = None


_replacement = _Replacement()


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let Arrow keep the memory that it gives back, as long as the block runs."""
    _replacement.begin()
    try:
        yield
    finally:
        _replacement.end()
