"""The memory that Arrow takes meanwhile: that of the C library, which keeps what is given back for the next array.

Arrow's own allocator, mimalloc, gives freed memory back to the kernel at once. The kernel then clears each page that is asked for again,
with huge pages two megabytes at a time. An analysis makes hundreds of arrays of some megabytes, one after the other: in the critical path
of a million sub-tasks, that was half of the processor time. Whoever sets ``ARROW_DEFAULT_MEMORY_POOL`` has chosen for the whole process.
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
"""For each block that runs, in any thread, the pool to put back after the last of them: the first has it, None if nothing was replaced."""


@contextmanager
def memory_kept() -> Iterator[None]:
    """Let Arrow take its memory from the C library as long as the block runs, unless another pool than Arrow's own was chosen.

    The pool is one for the process: the first block replaces it, whichever thread runs it, and the last one that ends puts it back.
    Arrays that were made meanwhile stay valid.

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
