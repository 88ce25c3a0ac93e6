"""Reads the lists of forms of secrets, and redacts one by itself, as a line of a task's log and as lines of a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.redaction.pseudonyms import Originals
from daganalysis.redaction.redaction_walks import RedactionWalks

if TYPE_CHECKING:
    from daganalysis.redaction.texts import JsonRedactor

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Form:
    """A text, the words that must not be left of it, and whether it is known to keep one."""

    text: str
    words: tuple[str, ...]
    is_known_as_missed: bool


def forms(name: str = "secret_forms.txt") -> list[Form]:
    """Read a list: one form a line, ``!`` in front of those that are missed, the words behind ``##``."""
    rows = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [_form(row) for row in rows]


def harmless() -> list[str]:
    """Read the list of texts in which nothing is to be replaced."""
    return (FOLDER / "harmless.txt").read_text(encoding="utf-8").splitlines()


def _form(row: str) -> Form:
    text, _, words = row[2:].rpartition(" ## ")
    plain = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
    return Form(plain, tuple(words.lower().split("|")), row[0] == "!")


def in_a_log(texts: JsonRedactor, text: str) -> str:
    """Redact a text as a line of a task's log."""
    answer = json.dumps({"task_logs": [text]})
    return str(json.loads(texts.document(answer))["task_logs"][0])


def in_a_file(texts: JsonRedactor, text: str) -> str:
    """Redact a text as the lines of a file."""
    texts.start()
    return "".join(texts.text(line) for line in text.splitlines(keepends=True))


def redacted(text: str) -> tuple[str, str]:
    """Return a text, redacted leniently by itself in both ways."""
    return _twice(text, is_strict=False)


def _twice(text: str, *, is_strict: bool) -> tuple[str, str]:
    strictness, copies = RedactionWalks(is_strict=is_strict), []
    for way in (in_a_log, in_a_file):
        originals = Originals()
        way(strictness.collecting(originals), text)
        copies.append(way(strictness.replacing(originals, ()), text))
    return copies[0], copies[1]


def strictly_redacted(text: str) -> tuple[str, str]:
    """Return a text, redacted strictly by itself in both ways."""
    return _twice(text, is_strict=True)


def is_missed(form: Form) -> bool:
    """Tell whether a word is left of a form, in either way."""
    return any(word in copy.lower() for copy in redacted(form.text) for word in form.words)
