"""Reading: from saved responses to answers and issues.

Sources become files (``listing``, ``remote_files``), files plain streams (``streams``), streams JSON documents (``documents``;
``embedded_json`` where other text is around them, ``json_repair`` where they are not quite JSON), documents answers (``fast_path``, and
``responses`` for documents that differ from the API's documentation). ``decoding`` decodes the contents of answers, each different text
once.

Each name below is imported on first use, because a caller that only lists files needs no readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daganalysis.reading.answers import Answer, Issue, Kind, Reading
    from daganalysis.reading.issue_codes import ISSUE_CODES
    from daganalysis.reading.limits import DEFAULT_LIMITS, Limits
    from daganalysis.reading.listing import list_source_files
    from daganalysis.reading.remote_files import fetched
    from daganalysis.reading.source_answers import iter_answers, read_files, read_sources
    from daganalysis.reading.source_file import SourceFile

_PUBLIC_NAMES = {
    "answers": ("Answer", "Issue", "Kind", "Reading"),
    "issue_codes": ("ISSUE_CODES",),
    "limits": ("DEFAULT_LIMITS", "Limits"),
    "listing": ("list_source_files",),
    "remote_files": ("fetched",),
    "source_answers": ("iter_answers", "read_files", "read_sources"),
    "source_file": ("SourceFile",),
}
_MODULE_OF = {name: module for module, names in _PUBLIC_NAMES.items() for name in names}

__all__ = [
    "DEFAULT_LIMITS",
    "ISSUE_CODES",
    "Answer",
    "Issue",
    "Kind",
    "Limits",
    "Reading",
    "SourceFile",
    "fetched",
    "iter_answers",
    "list_source_files",
    "read_files",
    "read_sources",
]


def __getattr__(name: str) -> object:
    """Import what is asked for, and keep it."""
    import importlib

    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"daganalysis.reading.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value
