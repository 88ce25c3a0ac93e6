"""The cause of a failure in a few words, from the log line that it ended with."""

from __future__ import annotations

import re

from daganalysis.engine.log_lines import ending_of, error_parts

_MYSQL_ERROR = re.compile(r"\bError (\d{3,5})\b")
_OF_CHILD = re.compile(r"\bdag \d+ (?P<name>.+?) failed: (?:\[(?P<stage>[^\]]+)\] )?(?P<line>(?:ERROR: )?\S.*)", re.DOTALL)
"""How a main DAG reports the line of a child DAG that failed."""
_VAGUE = {"Common.Unexpected", None}
"""Codes that say nothing about the cause."""
_MOST_WORDS = 60
SAID_BY_OUTCOME = {"timeout", "cancelled", "interrupted"}
"""Endings that say why an attempt failed. The line it ended with adds nothing."""


def short_cause(line: str | None) -> str | None:
    """Say in a few words why an attempt failed, from the line it ended with.

    >>> short_cause("ERROR: [MySQL.Error]: Error 4012 (HY000): Timeout, query has reached the maximum query timeout: 10000000(us)")
    'MySQL 4012'
    >>> short_cause("ERROR: [OB.Server.Process.NotExist]: Observer process not exist")
    'OB.Server.Process.NotExist'
    >>> short_cause("ERROR: [Common.Unexpected]: Unexpected error: exit status 1")
    'exit status 1'
    >>> short_cause("ERROR: [Common.Unexpected]: Unexpected error: dag 2017 Local scale out failed: [Start observer] ERROR: no host")
    'Start observer of Local scale out: no host'
    >>> short_cause("sub task timeout") is None
    True
    """
    if line is None or ending_of([line]) in SAID_BY_OUTCOME:
        return None
    code, message = error_parts(line)
    child = _OF_CHILD.search(message) if code in _VAGUE else None
    if child is not None:
        where = f"{child['stage']} of {child['name']}" if child["stage"] else child["name"]
        return f"{where}: {short_cause(child['line']) or 'failed'}"
    number = _MYSQL_ERROR.search(message)
    if number is not None and code in {"MySQL.Error", *_VAGUE}:
        return f"MySQL {number[1]}"
    if code not in _VAGUE:
        return code
    first = message.strip().partition("\n")[0].removeprefix("Unexpected error: ")
    words = first if len(first) <= _MOST_WORDS else first[: _MOST_WORDS - 1].rpartition(" ")[0] + " …"
    return words or None
