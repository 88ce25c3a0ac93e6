"""How much an untrusted source may ask for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what is read; what exceeds one becomes an issue, and the rest loads.

    ``unpacked_bytes`` bounds what one source may unpack to; above ``ratio_from_bytes`` it may not be more than ``unpacked_ratio`` times
    what was packed (a compression bomb; responses polled from one DAG pack to about 1:100). ``document_bytes`` bounds one JSON document,
    ``nested_archives`` how deep archives may lie in archives, ``id_length`` the text of an id.
    """

    unpacked_bytes: int = 64 << 30
    unpacked_ratio: int = 1000
    ratio_from_bytes: int = 64 << 20
    document_bytes: int = 256 << 20
    nested_archives: int = 3
    id_length: int = 128


DEFAULT_LIMITS = Limits()
