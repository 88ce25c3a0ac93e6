"""What every worker needs, imported once in the process that they are forked from (see :mod:`daganalysis.loading.workers`)."""

from __future__ import annotations

import os

# NumPy would start one thread a core for algebra that no load does, and Arrow one for an allocator; a process with threads must not fork.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")

import daganalysis.loading.pieces
import daganalysis.loading.preloaded_for_reading

daganalysis.loading.pieces.import_for_parts()
