"""What programs put before each line of an indented document: a time, a host, a file's name, a number, whatever it is.

The head shows where a document begins: what stands before the bracket at the end of a line stands before the next line as well. Numbers in
a head may change from line to line, and so may the blanks around them.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(rb"\d+|[A-Za-z]+|[ \t]+|.", re.DOTALL)
OPENS_AFTER_HEAD = re.compile(rb"^(?=[^\n]{0,400}$)[ \t]*+(?![\"{])(?=[^\n]*[\w|>:.#+-])[^\n]*(?<=[{\[])[ \t]*\r?$", re.MULTILINE)
"""A line that ends in an opening bracket, with something before it that is no key of JSON."""
_OWN_KEY = re.compile(rb"['\"]\s*:\s*$|=>\s*$")
_CONTINUES = re.compile(rb"[ \t]*(?:[\"'{}\[\]\\&\x1b]|-?\d|true|false|null)")
_MOST_HEADS = 64
"""Different heads in one text: a session has a few, and each takes a pattern of its own."""


def without_heads(text: bytes) -> bytes:
    r"""Return a text without the heads of the lines of indented documents in it.

    >>> without_heads(b"[12:00:01] host: {\n[12:00:02] host:   \"a\": 1\n[12:00:02] host: }\n")
    b'{\n"a": 1\n}\n'
    """
    lines = text.split(b"\n")
    head: re.Pattern[bytes] | None = None
    n_heads = 0
    for number, line in enumerate(lines):
        found = None if head is None else head.match(line)
        if found is None and n_heads < _MOST_HEADS and number + 1 < len(lines) and OPENS_AFTER_HEAD.match(line):
            other = _head_of(line, lines[number + 1])
            if other is not None:
                head, found = other, other.match(line)
                n_heads += 1
        if found is not None:
            lines[number] = line[found.end() :]
    return b"\n".join(lines)


def _head_of(line: bytes, following: bytes) -> re.Pattern[bytes] | None:
    """Return a pattern of what two lines have before a document that begins at the end of the first; None if that is nothing."""
    before = line.rstrip()[:-1]
    own, others = _TOKEN.findall(before), _TOKEN.findall(following[: len(before) + 64])
    common: list[bytes] = []
    for mine, other in zip(own, others, strict=False):
        pattern = _pattern(mine)
        if re.fullmatch(pattern, other) is None:
            break
        common.append(pattern)
    shown = b"".join(own[: len(common)])
    if not shown.strip() or (_OWN_KEY.search(before) and shown == before):
        return None
    head = re.compile(rb"[ \t]*" + b"".join(common).removesuffix(rb"[ \t]+") + rb"[ \t]*")
    end = head.match(following)
    return head if end is not None and _CONTINUES.match(following, end.end()) else None


def pattern_of(before: bytes) -> bytes:
    """Return a pattern of what stands before a line and before others like it."""
    return b"".join(map(_pattern, _TOKEN.findall(before)))


def _pattern(token: bytes) -> bytes:
    if token.isdigit():
        return rb"\d+"
    if token.isspace():
        return rb"[ \t]+"
    return b"[-:]" if token in b"-:" else re.escape(token)
