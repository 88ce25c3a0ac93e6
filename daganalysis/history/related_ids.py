"""Related ids: the DAGs that an answer names, which must be rebuilt together with its own.

Ids are found by scanning texts, without decoding them, so that a large archive can be divided before the costly work begins.
"""

from __future__ import annotations

import re

_IN_BODY = re.compile(rb'"main_dag_id"\s*:\s*"?(\d{2,64})|"\[?[0-9A-Fa-f.:]+\]?:\d{1,5}"\s*:\s*"(\d{2,64})"')
_IN_LOGS = [re.compile(mark + rb"(\d{2,64})") for mark in (b"genericID:", b"emote task ", b"/task/dag/", b"create task ")]
"""One pattern for each text, because a common pattern would try all of them at every byte."""


def ids_in_body(body: bytes) -> frozenset[str]:
    """Return the ids that additional data names: those of the main DAG and of the sub-DAGs. Extra ids do no harm.

    >>> ids_in_body(b'{"additional_data":{"main_dag_id":"22130706433028869"}}')
    frozenset({'22130706433028869'})
    """
    inner = body.find(b"{", 1)
    if inner < 0 or (body.startswith(b"{}", inner) and body.find(b"{", inner + 2) < 0):
        return frozenset()  # nothing but the object itself
    return frozenset((one or other).decode() for one, other in _IN_BODY.findall(body))


def ids_in_logs(node: bytes) -> frozenset[str]:
    """Return the ids that the log lines in a node's text name. Extra ids do no harm.

    >>> ids_in_logs(b'{"task_logs":["remote task 22130706433028869 Join self running [1/1]"]}')
    frozenset({'22130706433028869'})
    """
    if not may_name_ids(node):
        return frozenset()
    return frozenset(gid.decode() for pattern in _IN_LOGS for gid in pattern.findall(node))


def may_name_ids(text: bytes) -> bool:
    """Return whether log lines in a text may name DAGs. Most name none, and need not set up a search by patterns."""
    return b"genericID:" in text or b"te task " in text or b"/task/dag/" in text  # "remote" and "create" end alike
