"""Limits on the resources that an untrusted source may use."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what is read; what exceeds one becomes an issue, and the rest loads.

    ``unpacked_bytes`` bounds what one source may unpack to, all its members together. From ``ratio_from_bytes`` on, a stream may not be
    more than ``unpacked_ratio`` times what was packed (a compression bomb; responses polled from one DAG pack to about 1:100).
    ``document_bytes`` bounds one JSON document, which takes up to twenty times its size in memory in each process; ``nesting`` bounds its
    nested brackets (the engine's answers have about ten), ``wrapping`` the objects, lists and texts around an answer, ``nested_archives``
    archives in archives, ``id_length`` the text of an id (the engine's have up to about 60 digits), ``issues`` the listed issues of one
    code and file.
    """

    unpacked_bytes: int = 64 << 30
    unpacked_ratio: int = 1000
    ratio_from_bytes: int = 64 << 20
    document_bytes: int = 64 << 20
    nesting: int = 512
    wrapping: int = 32
    nested_archives: int = 3
    id_length: int = 128
    issues: int = 100_000

    @classmethod
    def trusting(cls, n_bytes: int) -> Limits:
        """Return limits for a trusted source: it may unpack to this many bytes, however well it is packed, and may be one document."""
        return cls(unpacked_bytes=n_bytes, ratio_from_bytes=n_bytes, document_bytes=n_bytes)


DEFAULT_LIMITS = Limits()
