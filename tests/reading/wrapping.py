"""Ways in which answers are wrapped: each takes the bytes of good answers and gives bytes in which these lie."""

from __future__ import annotations

import base64
import bz2
import gzip
import html
import json
import lzma
import pprint
import quopri
import re
import urllib.parse
from collections.abc import Callable
from typing import Any

import zstandard

from tests.reading.broken_inputs import tar_of, zip_of

Wrap = Callable[[str], str]


def coloured(text: str) -> str:
    """As ``jq -C`` prints it."""
    strings = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: f"\x1b[0m\x1b[32m{found[0]}\x1b[0m", text)
    return strings.replace("{", "\x1b[1;39m{").replace("}", "\x1b[1;39m}\x1b[0m")


def by_lines(text: str, head: str) -> str:
    return "\n".join(head + line for line in text.split("\n"))


def records_of_lines(text: str) -> str:
    """One record of docker's json-file for each line."""
    lines = json.dumps(json.loads(text), indent=1).split("\n")
    return "\n".join(json.dumps({"log": line + "\n", "stream": "stdout", "time": "2025-01-01T00:02:00Z"}) for line in lines)


def records_of_bytes(text: str) -> str:
    """One record for each 200 characters, as docker cuts lines that are too long."""
    parts = [text[at : at + 200] for at in range(0, len(text), 200)]
    return "\n".join(json.dumps({"log": part + ("\n" if part is parts[-1] else ""), "stream": "stdout"}) for part in parts)


def pretty(text: str) -> str:
    return json.dumps(json.loads(text), indent=2, ensure_ascii=False)


def in_types_of_mongodb(value: Any) -> Any:
    """As ``mongoexport --jsonFormat canonical`` writes a value."""
    if isinstance(value, dict):
        return {name: in_types_of_mongodb(item) for name, item in value.items()}
    if isinstance(value, list):
        return [in_types_of_mongodb(item) for item in value]
    return {"$numberInt": str(value)} if type(value) is int else value


def in_types_of_dynamodb(value: Any) -> Any:
    """As DynamoDB's API writes a value."""
    if isinstance(value, dict):
        return {"M": {name: in_types_of_dynamodb(item) for name, item in value.items()}}
    if isinstance(value, list):
        return {"L": [in_types_of_dynamodb(item) for item in value]}
    if value is None or isinstance(value, bool):
        return {"NULL": True} if value is None else {"BOOL": value}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


def in_types_of_telemetry(value: Any) -> Any:
    """As OpenTelemetry's exporters write an attribute."""
    if isinstance(value, dict):
        return {"kvlistValue": {"values": [{"key": name, "value": in_types_of_telemetry(item)} for name, item in value.items()]}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [in_types_of_telemetry(item) for item in value]}}
    if value is None or isinstance(value, bool):
        return {} if value is None else {"boolValue": value}
    return {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}


def escaped_by_nginx(text: str) -> str:
    return "".join(char if char.isascii() and char not in '"\\\n' else "".join(f"\\x{byte:02X}" for byte in char.encode()) for char in text)


def as_cat_writes_it(text: str) -> str:
    return "".join(char if char.isascii() else "".join(_as_cat_writes_it(byte) for byte in char.encode()) for char in text)


def _as_cat_writes_it(byte: int) -> str:
    low = byte & 0x7F
    return f"M-{chr(low)}" if low >= 32 else f"M-^{chr(low + 64)}"


def in_a_box(text: str) -> str:
    """As ``sqlite3 -box`` draws a cell of several lines."""
    lines = pretty(text).split("\n")
    width = max(map(len, lines))
    rows = "".join(f"│ {'1' if n == 0 else ' '} │ {line:{width}} │\n" for n, line in enumerate(lines))
    return f"┌───┬{'─' * (width + 2)}┐\n{rows}└───┴{'─' * (width + 2)}┘\n"


def with_lines_between(text: str) -> str:
    """The output of two containers, as docker compose mixes it."""
    lines = pretty(text).split("\n")
    return "".join(f"poller-1  | {line}\n" + ("poller-2  | GET / 200\n" if n % 3 == 0 else "") for n, line in enumerate(lines))


OBJECTS: dict[str, Wrap] = {
    "a register of Ansible": lambda text: json.dumps({"changed": False, "status": 200, "json": json.loads(text), "content": text}),
    "a loop of Ansible": lambda text: json.dumps({"results": [{"item": "a", "failed": False, "json": json.loads(text)}]}),
    "an exchange of a browser": lambda text: json.dumps({"log": {"entries": [{"time": 5.1, "response": {"content": {"text": text}}}]}}),
    "a browser's Base64": lambda text: json.dumps({"content": {"encoding": "base64", "text": base64.b64encode(text.encode()).decode()}}),
    "a response of Postman": lambda text: json.dumps({"item": [{"name": "poll", "response": [{"body": text, "code": 200}]}]}),
    "by host": lambda text: json.dumps({"192.0.2.7:2886": json.loads(text)}),
    "by id": lambda text: json.dumps({"11": [json.loads(text)], "12": None}),
    "a list of lists": lambda text: json.dumps([[json.loads(text)]]),
    "a string": json.dumps,
    "a string twice": lambda text: json.dumps({"a": json.dumps({"b": text})}),
    "docker's json-file": lambda text: json.dumps({"log": text + "\n", "stream": "stdout", "time": "2025-01-01T00:02:00Z"}),
    "a hit of Elastic": lambda text: json.dumps({"_index": "polls", "_source": {"message": f"poll: {text}"}}),
    "a stream of Loki": lambda text: json.dumps({"status": "success", "data": {"result": [{"values": [["1735689720000000000", text]]}]}}),
    "bytes of journald": lambda text: json.dumps({"__REALTIME_TIMESTAMP": "1735689720000000", "MESSAGE": list(text.encode())}),
    "an envelope with a payload of several pages": lambda text: json.dumps(
        {"successful": True, "data": {"contents": [json.loads(text)], "page": 1}}
    ),
}
"""An answer in an object, a list or a string."""

TYPED: dict[str, Wrap] = {
    "a document of MongoDB": lambda text: json.dumps({"_id": {"$oid": "65"}, "answer": in_types_of_mongodb(json.loads(text))}),
    "an item of DynamoDB": lambda text: json.dumps({"Item": {"answer": in_types_of_dynamodb(json.loads(text))}}),
    "an attribute of OpenTelemetry": lambda text: json.dumps({"logRecords": [{"body": in_types_of_telemetry(json.loads(text))}]}),
}
"""An answer whose values are wrapped in their types."""

TEXTS: dict[str, Wrap] = {
    "indented": pretty,
    "after prose": lambda text: f"ERROR: [MySQL.Error]: timeout, then {text} and more",
    "after a word of Ansible": lambda text: f"192.0.2.7 | SUCCESS => {pretty(text)}\n",
    "after a header": lambda text: f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{text}",
    "after a time": lambda text: f"2025-01-01T08:02:00+08:00 stdout F {text}\n",
    "coloured": lambda text: coloured(pretty(text)),
    "coloured on one line": coloured,
    "quoted in a mail": lambda text: "Hello,\n\n" + by_lines(pretty(text), "> ") + "\n\nregards\n",
    "quoted twice": lambda text: by_lines(pretty(text), "> > "),
    "with a head on each line": lambda text: by_lines(pretty(text), "2025-01-01T00:02:00.123Z "),
    "in syslog": lambda text: by_lines(pretty(text), "Jan  1 00:02:00 host poll[12]: "),
    "with numbers of lines": lambda text: "\n".join(f"{n:6}\t{line}" for n, line in enumerate(pretty(text).split("\n"), 1)),
    "broken after 60 bytes": lambda text: "\n".join(text[at : at + 60] for at in range(0, len(text), 60)),
    "with spaces that do not break": lambda text: pretty(text).replace("\n  ", "\n\u00a0\u00a0"),
    "Python's repr": lambda text: repr(json.loads(text)),
    "Python's repr in prose": lambda text: f"got {json.loads(text)!r} there",
    "pprint": lambda text: pprint.pformat(json.loads(text), width=60),
    "a repr of a text": repr,
    "a repr of bytes": lambda text: repr(text.encode()),
    "a web page": lambda text: f"<!DOCTYPE html><html><body><pre>{html.escape(pretty(text))}</pre></body></html>",
    "an attribute": lambda text: f'<r v="{html.escape(text)}"/>',
    "a cell of CSV": lambda text: 'id,body\r\n1,"' + text.replace('"', '""') + '"\r\n',
    "a cell of CSV with line breaks": lambda text: 'id,body\n1,"' + pretty(text).replace('"', '""') + '"\n',
    "a cell of TSV": lambda text: f"id\tbody\n1\t{text}\n",
    "a table of mysql": lambda text: f"+---+\n| b |\n+---+\n| {text} |\n+---+\n",
    "logfmt": lambda text: f"ts=2025-01-01T00:02:00Z level=info msg={json.dumps(text)} a=b\n",
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
    "a URL": lambda text: f"https://host/?a={urllib.parse.quote(text)}",
    "XML": lambda text: f'<?xml version="1.0"?>\n<robot><msg level="INFO">{html.escape(pretty(text), quote=False)}</msg></robot>',
    "paragraphs in a raw section": lambda text: "".join(
        ('<?xml version="1.0"?>\n<note><![CDATA[', *(f"<div>{html.escape(line)}</div>" for line in pretty(text).split("\n")), "]]></note>")
    ),
    "a log of nginx": lambda text: f'192.0.2.9 - - "GET /api HTTP/1.1" 200 4861 "{escaped_by_nginx(text)}"\n',
    "quotes that escape nothing": lambda text: f's:{len(text)}:"{text}";',
    "three quotes": lambda text: f"body {{\n  content: '''\n{pretty(text)}\n  '''\n}}\n",
    "a value of SQL by itself": lambda text: "1,'" + text.replace("'", "''") + "'\n",
    "cat -A": lambda text: "".join(f"{as_cat_writes_it(line)}$\n" for line in pretty(text).split("\n")),
    "git blame": lambda text: "\n".join(
        f"{'^' * (n == 1)}{n * 7919:08x} (A. Person 2025-01-01 08:01:00 +0800 {n:3}) {line}"
        for n, line in enumerate(pretty(text).split("\n"), 1)
    ),
    "a box": in_a_box,
    "lines of two containers": with_lines_between,
    "records of lines": records_of_lines,
    "records of bytes": records_of_bytes,
}
"""An answer in a text, or in another notation."""

BYTES: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "with a byte order mark": lambda content: b"\xef\xbb\xbf" + content,
    "UTF-16": lambda content: content.decode().encode("utf-16"),
    "UTF-16 without a mark": lambda content: content.decode().encode("utf-16-le"),
    "UTF-32": lambda content: content.decode().encode("utf-32"),
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "zstd": lambda content: zstandard.ZstdCompressor().compress(content),
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zip": lambda content: zip_of(("polls/a.json", content), ("__MACOSX/polls/._a.json", b"\0\5\x16\7"), ("README.md", b"# polls\n")),
    "tar": lambda content: tar_of(("polls/a.json", content), (".DS_Store", b"\0\0\0\1Bud1")),
    "tar.xz": lambda content: lzma.compress(tar_of(("a", content))),
}
"""An answer as bytes, encoded or packed."""

TOOLS: dict[str, Wrap] = {
    "kubectl logs --prefix": lambda text: by_lines(pretty(text), "[pod/poller-5d8f/poller] "),
    "kubectl logs with times": lambda text: by_lines(pretty(text), "[pod/poller-5d8f/poller] 2025-01-01T00:01:00.123456789Z "),
    "docker compose logs": lambda text: by_lines(pretty(text), "poller-1  | "),
    "docker compose logs, coloured": lambda text: by_lines(pretty(text), "\x1b[36mpoller_1  |\x1b[0m "),
    "journalctl -o short-full": lambda text: by_lines(pretty(text), "Wed 2025-01-01 08:01:00 CST db1 poll.sh[4242]: "),
    "journalctl -o json-sse": lambda text: f"data: {json.dumps({'MESSAGE': text})}\n\n",
    "syslog of RFC 5424": lambda text: by_lines(pretty(text), "<14>1 2025-01-01T00:01:00.003Z db1 poll 4242 ID47 - "),
    "Fluent Bit": lambda text: f"[0] poll: [[1735689660.123456789, {{}}], {json.dumps({'log': text}, ensure_ascii=False)}]\n",
    "Splunk's XML": lambda text: f"<results><result><field k='_raw'><v>{html.escape(text)}</v></field></result></results>",
    "logcli": lambda text: by_lines(text, '2025-01-01T08:01:00+08:00 {app="poll"} '),
    "Python's OrderedDict": lambda text: f"OrderedDict({json.loads(text)!r})",
    "Ruby's inspect": lambda text: text.replace('": ', '"=>').replace("null", "nil"),
    "Go's %q": lambda text: f"resp: {json.dumps(text)}",
    "PHP's var_export": lambda text: "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'",
    "a buffer of Node": lambda text: json.dumps({"stream": {"type": "Buffer", "data": list(text.encode())}}),
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64 in a ConfigMap": lambda text: json.dumps({"kind": "ConfigMap", "binaryData": {"dag.json": _base64(text.encode())}}),
    "Base64 of gzip": lambda text: _base64(gzip.compress(text.encode(), mtime=0)),
    "hexadecimal": lambda text: text.encode().hex(),
    "a mail": lambda text: f"From: a@example.org\nContent-Transfer-Encoding: base64\n\n{base64.encodebytes(text.encode()).decode()}",
    "a patch": lambda text: by_lines(pretty(text), "+"),
    "tail -f": lambda text: f"==> dag.json <==\n{text}\n\n==> other <==\n",
    "grep": lambda text: f"polls/dag.ndjson:12:{text}\n",
    "a terminal of 80 columns": lambda text: "\n".join(text[at : at + 80] for at in range(0, len(text), 80)),
    "a code block of Markdown": lambda text: f"It said:\n\n```json\n{pretty(text)}\n```\n",
    "JSON with comments": lambda text: pretty(text).replace("{\n", "{ // saved by hand\n", 1),
    "Node's inspect": lambda text: _replaced(repr(json.loads(text)), {"True": "true", "None": "null", "'successful'": "successful"}),
    "Go's %#v": lambda text: re.sub(r"[\[{\]]|null", lambda found: _GO[found[0]], text),
    "Rust's debug": lambda text: text.replace("{", "Object {").replace("[", "Array [").replace("null", "Null"),
    "Elixir's inspect": lambda text: text.replace("{", "%{").replace('": ', '" => ').replace("null", "nil"),
    "lines of Loki": lambda text: json.dumps({"values": [[str(n), line] for n, line in enumerate(pretty(text).split("\n"))]}),
    "line breaks of rsyslog": lambda text: "Jan  1 08:01:00 db1 poll[42]: " + pretty(text).replace("\n", "#012") + "\n",
    "colours that less wrote": lambda text: coloured(pretty(text)).replace("\x1b", "ESC"),
    "a cell of psql": lambda text: " body\n------\n " + pretty(text).replace("\n", "  +\n ") + "\n(1 row)\n",
    "a form": lambda text: urllib.parse.urlencode({"id": 1, "body": text}),
    "a URL in a URL": lambda text: urllib.parse.quote(urllib.parse.quote(text)),
    "chunks": lambda text: "".join(f"{len(p.encode()):x}\r\n{p}\r\n" for p in (text[:200], text[200:], "")),
    "hexadecimal with colons": lambda text: text.encode().hex(":"),
    "Base64 of a response": lambda text: _base64(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + text.encode()),
    "JSON with last commas": lambda text: pretty(text).replace("\n}", ",\n}"),
    "a statement of SQL": lambda text: "INSERT INTO `polls` VALUES (1,'" + text.replace("\\", "\\\\").replace("'", "\\'") + "');\n",
}
"""An answer as other tools print, keep or send it."""


_GO = {"[": "[]interface {}{", "{": "map[string]interface {}{", "]": "}", "null": "interface {}(nil)"}


def _replaced(text: str, words: dict[str, str]) -> str:
    for old, new in words.items():
        text = text.replace(old, new)
    return text


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
