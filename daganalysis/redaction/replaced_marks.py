"""Marks around pseudonyms in a text that is still being redacted: the text between two marks is no word of the original."""

from __future__ import annotations

import re

_OPEN, _CLOSE = "\ue000", "\ue001"
MARKED = rf"{_OPEN}[^{_OPEN}{_CLOSE}]*{_CLOSE}"
"""A pattern for marked text. The two marks are characters that Unicode never assigns."""
_ANY_MARK = re.compile(f"[{_OPEN}{_CLOSE}]")


def marked(text: str) -> str:
    """Return a text with marks around it."""
    return f"{_OPEN}{text}{_CLOSE}"


def without_marks(text: str) -> str:
    """Return a text without the marks."""
    return _ANY_MARK.sub("", text) if _OPEN in text or _CLOSE in text else text
