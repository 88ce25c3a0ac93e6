"""The parts of mails and of saved pages (``.eml``, ``.mbox``, ``.mhtml``): decoded, and unpacked where they are compressed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from daganalysis.reading.packed_text import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENCODED_PART = re.compile(rb"^content-transfer-encoding:[ \t]*(?:base64|quoted-printable)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_NEXT_MAIL = re.compile(rb"^From [^\n]*\d{4}[^\n]*\n(?=[\w-]+:)", re.MULTILINE)


def has_mail_parts(text: bytes) -> bool:
    """Return whether a text is a mail or a similar message with encoded parts."""
    return _ENCODED_PART.search(text) is not None


def mail_parts(text: bytes) -> Iterator[bytes]:
    """Yield each part of each mail in a text as UTF-8."""
    import email
    import email.errors

    for mail in _NEXT_MAIL.split(text):
        if not has_mail_parts(mail):
            continue
        try:
            parts = list(email.message_from_bytes(mail.lstrip()).walk())
        except (email.errors.MessageError, ValueError, LookupError, RecursionError):
            continue
        for part in parts:
            content = None if part.is_multipart() else part.get_payload(decode=True)
            if isinstance(content, bytes):
                yield _as_utf8(unpacked(content), part.get_content_charset())


def _as_utf8(content: bytes, charset: str | None) -> bytes:
    if charset is None or charset.lower() in {"utf-8", "us-ascii"}:
        return content
    try:
        return content.decode(charset, "replace").encode("utf-8", "replace")
    except LookupError:
        return content
