"""Seals around pseudonyms in a text that is still being redacted: what stands between them is no word of the original."""

from __future__ import annotations

import re

_OPEN, _CLOSE = "\ue000", "\ue001"
SEALED = rf"{_OPEN}[^{_OPEN}{_CLOSE}]*{_CLOSE}"
"""A pattern for what is sealed. The two characters are of those that Unicode assigns to nobody."""
_SEAL = re.compile(f"[{_OPEN}{_CLOSE}]")


def sealed(text: str) -> str:
    """Return a text with seals around it."""
    return f"{_OPEN}{text}{_CLOSE}"


def unsealed(text: str) -> str:
    """Return a text without any seal in it."""
    return _SEAL.sub("", text) if _OPEN in text or _CLOSE in text else text
