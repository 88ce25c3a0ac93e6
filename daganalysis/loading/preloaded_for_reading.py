"""What a worker needs to read sources. NumPy and Arrow, which it does not need, take as long to import as all of this."""

from __future__ import annotations

import daganalysis.loading.into_store
import daganalysis.reading.document_search
import daganalysis.reading.responses
import daganalysis.reading.source_answers  # noqa: F401 - to be there in the processes that are forked from this one
