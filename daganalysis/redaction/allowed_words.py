"""The words that a strict redaction keeps: those of the engine and its systems, and plain English. They identify nobody."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING

from daganalysis.engine.catalogue import engine_names
from daganalysis.engine.messages import ENGINE_MESSAGES
from daganalysis.redaction.engine_words import ENGINE_WORDS
from daganalysis.redaction.plain_words import PLAIN_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Chinese characters, as a part of a class of characters in a pattern."""
_LATIN = re.compile(r"[A-Za-z]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_HAN_WORD = re.compile(f"[{HAN}]+")
_MOST_HAN = 8
_SHORTEST_STEM = 4
_PREFIXES = ("un", "re", "non", "pre", "sub", "multi")
_ENDINGS = (
    ("s", ""),
    ("es", ""),
    ("ies", "y"),
    ("ed", ""),
    ("ed", "e"),
    ("ied", "y"),
    ("ing", ""),
    ("ing", "e"),
    ("ly", ""),
    ("ability", "able"),
)
"""Endings of inflected forms, each with the ending of the form in the list."""
_UNIT = r"(?:ns|us|µs|ms|s|sec|m|min|h|hr|d|[kmgtp]i?b?|b|bps|hz|[kmg]hz|c|x|st|nd|rd|th)"
_MEASURE = re.compile(rf"(?i)(?:\d+{_UNIT})+\d*|0x\d+|[a-z]\d{{1,3}}|\d{{1,3}}[a-z]|(?-i:HY\d{{3}}|\d\dS\d\d)")
"""A number with its unit, several of them (``1h2m3s``), a letter with a short number (``z1``, ``p95``), or a state of SQL (``HY000``)."""
_BRITISH = re.compile(r"is(?=(?:e|es|ed|ing|ation|er)$)")
_NUMBERED = re.compile(
    r"(?i)(?:zone|node|server|observer|unit|pool|disk|stage|step|task|dag|log|data|agent|eth|bond|ens|eno|tun|vol|part|el|ipv|utf|http|sha|"
    r"base|iso|x|amd|arm|python|tls|tlsv|ext|lz|oauth)\d{1,3}"
)
"""A word that usually has a number. Other words do not: `admin2024` is a password."""
_MIXED_WORDS = frozenset(
    {"utf8mb4", "utf8mb3", "k8s", "i386", "i686", "gb18030", "ntlmv2", "md5sum", "aarch64", "x86", "b64", "ipv4", "ipv6", "oauth2"}
)


class AllowedWords:
    """Words that are kept; ``more`` are the user's own."""

    def __init__(self, more: Iterable[str] = ()) -> None:
        own = [word.lower() for word in more]
        self._words = _shipped() | {run for word in own for run in re.findall(r"[^\W_]+", word)}
        self._known: dict[str, bool] = {}

    def has(self, run: str) -> bool:
        """Return whether a run of letters and digits is a word that is kept, a number, or a number with its unit.

        >>> [AllowedWords().has(run) for run in ("retried", "rootService", "sunflower", "zone1", "admin2024", "250ms", "4012")]
        [True, True, False, True, False, True, True]
        """
        found = self._known.get(run)
        if found is None:
            found = self._known[run] = self._has(run)
        return found

    def _has(self, run: str) -> bool:
        if run.isdigit() or len(run) == 1 or run.lower() in self._words:
            return True
        if not run.isalpha():
            return run.lower() in _MIXED_WORDS or _MEASURE.fullmatch(run) is not None or _NUMBERED.fullmatch(run) is not None
        parts = _CAMEL.findall(run) if _LATIN.fullmatch(run) else []
        return bool(parts) and all(len(part) > 1 and self._inflected(part.lower()) for part in parts)

    def _inflected(self, word: str) -> bool:
        american = _BRITISH.sub("iz", word)
        return word in self._words or american in self._words or any(form in self._words for form in _base_forms(american))

    def han_words(self, text: str) -> Iterator[tuple[str, bool]]:
        """Divide Chinese characters into words of the list, the longest first, and other characters.

        Single characters are kept only between longer words, because names consist of such characters too.
        """
        for is_long, pieces in groupby(self._han_cut(text), lambda piece: len(piece[0]) > 1):
            run = list(pieces)
            stands_alone = len(run) > 1 and len(run) == len(text)
            yield "".join(piece for piece, _ in run), is_long or (all(is_word for _, is_word in run) and not stands_alone)

    def _han_cut(self, text: str) -> Iterator[tuple[str, bool]]:
        at = 0
        while at < len(text):
            length = next((n for n in range(min(_MOST_HAN, len(text) - at), 0, -1) if text[at : at + n] in self._words), 0)
            yield text[at : at + max(length, 1)], length > 0
            at += max(length, 1)


def _base_forms(word: str) -> Iterator[str]:
    for ending, instead in _ENDINGS:
        stem = word.removesuffix(ending) + instead
        if word.endswith(ending) and len(stem) >= _SHORTEST_STEM - (ending == "s"):
            yield stem
            if ending in {"ed", "ing"} and stem[-1] == stem[-2]:
                yield stem[:-1]
    for prefix in _PREFIXES:
        if word.startswith(prefix) and len(word) - len(prefix) >= _SHORTEST_STEM:
            yield word[len(prefix) :]


@lru_cache(maxsize=1)
def _shipped() -> frozenset[str]:
    listed = resources.files("daganalysis.redaction").joinpath("kept_words.txt").read_text(encoding="utf-8")
    words = {word for line in listed.splitlines() if not line.startswith("#") for word in line.split()}
    texts = [text for message in ENGINE_MESSAGES for text in (message.format, message.code or "", message.name)]
    parts = (part.lower() for text in (*texts, *engine_names()) for run in _LATIN.findall(text) for part in _CAMEL.findall(run))
    return ENGINE_WORDS | PLAIN_WORDS | words | {part for part in parts if len(part) > 1}
