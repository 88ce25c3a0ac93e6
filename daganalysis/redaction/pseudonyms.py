"""Pseudonyms: the replacement of an original is the same everywhere, has its shape, and keeps its order if order matters.

Addresses keep their order, so that generic ids, which hold them, sort as before. Words keep their short numbers and punctuation, and
secrets keep the class of each character, so lines are grouped by their shape as before.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from daganalysis.redaction.known_words import KnownWords
from daganalysis.redaction.replaced_marks import marked, without_marks
from daganalysis.redaction.walker import KEPT_ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

KINDS = ("host", "user", "folder", "cluster", "network", "mac", "secret", "guess", "word", "code")
"""Kinds of words that are replaced. A ``word`` is not among the allowed words; a ``code`` mixes letters and digits."""
_NAMES = ("host", "user", "folder", "cluster", "word")
_DISGUISED = ("secret", "mac", "network", "guess", "code")
_LONG_NUMBER = re.compile(r"\d{4,}")
_DATE = re.compile(r"(?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?)?")
_EXTENSION = re.compile(r"(?:\.(?:conf|gz|json|log|py|rpm|sh|sql|tar|tgz|txz|xml|xz|bz2|ya?ml|zip|zst))+(?:\.\d+)?$")
_LETTERS = re.compile(r"[^\W\d_]+")
_SHORT = 3
"""Words shorter than this are replaced where they were found, but not searched for elsewhere."""
_LONGEST_PLAIN_NUMBER = 8
"""Names that are shorter numbers are looked for where they are marked alone."""
_DISTINCTIVE = re.compile(r"(?!\d{1,7}$)(?:[^\d\W_]*[\d\W_]|[^a-z]*[a-z][^A-Z]*[A-Z]|.{8})", re.DOTALL)
"""Secrets that are searched for everywhere. A short number or a common word would also be found where it is no secret."""


@dataclass(slots=True)
class Originals:
    """All that must be replaced, as the first walk finds it (a :class:`daganalysis.redaction.walker.Give` that changes nothing)."""

    certain: dict[int, set[int]] = field(default_factory=lambda: {4: set(), 6: set()})
    unclear: set[tuple[int, int]] = field(default_factory=set)
    words: dict[str, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})

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

    def is_issued(self, text: str) -> bool:  # noqa: ARG002 - the first walk issues nothing
        """Return whether a text is a pseudonym."""
        return False


class Pseudonyms:
    """Returns the pseudonym of each original (a :class:`daganalysis.redaction.walker.Give`).

    ``marks``: pseudonyms have marks, so a second pass over the text recognises them.
    """

    def __init__(self, originals: Originals, vocabulary: Iterable[str] = (), *, marks: bool = False) -> None:
        self._marks = marks
        self._issued: set[str] = set()
        wide = originals.certain[6] | {whole for whole, shorter in originals.unclear if shorter not in originals.certain[6]}
        self._addresses = {
            4: dict(zip(sorted(originals.certain[4]), _fresh_ipv4(originals.certain[4]), strict=False)),
            6: dict(zip(sorted(wide), _fresh_ipv6(wide), strict=False)),
        }
        texts: set[str] = set().union(*(originals.words[kind] for kind in _NAMES))
        stems: list[str] = sorted({stem for text in texts for stem in _LETTERS.findall(_stem_part(text))})
        taken = set(stems)
        self._fresh = (name for name in _pseudo_words() if name not in taken)
        self._stems = dict(zip(stems, self._fresh, strict=False))
        numbers = {number for text in texts for number in _LONG_NUMBER.findall(_stem_part(text))}
        self._numbers = _disguised(numbers)
        self._secrets = _disguised(set().union(*(originals.words[kind] for kind in _DISGUISED)))
        self.known = KnownWords(self._known(originals, {word.lower() for word in vocabulary}), self._issue)

    def address(self, version: int, value: int, *, certain: bool) -> int:  # noqa: ARG002 - decided by the first walk
        """Return the pseudonym of an address. Numbers that are never certainly an address count as a version number."""
        return self._addresses[version].get(value, value)

    def address_or_port(self, whole: int, shorter: int) -> tuple[int, bool]:
        """Return the pseudonym of an IPv6 address whose last group may be a port, and whether it is one."""
        known = self._addresses[6]
        return (known[shorter], True) if shorter in known else (known.get(whole, whole), False)

    def word(self, kind: str, text: str) -> str:
        """Return the pseudonym of a word."""
        return self._issue(self._pseudonym(kind, without_marks(text)))

    def is_issued(self, text: str) -> bool:
        """Return whether a text is a pseudonym."""
        return text in self._issued

    def _issue(self, pseudonym: str) -> str:
        if not self._marks:
            return pseudonym
        self._issued.add(pseudonym)
        return marked(pseudonym)

    def _pseudonym(self, kind: str, text: str) -> str:
        if kind == "word":
            found = self._stem(text)
            return found if found != text else self._stems.setdefault(text, next(self._fresh))
        if kind == "code" and text not in self._secrets:
            self._secrets |= _disguised({text}, self._secrets.values())
        if kind in _DISGUISED:
            return str(self._secrets.get(text, text))
        end = len(_stem_part(text))
        named = _LETTERS.sub(lambda match: self._stem(match[0]), text[:end])
        return _LONG_NUMBER.sub(lambda match: self._number(match[0], kind), named) + text[end:]

    def _stem(self, letters: str) -> str:
        """Return the pseudonym of some letters; those in another case than any name's are written in that case."""
        found = self._stems.get(letters) or self._stems.get(letters.lower())
        if found is None:
            return letters
        return found.upper() if letters.isupper() and letters not in self._stems else found

    def _number(self, digits: str, kind: str) -> str:
        # A date in the name of a folder or a host identifies nobody.
        return digits if kind != "user" and _DATE.fullmatch(digits) else self._numbers.get(digits, digits)

    def _known(self, originals: Originals, vocabulary: set[str]) -> Iterator[tuple[str, str, bool]]:
        """Yield each word that is replaced wherever it stands, its pseudonym, and whether its case matters."""
        kept = vocabulary | KEPT_ACCOUNTS
        for kind in ("host", "user", "cluster"):
            for text in sorted(originals.words[kind]):
                for name in dict.fromkeys((text, text.split(".")[0])):
                    if _is_distinctive_name(name) and name.lower() not in kept:
                        yield name, self._pseudonym(kind, name), False
        for text in sorted(originals.words["secret"]):
            if len(text) > _SHORT and text.lower() not in vocabulary and _DISTINCTIVE.match(text):
                yield text, self._pseudonym("secret", text), True


def _is_distinctive_name(name: str) -> bool:
    if name.isdigit():
        return len(name) >= _LONGEST_PLAIN_NUMBER
    return len(name) >= _SHORT or (len(name) > 1 and all("\u4e00" <= char <= "\u9fff" for char in name))


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


def _disguised(secrets: set[str], others: Iterable[str] = ()) -> dict[str, str]:
    """Other characters of the same classes, different for different secrets, and none of the others."""
    result: dict[str, str] = {}
    taken = secrets.union(others)
    for number, secret in enumerate(sorted(secrets)):
        attempt = 0
        while True:
            pseudonym = _shuffled(secret, f"{number}:{attempt}")
            if pseudonym not in taken or attempt > 1000:
                break
            attempt += 1
        taken.add(pseudonym)
        result[secret] = pseudonym
    return result


def _shuffled(secret: str, seed: str) -> str:
    stream = hashlib.shake_128(seed.encode()).digest(len(secret))
    hexadecimal = re.fullmatch(r"(?:0[xX])?[0-9A-Fa-f:%-]+", secret) is not None
    lower = "abcdef" if hexadecimal else string.ascii_lowercase
    out = []
    for char, number in zip(secret, stream, strict=True):
        if hexadecimal and char in "xX":
            out.append(char)
        elif char.isdigit():
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
