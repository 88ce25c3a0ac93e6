"""All detectors, and their matches in a text.

The match that begins first counts; if several begin at one place, the first in :data:`DETECTORS` counts. No part of a pattern may begin
anywhere and run to anywhere: a line may be megabytes long.
"""

from __future__ import annotations

import re
from functools import lru_cache
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING

from daganalysis.redaction.command_secrets import COMMAND_SECRETS
from daganalysis.redaction.name_detectors import ADDRESS_DETECTORS, HOST_KEYS, HOST_WORD, NAME_DETECTORS, NUMBER_DETECTORS, USER_WORD
from daganalysis.redaction.secret_detectors import BLOB, SECRET_DETECTORS
from daganalysis.secret_words import SECRET_WORD, SHORT_SECRET_WORD

if TYPE_CHECKING:
    from collections.abc import Iterator

    from daganalysis.redaction.detector import Detector

_FIRST = ("pem", "url")
_ALL = (*SECRET_DETECTORS, *NAME_DETECTORS[:-4], *NUMBER_DETECTORS, *ADDRESS_DETECTORS, *NAME_DETECTORS[-4:], BLOB)
DETECTORS = (*(row for row in _ALL if row.name in _FIRST), *(row for row in _ALL if row.name not in _FIRST))
"""One row for each thing that is found."""
BY_NAME = {row.name: row for row in DETECTORS}
_LABELLED = ("sql_user", "sql_account", "user_markup", "user", "short_user", "forwhom", "hostis", "labelled_number")
_STATED = frozenset({*(row.name for row in SECRET_DETECTORS), *_LABELLED})
"""Detectors that go by the words before a value: all secrets, and users and hosts with a label."""
_WITH_WORD = frozenset({*(row.name for row in SECRET_DETECTORS if SECRET_WORD in row.pattern), "chinese"})
_WITH_OPTION = frozenset(row.name for row in COMMAND_SECRETS) - _WITH_WORD - {"pgpass"}
_WORD = re.compile(rf"(?i){SECRET_WORD}|(?<![a-z]){SHORT_SECRET_WORD}(?![a-z])|-rp(?![a-z])")
_OPTION = re.compile(
    r"(?<=[\s\"'])[-/][A-Za-z]|[|]|<<<|pass|::|issecret|setuser|alias|vault|<<<|wpa_|isql|rootpw|[\w.$#]/[^\s/]{3,100}@|\suserid|(?i:conn)"
)
_KINDS = {"s": "secret", "t": "secret", "u": "user", "h": "host", "f": "folder", "m": "strings", "v": "values"}
PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    row.name: tuple((group, _KINDS[group[0]]) for group in row.groups() if group[0] in _KINDS) for row in DETECTORS
}
"""The groups of each detector that are replaced, each with the kind as which it is."""


def findings(text: str, *, stated: bool = False) -> Iterator[tuple[Detector, re.Match[str]]]:
    """Yield the matches in a text, from left to right; ``stated``: only those that the words before them announce.

    Each detector searches by itself and searches again only if its match was inside another's, so none reads a text twice. One pattern of
    all takes three times as long, because it tries every detector at each character. Detectors that need a word for a secret, or an option
    of a command, are left out for texts without one. Most texts have neither.
    """
    rows = _rows(stated, _WORD.search(text) is not None, _OPTION.search(text) is not None)
    waiting = [(match.start(), place, row, pattern, match) for place, row, pattern in rows if (match := pattern.search(text))]
    heapify(waiting)
    end = 0
    while waiting:
        start, place, row, pattern, match = waiting[0]
        if start >= end:
            yield row, match
            end = max(match.end(), start + 1)
        again = pattern.search(text, end)
        if again is None:
            heappop(waiting)
        else:
            heapreplace(waiting, (again.start(), place, row, pattern, again))


@lru_cache(maxsize=8)
def _rows(stated: bool, with_word: bool, with_option: bool) -> tuple[tuple[int, Detector, re.Pattern[str]], ...]:
    left_out = (frozenset() if with_word else _WITH_WORD) | (frozenset() if with_option else _WITH_OPTION)
    rows = (row for row in DETECTORS if row.name not in left_out and (row.name in _STATED or not stated))
    return tuple((place, row, _compiled(row.name)) for place, row in enumerate(rows))


@lru_cache(maxsize=len(DETECTORS))
def _compiled(name: str) -> re.Pattern[str]:
    return re.compile(BY_NAME[name].pattern, re.DOTALL)


SECRET_KEY = re.compile(rf"(?i)(?:.*{SECRET_WORD}[\w-]*|(?:.*[_-])?{SHORT_SECRET_WORD})")
USER_KEY = re.compile(
    rf"(?i)(?:.*[_-])?{USER_WORD}|created_by|e?mail|(?:real|full|nick)_?name|contact"
    r"|phone|mobile|tel(?:ephone)?|id_?card|身份证号?|手机号?|电话|邮箱"
)
HOST_KEY = re.compile(rf"(?i)(?:.*_)?{HOST_WORD}|{HOST_KEYS}")
VERSION_KEY = re.compile(r"(?i).*version.*|.*release.*|.*build.*|(?:old|new|target)_?ver|pkg|package|rpm")
