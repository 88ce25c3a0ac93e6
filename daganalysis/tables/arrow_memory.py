"""Memory for Arrow from the C library, which keeps freed memory for the next array.

Arrow's own allocator, mimalloc, gives freed memory back to the kernel at once. The kernel then clears each page that is requested again,
with huge pages two megabytes at a time. An analysis makes hundreds of arrays of some megabytes, one after the other: in the critical path
of a million sub-tasks, clearing took half of the processor time. A process that sets ``ARROW_DEFAULT_MEMORY_POOL`` keeps its choice.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

_REPLACED = "mimalloc"
_lock = threading.Lock()
_replaced: list[pa.MemoryPool | None] = []
"""One entry for each running block, in any thread. The first holds the pool to restore after the last block; None if none was replaced."""


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let Arrow take its memory from the C library while the block runs, unless a pool other than Arrow's own was chosen.

    The process has one pool. The first block replaces it, in any thread, and the last block that ends restores it. Arrays that were made in
    between stay valid.

    >>> import pyarrow as pa
    >>> with memory_kept():
    ...     pa.default_memory_pool().backend_name != "mimalloc"
    True
    """
    import pyarrow as pa

    with _lock:
        pool = pa.default_memory_pool()
        replaces = not _replaced and pool.backend_name == _REPLACED
        if replaces:
            pa.set_memory_pool(pa.system_memory_pool())
        _replaced.append(pool if replaces else None)
    try:
        yield
    finally:
        with _lock:
            pool_before = _replaced[0]
            _replaced.pop()
            if not _replaced and pool_before is not None:
                pa.set_memory_pool(pool_before)
