"""Untrusted strings, escaped for the place where they are shown.

Names and log lines of an archive are untrusted. Without escapes, a control sequence would act on the terminal, a pipe would break a
Markdown table, and a spreadsheet would run a text with a leading ``=``.
"""

from __future__ import annotations

import re
import unicodedata

_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#~|!$])")
_MENTION = re.compile(r"@(?=\w)|\\#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
# Spreadsheets pass over white space before a formula, and some take the wide forms of its signs.
_CSV_FORMULA = re.compile("[\t\r\n]|\\s*[=+@\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\ufe6b-]")
_BLANK_LETTERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""What counts as printable and shows nothing: fillers, joiners, selectors of variants."""
_LONGEST_DRAWN = 200
_SHORT_NAMES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def for_terminal(text: str) -> str:
    r"""Show control characters, direction marks and other invisible characters as escapes, on one line.

    >>> for_terminal("a\x1b[31mred\n\u202eevil")
    'a\\x1b[31mred\\n\\u202eevil'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def for_drawing(text: object) -> str:
    r"""Show invisible characters as escapes, and cut a text that is too long for a picture.

    >>> for_drawing("a" + chr(27) + "[31m")
    'a\\x1b[31m'
    """
    return for_terminal(str(text)[:_LONGEST_DRAWN])


def for_markdown(text: str) -> str:
    r"""Escape what Markdown or HTML would act on, so that a table cell shows the text itself, on one line.

    >>> for_markdown("a|b <script> `x` [y](javascript:z)\nhttps://host")
    'a\\|b &lt;script&gt; \\`x\\` \\[y\\]\\(javascript:z\\)\\\\nhttps\\://host'
    >>> for_markdown("@root GH-1")
    '@<!-- -->root GH-<!-- -->1'
    """
    text = _MARKDOWN_SPECIAL.sub(r"\\\1", for_terminal(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # GitHub's dialect makes links of bare addresses too, calls people by @name, and links tickets by number.
    return _MENTION.sub("\\g<0><!-- -->", text.replace("://", "\\://").replace("www.", "www\\."))


def for_csv(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would take for a formula, and escape control characters except tabs and newlines.

    A carriage return is escaped too: some readers end a row there.

    >>> for_csv("=1+1"), for_csv("-5 apples"), for_csv("plain")
    ("'=1+1", "'-5 apples", 'plain')
    """
    guarded = "'" + text if _CSV_FORMULA.match(text) else text
    return guarded if guarded.isprintable() else "".join(c if c in "\t\n" else _visible(c) for c in guarded)


def for_json(encoded: str) -> str:
    r"""Write the invisible characters of a JSON text as JSON escapes. The meaning stays the same.

    >>> for_json('["a\u202eb"]')
    '["a\\u202eb"]'
    """
    if encoded.isprintable():
        return encoded
    return "".join(c if c.isprintable() or unicodedata.category(c) == "Zs" else _json_escape(c) for c in encoded)


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def _visible(character: str) -> str:
    if (character.isprintable() or unicodedata.category(character) == "Zs") and not _BLANK_LETTERS.match(character):
        return character
    if character in _SHORT_NAMES:
        return _SHORT_NAMES[character]
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
