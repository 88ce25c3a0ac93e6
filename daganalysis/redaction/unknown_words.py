"""Strict redaction: replace every word of a text that is not known to be harmless.

Detectors know how secrets and names are announced, but people announce them in ways that no detector knows. After the detectors, a text is
therefore cut into words here. Numbers, times and the words of :mod:`daganalysis.redaction.allowed_words` stay. Every other word becomes a
pseudonym, the same one everywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from daganalysis.redaction.allowed_words import HAN
from daganalysis.redaction.replaced_marks import MARKED, without_marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from daganalysis.redaction.allowed_words import AllowedWords
    from daganalysis.redaction.walker import Give

_HEX = "[0-9A-Fa-f]"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?(?![^\W_])"
_UUID = rf"(?<![^\W_]){_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}(?![^\W_])"
_PSEUDONYM_OF_IPV6 = r"(?<![0-9A-Fa-f])2001:db8::1[0-9a-f]{3}:[0-9a-f]{1,4}(?![^\W_])"
_TRACE = r"(?i:trace_?id)[\"'\\]{0,8}\s?[=:]\s?[\"'\\]{0,8}(?:[A-Z]{0,2}[0-9a-f]{14,32}|[A-Z]{1,2}[0-9]?)(?![^\W_])"
"""A trace id, by which the requests in a log are found again in answers."""
_ESCAPES = rf"(?:\\+u{_HEX}{{4}})+"
_ESCAPE = r"\\[nrtbfv](?=[^\W\d_])"
_PERCENT = rf"(?:%{_HEX}{{2}})+"
_PIECE = re.compile(
    rf"(?P<marked>{MARKED})|(?P<kept>{_TIME}|{_PSEUDONYM_OF_IPV6}|{_TRACE})|(?P<id>{_UUID})|(?P<escapes>{_ESCAPES})|{_ESCAPE}"
    rf"|(?P<percent>{_PERCENT})|(?P<han>[{HAN}]+)|(?P<run>(?:(?![{HAN}])[^\W_])+)"
)
_NUMBERED = re.compile(r"([^\W\d_]{2,})(\d{1,3})")
"""A word with a short number behind it, which stays: `shop1` and `shop2` remain alike."""
_ESCAPED = re.compile(rf"(\\+u)({_HEX}{{4}})")


class UnknownWords:
    """Keeps allowed words and replaces all others with the results of ``give``."""

    def __init__(self, allowed_words: AllowedWords, give: Give) -> None:
        self._allowed_words = allowed_words
        self._give = give
        self._rules: dict[str, Callable[[str], str]] = {
            "marked": self._marked,
            "kept": str,
            "id": lambda text: give.word("code", text),
            "escapes": self._escapes,
            "percent": self._percent,
            "han": self._han,
            "run": self.word,
        }

    def text(self, text: str) -> str:
        """Return a text without its unknown words, and without marks."""
        return without_marks(_PIECE.sub(self._piece, text))

    def _piece(self, match: re.Match[str]) -> str:
        rule = match.lastgroup
        return match[0] if rule is None else self._rules[rule](match[0])

    def word(self, run: str) -> str:
        """Return a run of letters and digits if it is allowed, otherwise its pseudonym."""
        if self._allowed_words.has(run):
            return run
        if run.isalpha():
            return self._give.word("word", run)
        numbered = _NUMBERED.fullmatch(run)
        return self._give.word("word", numbered[1]) + numbered[2] if numbered else self._give.word("code", run)

    def _marked(self, text: str) -> str:
        # The input itself may hold these characters.
        inner = text[1:-1]
        return inner if self._give.is_issued(inner) else self.text(inner)

    def _han(self, text: str) -> str:
        return "".join(piece if is_kept else self._give.word("word", piece) for piece, is_kept in self._allowed_words.han_words(text))

    def _escapes(self, text: str) -> str:
        """Replace words in letters that are written as their numbers, as JSON in JSON has them."""
        mark = "\\" + "u"
        found = _ESCAPED.findall(text)
        if all(int(digits, 16) < 0x80 for _, digits in found):
            return text
        plain = "".join(chr(int(digits, 16)) for _, digits in found).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        replaced = self.text(plain)
        if replaced == plain:
            return text
        slashes = found[0][0][: -len(mark)]
        return "".join(char if char.isascii() and char not in '"\\' else f"{slashes}{mark}{ord(char):04x}" for char in replaced)

    def _percent(self, text: str) -> str:
        return text if unquote_to_bytes(text).isascii() else self._give.word("code", text)
