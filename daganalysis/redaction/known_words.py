"""Words that are known to be names or secrets, replaced everywhere. One walk over a text finds all of them, however many there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PIECE = re.compile(r"[\u4e00-\u9fff]|[^\W_\u4e00-\u9fff]+|[\W_]+")
"""Letters and digits without a break, a Chinese character, or the characters between these."""
_CORE = re.compile(r"[^\W_](?:.*[^\W_])?", re.DOTALL)
_END = ""


class KnownWords:
    """A tree of the pieces of all words: each text is cut into pieces once, and every piece is looked up."""

    def __init__(self, words: Iterable[tuple[str, str, bool]], mark: Callable[[str], str] = str) -> None:
        """Take words, each with its pseudonym, and whether its case matters. Each pseudonym goes through ``mark``."""
        self._mark = mark
        self._tree: dict[str, Any] = {}
        for word, pseudonym, is_exact in words:
            core = _CORE.search(word)
            # The characters before the first and after the last letter or digit stay, so they are not part of the searched word.
            if core is None or len(core[0]) < min(len(word), 2):
                continue
            trailing = len(word) - core.end()
            written = pseudonym[core.start() : len(pseudonym) - trailing]
            branch = self._tree
            for piece in _PIECE.findall(core[0].lower()):
                branch = branch.setdefault(piece, {})
            branch.setdefault(_END, {})[core[0] if is_exact else ""] = written

    def replaced(self, text: str) -> str:
        """Return a text with every known word in it replaced, the longest where several begin."""
        if not self._tree:
            return text
        pieces = _PIECE.findall(text)
        folded = [piece.lower() for piece in pieces]
        if self._tree.keys().isdisjoint(folded):
            return text
        written, at = [], 0
        while at < len(pieces):
            end, pseudonym = self._longest(pieces, folded, at)
            written.append(pieces[at] if pseudonym is None else self._mark(pseudonym))
            at = end
        return "".join(written)

    def _longest(self, pieces: list[str], folded: list[str], at: int) -> tuple[int, str | None]:
        branch: dict[str, Any] | None = self._tree
        found: tuple[int, str | None] = (at + 1, None)
        for end in range(at, len(pieces)):
            branch = branch.get(folded[end]) if branch else None
            if branch is None:
                break
            if _END in branch:
                words = branch[_END]
                exact = words.get("".join(pieces[at : end + 1]), words.get(""))
                if exact is not None:
                    found = (end + 1, exact)
        return found
