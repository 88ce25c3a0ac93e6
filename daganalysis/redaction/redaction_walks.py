"""How much of a text is kept: everything that no detector finds, or only the words that are known to be harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.redaction.allowed_words import AllowedWords
from daganalysis.redaction.pseudonyms import Originals, Pseudonyms
from daganalysis.redaction.texts import JsonRedactor
from daganalysis.redaction.unknown_words import UnknownWords
from daganalysis.redaction.walker import Walker

if TYPE_CHECKING:
    from collections.abc import Iterable


class RedactionWalks:
    """Makes the two walks over the content: one that collects the originals, and one that replaces them.

    Strict walks also replace every word that is not allowed. ``keep_words`` are allowed, too.
    """

    def __init__(self, *, is_strict: bool = True, keeps_clusters: bool = False, keep_words: Iterable[str] = ()) -> None:
        self._is_strict = is_strict
        self._keeps_clusters = keeps_clusters
        self._allowed_words = AllowedWords(keep_words)

    def collecting(self, originals: Originals) -> JsonRedactor:
        """Return what changes nothing and notes in ``originals`` what must be replaced."""
        return self._texts(Walker(originals))

    def replacing(self, originals: Originals, engine_words: Iterable[str]) -> JsonRedactor:
        """Return the replacements of the originals. ``engine_words`` are never replaced, even if a name or a secret is spelt the same."""
        pseudonyms = Pseudonyms(originals, engine_words, marks=self._is_strict)
        return self._texts(Walker(pseudonyms, pseudonyms.known))

    def _texts(self, walker: Walker) -> JsonRedactor:
        unknown_words = UnknownWords(self._allowed_words, walker.give) if self._is_strict else None
        return JsonRedactor(walker, keeps_clusters=self._keeps_clusters, unknown_words=unknown_words)
