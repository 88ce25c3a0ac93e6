"""Untrusted strings shown to people do nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daganalysis.text.escaping import for_csv, for_json, for_markdown, for_terminal


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("two\nlines\r\tand\x00nul", "two\\nlines\\r\\tand\\x00nul"),
        ("\x9b31m", "\\x9b31m"),
        ("\x1b]8;;http://evil\x1b\\here", "\\x1b]8;;http://evil\\x1b\\here"),
        ("t\u200b1\u00ad\ufeff\u200d", "t\\u200b1\\xad\\ufeff\\u200d"),
        ("t\u31641\u2800\ufe0f\U000e0041", "t\\u31641\\u2800\\ufe0f\\U000e0041"),
        ("租户 t1", "租户 t1"),
    ],
)
def test_a_terminal_is_shown_escapes_and_not_driven_by_them(typed: str, shown: str) -> None:
    assert for_terminal(typed) == shown


@given(st.text())
def test_nothing_shown_on_a_terminal_is_invisible_or_breaks_the_line(text: str) -> None:
    assert for_terminal(text).replace("\u00a0", " ").replace("\u3000", " ").isprintable() or any(c.isspace() for c in for_terminal(text))
    assert not set(for_terminal(text)) & {"\x1b", "\n", "\r", "\u202e", "\x9b"}


@pytest.mark.parametrize(
    "typed", ["a|b", "`code`", "<script>alert(1)</script>", "[x](javascript:y)", "![x](y)", "**b**", "https://evil.example"]
)
def test_markdown_shows_the_text_itself(typed: str) -> None:
    escaped = for_markdown(typed)
    assert "<" not in escaped
    for special in "|`[]()*":
        assert escaped.count(special) == escaped.count("\\" + special)
    assert "://" not in escaped.replace("\\://", "")


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", " =", "\u00a0 +", "\u3000-", "\uff1d"])
def test_a_spreadsheet_sees_no_formula(first: str) -> None:
    assert for_csv(first + "cmd|' /C calc'!A0").startswith("'" + first.replace("\r", "\\r"))


@given(st.text())
def test_escaped_json_means_the_same(text: str) -> None:
    assert json.loads(for_json(json.dumps(text, ensure_ascii=False))) == text
