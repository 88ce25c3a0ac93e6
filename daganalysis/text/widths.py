"""Texts fitted to a width in columns of a terminal, wide characters counted as two."""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache
from itertools import accumulate

_JOINED = re.compile(
    r"(?<=\d) (?=(?:µs|ms|s|min|h|d|%)(?!\w))"
    r"|(?<=\d h) (?=\d\d min\b)|(?<=\d min) (?=\d\d s\b)|(?<=\d d) (?=\d\d h\b)"
    r"|(?<=\bstage) (?=\d)|(?<=\bMySQL) (?=\d)"
)
"""A blank between a number and its unit or noun, or between the two units of a duration."""
DEFAULT_WIDTH = 80
"""Columns where the width of the terminal is not known, as in a pipe."""


@lru_cache(maxsize=65536)
def cell_width(text: str) -> int:
    r"""Return how many columns of a terminal a text takes.

    >>> cell_width("tenant"), cell_width("租户"), cell_width("e\u0301")
    (6, 4, 1)
    """
    if text.isascii():
        return len(text)
    from wcwidth import wcswidth, wcwidth  # whose tables take longer to import than most texts take to print

    width = wcswidth(text)
    return width if width >= 0 else sum(max(0, wcwidth(character)) for character in text)


def _cut(text: str, width: int) -> str:
    """Return the longest beginning of a text that takes no more columns than a width."""
    if text.isascii():
        return text[: max(0, width)]
    from wcwidth import wcwidth

    widths = accumulate(max(0, wcwidth(character)) for character in text)
    return text[: sum(taken <= width for taken in widths)]


def shorten_middle(text: str, width: int) -> str:
    """Shorten an id to a width by cutting its middle, because ids differ at their ends.

    >>> shorten_middle("prod-a/22130706433028869", 15)
    'prod-a/…3028869'
    """
    if cell_width(text) <= width:
        return text
    tail = (width - 1) // 2
    return _cut(text, width - 1 - tail).rstrip() + "…" + _cut(text[::-1], tail)[::-1].lstrip()


def shorten_end(text: str, width: int) -> str:
    """Shorten a text to a width by cutting its end.

    >>> shorten_end("Create local scale out dag", 13)
    'Create local…'
    """
    return text if cell_width(text) <= width else _cut(text, width - 1).rstrip() + "…"


def pad(text: str, width: int) -> str:
    """Fill a text up to a width in columns, wide characters counted as two.

    >>> pad("租户", 6)
    '租户  '
    """
    return text + " " * (width - cell_width(text))


def wrap(text: str, width: int, first: str = "", other: str = "") -> list[str]:
    """Wrap a text into lines that begin with ``first`` or ``other``. A duration stays whole, and no line ends at a hyphen.

    >>> wrap("its longest stage took 2 h 10 min.", 29)
    ['its longest stage took', '2 h 10 min.']
    """
    # A wide character takes two columns, and textwrap counts it as one.
    room = width if cell_width(text) == len(text) else width // 2
    joined = _JOINED.sub("\0", text)
    lines = textwrap.wrap(joined, room, initial_indent=first, subsequent_indent=other, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def unbroken(text: str) -> str:
    """Return a text for a page with blanks at which no line breaks, within durations and between a number and its unit or noun.

    >>> unbroken("at stage 4 for 2 h 10 min").replace("\u00a0", "_")
    'at stage_4 for 2_h_10_min'
    """
    return _JOINED.sub("\u00a0", text)
