"""Texts fitted to a width in columns of a terminal, wide characters counted as two."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size


def shorten_middle(text: str, width: int) -> str:
    """Shorten an id to a width by cutting its middle: its neighbours differ from it at the ends.

    >>> shorten_middle("prod-a/22130706433028869", 15)
    'prod-a/…3028869'
    """
    if cell_len(text) <= width:
        return text
    tail = (width - 1) // 2
    return set_cell_size(text, width - 1 - tail).rstrip() + "…" + set_cell_size(text[::-1], tail)[::-1].lstrip()


def shorten_end(text: str, width: int) -> str:
    """Shorten a text to a width by cutting its end.

    >>> shorten_end("Create local scale out dag", 13)
    'Create local…'
    """
    return text if cell_len(text) <= width else set_cell_size(text, width - 1).rstrip() + "…"


def pad(text: str, width: int) -> str:
    """Fill a text up to a width in columns, wide characters counted as two.

    >>> pad("租户", 6)
    '租户  '
    """
    return text + " " * (width - cell_len(text))
