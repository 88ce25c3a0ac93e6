"""What is known about an object of a document before its own fields are read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from daganalysis.reading.wrapper_time import Wrapper
_LONGEST_KEY = 80


@dataclass(slots=True)
class Heading:
    """What an envelope says about all its objects, and the objects around the current one, the outermost first."""

    position: str
    wrappers: tuple[Wrapper, ...] = ()
    observed_at: int | None = None
    utc_offset_s: int | None = None
    trace_id: str | None = None
    http_status: int | None = None
    request_ms: int | None = None

    def within(self, wrapper: Wrapper) -> Heading:
        """Return the same heading with one more wrapper."""
        return replace(self, wrappers=(*self.wrappers, wrapper))


def pointer_part(name: str) -> str:
    """Return a key as a part of a JSON pointer. A long one is cut, because the keys of a wrapper may be anything."""
    return name[:_LONGEST_KEY].replace("~", "~0").replace("/", "~1")
