"""The parts of a URL that may be shown: never a password, a signature or a token."""

from __future__ import annotations

import re

_USER = re.compile(r"(?<=://)[^/\s]*@")
_PARAMETER = re.compile(r"(?<=[?&;])([^=&;\s]+)=([^&;\s#'\"]+)")
_SECRET_PARAMETER = re.compile(r"sig|token|secret|pass|pwd|key|auth|cred|session|expires|^x-(amz|goog|oss)-|^s[et]$", re.IGNORECASE)
"""Names of parameters whose values open a door, or change whenever a URL is signed anew."""
WEB_SCHEMES = frozenset({"http", "https"})


def is_url(place: str) -> bool:
    """Return whether a place is a URL and not a path.

    >>> is_url("s3://bucket/store"), is_url("C:/store"), is_url("store")
    (True, False, False)
    """
    return "://" in place


def scheme_of(url: str) -> str:
    """Return the scheme of a URL; of a chain (``simplecache::s3://…``) the last one.

    >>> scheme_of("simplecache::s3://bucket/a"), scheme_of("https://host/a")
    ('s3', 'https')
    """
    return url.partition("://")[0].rpartition("::")[2]


def local_path(url: str) -> str:
    """Return the path that a ``file://`` URL stands for.

    >>> local_path("file:///data/a%20b.json")
    '/data/a b.json'
    """
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return url2pathname(urlsplit(url).path)


def without_secrets(text: str) -> str:
    """Return a text with the credentials of every URL in it replaced by an ellipsis.

    >>> without_secrets("cannot open https://me:pw@host/a.json?version=2&X-Amz-Signature=0f3a9c in time")
    'cannot open https://…@host/a.json?version=2&X-Amz-Signature=… in time'
    """
    if "://" not in text and "=" not in text:
        return text
    return _PARAMETER.sub(_hidden, _USER.sub("…@", text))


def _hidden(parameter: re.Match[str]) -> str:
    name = parameter[1]
    return f"{name}=…" if _SECRET_PARAMETER.search(name) else parameter[0]
