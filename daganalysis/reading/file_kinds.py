"""What a file is, recognised by its first bytes: the one table of files that are not, or not only, saved answers.

To add a kind, add an entry to :data:`FILE_KINDS`; the first match counts. A file of no listed kind is plain text or JSON, which is searched
for answers. :mod:`daganalysis.reading.streams` recognises compressed files and archives.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from daganalysis.reading.databases.forms import HEAD_BYTES, is_sql, recognise
from daganalysis.reading.databases.schema import TABLES
from daganalysis.reading.json_repair import is_binary
from daganalysis.reading.packed_text import has_hex
from daganalysis.reading.recognition import looks_like_answer
from daganalysis.reading.yaml_documents import has_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORT_HEAD = 1 << 12
"""Bytes at the beginning of a file that are searched for patterns that may occur anywhere."""
_TABLES = re.compile(rb"\b(?:" + b"|".join(name.encode() for name in TABLES) + rb")\b")

_CURL = "curl --unix-socket run/obshell.sock http://obshell/api/v1/task/dag/ID"
_TASK_SHOW = re.compile(rb"(?:^|\n)id: [^\s'\"]+\r?\ndag_id: \d+\r?\nname: [^\n]*\nstage: ")
_DOWNLOADED_LOG = re.compile(rb"\A[^\n{]{4,24}\d\d:\d\d:\d\d(?: [AP]M)?\r?\n [^\n]*\n")
_OBSHELL_LOG = re.compile(rb"(?:^|\n)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3} [A-Z]{4,5} *\[\d+\] \[\w*\] \[[\w./-]+:\d+\] ")
_ENTRIES = re.compile(
    rb"\[(?:scheduler/(?:dag|node|task)_handler|executor/(?:pool|executor|task_sync)|coordinator/coordinator|common/middleware)\.go:\d+\] "
)
"""What shows entries of an obshell.log even if their heads were changed."""
_OBD_LOG = re.compile(rb"(?:^|\n)\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] \[[0-9a-f]{8}-[0-9a-f-]{27}\] \[[A-Z]+\] ")
_OBSERVER_LOG = re.compile(rb"(?:^|\n)\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\] [A-Z]+ +(?:\[[\w.]+\] )?[^\n]{0,200}\[\d+\]\[")
_POWERSHELL = re.compile(rb"@\{(?:successful|id|dag_id|state|node_id|task_id)=|\A\s*StatusCode +: \d[^\n]*\n *StatusDescr")
_OTHER_FORM = re.compile(
    rb"\[(?:successful|dag_id|max_stage)\] =>|<(?:successful|dag_id|max_stage)>"
    rb"|\.(?:dag_id|max_stage) = |\[\"data\",\s*\"(?:dag_id|max_stage)\"\]"
)
_FIELD = re.compile(
    rb"\b(dag_?id|max_?stage|node_?id|task_?id|execute_?times)\b(?!\\*\"\s*:\s*[\"\d])[^\n\w]{0,12}(?:[a-zA-Z]\w{0,11}[^\n\w]{1,6}){0,2}?[\d\x00-\x08]"
    rb"|\b(dag_?id|max_?stage|node_?id|task_?id|execute_?times)\b[^\n\w]{1,12}\n\s*(?:int|float|string)?[(\w]*\d",
    re.IGNORECASE,
)
"""A field of a task with a number, not as JSON has it."""
_FIELD_NAME = re.compile(rb"\b(?:dag_id|max_stage|node_id|task_id|execute_times|maintenance_key|generic_id)\b")
_FEWEST_FIELDS = 2
_HEX_DUMP = re.compile(rb"\A(?:0000[0-9a-f]*:? {1,2}(?:[0-9a-f]{2} ?){2,}|0000000 +(?:[0-9a-f]{4} |\S{1,2} +\S{1,2} ))")
_CURL_TRACE = re.compile(rb"(?:^|\n)<= Recv (?:data|header), \d+ bytes")
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95.{8}|[}\](cX\x8c\x58])|\((?:dp|lp)\d+\n|c[\w.]+\n\w+\np?\d*\n?", re.DOTALL)
_C_ARRAY = re.compile(rb"\{\s*(?:/\*[^*]{0,80}\*/)?\s*0x[0-9a-f]{2},\s*0x[0-9a-f]{2},")
_SVG = re.compile(rb"\s*(?:<\?xml[^>]{0,200}>\s*|<!DOCTYPE svg[^>]{0,400}>\s*|<!--[^>]{0,400}-->\s*){0,3}<svg\b")
_TABLE = re.compile(rb"(?:\xef\xbb\xbf)?(?:[a-z_]+,){0,3}run_id,")
_SAVE_ANSWER = "save the answer itself, as JSON"
_MOST_LOOKED_AT = 1 << 16


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file.

    ``code`` is the issue that a file of this kind gives, ``noun`` and ``nouns`` name one and several in messages, ``instead`` says what to
    save in its place (may be empty). ``certain`` kinds are never searched. Files of other kinds are searched for answers, and the issue is
    given only if they hold none.
    """

    noun: str
    nouns: str
    matches: Callable[[bytes], bool]
    code: str = "skipped-file"
    instead: str = ""
    certain: bool = True

    @property
    def message(self) -> str:
        """The message of the issue about the file."""
        return f"{self.noun}; {self.instead}" if self.instead else self.noun


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _has(pattern: re.Pattern[bytes]) -> Callable[[bytes], bool]:
    return lambda head: pattern.search(head, 0, _SHORT_HEAD) is not None


def _is_database_copy(head: bytes) -> bool:
    """Return whether a file belongs to a copy of obshell's databases. SQL statements about other tables, with answers in them, do not."""
    if recognise(head[:HEAD_BYTES]) is None:
        return False
    return not is_sql(head[:HEAD_BYTES]) or _TABLES.search(head) is not None or not (looks_like_answer(head) or has_hex(head))


OTHER_NOTATION = FileKind(
    "answer in another notation than JSON",
    "answers in other notations than JSON",
    _has(_OTHER_FORM),
    "unusable-form",
    _SAVE_ANSWER,
    certain=False,
)
DATA_FILE = FileKind(
    "data file of another program",
    "data files of other programs",
    _starts(b"PAR1", b"ARROW1", b"ORC", b"Obj\x01", b"\x89HDF\r\n", b"\x93NUMPY", b"SEQ\x06", b"RDX3\n", b"\xac\xed\0\5", b"MDMP"),
)
TASK_DATA = FileKind(
    "binary file that names fields of a task",
    "binary files that name fields of a task",
    lambda head: len(set(_FIELD_NAME.findall(head))) >= _FEWEST_FIELDS,
    "unusable-form",
    f"{_SAVE_ANSWER}; of a store, name its folder",
)
"""A file of a database or of a store of Parquet, in which tasks are kept in another form than answers."""
ENCRYPTED_FILE = FileKind(
    "encrypted file",
    "encrypted files",
    _starts(b"Salted__", b"-----BEGIN PGP MESSAGE-----", b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----", b"$ANSIBLE_VAULT;"),
    "encrypted-archive",
    "decrypt it first",
)
DATABASE_COPY = FileKind("copy of a database", "copies of databases", _is_database_copy, certain=False)
"""A file of a copy of obshell's databases, which is read by :mod:`daganalysis.reading.databases`."""
CHANGED_LOG = FileKind(
    "obshell.log whose lines were changed",
    "obshell.log files whose lines were changed",
    _has(_ENTRIES),
    "unusable-form",
    "copy the files of log_obshell as they are",
    certain=False,
)
HEX_DUMP = FileKind(
    "hexadecimal dump",
    "hexadecimal dumps",
    lambda head: _HEX_DUMP.search(head, 0, _SHORT_HEAD) is not None or _C_ARRAY.search(head, 0, _SHORT_HEAD) is not None,
    "unusable-form",
    f"{_SAVE_ANSWER}, or convert it back with `xxd -r`",
    certain=False,
)
CURL_TRACE = FileKind("curl trace", "curl traces", _has(_CURL_TRACE), "unusable-form", f"{_SAVE_ANSWER}: `curl -o FILE`", certain=False)
TASK_SHOW = FileKind(
    "output of `obshell task show`",
    "outputs of `obshell task show`",
    _has(_TASK_SHOW),
    "unusable-form",
    f"its quotes are lost and its keys are ambiguous; save the answer itself: {_CURL}",
)
AGENT_LOG = FileKind("obshell.log", "obshell.log files", _has(_OBSHELL_LOG), certain=False)
"""An agent's own log, which is read by :mod:`daganalysis.obshell_logs`."""

FILE_KINDS: tuple[FileKind, ...] = (
    DATABASE_COPY,
    FileKind("picture", "pictures", _starts(b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM6", b"II*\0", b"MM\0*", b"\0\0\1\0")),
    FileKind("picture", "pictures", lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP"),
    FileKind("picture", "pictures", lambda head: head[4:12] in {b"ftypheic", b"ftypheif", b"ftypmif1", b"ftypavif"}),
    FileKind("picture", "pictures", lambda head: _SVG.match(head) is not None),
    FileKind("video", "videos", lambda head: head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3"),
    FileKind("sound", "sounds", _starts(b"ID3", b"fLaC", b"OggS", b"#!AMR", b"\xff\xfb", b"MThd")),
    FileKind("font", "fonts", _starts(b"\0\1\0\0\0", b"OTTO\0", b"wOFF", b"wOF2", b"ttcf")),
    FileKind("PDF document", "PDF documents", _starts(b"%PDF-")),
    FileKind("Office document", "Office documents", _starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf")),
    FileKind("program", "programs", _starts(b"\x7fELF", b"MZ\x90", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa\xcf", b"\xcf\xfa\xed\xfe")),
    DATA_FILE,
    FileKind(
        "capture of network packets",
        "captures of network packets",
        _starts(b"\n\r\r\n", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1"),
        "unusable-form",
        "export the responses: Wireshark, File, Export Objects, HTTP",
        certain=False,
    ),
    FileKind("desktop settings file", "desktop settings files", _starts(b"\0\0\0\1Bud1", b"\0\5\x16\7", b"L\0\0\0\1\x14\2\0")),
    ENCRYPTED_FILE,
    FileKind(
        "archive of an unsupported kind",
        "archives of unsupported kinds",
        _starts(
            *(b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x9d", b"LZIP", b"\x04\x22\x4d\x18", b"\x1f\xa0", b"MSCF", b"hsqs", b"sqsh"),
            *(b"070701", b"070702", b"070707", b"!<arch>\n", b"\xed\xab\xee\xdb", b"\xff\x06\0\0sNaPpY", b"\x89LZO\0\r\n"),
        ),
        "unread-archive",
        "unpack it first",
    ),
    TASK_SHOW,
    FileKind(
        "sub-task log from the dashboard's Download Log",
        "sub-task logs from the dashboard's Download Log",
        _has(_DOWNLOADED_LOG),
        "unusable-form",
        f"it names no task and no attempts; save the answer itself: {_CURL}",
        certain=False,
    ),
    FileKind(
        "Python pickle",
        "Python pickles",
        lambda head: _PICKLE.match(head) is not None,
        "unusable-form",
        f"unpickling can run a program, so it is never opened; {_SAVE_ANSWER}",
    ),
    HEX_DUMP,
    CURL_TRACE,
    OTHER_NOTATION,
    FileKind(
        "PowerShell output that lost its inner levels",
        "PowerShell outputs that lost their inner levels",
        _has(_POWERSHELL),
        "unusable-form",
        "save the answer's own text (.Content of Invoke-WebRequest), or use ConvertTo-Json -Depth 20",
        certain=False,
    ),
    FileKind(
        "YAML text",
        "YAML texts",
        lambda head: has_yaml(head[:_SHORT_HEAD]),
        "unusable-form",
        "install daganalysis[yaml] to read it, or convert it to JSON: `yq -o json . FILE`",
        certain=False,
    ),
    FileKind(
        "table that daganalysis wrote",
        "tables that daganalysis wrote",
        lambda head: _TABLE.match(head) is not None,
        "table-row",
        "load the answers, or the store, that it was made of",
        certain=False,
    ),
    AGENT_LOG,
    FileKind("obd log", "obd logs", _has(_OBD_LOG), "other-log", f"save the answers of the task API: {_CURL}"),
    FileKind("observer.log", "observer.log files", _has(_OBSERVER_LOG), "other-log", f"save the answers of the task API: {_CURL}"),
)


def kind_of(head: bytes) -> FileKind | None:
    """Return the kind of a file by its first bytes (the more, the surer); None for JSON or a text that may hold answers.

    >>> kind_of(b"%PDF-1.7").noun, kind_of(b'{"successful": true}')
    ('PDF document', None)
    """
    if head[:1] == b"{" and head[:5] != b"{\\rtf":
        return None  # as nearly all files begin
    return next((kind for kind in FILE_KINDS if kind.matches(head)), None)


def in_other_notation(content: bytes) -> FileKind | None:
    """Return the kind of a file without a readable answer that names fields of a task, or holds lines of a log; None for any other."""
    if _ENTRIES.search(content, 0, _MOST_LOOKED_AT) is not None:
        return CHANGED_LOG
    if is_binary(content) and TASK_DATA.matches(content):
        return TASK_DATA
    if len({(found[1] or found[2]).lower().replace(b"_", b"") for found in _FIELD.finditer(content[:_MOST_LOOKED_AT])}) > 1:
        return OTHER_NOTATION
    return None


BINARY_FILE = FileKind("binary file", "binary files", is_binary)
"""A file that is no text, and of no kind that is known."""
OTHER_TEXT = FileKind("text without answers", "texts without answers", lambda head: not is_binary(head))
"""A text without answers, found in a folder under a name that suggests none."""
HIDDEN_FILE = FileKind("hidden file", "hidden files", _starts())
"""A file or folder that the system or a program keeps for itself, recognised by its name."""

_NOUNS = {kind.noun: kind.nouns for kind in (*FILE_KINDS, TASK_DATA, CHANGED_LOG, BINARY_FILE, OTHER_TEXT, HIDDEN_FILE)}
_NOUNS["file whose name promises no answers"] = "files whose names promise no answers"


def plural_noun(noun: str) -> str:
    """Return the plural of a kind's noun.

    >>> plural_noun("text without answers")
    'texts without answers'
    """
    return _NOUNS.get(noun, noun + "s")
