"""Texts that stand as their bytes end where no byte follows, on every Python that is supported."""

from __future__ import annotations

import pytest

from daganalysis.redaction.encoded_texts import with_encoded_texts


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (b"[112, 119, 61, 72, 113, 55, 97, 98, x]", b"[88, x]"),
        (b"[112, 119, 61, 72, 113, 55, 97, 98, ]", b"[88, ]"),
        (b"[112,\\n 119,\\n 61,\\n 72,\\n 113,\\n 55,\\n 97,\\n 98,\\n]", b"[88,\\n]"),
        (b"70:77:3d:48:71:37:61:62:zz", b"58:zz"),
        (b"70 77 3d 48 71 37 61 62 and", b"58 and"),
        (b"%7B%22pw%22%3A%22Hq7ab%zz", b"X%zz"),
    ],
)
def test_what_follows_the_bytes_of_a_text_stays(text: bytes, redacted: bytes) -> None:
    assert with_encoded_texts(text, lambda content: b"X") == redacted
