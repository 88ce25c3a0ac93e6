"""Words in pictures: durations, and text that anybody may have typed."""

from __future__ import annotations

import unicodedata

_LONGEST = 200


def drawable(text: object) -> str:
    r"""Return a text that is safe to draw: control and direction characters shown by their numbers, at a bounded length.

    >>> drawable("a" + chr(27) + "[31m")
    'a\\x1b[31m'
    """
    return "".join(f"\\x{ord(c):02x}" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} else c for c in str(text)[:_LONGEST])


def duration(seconds: float) -> str:
    """Return a duration as people say it.

    >>> duration(0.02), duration(28.613749), duration(725), duration(11220)
    ('20 ms', '28.6 s', '12 min 5 s', '3 h 7 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"
