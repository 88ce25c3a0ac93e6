"""Secrets that a line announces and a later one holds, in a text that is read line by line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daganalysis.secret_words import MARK, NAME_LABEL, SECRET_NAME, SECRET_WORD

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_MOST = 5
"""How many lines after the announcement may hold the secret."""
_LONGEST = 400
_ANNOUNCES = re.compile(
    rf"{NAME_LABEL}{MARK}?\s{{0,4}}[=:]\s{{0,4}}{MARK}?{SECRET_NAME}{MARK}?,?\s*$"
    rf"|<{NAME_LABEL}>\s{{0,20}}{SECRET_NAME}\s{{0,20}}</\w{{1,20}}>\s*$"
    rf"|(?<!\w)variable\s{{1,4}}{MARK}{SECRET_NAME}{MARK}\s{{0,4}}\{{\s*$"
    rf"|{SECRET_NAME}{MARK}?\s{{0,4}}[=:]\s{{0,4}}(?:[|>][+-]?|\\|<<[-~]?\w{{1,20}})\s*$"
    r"|(?i:identified\s+by)\s*$|^\s*(?:machine|login)\s+\S+\s*$"
    rf"|(?<!\w)-p\s*\\\s*$|--?(?i:[\w-]{{0,40}}{SECRET_WORD})\s*\\\s*$"
)
_MAY_ANNOUNCE = re.compile(
    r"(?i)pass|pw|secret|token|cred|key|auth|cookie|identified|machine|login|-p|密|口令|私钥|令牌|凭证|码|[sa]k|sid|sig|sess"
)
_PEM_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]+-----(?!.*-----END)")
_PEM_ENDS = "-----END"
_PEM_LINE = re.compile(r"[A-Za-z0-9+/=]{4,}")


class Lines:
    """Remembers the secrets that earlier lines have announced."""

    def __init__(self) -> None:
        self._announced = ""
        self._left = 0
        self._left_of_pem = 0

    @property
    def is_open(self) -> bool:
        """Whether an earlier line has announced a secret that the next line may hold."""
        return bool(self._left or self._left_of_pem)

    def with_before(self, line: str, replace: Callable[[str], str], hide: Callable[[str], str]) -> str:
        """Return a line with its secrets replaced, including secrets that earlier lines have announced.

        ``replace`` replaces the secrets in a text, ``hide`` returns the pseudonym of a secret.
        """
        if self._left_of_pem:
            self._left_of_pem = 0 if _PEM_ENDS in line else self._left_of_pem - 1
            return line if _PEM_ENDS in line else _PEM_LINE.sub(lambda found: hide(found[0]), line)
        if _PEM_BEGINS.search(line):
            self._left_of_pem = _LONGEST
        if len(line) > _LONGEST:
            return replace(line)
        if self._left:
            self._left -= 1
            before, self._announced = self._announced, self._announced + line
            both = replace(before + line)
            if both.startswith(before) and both != before + line:
                self._left = 0
                return both[len(before) :]
        if _MAY_ANNOUNCE.search(line) and _ANNOUNCES.search(line):
            self._announced, self._left = line, _AT_MOST
        return replace(line)
