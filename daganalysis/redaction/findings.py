"""What must not leave the house: where a text holds an address, a host, a user, a path or a secret.

A text is walked once, from left to right; each thing found is handed to a function that returns what stands there instead. Collecting what
there is and replacing it are the same walk with two functions.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from daganalysis.engine.identifiers import identify

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET_WORD = r"(?:passw(?:or)?d|passphrase|pwd|secret|token|credential|authorization|cookie|(?:access|api|private|session)[_-]?(?:key|id))"  # noqa: S105 - no secret, but a pattern of words that announce one
USER_WORD = r"(?:user(?:[_-]?name)?|login|account)"
HOST_WORD = r"(?:host(?:[_-]?name)?|fqdn|machine|svr_ip|server_name)"
HOST_KEYS = r"(?:ip|addr(?:ess)?|server|endpoint|execute_agent)"
_TOP_LEVEL = (
    "arpa|cloud|cluster|cn|com|corp|de|dev|edu|eu|example|fr|gov|home|in|info|internal|intra|intranet|io|jp|kr|lan|local|localdomain|me|mil|net|"
    "org|prod|ru|sg|svc|test|uk|us"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_VALUE = r"\\?[\"']?[^\s\"'\\,;&(){}\[\]<>]+"

SENSITIVE = re.compile(
    rf"""
      (?P<pem>-----BEGIN\ [A-Z0-9 ]+-----.*?(?:-----END\ [A-Z0-9 ]+-----|\Z))
    | (?P<url>(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{{1,15}}://[^\s"'<>\\]+)
    | (?P<jwt>(?<!\w)eyJ[\w-]{{5,}}\.[\w-]{{5,}}\.[\w-]*)
    | (?P<bearer>(?<!\w)(?i:bearer|basic)\s+[A-Za-z0-9+/=._~-]{{8,}})
    | (?P<secret>(?i:[\w.-]*{SECRET_WORD}\w*)\\?["']?(?:\s*=\s*|:\s*)(?:(?i:bearer|basic)\s+)?{_VALUE})
    | (?P<option>(?<=\s)-[pu](?=[^\s-]){_VALUE})
    | (?P<account>(?<![\w.+-])[\w.+-]+@[A-Za-z0-9\[][\w.:\]-]*)
    | (?P<user>(?<![A-Za-z])(?i:{USER_WORD})\\?["']?(?:\s*=\s*|:\s*|\s+(?=["'`])){_VALUE})
    | (?P<hostis>(?<![A-Za-z])(?i:{HOST_WORD})\\?["']?(?:\s*=\s*|:\s*){_VALUE})
    | (?P<lookup>(?<!\w)lookup\s+[A-Za-z][\w.-]+)
    | (?P<gid>(?<![\d.])[2-5]\d{{16,63}}(?!\d))
    | (?P<ipv4>(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\d|\.\d)(?::\d{{1,5}}(?!\d))?)
    | (?P<dashed>(?<!\d)(?:{_OCTET}[-_]){{3}}{_OCTET}(?!\d))
    | (?P<mac>(?<![\w:])(?:[0-9A-Fa-f]{{2}}:){{5}}[0-9A-Fa-f]{{2}}(?![\w:]))
    | (?P<ipv6>(?<![\w:.])(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:{_OCTET}(?:\.{_OCTET}){{3}}|[0-9A-Fa-f]{{0,4}})(?!\w|:[\w:]))
    | (?P<fqdn>(?<![\w.@-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_TOP_LEVEL})(?![\w-]|\.\w))
    | (?P<path>(?<![^\s"'`(\[{{=:,;<>|])~?/(?:[\w.@+~%-]+/)*[\w.@+~%-]+/?|(?<!\w)[A-Za-z]:\\\\?(?:[\w.@+~ -]+\\\\?)+)
    | (?P<key>(?<!\w)(?:AKIA|ASIA|LTAI)[A-Za-z0-9]{{12,}}(?!\w))
    | (?P<blob>(?<![\w+/=.-])[A-Za-z0-9+/_-]{{24,}}={{0,2}}(?![\w+/=-]))
    """,
    re.VERBOSE | re.DOTALL,
)
_SPLIT = re.compile(r"^(?P<head>.*?(?:=|:|\s)\s*\\?[\"'`]?)(?P<value>[^\s\"'`\\]+)$", re.DOTALL)
_URL = re.compile(
    r"^(?P<scheme>[^:]+)://(?:(?P<user>[^/@:]*)(?::(?P<secret>[^/@]*))?@)?(?P<host>\[[^\]]*\]|[^/:?#]*)(?P<port>:\d+)?(?P<rest>.*)$",
    re.DOTALL,
)
_TRAILING = re.compile(r"[.,;:!?)\]}]+$")
_FIRST_VERSION_OCTET = 10
_API = ("/api/", "/task/")
_PLAIN_ROOTS = frozenset({"backup", "data", "etc", "home", "mnt", "opt", "root", "tmp", "usr", "var"})
KEPT_ACCOUNTS = frozenset({"root", "sys", "proxyro", "localhost", "oceanbase", "nobody"})
"""Names that every installation has."""
SECRET_KEY = re.compile(rf"(?i).*{SECRET_WORD}\w*")
USER_KEY = re.compile(rf"(?i)(?:.*_)?{USER_WORD}|creator|created_by|email")
HOST_KEY = re.compile(rf"(?i)(?:.*_)?{HOST_WORD}|{HOST_KEYS}")


class Give(Protocol):
    """Returns what stands for a thing of some kind: an address as a number, or a word as it is written."""

    def address(self, version: int, value: int, *, certain: bool) -> int:
        """Return the address that stands for another; not ``certain``: it may be a version number."""
        ...

    def address_or_port(self, whole: int, shorter: int) -> tuple[int, bool]:
        """Return what stands for an IPv6 address whose last group may be a port, and whether it is one; ``shorter`` is without it."""
        ...

    def word(self, kind: str, text: str) -> str:
        """Return what stands for a ``host``, ``user``, ``folder``, ``mac`` or ``secret``."""
        ...


@dataclass(slots=True)
class Walker:
    """Walks texts and replaces what :data:`SENSITIVE` finds by what ``give`` returns."""

    give: Give
    known: re.Pattern[str] | None = None

    def text(self, text: str) -> str:
        """Return a text with everything found replaced."""
        return SENSITIVE.sub(self._found, text)

    def words(self, text: str) -> str:
        """Return a text with the words replaced that are known, from elsewhere, to be hosts, users or secrets."""
        if self.known is None:
            return text
        return self.known.sub(lambda match: self.give.word("known", match[0]), text)

    def _found(self, match: re.Match[str]) -> str:
        kind = match.lastgroup or ""
        rewrite: Callable[[str], str] = getattr(self, f"_{kind}")
        return rewrite(match[0])

    # -- secrets ----------------------------------------------------------------------------------------------------------------------

    def _pem(self, text: str) -> str:
        return self.give.word("secret", text)

    _jwt = _key = _pem

    def _bearer(self, text: str) -> str:
        head, gap, value = re.split(r"(\s+)", text, maxsplit=1)
        return head + gap + self.give.word("secret", value)

    def _secret(self, text: str) -> str:
        head, value = _halves(text)
        # "Modify password: start" is a task's name before its line; "password: s3cret" is none.
        if re.search(r":\s+$", head) and not re.search(r"[\d\W_]", value.rstrip(":.")):
            return self.text(head) + value
        if value.rstrip(":") in {"ERROR", "WARN", "null", "nil", "None", "true", "false", "***", "******"}:
            return text
        return head + self.give.word("secret", value)

    def _option(self, text: str) -> str:
        return text[:2] + self.give.word("secret" if text[1] == "p" else "user", text[2:]) if len(text) > 4 else text

    def _blob(self, text: str) -> str:
        body = text.rstrip("=")
        is_hex = len(body) >= 32 and re.fullmatch(r"[0-9a-f]+|[0-9A-F]+", body) and not body.isdigit()
        is_mixed = re.search(r"[a-z]", body) and re.search(r"[A-Z]", body) and len(re.findall(r"\d", body)) > 1
        return self.give.word("secret", text) if is_hex or is_mixed else text

    # -- addresses --------------------------------------------------------------------------------------------------------------------

    def _gid(self, text: str) -> str:
        owner = identify(text).owner_agent
        if owner is None:
            return text
        wide = text[0] in "35"
        width = 39 if wide else 10
        value = self.give.address(6 if wide else 4, int(text[1 : 1 + width]), certain=True)
        return f"{text[0]}{value:0{width}d}{text[1 + width :]}"

    def _ipv4(self, text: str) -> str:
        address, colon, port = text.partition(":")
        value = ipaddress.IPv4Address(address)
        certain = bool(colon) or int(address.split(".")[0]) >= _FIRST_VERSION_OCTET
        return f"{ipaddress.IPv4Address(self.give.address(4, int(value), certain=certain))}{colon}{port}"

    def _dashed(self, text: str) -> str:
        separator = re.sub(r"\d", "", text)[0]
        value = int(ipaddress.IPv4Address(re.sub(r"[-_]", ".", text)))
        return str(ipaddress.IPv4Address(self.give.address(4, value, certain=False))).replace(".", separator)

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

    def _mac(self, text: str) -> str:
        return self.give.word("mac", text)

    # -- names ------------------------------------------------------------------------------------------------------------------------

    def host(self, text: str) -> str:
        """Return what stands for a host, whether it is an address or a name."""
        replaced = self.text(text)
        if replaced != text or not re.fullmatch(r"[A-Za-z][\w.-]*", text) or text.lower() in KEPT_ACCOUNTS:
            return replaced
        return self.give.word("host", text)

    def user(self, text: str) -> str:
        """Return what stands for a user, perhaps with a host behind it."""
        name, at, host = text.partition("@")
        # OceanBase writes user@tenant#cluster: what has no dot or digit is no host.
        behind = self.host(host) if re.search(r"[\d.]", host) else host
        return (name if name.lower() in KEPT_ACCOUNTS or not name else self.give.word("user", name)) + at + behind

    def _fqdn(self, text: str) -> str:
        return self.give.word("host", text)

    def _hostis(self, text: str) -> str:
        head, value = _halves(text)
        return head + self.host(value)

    def _lookup(self, text: str) -> str:
        head, value = _halves(text)
        return head + self.host(value)

    def _user(self, text: str) -> str:
        head, value = _halves(text)
        return head + self.user(value) if re.match(r"[A-Za-z]", value) else self.text(head + " ")[:-1] + value

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

    def folder(self, part: str) -> str:
        """Return what stands for one component of a path; an address in it stays recognisable as one."""
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
        return key + equals + (self.host(plain) if HOST_KEY.fullmatch(key) else self.text(plain))


def _halves(text: str) -> tuple[str, str]:
    """Cut `key = "value` before the value."""
    match = _SPLIT.match(text)
    return (match["head"], match["value"]) if match else (text, "")


def _as_ipv6(text: str) -> int:
    """The address as a number, 0 if it is none."""
    try:
        return int(ipaddress.IPv6Address(text))
    except ipaddress.AddressValueError:
        return 0
