"""Walking a text: finding addresses, hosts, users, paths and secrets, and replacing them.

A text is walked once, from left to right; each match (:mod:`daganalysis.redaction.detectors`) is passed to a function that returns its
replacement. Collecting and replacing are the same walk with two functions.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from daganalysis.engine.identifiers import identify
from daganalysis.redaction.detectors import HOST_KEY, PARTS, SECRET_KEY, USER_KEY, findings
from daganalysis.redaction.engine_words import ENGINE_WORDS
from daganalysis.redaction.name_detectors import DASHED, OCTET
from daganalysis.redaction.plain_words import is_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from daganalysis.redaction.detector import Detector
    from daganalysis.redaction.known_words import KnownWords

_ADDRESS_IN_NAME = re.compile(DASHED)
_QUAD = re.compile(rf"(?:{OCTET}\.){{3}}{OCTET}")
_STRING = re.compile(r"(['\"])((?:(?!\1)[^\\]|\1\1|\\.)+)(?=\1)")
_VALUE_STRING = re.compile(r"(['\"])((?:(?!\1)[^\\]|\\.)+)\1(\s*:)?")
_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
_URL = re.compile(
    r"^(?P<scheme>[^:]+)://(?:(?P<user>[^/@:?#]*)(?::(?!\d{1,5}(?:[/?#]|$))(?P<secret>\S*))?@)?"
    r"(?P<host>\[[^\]]*\]|[^/:?#]*)(?P<port>:\d+)?(?P<rest>.*)$",
    re.DOTALL,
)
_TRAILING = re.compile(r"[.,;:!?)\]}]+$")
_API = ("/api/", "/rpc/", "/task/")
_PLAIN_ROOTS = frozenset({"backup", "data", "etc", "home", "mnt", "opt", "root", "tmp", "usr", "var"})
KEPT_ACCOUNTS = frozenset({"root", "sys", "proxyro", "localhost", "oceanbase", "nobody"})
"""Names that every installation has."""
_NO_NAMES = frozenset({"a", "all", "an", "each", "every", "no", "the", "this", "id", "is", "name", "not", "of", "was", "with"})
_NO_SECRETS = frozenset(
    {
        "null",
        "nil",
        "none",
        "true",
        "false",
        "***",
        "******",
        "ok",
        "done",
        "skipped",
        "permission",
        "must",
        "cannot",
        "no",
        "yes",
        "expired",
    }
)
_COUNTED = re.compile(r"(?i)(?:token|secret|password|cookie|credential)s[\"']?\s*[:=]\s*[\"']?$|(?:max|min|n|num)_\w{1,20}\W+$")
"""The text before a number of secrets, which is no secret."""
_LAST_WORD = re.compile(r"[A-Za-z][\w@#$!.+-]*$")
_LABEL_AND_BLANK = re.compile(r":\s+$")
_UINT32 = 1 << 32


class Give(Protocol):
    """Returns the replacement of a match: of an address as a number, or of a word as it is written."""

    def address(self, version: int, value: int, *, certain: bool) -> int:
        """Return the pseudonym of an address; not ``certain``: it may be a version number."""
        ...

    def address_or_port(self, whole: int, shorter: int) -> tuple[int, bool]:
        """Return the pseudonym of an IPv6 address whose last group may be a port, and whether it is one. ``shorter`` lacks that group."""
        ...

    def word(self, kind: str, text: str) -> str:
        """Return the pseudonym of a ``host``, ``user``, ``folder``, ``cluster``, ``network``, ``mac``, ``secret``, ``word`` or ``code``."""
        ...

    def is_issued(self, text: str) -> bool:
        """Return whether a text is a pseudonym that was returned."""
        ...


@dataclass(slots=True)
class Walker:
    """Walks texts and replaces the matches of the detectors with the results of ``give``."""

    give: Give
    known: KnownWords | None = None

    def text(self, text: str) -> str:
        """Return a text with everything found replaced."""
        return self._replaced(text, findings(text))

    def secrets(self, text: str) -> str:
        """Return a text in which only secrets, and the users and hosts beside them, are replaced."""
        return self._replaced(text, findings(text, stated=True))

    def words(self, text: str) -> str:
        """Return a text with the words replaced that are known, from elsewhere, to be hosts, users or secrets."""
        if self.known is None:
            return text
        return self.known.replaced(text)

    def version(self, text: str) -> str:
        """Return a text that holds versions. Only numbers that other texts show to be an address are replaced."""
        return _QUAD.sub(lambda found: self._quad(found[0], certain=False), text)

    def _replaced(self, text: str, found: Iterable[tuple[Detector, re.Match[str]]]) -> str:
        written, end = [], 0
        for row, match in found:
            written += [text[end : match.start()], self._found(row, match)]
            end = match.end()
        return "".join([*written, text[end:]]) if written else text

    def _found(self, row: Detector, match: re.Match[str]) -> str:
        rule: Callable[[str], str] | None = getattr(self, f"_{row.name}", None)
        if rule is not None:
            return rule(match[0])
        if row.whole:
            return self._fqdn(match[0]) if row.whole == "host" else self.give.word(row.whole, match[0])
        return self._parts(match, row.name, walks=row.rest)

    def _parts(self, match: re.Match[str], name: str, *, walks: bool) -> str:
        """Replace the parts of a match that the detector names."""
        written, end = "", match.start()
        for group, kind in sorted(PARTS[name], key=lambda part: match.start(part[0])):
            start, stop = match.span(group)
            if start < 0:
                continue
            between = match.string[end:start]
            written += (self.text(between) if walks else between) + self._part(kind, match[group], written + between)
            end = stop
        return written + match.string[end : match.end()]

    # -- secrets ----------------------------------------------------------------------------------------------------------------------

    def _part(self, kind: str, value: str, head: str) -> str:
        if kind == "secret":
            return self._secret_value(value, head)
        if kind == "strings":
            return _STRING.sub(lambda found: found[1] + self.give.word("secret", found[2]), value)
        if kind == "values":
            return _VALUE_STRING.sub(
                lambda found: found[0] if found[3] else found[1] + self.give.word("secret", found[2]) + found[1], value
            )
        if kind == "host":
            return self.host(value)
        is_word = value.lower() in _NO_NAMES or (head[-1:].isspace() and value.lower().rstrip(".:") in ENGINE_WORDS)
        return value if is_word else self.user(value)

    def _secret_value(self, value: str, head: str) -> str:
        plain = value.strip("\"'`\\").rstrip(":.").lower()
        # "Modify password: start" is a task's name before its line; "password: s3cret" is none.
        if plain.isdigit() and _COUNTED.search(head):
            return value
        if plain in _NO_SECRETS or (value in {"ERROR", "WARN"}) or not plain or (plain.isdigit() and len(plain) < 4):
            return value
        if value.rstrip(".:").lower() in ENGINE_WORDS and _LABEL_AND_BLANK.search(head):
            return value
        # An error code in brackets precedes its message: "[OB.Tenant.RootPasswordIncorrect]: The provided password …".
        if head.endswith("]: ") and is_plain(value):
            return value
        return self.give.word("secret", value)

    def _after_word(self, text: str) -> str:
        start = next(found.start() for found in _LAST_WORD.finditer(text))
        word = text[start:].rstrip(".!-")
        return text if is_plain(word) else text[:start] + self.give.word("guess", word) + text[start + len(word) :]

    def _blob(self, text: str) -> str:
        body = text.rstrip("=")
        is_hex = len(body) >= 32 and re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", body) and not body.isdigit()
        least = 1 if len(body) == 40 else 2  # a secret key of AWS has 40 characters
        is_mixed = re.search(r"[a-z]", body) and re.search(r"[A-Z]", body) and len(re.findall(r"\d", body)) >= least
        return self.give.word("secret", text) if is_hex or is_mixed else text

    def _id_card(self, text: str) -> str:
        # One that begins with a 4 might be a generic id.
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(text, weights, strict=False)) % 11]
        return text if text[0] == "4" and text[-1].upper() != check else self.give.word("secret", text)

    def _phone(self, text: str) -> str:
        # Numbers of bytes are as long, but round.
        number = int(re.sub(r"\D", "", text))
        return text if text.isdigit() and (number % 4096 == 0 or number % 100_000 == 0) else self.give.word("secret", text)

    # -- addresses --------------------------------------------------------------------------------------------------------------------

    def _gid(self, text: str) -> str:
        owner = identify(text).owner_agent
        if owner is None:
            return text
        wide = text[0] in "35"
        width = 39 if wide else 10
        value = self.give.address(6 if wide else 4, int(text[1 : 1 + width]), certain=True)
        return f"{text[0]}{value:0{width}d}{text[1 + width :]}"

    _version = version

    def _ipv4(self, text: str) -> str:
        address, colon, port = text.partition(":")
        return f"{self._quad(address, certain=True)}{colon}{port}"

    def _quad(self, text: str, *, certain: bool) -> str:
        return str(ipaddress.IPv4Address(self.give.address(4, int(ipaddress.IPv4Address(text)), certain=certain)))

    def _padded(self, text: str) -> str:
        parts = [int(part) for part in text.split(".")]
        if max(parts) > 255:
            return text
        return ".".join(part.zfill(3) for part in self._quad(".".join(map(str, parts)), certain=True).split("."))

    def _hexadecimal(self, text: str, *, certain: bool = False) -> str:
        value = self.give.address(4, int(text, 16), certain=certain)
        digits = f"{value:08x}"
        return text[:2] + (digits if text[2:].islower() else digits.upper())

    def _decimal(self, text: str, *, certain: bool = False) -> str:
        return str(self.give.address(4, int(text), certain=certain)) if int(text) < _UINT32 else text

    def _network(self, text: str) -> str:
        prefix = re.match(r"\d+(?:\.\d+)*", text)
        return text if prefix is None else self.give.word("network", prefix[0]) + text[prefix.end() :]

    def _dashed(self, text: str) -> str:
        named = text[:2] == "ip"
        head, text = (text[:3], text[3:]) if named else ("", text)
        separator = re.sub(r"\d", "", text)[0]
        address = ipaddress.IPv4Address(re.sub(r"[-_]", ".", text))
        certain = named or any(address in network for network in _PRIVATE)
        return head + str(ipaddress.IPv4Address(self.give.address(4, int(address), certain=certain))).replace(".", separator)

    def _ipv6(self, text: str) -> str:
        if text.endswith(":") and not text.endswith("::"):
            return self._ipv6(text[:-1]) + ":"
        try:
            value = ipaddress.IPv6Address(text)
        except ipaddress.AddressValueError:
            return text
        if not int(value):
            return text
        before, _, port = text.rpartition(":")
        if port.isdigit() and len(port) > 1 and int(port) < 65536 and (shorter := _as_ipv6(before)):
            # `fd00::1:2881` may be an address, or an address and a port; it is the latter if that address is known.
            stand_in, with_port = self.give.address_or_port(int(value), shorter)
            return str(ipaddress.IPv6Address(stand_in)) + (f":{port}" if with_port else "")
        return str(ipaddress.IPv6Address(self.give.address(6, int(value), certain=True)))

    # -- names ------------------------------------------------------------------------------------------------------------------------

    def host(self, text: str) -> str:
        """Return the pseudonym of a host, which is an address or a name."""
        if re.fullmatch(r"0[xX][0-9A-Fa-f]{8}", text):
            return self._hexadecimal(text, certain=True)
        if text.isascii() and text.isdigit() and 8 <= len(text) <= 10:
            return self._decimal(text, certain=True)
        if re.fullmatch(_QUAD, text):
            return self._quad(text, certain=True)
        replaced = self.text(text)
        named = re.fullmatch(r"([A-Za-z][\w.-]*)(:\d{1,5})?", text)
        if replaced != text or named is None or named[1].lower() in KEPT_ACCOUNTS:
            return replaced
        return self._fqdn(named[1]) + (named[2] or "")

    def user(self, text: str) -> str:
        """Return the pseudonym of a user, perhaps with a host after it."""
        name, at, host = text.partition("@")
        # OceanBase writes user@tenant#cluster: what has no dot or digit is no host.
        behind = self.host(host) if re.search(r"[\d.]", host) else host
        return (name if name.lower() in KEPT_ACCOUNTS or not name else self.give.word("user", name)) + at + behind

    def _fqdn(self, text: str) -> str:
        # Short numbers in a name stay, so an address in one is replaced before.
        return self.give.word("host", _ADDRESS_IN_NAME.sub(lambda match: self._dashed(match[0]), text))

    def _unc(self, text: str) -> str:
        host, *folders = text[2:].split("\\")
        return "\\".join(["\\\\" + self.host(host), *map(self.folder, folders)])

    def _account(self, text: str) -> str:
        return self.user(text)

    def _path(self, text: str) -> str:
        if text.startswith(_API):
            return re.sub(r"[2-5]\d{16,63}", lambda match: self._gid(match[0]), text)
        separator = "/" if "/" in text else "\\"
        parts = text.split(separator)
        named = [part for part in parts if part and part != "~"]
        if len(named) < 2 and named[0] not in _PLAIN_ROOTS:
            return text
        for before, part in zip(parts, parts[1:], strict=False):
            if before in {"home", "Users"} and part and part.lower() not in KEPT_ACCOUNTS:
                self.give.word("user", part)
        return separator.join(self.folder(part) if part not in {"", "~", ".", ".."} and not part.endswith(":") else part for part in parts)

    def _relative(self, text: str) -> str:
        return "/".join(
            part if part.lower() in ENGINE_WORDS or not re.search(r"[^\W\d_]", part) else self.folder(part) for part in text.split("/")
        )

    def folder(self, part: str) -> str:
        """Return the pseudonym of one component of a path. An address in it stays recognisable."""
        replaced = self.text(part)
        return replaced if replaced != part else self.give.word("folder", part)

    def _url(self, text: str) -> str:
        trailing = _TRAILING.search(text)
        end = trailing.start() if trailing and "[" not in text else len(text)
        match = _URL.match(text[:end])
        if match is None:
            return text
        login = ""
        if match["user"] is not None:
            login = self.give.word("user", match["user"]) if match["user"] else ""
            login += f":{self.give.word('secret', match['secret'])}@" if match["secret"] else "@"
        path, question, query = match["rest"].partition("?")
        if path not in {"", "/"}:
            path = self._path(path) if path.startswith(_API) else "/".join(self.folder(p) if p else p for p in path.split("/"))
        pairs = "&".join(self._pair(pair) for pair in query.split("&")) if question else ""
        return f"{match['scheme']}://{login}{self.host(match['host'])}{match['port'] or ''}{path}{question}{pairs}{text[end:]}"

    def _pair(self, pair: str) -> str:
        key, equals, value = pair.partition("=")
        if not value:
            return pair
        plain = unquote(value)
        if SECRET_KEY.fullmatch(key):
            return key + equals + self.give.word("secret", value)
        if USER_KEY.fullmatch(key):
            return key + equals + self.user(value)
        return key + equals + (self.host(plain) if HOST_KEY.fullmatch(key) else self.text(plain))


def _as_ipv6(text: str) -> int:
    """The address as a number, 0 if it is none."""
    try:
        return int(ipaddress.IPv6Address(text))
    except ipaddress.AddressValueError:
        return 0
