"""Stand-ins: what replaces an original, the same everywhere, of the same shape, and in the same order where order matters.

Addresses keep their order, so that generic ids, which hold them, sort as before. Words keep their digits and punctuation, and secrets the
class of each character, so that whatever groups lines by their shape groups them as before.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.redaction.findings import KEPT_ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_EXTENSION = re.compile(r"(?:\.(?:conf|gz|json|log|py|rpm|sh|sql|tar|xml|ya?ml|zst))+(?:\.\d+)?$")
_LETTERS = re.compile(r"[^\W\d_]+")
_SHORT = 3
"""Words shorter than this are replaced where they stand, but not looked for elsewhere."""
_TELLING = re.compile(r"(?!\d{1,7}$)(?:[^\d\W_]*[\d\W_]|[^a-z]*[a-z][^A-Z]*[A-Z]|.{8})", re.DOTALL)
"""Secrets that are looked for elsewhere: a short number or a common word would be found where it is none."""


@dataclass(slots=True)
class Originals:
    """All that must be replaced, as the first walk finds it (a :class:`daganalysis.redaction.findings.Give` that changes nothing)."""

    certain: dict[int, set[int]] = field(default_factory=lambda: {4: set(), 6: set()})
    unclear: set[tuple[int, int]] = field(default_factory=set)
    words: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in ("host", "user", "folder", "mac", "secret")})

    def address(self, version: int, value: int, *, certain: bool) -> int:
        """Note an address."""
        if certain:
            self.certain[version].add(value)
        return value

    def address_or_port(self, whole: int, shorter: int) -> tuple[int, bool]:
        """Note an IPv6 address whose last group may be a port."""
        self.unclear.add((whole, shorter))
        return whole, False

    def word(self, kind: str, text: str) -> str:
        """Note a word."""
        if kind in self.words:
            self.words[kind].add(text)
        return text


class StandIns:
    """Returns what stands for each original (a :class:`daganalysis.redaction.findings.Give`)."""

    def __init__(self, originals: Originals, vocabulary: Iterable[str] = ()) -> None:
        wide = originals.certain[6] | {whole for whole, shorter in originals.unclear if shorter not in originals.certain[6]}
        self._addresses = {
            4: dict(zip(sorted(originals.certain[4]), _fresh_ipv4(originals.certain[4]), strict=False)),
            6: dict(zip(sorted(wide), _fresh_ipv6(wide), strict=False)),
        }
        texts = originals.words["host"] | originals.words["user"] | originals.words["folder"]
        stems = sorted({stem for text in texts for stem in _LETTERS.findall(_stem_part(text))})
        taken = set(stems)
        self._stems = dict(zip(stems, (name for name in _pseudo_words() if name not in taken), strict=False))
        self._secrets = _disguised(originals.words["secret"] | originals.words["mac"])
        self.known = _known_words(originals, {word.lower() for word in vocabulary})

    def address(self, version: int, value: int, *, certain: bool) -> int:  # noqa: ARG002 - decided by the first walk
        """Return the address that stands for another; one never seen as an address for certain is taken for a version number."""
        return self._addresses[version].get(value, value)

    def address_or_port(self, whole: int, shorter: int) -> tuple[int, bool]:
        """Return what stands for an IPv6 address whose last group may be a port, and whether it is one."""
        known = self._addresses[6]
        return (known[shorter], True) if shorter in known else (known.get(whole, whole), False)

    def word(self, kind: str, text: str) -> str:
        """Return what stands for a word."""
        if kind in {"secret", "mac"} or (kind == "known" and text in self._secrets):
            return self._secrets.get(text, text)
        end = len(_stem_part(text))
        return _LETTERS.sub(lambda match: self._stems.get(match[0], match[0]), text[:end]) + text[end:]


def _stem_part(text: str) -> str:
    """A file name without its ending, which says nothing of anybody."""
    match = _EXTENSION.search(text)
    return text[: match.start()] if match else text


def _pseudo_words() -> Iterator[str]:
    """Words that nobody uses: `xaaa`, `xaab` and so on."""
    number = 0
    while True:
        rest, letters = number, ""
        while rest or len(letters) < 3:
            rest, digit = divmod(rest, 26)
            letters = string.ascii_lowercase[digit] + letters
        yield "x" + letters
        number += 1


def _fresh_ipv4(originals: set[int]) -> Iterator[int]:
    """Addresses that no network has (RFC 2544, then RFC 1112), ascending; the first ones ascend as texts too."""
    first = int(ipaddress.IPv4Address("198.18.0.0"))
    spelt_alike = (first + (b << 16) + (c << 8) + d for b in range(2) for c in range(100, 256) for d in range(100, 256))
    reserved = iter(range(int(ipaddress.IPv4Address("240.0.0.0")), int(ipaddress.IPv4Address("255.255.255.254"))))
    for pool in (spelt_alike, reserved):
        yield from (value for value in pool if value not in originals)


def _fresh_ipv6(originals: set[int]) -> Iterator[int]:
    first = int(ipaddress.IPv6Address("2001:db8::1000:1000"))
    yield from (value for value in range(first, first + (1 << 28)) if value not in originals)


def _disguised(secrets: set[str]) -> dict[str, str]:
    """Other characters of the same classes, different for different secrets."""
    result: dict[str, str] = {}
    taken = set(secrets)
    for number, secret in enumerate(sorted(secrets)):
        attempt = 0
        while True:
            stand_in = _shuffled(secret, f"{number}:{attempt}")
            if stand_in not in taken or attempt > 1000:
                break
            attempt += 1
        taken.add(stand_in)
        result[secret] = stand_in
    return result


def _shuffled(secret: str, seed: str) -> str:
    stream = hashlib.shake_128(seed.encode()).digest(len(secret))
    hexadecimal = re.fullmatch(r"[0-9a-f:-]+|[0-9A-F:-]+", secret) is not None
    lower = "abcdef" if hexadecimal else string.ascii_lowercase
    out = []
    for char, number in zip(secret, stream, strict=True):
        if char.isdigit():
            out.append(string.digits[number % 10])
        elif char.islower():
            out.append(lower[number % len(lower)])
        elif char.isupper():
            out.append(lower.upper()[number % len(lower)])
        elif char.isalpha():
            out.append(string.ascii_lowercase[number % 26])
        else:
            out.append(char)
    return "".join(out)


def _known_words(originals: Originals, vocabulary: set[str]) -> re.Pattern[str] | None:
    """A pattern for hosts, users and secrets wherever they stand, but for words that the engine itself uses."""
    names = {name for text in originals.words["host"] | originals.words["user"] for name in (text, text.split(".")[0])}
    words = [
        name for name in names if len(name) >= _SHORT and name.lower() not in vocabulary | KEPT_ACCOUNTS and re.search(r"[^\W\d]", name)
    ]
    words += [text for text in originals.words["secret"] if len(text) > _SHORT and text.lower() not in vocabulary and _TELLING.match(text)]
    if not words:
        return None
    # The longest first, so that a name is not replaced within a longer one.
    return re.compile("|".join(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])" for word in sorted(set(words), key=lambda w: (-len(w), w))))
