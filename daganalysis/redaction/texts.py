"""Redacting texts that are, or were meant to be, JSON: strings by their content and their key, everything else by content.

A text is not decoded as a whole. So a text that is cut off or broken is still redacted, and stays as broken as it was.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from daganalysis.engine.identifiers import split_cluster
from daganalysis.engine.states import OPERATORS, STATES
from daganalysis.reading.databases.schema import TABLES
from daganalysis.redaction.announced_secrets import Lines
from daganalysis.redaction.detectors import HOST_KEY, SECRET_KEY, USER_KEY, VERSION_KEY
from daganalysis.redaction.json_pairs import json_text, replace_pairs
from daganalysis.redaction.replaced_marks import without_marks

if TYPE_CHECKING:
    from collections.abc import Callable

    from daganalysis.redaction.unknown_words import UnknownWords
    from daganalysis.redaction.walker import Walker

_PIECE = re.compile(r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*"|"|[^"]+')
_KEPT_KEYS = frozenset(
    ("timestamp", "traceId", "trace_id", "state", "operator", "start_time", "end_time", "create_time", "update_time", "errCode", "code")
)
"""Keys whose values are the engine's own words, numbers or times."""
_TRACE_KEYS = frozenset({"traceId", "trace_id"})
_TRACE = re.compile(r"[A-Z]{0,2}[0-9a-f]{0,32}")
"""A trace id as obshell writes it."""
_NAME_KEYS = frozenset({"name", "maintenance_key"})
"""Keys of names of DAGs, nodes and sub-tasks: addresses in them are replaced, words are not, because they name the workflow."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)")
_KEY = re.compile(r'"([^"\\]{1,60})"\s*:')
_BARE_GID = re.compile(r"(?<![\d.\w])[2-5]\d{16,63}(?!\d)")
_NUMBER_VALUE = re.compile(r"^(\s*:\s*)(-?\d[\d.eE+-]*)")
_HALF = re.compile("[\ud800-\udbff\udc00-\udc7f\udd00-\udfff]")
"""Half a surrogate pair. The code points in the gap stand for bytes that are not UTF-8 and are written unchanged."""
_OWN_FOLDERS = frozenset({"answers", "csv", "log", "log_obshell", "logs", "meta", "ocs", "responses", "sql", "tsv"})
"""Folders that obshell or the documentation names so; they are no labels of clusters."""
_OWN_FILES = re.compile(
    r"(?:\.meta(?:-wal|-shm|-journal)?|obshell(?:\.out|-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3})?\.log"
    r"|(?:ocs|" + "|".join(TABLES) + r")\.(?:sql|tsv|csv|txt))(?:\.\d{1,3})?(?:\.(?:gz|zst|xz|bz2))?"
)
"""Names of the files of obshell, and of dumps of its tables."""
_ARCHIVES = (".tar", ".tgz", ".txz", ".zip", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2")
"""Endings of archives, which are named as folders are."""
_MOST_REMEMBERED = 200_000
_LOG_HEAD = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+ +[A-Z]+ +\[\d+\] \[)([0-9A-Za-z-]{0,40})(\] \[[\w.-]+/[\w.-]+\.(?:go|s):\d+\] )")
_NO_WORDS = re.compile(r"(?:[\s\d{}\[\],:]|true|false|null)*")
_JSON_MARKS = frozenset('{}[],"')


class JsonRedactor:
    """Redacts texts one after the other. The replacement of a text is computed once and remembered."""

    def __init__(self, walker: Walker, *, keeps_clusters: bool = False, unknown_words: UnknownWords | None = None) -> None:
        self._walker = walker
        self._unknown_words = unknown_words
        self.keeps_clusters = keeps_clusters
        self._remembered: dict[tuple[str, str], str] = {}
        self._key: str | None = None
        self._last: str | None = None
        self._lines = Lines()
        self._messages: dict[str, str] = {}
        self.names: set[str] = set()

    def text(self, text: str) -> str:
        """Redact a stretch of JSON, or of anything else. The next call continues where this one ended, so cut only at line ends."""
        head = _LOG_HEAD.match(text)
        if head is None or self._lines.is_open:
            return self._stretch(text)
        # Of a line of obshell.log, its message alone can hold something, and messages repeat.
        message = text[head.end() :]
        found = self._messages.get(message)
        if found is None:
            self._key = self._last = None
            found = self._stretch(message)
            if not self._lines.is_open and len(self._messages) < _MOST_REMEMBERED:
                self._messages[message] = found
        return self._head(head) + found

    def _head(self, head: re.Match[str]) -> str:
        """Redact the head of a line of obshell.log, before its message."""
        if self._unknown_words is None:
            return head[0]
        trace = head[2] if _TRACE.fullmatch(head[2]) else self._unknown_words.text(head[2])
        return self._unknown_words.text(head[1]) + trace + self._unknown_words.text(head[3])

    def _stretch(self, text: str) -> str:
        hide = partial(self._walker.give.word, "secret")
        return _PIECE.sub(self._piece, replace_pairs(self._lines.with_before(text, self._across, hide), hide))

    def _across(self, text: str) -> str:
        """Replace secrets that take more than one string of JSON to recognise, such as a quoted value in a shell command."""
        is_json = "\\" in text and text.lstrip()[:1] in _JSON_MARKS
        has_more = '"' in text or "\n" in text[:-1]
        return self._walker.secrets(text) if has_more and not is_json else text

    def document(self, text: str) -> str:
        """Redact valid JSON, several times as fast as :meth:`text`."""
        text = replace_pairs(text, partial(self._walker.give.word, "secret"))
        is_strict = self._unknown_words is not None
        secret_keys = sorted(key for key in set(_KEY.findall(text)) if _announces_secret(key) or (is_strict and key in _TRACE_KEYS))
        return _hits(tuple(secret_keys), _PASSED_OVER_IF_STRICT if is_strict else _PASSED_OVER).sub(self._hit, text)

    def _hit(self, match: re.Match[str]) -> str:
        gap = match["gap"]
        if gap:
            if _BARE_GID.search(gap):
                gap = _BARE_GID.sub(lambda found: self._walker.text(found[0]), gap)
            # It holds only brackets, numbers, times and parts that the pattern skips.
            gap = without_marks(self._walker.words(gap))
        piece = match["string"]
        if piece is not None:
            return gap + self._remember("", piece, self._string)
        key = match["key"]
        if key is None:
            return gap
        value = match["value"]
        before = self._without_unknown_words(match[0][len(match["gap"]) : len(match[0]) - len(value)])
        if value[0] == '"':
            return gap + before + self._remember(key, value, lambda text: self._value(key, text))
        replaced = self._walker.give.word("secret", value) if SECRET_KEY.fullmatch(key) else self._walker.text(value)
        return gap + before + without_marks(replaced)

    def name(self, name: str) -> str:
        """Redact the name of a file or a folder."""
        return self._words(self._walker.text(name))

    def engine_word(self, text: str) -> str:
        """Redact what should be a word of the engine, as a state is."""
        return self._without_unknown_words(text)

    def trace(self, text: str) -> str:
        """Redact a trace id."""
        return text if _TRACE.fullmatch(text) else self._without_unknown_words(text)

    line = name

    def place(self, path: str) -> str:
        """Redact the path of a file, folder by folder; the names of folders are those of clusters."""
        *folders, last = path.split("/")
        if last.lower().endswith(_ARCHIVES):
            return "/".join(map(self.cluster, (*folders, last)))
        archive, mark, member = last.rpartition("!")
        return "/".join([*map(self.cluster, folders), (self.cluster(archive + mark) if mark else "") + self._file(member)])

    def _file(self, name: str) -> str:
        return name if _OWN_FILES.fullmatch(name) else self.name(name)

    def cluster(self, label: str) -> str:
        """Redact the label of a cluster, or the name of a folder."""
        archive, mark, folder = label.rpartition("!")
        if mark:
            # A member of an archive is named `archive!folder/member`.
            return self.cluster(archive) + mark + self.cluster(folder)
        if label in _OWN_FOLDERS:
            return label
        if label in {"", ".", ".."} or self.keeps_clusters:
            return without_marks(self._walker.words(self._walker.text(label)))
        replaced = self._walker.text(label)
        return self._without_unknown_words(replaced if replaced != label else self._walker.give.word("cluster", label))

    def run(self, run_id: str) -> str:
        """Redact `<cluster>/<generic id>`."""
        cluster, key = split_cluster(run_id)
        return (self.run_cluster(cluster) + "/" if cluster is not None else "") + self.name(key)

    def run_cluster(self, cluster: str) -> str:
        """Redact the label of a cluster that may be a path."""
        return "/".join(map(self.cluster, cluster.split("/")))

    def version(self, text: str) -> str:
        """Redact a version, or a text that names some."""
        return self._without_unknown_words(self._walker.version(text))

    def title(self, text: str) -> str:
        """Redact the name of a DAG, a node or a sub-task."""
        return self._value("name", text)

    def host(self, text: str) -> str:
        """Redact an address or the name of a host."""
        return self._value("host", text)

    def start(self) -> None:
        """Begin a new text."""
        self._key = self._last = None
        self._lines = Lines()

    def _piece(self, match: re.Match[str]) -> str:
        piece = match[0]
        if piece[0] != '"' or len(piece) == 1:
            return self._between(piece)
        key, self._key = self._key, None
        self._last = piece
        if key is None:
            # A key, or an item of a list of strings.
            return self._remember("", piece, self._string)
        return self._remember(key, piece, lambda text: self._value(key, text))

    def _between(self, piece: str) -> str:
        """Brackets, commas, numbers; or, in a text that is no JSON, anything."""
        self._key = None
        if self._last is not None and (stripped := piece.strip())[:1] == ":":
            if stripped == ":":
                self._key = json_text(self._last)
            elif SECRET_KEY.fullmatch(json_text(self._last)) and (number := _NUMBER_VALUE.match(piece)):
                hidden = self._walker.give.word("secret", number[2])
                return number[1] + without_marks(hidden) + self._words(self._walker.text(piece[number.end() :]))
        self._last = None
        if len(piece) < 16 and _NO_WORDS.fullmatch(piece):
            return piece
        return self._words(self._walker.text(piece))

    def _remember(self, key: str, piece: str, rewrite: Callable[[str], str]) -> str:
        found = self._remembered.get((key, piece))
        if found is None:
            text = json_text(piece)
            replaced = rewrite(text)
            found = piece if replaced == text else json.dumps(replaced, ensure_ascii=piece.isascii() or _HALF.search(replaced) is not None)
            if len(self._remembered) > _MOST_REMEMBERED:
                self._remembered.clear()
            self._remembered[key, piece] = found
        return found

    def _value(self, key: str, text: str) -> str:
        if key in _TRACE_KEYS:
            return self.trace(text)
        return self._without_unknown_words(self._walked_value(key, text))

    def _walked_value(self, key: str, text: str) -> str:
        if key in _KEPT_KEYS:
            return text
        if key in _NAME_KEYS:
            self.names.update(re.findall(r"\w+", text))
            return self._walker.text(text)
        if VERSION_KEY.fullmatch(key):
            return self._walker.words(self._walker.version(text))
        if SECRET_KEY.fullmatch(key) and text:
            return self._walker.give.word("secret", text)
        if USER_KEY.fullmatch(key) and text:
            return self._walker.user(text)
        return self._walker.words(self._walker.host(text) if HOST_KEY.fullmatch(key) else self._walker.text(text))

    def _string(self, text: str) -> str:
        return text if _TIME.fullmatch(text) else self._words(self._walker.text(text))

    def _words(self, text: str) -> str:
        return self._without_unknown_words(self._walker.words(text))

    def _without_unknown_words(self, text: str) -> str:
        return text if self._unknown_words is None else self._unknown_words.text(text)


@lru_cache(maxsize=1024)
def _announces_secret(key: str) -> bool:
    """Return whether a key tells that its value is a name or a secret."""
    return key in _NAME_KEYS or any(pattern.fullmatch(key) for pattern in (SECRET_KEY, USER_KEY, HOST_KEY, VERSION_KEY))


_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*"'
"""A JSON string. Only single characters repeat possessively: before 3.11.5, groups that do may match wrongly (CPython issue 106052)."""


_PASSED_OVER = r'(?:[^"\\./@=:~\d-]{0,15}|\d{0,16})"'
"""Strings that hold nothing a detector finds: short ones without punctuation and digits, and short numbers."""
_API_KEYS = (
    *("successful", "timestamp", "duration", "status", "data", "contents", "id", "dag_id", "node_id", "task_id", "stage", "max_stage"),
    *("maintenance_type", "state", "operator", "start_time", "end_time", "nodes", "sub_tasks", "additional_data", "execute_times"),
    *("execute_agent", "port", "task_logs"),
)
_ENGINE_VALUES = sorted((*OPERATORS, *STATES))
_PASSED_OVER_IF_STRICT = rf'(?:(?:{"|".join(_API_KEYS)})"\s*:|(?:{"|".join(_ENGINE_VALUES)})"|\d{{0,16}}")'
"""Strings that a strict redaction keeps in any case."""


@lru_cache(maxsize=256)
def _hits(secret_keys: tuple[str, ...], passed_over: str) -> re.Pattern[str]:
    """A pattern for valid JSON: everything up to the next string that may need redaction, or the value of one of the keys."""
    key = "|".join(map(re.escape, secret_keys)) or "(?!)"
    return re.compile(
        rf"""
        (?P<gap>(?:[^"]++|"\d{{4}}-\d\d-\d\dT[\d:.Z+-]*+"|"(?!(?:{key})"\s*:){passed_over})*)
        (?:"(?P<key>{key})"\s*+:\s*+(?P<value>{_STRING}|-?\d[\d.eE+-]*+)|(?P<string>{_STRING}))?
        """,
        re.VERBOSE,
    )
