"""Signatures of log lines: the common text of lines that differ only in ids, addresses, paths, names and numbers."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from daganalysis.analysis.template_tree import TemplateTree
from daganalysis.engine.messages import known_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\[(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}\](?::\d{1,5})?"), "<agent>"),
    # Without brackets an address of IPv6 and its port are one row of groups, which two colons or six groups tell from a time of day.
    (
        re.compile(
            r"(?<![\w:])(?=[0-9A-Fa-f:]*\d)(?=(?:[0-9A-Fa-f]{1,4}:){5}|[0-9A-Fa-f:]*::)[0-9A-Fa-f:]*[0-9A-Fa-f](?!\w)",
        ),
        "<agent>",
    ),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b(?!\.\d)"), "<agent>"),
    (re.compile(r"\bxxx(?:\.x{1,3}){3}(?::\d+)?\b"), "<agent>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"(?<![\w<])(?:/[\w.@+-]+){2,}/?"), "<path>"),
    (re.compile(r"\b[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9A-Fa-f]*\d)(?:0x[0-9A-Fa-f]+|[0-9A-Fa-f]{12,})\b"), "<id>"),
    # An apostrophe within a word opens nothing.
    (re.compile(r"(?<!\w)(?:'[^']{1,80}'|\"[^\"]{1,80}\"|`[^`]{1,80}`)(?!\w)"), "<name>"),
    (re.compile(r"\b\d+(?:\.\d+)*(?=[A-Za-z]{0,2}\b)"), "<n>"),
    (re.compile(r"<agent>(?:[ ,]+<agent>)+"), "<agents>"),
)

NO_LINE = "(no line logged)"
"""The signature of a failure that wrote nothing."""
OTHER = "(other lines)"
"""The signature of lines that resemble none of the mined ones."""
MOST_MINED = 2000
"""So many different lines of one code are mined, the most frequent ones: mining takes time with the square of what differs."""
_MOST_PATTERNS = 50
"""So many kinds of templates of one length, those of most lines, are tried on a line that was not mined."""
_SIMILARITY = 0.6
_MOST_TOKENS = 60
"""A dump of a whole structure is known by its beginning."""
_WORD = re.compile(r"[A-Za-z]+[.,:;]?")
_FEW = 3
"""Words at one place of otherwise equal lines are different things said, if they are so few; more of them are names."""


class Signature(NamedTuple):
    """What lines have in common, and their name if they are a message of the engine."""

    text: str
    known: str | None


def masked(message: str, names: Iterable[str] = ()) -> str:
    """Return a message with the parts that differ between runs masked; ``names`` are the names in the run's own name.

    >>> masked("dial tcp 192.0.2.1:2886: dir '/data/log1' is not empty, 3 files")
    'dial tcp <agent>: dir <name> is not empty, <n> files'
    >>> masked("tenant orders can't be created within 30s", ["orders"])
    "tenant <name> can't be created within <n>s"
    """
    message = without_names(message, names)
    for pattern, mask in _MASKS:
        message = pattern.sub(mask, message)
    return " ".join(message.split()[:_MOST_TOKENS])


def without_names(message: str, names: Iterable[str]) -> str:
    """Return a message with only the names in the run's own name masked, as :func:`masked` does first.

    >>> without_names("tenant orders can't be created within 30s", ["orders"])
    "tenant <name> can't be created within 30s"
    """
    for name in sorted(set(names), key=lambda name: (-len(name), name)):
        if name in message:  # Compiling a pattern takes a hundred times as long as this search.
            message = re.sub(rf"(?<![\w<]){re.escape(name)}(?![\w>])", "<name>", message)
    return message


def signatures(messages: Iterable[tuple[str | None, str | None]]) -> dict[tuple[str | None, str | None], Signature]:
    """Return {(error code, masked message): signature} for every different pair; their order is irrelevant.

    Of more than :data:`MOST_MINED` different lines of one code, the most frequent are mined. The others get the template that they fit,
    or :data:`OTHER`.

    Lines of one code, or of one line of the engine's catalogue, are mined for templates together (Drain: He and others 2017), in sorted
    order; those of different ones are never one thing.
    """
    result: dict[tuple[str | None, str | None], Signature] = {}
    families: dict[tuple[str, str], Counter[str]] = {}
    for (code, text), n in Counter(messages).items():
        if text is None:
            result[code, text] = Signature(NO_LINE, None)
        else:
            families.setdefault((code or "", known_message(text, code) or ""), Counter())[text] += n
    for (code, known), texts in families.items():
        for text, template in _templates(texts):
            result[code or None, text] = Signature(template, known or None)
    return result


def _templates(texts: Counter[str]) -> Iterator[tuple[str, str]]:
    """Give each text with its template, or OTHER."""
    ordered = sorted(texts, key=lambda text: (-texts[text], text))
    mined = dict(_mined(sorted(ordered[:MOST_MINED])))
    yield from mined.items()
    if len(ordered) > MOST_MINED:
        fitting = _Fitting(mined.values())
        for text in ordered[MOST_MINED:]:
            yield text, fitting.template(text) or OTHER


class _Fitting:
    """Finds the template that a text fits, without a look at each of them."""

    def __init__(self, templates: Iterable[str]) -> None:
        n_lines: Counter[tuple[int, tuple[int, ...]]] = Counter()
        self._by_words: dict[tuple[tuple[int, ...], int, tuple[str, ...]], str] = {}
        for template in templates:
            words = template.split(" ")
            fixed = tuple(place for place, word in enumerate(words) if word != "<*>")
            if 0 < len(fixed) < len(words):
                n_lines[len(words), fixed] += 1
                self._by_words[fixed, len(words), tuple(words[place] for place in fixed)] = template
        self._patterns: dict[int, list[tuple[int, ...]]] = {}
        for length, fixed in sorted(n_lines, key=lambda pattern: (-n_lines[pattern], pattern)):
            self._patterns.setdefault(length, []).append(fixed)

    def template(self, text: str) -> str | None:
        """Return the template with the most lines that a text fits; None if it fits none of the templates tried."""
        words = text.split(" ")
        for fixed in self._patterns.get(len(words), [])[:_MOST_PATTERNS]:
            found = self._by_words.get((fixed, len(words), tuple(words[place] for place in fixed)))
            if found is not None:
                return found
        return None


def _mined(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Give each text with its template."""
    tree = TemplateTree(_SIMILARITY)
    clusters: dict[int, list[list[str]]] = {}
    for text in texts:
        clusters.setdefault(tree.group_of(text), []).append(text.split(" "))
    for members in clusters.values():
        yield from _split_by_word(members)


def _split_by_word(members: Sequence[list[str]]) -> Iterator[tuple[str, str]]:
    """Return the templates of lines of equal length. A few different words at one place make different templates."""
    for place, column in enumerate(zip(*members, strict=True)):
        words = set(column)
        if 1 < len(words) <= _FEW and all(_WORD.fullmatch(word) for word in words):
            for word in sorted(words):
                yield from _split_by_word([member for member in members if member[place] == word])
            return
    template = " ".join(column[0] if len(set(column)) == 1 else "<*>" for column in zip(*members, strict=True))
    for member in members:
        yield " ".join(member), template
