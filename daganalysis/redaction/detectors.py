"""All detectors in the order in which they are tried, and what they find in a text, as one pattern.

Where several detectors begin at the same place, the first in :data:`DETECTORS` counts; else the one that begins first. No part of a
pattern may begin anywhere and run to anywhere: a line may be megabytes long.
"""

from __future__ import annotations

import re

from daganalysis.redaction.name_detectors import ADDRESS_DETECTORS, HOST_KEYS, HOST_WORD, NAME_DETECTORS, NUMBER_DETECTORS, USER_WORD
from daganalysis.redaction.secret_detectors import BLOB, SECRET_DETECTORS, SECRET_WORD, SHORT_SECRET_WORD

_FIRST = ("pem", "url")
_ALL = (*SECRET_DETECTORS, *NAME_DETECTORS[:-4], *NUMBER_DETECTORS, *ADDRESS_DETECTORS, *NAME_DETECTORS[-4:], BLOB)
DETECTORS = (*(row for row in _ALL if row.name in _FIRST), *(row for row in _ALL if row.name not in _FIRST))
"""One row for each thing that is found."""
BY_NAME = {row.name: row for row in DETECTORS}
SENSITIVE = re.compile("|".join(row.named() for row in DETECTORS), re.DOTALL)
_KINDS = {"s": "secret", "t": "secret", "u": "user", "h": "host", "f": "folder", "m": "strings"}
_GROUPS = [group.partition("__") for group in SENSITIVE.groupindex]
PARTS: dict[str, tuple[tuple[str, str], ...]] = {
    name: tuple((f"{name}__{inner}", _KINDS[inner[0]]) for owner, _, inner in _GROUPS if owner == name and inner[:1] in _KINDS)
    for name in BY_NAME
}
"""The groups of each detector that are replaced, each with the kind as which it is."""
SECRET_KEY = re.compile(rf"(?i)(?:.*{SECRET_WORD}[\w-]*|(?:.*[_-])?{SHORT_SECRET_WORD})")
USER_KEY = re.compile(
    rf"(?i)(?:.*[_-])?{USER_WORD}|created_by|e?mail|(?:real|full|nick)_?name|contact"
    r"|phone|mobile|tel(?:ephone)?|id_?card|身份证号?|手机号?|电话|邮箱"
)
HOST_KEY = re.compile(rf"(?i)(?:.*_)?{HOST_WORD}|{HOST_KEYS}")
VERSION_KEY = re.compile(r"(?i).*version.*|.*release.*|.*build.*|(?:old|new|target)_?ver|pkg|package|rpm")
