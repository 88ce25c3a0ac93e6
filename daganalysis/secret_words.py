"""Words that announce a secret, and the form of an announced value.

Every notation (an assignment, an attribute, an element, an option, a sentence) uses the same words and accepts the same values. In a
pattern, the group ``s`` is replaced as a secret, ``u`` as a user, ``h`` as a host; ``q`` is the quote that opens a value.
"""

from __future__ import annotations

import re
from functools import cache

_MEASURES = (
    "age|algorithms?|attempts?|buckets?|checks?|class|complexity|counts?|cycle|days?|enabled?|encrypted|encryption|expir\\w*|fields?|format|"
    "grace|hash_type|history|interval|is_\\w+|labels?|len|length|level|lifetime|limit|lock\\w*|max|min|mode|num|policy|policies|prompt|"
    "refresh_interval|required|retries|reuse\\w*|rotation|rules?|scope|size|strength|timeout|ttl|types?|usage|valid\\w*|verify|version|策略|长度|强度|复杂度|有效期|过期|校验|检查|失败|错误|成功|规则|算法|套件|任务|桶|学"
)
"""Attributes of a secret, such as its length or age. Their values reveal nothing about the secret."""
SECRET_WORD = (
    r"(?:passw(?:or)?d|passwrd|paswd|pswd|passphrase|passcode|pwd|secret|token|credential|authorization|cookie|x-ocs-header|[_.-]pw(?![a-z])"
    r"|[_.-](?:pass|psw|cred|creds|otp|pin)(?![a-z])|login_?info|connection_?string|auth_?string"
    r"|(?:root|user|db|bind|sys|admin|ssh|sudo|vault|sa)(?:pw|pass)(?![a-z])|(?:store|key|trust|cert|become|login|smtp|ftp|proxy|req"
    r"uire)_?pass(?![a-z])"
    r"|(?:access|api|private|session|signing|encryption)[_-]?(?:key|id)"
    r"|(?:account|app|auth|client|consumer|hmac|licen[cs]e|master|sas|shared|ssh|storage|tls)[_-]?key"
    r"|密\s?码|口令|密钥|私钥|令牌|凭证|验证码|授权码)"
    rf"(?![a-z]?[_.-]?(?:{_MEASURES})(?![a-z]))"
)
SHORT_SECRET_WORD = r"(?:pass|pw|psw|auth|sk|ak|session|sess|sid|sig|signature|otp)"  # noqa: S105
"""Words that announce a secret only before an equals sign, or as a key."""

MARK = r"(?:\\{0,15}[\"'`]|&quot;|&#3[49];|&apos;)"
_END = r"(?!\s|$|[\"'\\]?[)}\];,.]*(?:\s|$)|[\"']?\s*[\w.@-]{1,40}\\{0,15}[\"']?\s*[=:])"
BARE = rf"(?:[^\s\"'\\,;&(){{}}\[\]<>|，。；、”’]|[,;&(){{}}\[\]<>|\"']{_END}|\\(?![\"'nrt\\]))"
QUOTED = (
    r"(?P<q>\\{0,15}[\"'`]|&quot;|&#3[49];|&apos;)(?!\s|[;,]\s)(?P<s>(?:''(?=[^\s,;)'])|(?!(?<!\\)(?P=q))[^\r\n]){1,4096}?)"
    r"(?:(?<!\\)(?=(?P=q))|(?=[\r\n]|\Z))"
)
VALUE = rf"(?:{QUOTED}|(?P<t>{BARE}{{1,4096}}))"
"""The text after an announcement: in quotes, or up to a blank or a closing mark."""
ONLY_QUOTED = r"(?P<q3>\\{0,15}[\"'`])(?P<s3>(?:(?!(?P=q3))[^\r\n\\]|\\(?![\"'`\\])){1,4096}?)(?=(?P=q3))"
MIXED = r"(?=[^\s\d]{0,40}\d)(?=[^\sA-Za-z]{0,40}[A-Za-z])(?=\S{6})"
"""Six characters or more, letters and digits among them."""
DRAWN = (
    r"(?=[!-~]{6,128}(?:[^!-~]|$))(?![\w.-]*[:/])(?=[!-~]{0,127}[A-Za-z])(?=[!-~]{0,127}\d)"
    r"(?=[a-z\d]{0,127}[A-Z]|[A-Z\d]{0,127}[a-z]|[\w]{0,127}[!@#$%^&*+?~])(?=[!-~]{0,127}[a-z])(?=[!-~]{0,127}[A-Z!@#$%^&*+?~])"
)
"""A text that looks like a password by the usual rules: letters, digits, and capitals or marks."""

SECRET_NAME = rf"(?i:[\w.:/-]{{0,80}}(?:{SECRET_WORD}|(?<![a-z]){SHORT_SECRET_WORD}(?![a-z])))[\w.-]{{0,40}}"
"""The name of a thing named like a secret."""
NAME_LABEL = r"(?i:name|key|id|parameter_?(?:key|name)|property|prop|variable|var|field|option|setting|header|label|k)"
VALUE_LABEL = r"(?i:(?:parameter_?|string_?|default_?)?value|val|v|content|default|string)"
"""How the two halves of a pair are called: `name="…" value="…"`."""

_MAY_ANNOUNCE = ("=", "pass", "pw", "pswd", "paswd", "secret", "token", "cred", "auth", "cookie", "x-ocs", "login", "connection", "key")
_MAY_ANNOUNCE += ("access", "private", "session", "signing", "encryption", "identified", "bearer", *"密口私令凭码")
"""Parts of texts, in lower case. Texts that announce a secret have one of them, and most messages have none."""


def without_announced(text: str) -> str:
    """Return a text with each secret that a word announces replaced by an ellipsis.

    A plain word after a colon or a blank stays, because messages put their reasons there.

    >>> without_announced("found {'password': 'sunflower'}, --token 8f3a2c and pwd=x; IncorrectPassword: the password is incorrect")
    "found {'password': '…'}, --token … and pwd=…; IncorrectPassword: the password is incorrect"
    """
    folded = text.lower()
    if not any(part in folded for part in _MAY_ANNOUNCE):
        return text
    return _announcement().sub(_without_value, text)


def _without_value(found: re.Match[str]) -> str:
    value = found["t"]
    if value is not None and not found["announced"].rstrip().endswith("=") and value.rstrip(".!?").isalpha():
        return found[0]
    start, end = found.span("s" if value is None else "t")
    return f"{found[0][: start - found.start()]}…{found[0][end - found.start() :]}"


@cache
def _announcement() -> re.Pattern[str]:
    assigned = rf"{SECRET_WORD}[\w.-]{{0,40}}{MARK}?\s{{0,8}}(?::=|=>|=|:|：)\s{{0,8}}(?:(?:bearer|basic)\s{{1,4}})?"
    short = rf"(?<![a-z\d]){SHORT_SECRET_WORD}(?:{MARK}\s{{0,8}}:|{MARK}?\s{{0,8}}=)\s{{0,8}}"
    spoken = rf"(?:--[\w-]{{0,40}}{SECRET_WORD}|identified\s{{1,4}}by(?:\s{{1,4}}password)?|(?<!\w)bearer)\s{{1,4}}"
    return re.compile(rf"(?P<announced>(?i:{assigned}|{short}|{spoken})){VALUE}")
