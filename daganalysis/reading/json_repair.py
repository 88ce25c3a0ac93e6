"""Texts that are not quite JSON. They are repaired if that is safe; otherwise the fault is named."""

from __future__ import annotations

import json
import quopri
import re
from typing import TYPE_CHECKING

import msgspec

from daganalysis.reading.issue_codes import issue
from daganalysis.reading.recognition import looks_like_answer

if TYPE_CHECKING:
    from daganalysis.reading.answers import Issue
    from daganalysis.reading.limits import Limits

NOT_JSON = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
"""What decoding a text that is no JSON, or not of the wanted type, may raise."""

_TOKEN = re.compile(rb'"[^"]*+"|[{}\[\]]|"')
"""A string, a bracket, or the quote of a string that does not end, in a text :func:`without_escapes`."""
_OPENING = re.compile(rb"[{\[]")
_BEGINS_JSON = re.compile(rb"\{\s*(?:\w+\s*:|[\"'}/]|$)|\[\s*(?:[\[{\"\]]|-?\d|true|false|null|$)")
"""A bracket that begins an object or a list, well or badly written, not one in prose."""
_JSON_KEY = re.compile(rb"\s*[{\[]\s*\"")
_JSON_WORD = re.compile(rb":\s*(?:true|false|null)\b")
_STRING_OR_COMMA = re.compile(rb'"[^"]*+"|(,)\s*+[}\]]')
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^<>]{0,200}>([^<]{1,400})<", re.IGNORECASE)
# Half a pair: a high one without a low one, or a low one alone.
_PAIR_OR_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})")
_LONGEST_NUMBER = 19
_HEAD_BYTES = 1 << 12
_MOST_CONTROL_SHARE, _MOST_CONTROL_OF_OTHERS = 0.1, 0.03
"""Of the bytes of a text the share that may be control characters: of UTF-8, and of a text in another encoding, which has hardly any."""
_LONGEST_CUT = 3
"""Characters that do not decode at the end of a sample."""
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1b\0"))
_NARROWEST = 20
"""Bytes of a line below which no program breaks a text."""


def is_utf8(text: bytes) -> bool:
    """Return whether a text is UTF-8."""
    if text.isascii():
        return True
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_html(text: bytes) -> bool:
    """Return whether a text is a web page by its beginning."""
    return text.lstrip()[:1] == b"<" and _HTML.search(text[:4096]) is not None


def is_nearly_json(text: bytes) -> bool:
    """Return whether a text that is no JSON was meant to be some: its words, or its first key, are written as JSON has them."""
    return _JSON_KEY.match(text) is not None or _JSON_WORD.search(text) is not None


def without_escapes(text: bytes) -> bytes:
    r"""Return a text of the same length in which every quote begins or ends a string.

    A pattern that matches strings with escapes would remember every escape, and a string of megabytes may have millions.

    >>> without_escapes(rb'"a\"b\\"')
    b'"a__b__"'
    """
    return text.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in text else text


def balanced(content: bytes, start: int) -> int | None:
    """Return where the bracket at ``start`` closes; None if it does not.

    >>> balanced(b'{"a": "}"} and more', 0)
    10
    """
    depth = 0
    for match in _TOKEN.finditer(without_escapes(content[start:] if start else content)):
        token = match[0]
        if token in {b"{", b"["}:
            depth += 1
        elif token in {b"}", b"]"}:
            depth -= 1
            if depth == 0:
                return start + match.end()
        elif token == b'"':
            return None
    return None


def too_deep(text: bytes, limits: Limits) -> bool:
    """Return whether brackets are nested deeper than the limit."""
    if text.count(b"{") + text.count(b"[") <= limits.nesting:
        return False
    depth = 0
    for match in _TOKEN.finditer(without_escapes(text)):
        token = match[0]
        if token in {b"{", b"["}:
            depth += 1
            if depth > limits.nesting:
                return True
        elif token in {b"}", b"]"}:
            depth -= 1
    return False


def is_binary(head: bytes) -> bool:
    r"""Return whether a file's beginning is no text in any encoding: control characters make up too much of it.

    NUL bytes alone do not count: UTF-16 has them, and a log that was cut while it was written begins with a stretch of them.

    >>> is_binary(bytes(range(1, 9)) * 9), is_binary(b"line\n")
    (True, False)
    """
    head = head[:_HEAD_BYTES].translate(None, b"\0")
    is_text = head.decode(errors="replace").count("\ufffd") <= _LONGEST_CUT
    return len(head) - len(head.translate(None, _CONTROL)) > (_MOST_CONTROL_SHARE if is_text else _MOST_CONTROL_OF_OTHERS) * len(head)


def diagnose(content: bytes, limits: Limits) -> tuple[str, str]:
    """Say which issue a text that is no JSON document is, and in words."""
    text = content.strip()
    if not text.strip(b"\0"):
        return "no-json", "nothing but NUL bytes, as where a disk was full or a machine stopped"
    if is_binary(text) or text[:_HEAD_BYTES].count(b"\0") > _MOST_CONTROL_SHARE * len(text[:_HEAD_BYTES]):
        return "no-json", "a binary file of an unknown kind"
    if _HTML.search(text[:4096]):
        title = _TITLE.search(text[:4096])
        return (
            "html-page",
            "a web page" if title is None else f"a web page with the title {title[1].strip()[:80].decode(errors='replace')!r}",
        )
    if _is_beheaded(text):
        return "truncated-json", "the document is cut off at its beginning"
    opening = _OPENING.search(text)
    if opening is None or not _BEGINS_JSON.match(text, opening.start()):
        return "no-json", f"it begins {text[:40].decode(errors='replace')!r}"
    document = text[opening.start() :]
    if too_deep(document, limits):
        return "nested-too-deep", f"brackets nested deeper than {limits.nesting}"
    end = balanced(document, 0)
    if end is None:
        return "truncated-json", f"the document that begins at byte {opening.start()} is cut off"
    try:
        msgspec.json.decode(document[:end])
    except RecursionError:
        return "nested-too-deep", "brackets nested too deep"
    except NOT_JSON as error:
        return "invalid-json", str(error)
    return "no-json", f"it begins {text[:40].decode(errors='replace')!r}"


def _is_beheaded(text: bytes) -> bool:
    """Return whether a text is the end of an answer: it closes more brackets than it opens, and has keys of the task API."""
    if text[:1] in {b"{", b"["} or text[-1:] not in {b"}", b"]"} or not looks_like_answer(text):
        return False
    closing = text.translate(None, b" \t\r\n")[-2:]
    return closing in {b"}}", b"}]", b"]}", b"]]"} and text.count(b"}") > text.count(b"{")


def repair_json(text: bytes, name: str, position: str, limits: Limits, issues: list[Issue]) -> bytes | None:
    """Make JSON of a text that nearly is, with a warning for each kind of repair; None, with an error, where that cannot be."""
    notes: dict[str, str] = {}
    if too_deep(text, limits):
        issues.append(issue("nested-too-deep", name, position, f"brackets nested deeper than {limits.nesting}"))
        return None
    try:
        text.decode()
    except UnicodeDecodeError as error:
        notes["invalid-utf8"] = f"byte {error.start} of the document is not UTF-8"
        text = text.decode(errors="replace").encode()
    text, n_halves = _whole_pairs(text)
    if n_halves:
        notes["lone-surrogate"] = "half a surrogate pair"
    if b"\x00" in text:
        notes["control-character"] = "NUL bytes"
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except NOT_JSON:
        repaired = _joined_lines(text, notes) or _leniently(text, notes) or _without_last_commas(text, notes)
        if repaired is None:
            code, message = diagnose(text, limits)
            issues.append(issue(code, name, position, message))
            return None
        text = repaired
    issues.extend(issue(code, name, position, message) for code, message in notes.items())
    return text


def _whole_pairs(text: bytes) -> tuple[bytes, int]:
    """Replace halves of surrogate pairs; return how many there were."""
    halves = 0

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal halves
        if match[1] is None:
            return match[0]
        halves += 1
        return rb"\ufffd"

    if b"\\u" not in text:
        return text, 0
    # Text between escaped backslashes must not combine with half of one into another escape.
    whole = b"\\\\".join(_PAIR_OR_HALF.sub(replace, part) for part in text.split(b"\\\\"))
    return whole, halves


def _joined_lines(text: bytes, notes: dict[str, str]) -> bytes | None:
    """Join the lines of a document that a terminal or a mail broke at one width; None where that is not what is wrong with it."""
    lines = text.decode().replace("\r\n", "\n").split("\n")
    if len(lines) < 2 or len(lines[0]) < _NARROWEST:
        return None
    if lines[0].endswith("="):
        joined = quopri.decodestring(text)  # a mail in quoted-printable
    elif all(len(line) == len(lines[0]) for line in lines[:-1]):
        joined = "".join(lines).encode()
    else:
        return None
    try:
        msgspec.json.decode(joined, type=msgspec.Raw)
    except NOT_JSON:
        return None
    notes["control-character"] = f"line breaks after every {len(lines[0])} characters; they were removed"
    return joined


def _without_last_commas(text: bytes, notes: dict[str, str]) -> bytes | None:
    """Remove the commas before closing brackets; None where that does not make JSON of a text."""
    parts, at, n_commas = [], 0, 0
    for match in _STRING_OR_COMMA.finditer(without_escapes(text)):
        if match[1] is not None:
            parts.append(text[at : match.start()])
            at = match.start() + 1
            n_commas += 1
    if not n_commas:
        return None
    notes["trailing-comma"] = f"{n_commas:,} of them; they were ignored"
    whole = b"".join((*parts, text[at:]))
    try:
        msgspec.json.decode(whole, type=msgspec.Raw)
    except NOT_JSON:
        return _leniently(whole, notes)
    return whole


def _leniently(text: bytes, notes: dict[str, str]) -> bytes | None:
    """Decode what the standard library forgives (control characters, NaN), and encode it again."""

    def constant(word: str) -> None:
        notes["not-a-number"] = word

    def integer(digits: str) -> object:
        if len(digits) > _LONGEST_NUMBER:
            notes["huge-number"] = f"a number of {len(digits):,} digits"
            return digits
        return int(digits)

    try:
        value = json.JSONDecoder(strict=False, parse_constant=constant, parse_int=integer).decode(text.decode())
        repaired = msgspec.json.encode(value)
    except (ValueError, RecursionError):
        return None
    if not notes:
        notes["control-character"] = "unescaped control characters"
    return repaired
