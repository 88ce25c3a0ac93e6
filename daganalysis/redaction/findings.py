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
    "org|prod|ru|sg|svc|test|uk|us|ai|app|au|biz|br|ca|ch|co|es|hk|idc|it|nl|online|pl|se|site|tech|top|tw|vip|vpc|xyz"
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_DASHED = rf"(?<!\d)(?:{_OCTET}[-_]){{3}}{_OCTET}(?!\d)"
_VALUE = r"\\?[\"']?[^\s\"'\\,;&(){}\[\]<>]+"

# How a secret is announced: by an equals sign or a colon, as an argument, as an option's value, in SQL, or in a sentence. What stands there
# in a sentence counts only if it looks like one. No part may begin anywhere and run to anywhere: a line may be megabytes long.
_ANNOUNCED = rf"""(?:
      (?i:{SECRET_WORD})\w{{0,40}}\\?["']?(?:\s{{0,8}}(?::=|=>|=|:)\s{{0,8}}|\s{{0,2}}\(\s{{0,2}}(?=\\?["']))(?:(?i:bearer|basic)\s+)?
    | (?<=\s)-p\s+(?=[^\s\d]{{0,40}}\d)(?=[^\sA-Za-z]{{0,40}}[A-Za-z])(?=\S{{8}})(?!\S*/)
    | (?<=--)(?i:[\w-]{{0,40}}{SECRET_WORD})[\w-]{{0,40}}\s+(?!-)
    | (?<![\w-])(?i:{SECRET_WORD})\s+(?:(?i:is|was)\s+)?(?=[^\s\d]{{0,40}}\d)(?=[^\sA-Za-z]{{0,40}}[A-Za-z])(?=\S{{8}})(?![\w.-]+\.\w)
    | (?i:identified\s+by(?:\s+password)?|identified\s+(?:with|via)\s+\S{{1,60}}\s+(?:as|by|using))\s+
    )"""
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST_BEFORE = r"(?:lookup|ping|ssh|connect(?:ing|ed|ion)?\s+to|(?:could|can)\s?not\s+resolve|unreachable|[Hh]ost|[Ss]erver|-h|--host)"
_TELLING_HOST = r"(?!zone|tenant)(?=[A-Za-z_]{0,60}[\d.-])[A-Za-z](?:[\w.-]{0,250}\w)?"

SENSITIVE = re.compile(
    rf"""
      (?P<pem>-----BEGIN\ [A-Z0-9 ]+-----.*?(?:-----END\ [A-Z0-9 ]+-----|\Z))
    | (?P<url>(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{{1,15}}://[^\s"'<>\\]+)
    | (?P<jwt>(?<!\w)eyJ[\w-]{{5,}}\.[\w-]{{5,}}\.[\w-]*)
    | (?P<bearer>(?<!\w)(?i:bearer|basic)\s+[A-Za-z0-9+/=._~-]{{8,}})
    | (?P<rest>(?i:cookie\\?["']?\s{{0,8}}[:=]\s{{0,8}}|authorization\\?["']?\s{{0,8}}[:=]\s{{0,8}}digest\s)[^\r\n]+)
    | (?P<secret>{_ANNOUNCED}(?:\\?"[^"\\\n]{{1,400}}(?=\\?")|\\?'[^'\\\n]{{1,400}}(?=\\?')|{_VALUE}))
    | (?P<option>(?<=\s)-[pu](?=[^\s-]){_VALUE})
    | (?P<account>(?<![\w.+-])[\w.+-]+@[A-Za-z0-9\[][\w.:\]-]*)
    | (?P<uid>(?<![A-Za-z])(?:uid|gid|groups)=\d+\([\w.-]+)
    | (?P<prose>(?<![A-Za-z])(?:(?:by|as|for)\s+user\s+[A-Za-z][\w.-]*|(?i:user(?:name)?)\s+[A-Za-z][\w.-]*(?=\s+(?:logged|from)\s)))
    | (?P<user>(?<![A-Za-z])(?i:{USER_WORD})\\?["']?(?:\s*=\s*|:\s*|\s+(?=["'`])){_VALUE})
    | (?P<forwhom>(?i:password\s+for)\s+(?:user\s+)?["'`]?[A-Za-z][\w.-]*)
    | (?P<hostis>(?<![A-Za-z])(?i:{HOST_WORD})\\?["']?(?:\s*=\s*|:\s*){_VALUE})
    | (?P<lookup>(?<![\w-])(?:lookup\s+[A-Za-z][\w.-]+|{_HOST_BEFORE}\s+{_TELLING_HOST}))
    | (?P<remote>(?<![\w./:-]){_TELLING_HOST}(?=:~?/[\w.]))
    | (?P<gid>(?<![\d.])[2-5]\d{{16,63}}(?!\d))
    | (?P<ipv4>(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\d|\.\d)(?::\d{{1,5}}(?!\d))?)
    | (?P<dashed>(?:(?<![A-Za-z\d])ip[-_])?{_DASHED})
    | (?P<mac>(?<![\w:])(?:[0-9A-Fa-f]{{2}}:){{5}}[0-9A-Fa-f]{{2}}(?![\w:]))
    | (?P<ipv6>(?<![\w:.])(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:{_OCTET}(?:\.{_OCTET}){{3}}|[0-9A-Fa-f]{{0,4}})(?!\w|:[\w:]))
    | (?P<fqdn>(?:(?<![\w.@-])|(?<=%2[Ff]))(?:
          (?:[a-z0-9](?:[a-z0-9-]{{0,61}}[a-z0-9])?\.)+(?:{_TOP_LEVEL})
        | (?=[A-Za-z.]{{0,250}}[\d-]|[A-Z0-9.-]++(?![A-Za-z]))(?:{_LABEL}\.)+(?i:{_TOP_LEVEL})
        )(?![\w-]|\.\w))
    | (?P<unc>(?<![\\\w])\\\\[\w.-]+(?:\\[\w.$-]+)+)
    | (?P<path>(?<![^\s"'`(\[{{=:,;<>|])~?/(?:[\w.@+~%-]+/)*[\w.@+~%-]+/?|(?<!\w)[A-Za-z]:\\\\?(?:[\w.@+~ -]+\\\\?)+)
    | (?P<key>(?<![\w-])(?:(?:AKIA|ASIA|LTAI)[A-Za-z0-9]{{12,}}|(?:xox[a-z]-|gh[a-z]_|glpat-|sk-)[\w-]{{10,}}|AIza[\w-]{{30,}})(?![\w-]))
    | (?P<blob>(?<![\w+/=.-])[A-Za-z0-9+/_-]{{24,}}={{0,2}}(?![\w+/=-]))
    """,
    re.VERBOSE | re.DOTALL,
)
_SECRET_HEAD = re.compile(rf"{_ANNOUNCED}\\?[\"'`]?", re.VERBOSE)
_REST_HEAD = re.compile(r"(?i)(?:cookie|authorization)\\?[\"']?\s*[:=]\s*(?:digest\s)?")
_ADDRESS_IN_NAME = re.compile(_DASHED)
_PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
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
_NO_NAMES = frozenset({"id", "is", "name", "not", "of", "was", "with"})
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
        match = _SECRET_HEAD.match(text)
        head, value = (match[0], text[match.end() :]) if match else _halves(text)
        if not value:
            return text
        # "Modify password: start" is a task's name before its line; "password: s3cret" is none.
        if re.search(r":\s+$", head) and not re.search(r"[\d\W_]", value.rstrip(":.")):
            return self.text(head) + value
        if value.rstrip(":") in {"ERROR", "WARN", "null", "nil", "None", "true", "false", "***", "******"}:
            return text
        return head + self.give.word("secret", value)

    def _rest(self, text: str) -> str:
        match = _REST_HEAD.match(text)
        return text if match is None else match[0] + self.give.word("secret", text[match.end() :])

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

    def _mac(self, text: str) -> str:
        return self.give.word("mac", text)

    # -- names ------------------------------------------------------------------------------------------------------------------------

    def host(self, text: str) -> str:
        """Return what stands for a host, whether it is an address or a name."""
        replaced = self.text(text)
        if replaced != text or not re.fullmatch(r"[A-Za-z][\w.-]*", text) or text.lower() in KEPT_ACCOUNTS:
            return replaced
        return self._fqdn(text)

    def user(self, text: str) -> str:
        """Return what stands for a user, perhaps with a host behind it."""
        name, at, host = text.partition("@")
        # OceanBase writes user@tenant#cluster: what has no dot or digit is no host.
        behind = self.host(host) if re.search(r"[\d.]", host) else host
        return (name if name.lower() in KEPT_ACCOUNTS or not name else self.give.word("user", name)) + at + behind

    def _fqdn(self, text: str) -> str:
        # Of a name the digits stay, so an address in one is replaced before.
        return self.give.word("host", _ADDRESS_IN_NAME.sub(lambda match: self._dashed(match[0]), text))

    _remote = _fqdn

    def _hostis(self, text: str) -> str:
        head, value = _halves(text)
        return head + self.host(value)

    def _lookup(self, text: str) -> str:
        head, value = _halves(text)
        return head + self.host(value)

    def _forwhom(self, text: str) -> str:
        head, value = _halves(text)
        return head + (value if value.lower() in _NO_NAMES else self.user(value))

    def _uid(self, text: str) -> str:
        head, bracket, name = text.partition("(")
        return head + bracket + self.user(name)

    def _prose(self, text: str) -> str:
        head, gap, name = re.split(r"(\s+)(?=\S+$)", text, maxsplit=1)
        return head + gap + (name if name.lower() in _NO_NAMES else self.user(name))

    def _unc(self, text: str) -> str:
        host, *folders = text[2:].split("\\")
        return "\\".join(["\\\\" + self.host(host), *map(self.folder, folders)])

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
        if USER_KEY.fullmatch(key):
            return key + equals + self.user(value)
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
