"""What programs put before each line of an indented document: a time, a host, a file's name, a number or anything else.

The head shows where a document begins: the text before the bracket at the end of a line is also before the next line. Numbers in a head may
change from line to line, and so may the blanks around them.
"""

from __future__ import annotations

import re

from daganalysis.reading.json_repair import without_escapes

_TOKEN = re.compile(rb"\d+|[A-Za-z]+|[ \t]+|.", re.DOTALL)
OPENS_AFTER_HEAD = re.compile(rb"^(?=[^\n]{0,400}$)[ \t]*+(?![\"{])(?=[^\n]*[\w|>:.#+-])[^\n]*(?<=[{\[])[ \t]*\r?$", re.MULTILINE)
"""A line that ends in an opening bracket, with something before it that is no key of JSON."""
_OWN_KEY = re.compile(rb"['\"]\s*:\s*$|=>\s*$")
_CONTINUES = re.compile(rb"[ \t]*(?:[\"'{}\[\]\\&\x1b]|-?\d|true|false|null)")
_MOST_HEADS = 64
"""The most heads in one text. A session has a few, and each needs its own pattern."""
_MOST_WRITERS = 4
"""The most documents of different writers whose lines are interleaved."""
_MOST_BETWEEN = 8
"""The most lines of other writers between the first two lines of a document."""
_MOST_OTHERS = 10_000
_STRING = re.compile(rb'"[^"]*+"')


def without_heads(text: bytes) -> bytes:
    r"""Return a text without the heads of the lines of indented documents in it.

    If a log has several writers, lines with another head in the middle of a document come after it.

    >>> without_heads(b"[12:00:01] host: {\n[12:00:02] host:   \"a\": 1\n[12:00:02] host: }\n")
    b'{\n"a": 1\n}\n'
    >>> without_heads(b"a-1 | {\nb-1 | hello\na-1 |   \"a\": 1\na-1 | }\n")
    b'{\n"a": 1\n}\nb-1 | hello\n'
    """
    return b"\n".join(_without_heads(text.split(b"\n"), 0))


def _without_heads(lines: list[bytes], n_times: int) -> list[bytes]:
    document: _Headed | None = None
    done: list[bytes] = []
    n_heads = 0
    for number, line in enumerate(lines):
        if document is None or not document.is_open:
            if document is not None and document.others:
                done += _without_heads(document.others, n_times + 1) if n_times < _MOST_WRITERS else document.others
                document.others = []
            if OPENS_AFTER_HEAD.match(line) and n_heads < _MOST_HEADS and (document is None or not document.head.match(line)):
                heads = [_head_of(line, other) for other in lines[number + 1 : number + 1 + _MOST_BETWEEN]]
                head = max(filter(None, heads), key=lambda head: len(head.pattern), default=None)
                if head is not None:
                    document = _Headed(head)
                    n_heads += 1
        done += [line] if document is None else document.taken(line)
    return done + (document.others if document is not None else [])


class _Headed:
    """The document that is being read under one head, and the lines of others between its own."""

    def __init__(self, head: re.Pattern[bytes]) -> None:
        self.head = head
        self.others: list[bytes] = []
        self._depth = 0

    @property
    def is_open(self) -> bool:
        """Whether brackets of the document are open."""
        return self._depth > 0

    def taken(self, line: bytes) -> list[bytes]:
        """Return a line without the head; nothing for a line of another writer, which is kept."""
        found = self.head.match(line)
        if found is None:
            if self.is_open and line.strip() and line[:1] not in b' \t{}[]"' and len(self.others) < _MOST_OTHERS:
                self.others.append(line)
                return []
            return [line]
        bare = line[found.end() :]
        outside = _STRING.sub(b"", without_escapes(bare)) if b'"' in bare else bare
        self._depth = max(0, self._depth + outside.count(b"{") + outside.count(b"[") - outside.count(b"}") - outside.count(b"]"))
        return [bare]


def _head_of(line: bytes, following: bytes) -> re.Pattern[bytes] | None:
    """Return a pattern of what two lines have before a document that begins at the end of the first; None if that is nothing."""
    before = line.rstrip()[:-1]
    own, others = _TOKEN.findall(before), _TOKEN.findall(following[: len(before) + 64])
    common: list[bytes] = []
    for number, (mine, other) in enumerate(zip(own, others, strict=False)):
        is_of_name = number > 1 and own[number - 1] in b"-._" and len(own[number - 2]) > 1 and own[number - 2].isalpha()
        pattern = mine if is_of_name else _pattern(mine)  # the writers of a log may differ in a number alone: poller-1, poller-2
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
    """Return a pattern of the text before a line and before similar lines."""
    return b"".join(map(_pattern, _TOKEN.findall(before)))


def _pattern(token: bytes) -> bytes:
    if token.isdigit():
        return rb"\d+"
    if token.isspace():
        return rb"[ \t]+"
    return b"[-:]" if token in b"-:" else re.escape(token)
