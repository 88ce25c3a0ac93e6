"""One row of the tables of detectors."""

from __future__ import annotations

import re
from dataclasses import dataclass

_GROUP = re.compile(r"\(\?P(?:<(\w+)>|=(\w+)\))")
_HOLE = re.compile(r"(?<!<)<<(?!<)(.*?)>>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Detector:
    """One detector.

    ``pattern`` is the verbose regular expression that it searches for, and ``replaces`` says in words which part of a match is replaced.
    ``example`` is a text with a match; the parts to replace are between ``<<`` and ``>>``. ``counter_example`` is a text without a match.
    ``whole`` is the kind of the whole match; without it, the pattern's groups give the kinds of its parts. ``rest``: the text between the
    groups is walked too.
    """

    name: str
    pattern: str
    replaces: str
    example: str
    counter_example: str
    whole: str = ""
    rest: bool = False

    def groups(self) -> list[str]:
        """Return the names of the pattern's own groups."""
        return [match[1] for match in _GROUP.finditer(self.pattern) if match[1]]

    def example_text(self) -> str:
        """Return the example without its marks, as in a log."""
        return _HOLE.sub(lambda match: match[1], self.example)

    def originals(self) -> list[str]:
        """Return what must not be left of the example."""
        return _HOLE.findall(self.example)
