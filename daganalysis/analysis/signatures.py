"""Signatures of log lines: what is the same in lines that differ in ids, addresses, paths and numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MASKS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\[?(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}\]?:\d{2,5}\b"), "<agent>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<agent>"),
    (re.compile(r"\bxxx(?:\.x{1,3}){3}(?::\d+)?\b"), "<agent>"),
    (re.compile(r"(?<![\w<])(?:/[\w.@+-]+){2,}/?"), "<path>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*"), "<time>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b"), "<id>"),
    (re.compile(r"'[^']{1,80}'|\"[^\"]{1,80}\"|`[^`]{1,80}`"), "<name>"),
    (re.compile(r"\b\d+(?:\.\d+)*\b"), "<n>"),
    (re.compile(r"(?:<agent>[ ,]*){2,}"), "<agents>"),
)

_KNOWN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("timeout of the scheduler", re.compile(r"sub task timeout")),
    ("timeout of the executor", re.compile(r".*\btask <n> timeout")),
    ("panic", re.compile(r".*\btask <n> panic:.*", re.DOTALL)),
    ("interrupted by a restart", re.compile(r".*task unexpectedly interrupted and cannot continue")),
    ("remote DAG failed", re.compile(r"(?:.*: )?[Rr]emote task <(?:n|id)> .* failed.*")),
    ("request given up", re.compile(r".*failed: retry <n> times")),
    ("sub-DAGs not created", re.compile(r"Sub DAG of agents: .* not created.*")),
    ("sub-DAGs failed", re.compile(r"Sub DAG of agents: .* failed.*")),
    ("sub-DAG failed", re.compile(r"(?:.*: )?agent <agent> not succeed")),
    ("child DAG failed", re.compile(r"(?:.*: )?dag <(?:n|id)> .* failed:.*", re.DOTALL)),
    ("health check timed out", re.compile(r"(?:.*: )?observer health check timeout")),
    ("under maintenance", re.compile(r"<agent> is under maintenance by DAG.*")),
)
"""The engine's own lines (engine-semantics §7, §8), by what is left of them after masking."""

_NO_LINE = "(no line logged)"
_SIMILARITY = 0.6


def masked(message: str) -> str:
    """Return a message with what differs from run to run masked.

    >>> masked("dial tcp 192.0.2.1:2886: dir '/data/log1' is not empty, 3 files")
    'dial tcp <agent>: dir <name> is not empty, <n> files'
    """
    for pattern, mask in _MASKS:
        message = pattern.sub(mask, message)
    return message


def known_line(text: str) -> str | None:
    """Return the name of the engine's own line that a masked message is, if it is one."""
    return next((name for name, pattern in _KNOWN if pattern.fullmatch(text)), None)


def signatures(messages: Iterable[str | None]) -> dict[str | None, tuple[str, str | None]]:
    """Return {message: (signature, name of the engine's own line)} for every different message; their order is irrelevant.

    A message of the engine's own catalogue is its own signature once masked. The rest goes through a template miner (Drain), in sorted
    order.
    """
    texts = sorted({message for message in messages if message is not None})
    result: dict[str | None, tuple[str, str | None]] = {None: (_NO_LINE, None)}
    unknown: dict[str, str] = {}
    for message in texts:
        text = masked(message)
        name = known_line(text)
        if name is not None:
            result[message] = (text, name)
        else:
            unknown[message] = text
    for message, signature in _mined(unknown).items():
        result[message] = (signature, None)
    return result


def _mined(texts: dict[str, str]) -> dict[str, str]:
    """Templates by Drain (He et al. 2017) of masked messages."""
    if not texts:
        return {}
    from drain3.drain import Drain

    miner = Drain(depth=4, sim_th=_SIMILARITY, max_children=100)
    clusters = {text: miner.add_log_message(text)[0] for text in sorted(set(texts.values()))}
    return {message: str(clusters[text].get_template()) for message, text in texts.items()}
