"""One row of the tables of detectors."""

from __future__ import annotations

import re
from dataclasses import dataclass

_GROUP = re.compile(r"\(\?P(?:<(\w+)>|=(\w+)\))")
_HOLE = re.compile(r"(?<!<)<<(?!<)(.*?)>>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Detector:
    """One thing that is found in a text.

    ``pattern`` is what is found (a verbose regular expression) and ``replaces`` says in words what is replaced of it. ``example`` is a text
    in which it is found; what must go from it stands between ``<<`` and ``>>``. ``counter_example`` is a text in which it finds nothing.
    ``whole`` is the kind as which all that is found is replaced; without it, the pattern's groups say which part is what. ``rest`` says
    that what stands between the groups is walked too.
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
        """Return the example as it would stand in a log."""
        return _HOLE.sub(lambda match: match[1], self.example)

    def originals(self) -> list[str]:
        """Return what must not be left of the example."""
        return _HOLE.findall(self.example)
