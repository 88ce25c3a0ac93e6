"""Every issue code with its severity, its meaning and what to do about it. docs/issues.md is generated from this."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from daganalysis.reading.answers import Issue
from daganalysis.secret_words import without_announced
from daganalysis.urls import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class IssueCode:
    """One kind of issue. ``error``: a record was rejected; ``warning``: a value was rejected or is doubtful; ``info``: good to know."""

    code: str
    severity: str
    meaning: str
    hint: str
    hints_by_status: Mapping[int, str] = field(default_factory=dict)
    """What to do instead, by the HTTP status that the server answered with."""

    @property
    def every_hint(self) -> str:
        """The hint, and the hints that depend on the HTTP status."""
        return "; ".join([*filter(None, [self.hint]), *(f"{status}: {hint}" for status, hint in self.hints_by_status.items())])


_FETCH_AGAIN = "fetch the answer again, or ask the person who saved it"

_IF_TRUSTED = "if you trust the source, raise the limit with --unpacked-max"

_IF_MEMORY = "save each answer by itself, or raise the limit with --unpacked-max: each of --jobs then needs up to 20 times that memory"

_SAVE_DAG = "save GET /api/v1/task/dag/{id} of that DAG from its agent as well"

_CODES = (
    # whole files
    IssueCode("empty-file", "error", "the file is empty", _FETCH_AGAIN),
    IssueCode("unreadable-file", "error", "the file cannot be opened", "check its permissions"),
    IssueCode("vanished-file", "error", "the file was deleted after the folder was listed", "load again"),
    IssueCode("changed-file", "warning", "the file changed while it was being read", "load again when the file is no longer being written"),
    IssueCode(
        "not-a-file", "warning", "a FIFO, a socket, a device or a broken link; it was not read", "save the answers in ordinary files"
    ),
    IssueCode("link-loop", "warning", "a symbolic link points to a folder that contains it; it was not followed", "remove the link"),
    IssueCode("skipped-file", "info", "the file holds no answers: it is a picture, a program, a hidden file or unrelated text", ""),
    IssueCode("other-log", "info", "the file is a log of another program", "save the answers of the task API"),
    IssueCode(
        "unusable-form",
        "warning",
        "the file describes a task, in a form that has lost too much to be read",
        "save the answers of the task API unchanged",
    ),
    IssueCode("encrypted-archive", "error", "the archive is encrypted", "unpack it first"),
    IssueCode("unread-archive", "warning", "the archive is of a kind that cannot be opened", "unpack it first"),
    IssueCode(
        "more-issues",
        "warning",
        "the file has more issues of this kind than are listed",
        "look at those that are listed; the others are similar",
    ),
    IssueCode(
        "damaged-archive", "error", "the compressed file or archive is damaged; the content before the damage was read", _FETCH_AGAIN
    ),
    IssueCode(
        "unpacks-too-large",
        "error",
        "the file unpacks to more than the limits allow, as a compression bomb does",
        _IF_TRUSTED,
    ),
    IssueCode("archive-too-deep", "error", "archives are nested too deeply in each other", "unpack it first"),
    IssueCode(
        "unsafe-member-path",
        "warning",
        "the path of an archive member leads out of the archive; the member was read, but not unpacked",
        "do not unpack this archive with other tools",
    ),
    IssueCode("not-a-member-file", "info", "an archive member is not an ordinary file; it was not read", ""),
    # copies of databases
    IssueCode(
        "damaged-database",
        "error",
        "the agent's database is damaged; the readable part was loaded",
        "copy .meta, .meta-wal and .meta-journal again, all at once",
    ),
    IssueCode("not-an-agents-database", "info", "the file is an SQLite database of another program; it was not read", ""),
    IssueCode(
        "no-agent-address",
        "error",
        "the agent's database does not hold the address of its agent, so its DAGs have no generic ids",
        "copy it again; its table ocs_info holds the address",
    ),
    IssueCode("truncated-dump", "error", "the dump is cut off; the rows before the cut were read", "dump the database again"),
    IssueCode(
        "wrong-row",
        "warning",
        "a row of the dump does not match the columns; it was left out",
        "dump again with backslash escapes and a header",
    ),
    IssueCode(
        "rows-without-columns",
        "warning",
        "the rows of the dump have no header line, and no CREATE TABLE in the same folder names their columns; they were left out",
        "put the .sql files of the same dump beside them, or dump again with a header line",
    ),
    IssueCode(
        "incomplete-dump",
        "warning",
        "the dump lacks some of the task tables",
        "dump all task tables of ocs into one folder",
    ),
    IssueCode("no-tasks-in-dump", "info", "the dump holds neither tasks nor agents; it was not used", ""),
    IssueCode(
        "unknown-time-zone",
        "warning",
        "the time zone of the times is unknown; they are null, and states, counters and log lines were read",
        "give the time zone of the session with --tz, or dump again after SET time_zone = '+00:00'",
    ),
    IssueCode("given-time-zone", "info", "times without a zone were read in the time zone that was given", ""),
    # documents
    IssueCode(
        "html-page", "error", "the file is a web page, such as a login page, instead of an answer", "log in, then fetch the answer again"
    ),
    IssueCode("no-json", "error", "the file holds no JSON document", _FETCH_AGAIN),
    IssueCode("truncated-json", "error", "the JSON document is cut off", _FETCH_AGAIN),
    IssueCode("invalid-json", "error", "the document is not valid JSON", _FETCH_AGAIN),
    IssueCode(
        "nearly-json",
        "warning",
        "the document has comments, bare words or other quotes, which JSON does not allow; it was read",
        _FETCH_AGAIN,
    ),
    IssueCode(
        "trailing-comma",
        "warning",
        "there is a comma before a closing bracket, which JSON does not allow; it was ignored",
        "if the file was edited by hand, check that nothing after the comma was removed",
    ),
    IssueCode("nested-too-deep", "error", "brackets are nested deeper than in any answer", _FETCH_AGAIN),
    IssueCode("document-too-large", "error", "the document is larger than the limits allow", _IF_MEMORY),
    IssueCode("invalid-utf8", "warning", "some bytes are not UTF-8; each was replaced", "check how the answer was saved"),
    IssueCode(
        "other-encoding",
        "info",
        "the text is not UTF-8; its encoding was guessed from its bytes",
        "check the names in it; save answers as UTF-8",
    ),
    IssueCode("lone-surrogate", "warning", "a text holds half a surrogate pair; it was replaced", ""),
    IssueCode("control-character", "warning", "a text holds unescaped control characters; they were kept", ""),
    IssueCode(
        "decoded-entities",
        "info",
        "a text that holds an answer is written as in XML; its entities were decoded",
        "if a log line itself had such an entity, see the source",
    ),
    IssueCode("not-a-number", "warning", "a value is NaN or Infinity; it was read as null", ""),
    IssueCode("huge-number", "warning", "a number has too many digits; it was read as text", ""),
    IssueCode("duplicate-key", "warning", "an object has the same key twice; the last value counts", ""),
    # answers
    IssueCode(
        "error-answer",
        "info",
        "the server answered with an error",
        "see the message; fetch the answer again once the cause is gone",
        {
            400: "the agent refuses requests without the header X-OCS-Header: use the unix socket run/obshell.sock, or the obshell SDK",
            401: "the server did not accept the credentials: use the unix socket run/obshell.sock, or the password of root@sys",
            403: "the server did not accept the credentials: use the unix socket run/obshell.sock, or the password of root@sys",
            404: "the DAG may still exist: agents also answer 404 while OceanBase is down",
        },
    ),
    IssueCode("no-payload", "info", "the answer reports success without data, as after a retry or a cancel", ""),
    IssueCode("empty-list", "info", "the answer is an empty list", ""),
    IssueCode("not-a-task", "info", "the answer comes from another endpoint; it was not used", ""),
    IssueCode(
        "unread-answer",
        "warning",
        "the object has fields of a task answer, but cannot be used",
        "save the answers of the task API unchanged",
    ),
    IssueCode(
        "database-row",
        "warning",
        "the object is a row of the engine's database, not an answer; it was not used",
        "copy the agent's .meta, or dump the tables of ocs as SQL, TSV or CSV",
    ),
    IssueCode(
        "table-row",
        "warning",
        "the rows are of a table that daganalysis wrote, not answers; they were not used",
        "load the answers, or the store, that the table was made of",
    ),
    IssueCode(
        "wrapper-time",
        "info",
        "an answer has no envelope; it was ordered by the time of the record that holds it, which another clock wrote",
        "",
    ),
    IssueCode(
        "unused-wrapper-time",
        "warning",
        "an answer has no envelope, and the time of the record that holds it has no zone or contradicts the answer; it was not used",
        "save whole answers, with their envelope; check the clock and the time zone of the program that saved these",
    ),
    IssueCode("no-id", "error", "the object has no id, so it cannot be identified", _FETCH_AGAIN),
    IssueCode("wrong-id", "error", "the id is not valid", _FETCH_AGAIN),
    IssueCode("wrong-type", "warning", "a field has the wrong type; it was read as null", ""),
    IssueCode("wrong-value", "warning", "a value is out of range; it was read as null", ""),
    IssueCode("wrong-time", "warning", "a time cannot be parsed; it was read as null", ""),
    IssueCode("duplicate-id", "warning", "an answer has the same id twice; the first object counts", ""),
    IssueCode("nodes-out-of-order", "warning", "ids and times imply another order of the nodes than the answer; that order was used", ""),
    # what answers say together
    IssueCode(
        "id-came-back",
        "warning",
        "two DAGs have the same id: the cluster was re-created, or answers of several clusters are mixed",
        "give each cluster a label with --cluster or --cluster-by",
    ),
    IssueCode(
        "contradiction",
        "warning",
        "answers contradict each other: they cannot all describe one run",
        "check whether answers of two clusters are mixed, and whether the agents' clocks are right",
    ),
    IssueCode(
        "hand-outs-not-listed",
        "warning",
        "execute_times is very large: attempts that no source shows have no row in attempts; the bounds of retries include them",
        "check whether execute_times is right",
    ),
    IssueCode(
        "log-order-unknown",
        "warning",
        "answers about one sub-task differ in too many log lines to be aligned; lines that only later answers have were appended",
        "for the order of these lines, read the answers themselves",
    ),
    IssueCode("unknown-state", "warning", "the engine has no such state", ""),
    IssueCode("unknown-operator", "warning", "the engine has no such operator", ""),
    IssueCode(
        "rolled-back-not-redone",
        "warning",
        "work was rolled back and not done again, but the run succeeded",
        "check the work of that stage on these agents",
    ),
    IssueCode(
        "locks-overlap",
        "warning",
        "two DAGs that exclude each other seem to have held a maintenance lock at the same time",
        "check whether answers of two clusters are mixed, and whether the agents' clocks agree",
    ),
    IssueCode(
        "ran-into-timeout",
        "info",
        "a sub-task ran into its timeout: it worked for the length of the timeout, between the two times in the message",
        "to learn the exact time, load the agents' logs, or save answers more often",
    ),
    IssueCode(
        "clocks-differ",
        "warning",
        "the order of cause and effect shows that agents' clocks differ from the scheduler's by 0.1 s or more",
        "synchronize the clocks of the agents",
    ),
    IssueCode(
        "zones-differ",
        "warning",
        "the time zone of the database session differs from that of the agents: times of cluster DAGs are shifted by whole quarter hours",
        "set the same time zone for the agents (TZ) and the database (time_zone)",
    ),
    IssueCode(
        "ended-before-start",
        "warning",
        "an end is earlier than its start: a clock was set back, or the scheduler moved to another server",
        "look for a clock step, or a change of the maintainer, at that time",
    ),
    IssueCode("child-not-in-archive", "info", "no answer describes the child DAG", _SAVE_DAG),
    IssueCode(
        "log-zone-unknown",
        "warning",
        "the time zone of the agent's log is unknown; its times are not used",
        "give the zone with --tz, or load answers of this agent as well",
    ),
    IssueCode(
        "executions-without-dag",
        "info",
        "an agent executed sub-tasks of DAGs that no source shows; they were left out",
        "load answers of these DAGs, a dump of ocs, or the log of the agent that was the maintainer",
    ),
    IssueCode(
        "details-missing",
        "info",
        "no answer shows the nodes, the sub-tasks or the counters of the run, so its attempts are unknown",
        "save the answer with show_details=true",
    ),
    IssueCode(
        "nodes-missing",
        "warning",
        "answers hold fewer nodes than the run has stages, because they were filtered or nodes were rejected; uncertain stages are null",
        "save the whole answer, with show_details=true",
    ),
    IssueCode("orphan-node", "info", "no answer describes the DAG of the node", _SAVE_DAG),
    IssueCode("orphan-sub-task", "info", "no answer describes the DAG of the sub-task", _SAVE_DAG),
    IssueCode("orphan-logs", "info", "no answer describes the sub-task of the log records", _SAVE_DAG),
)

ISSUE_CODES = MappingProxyType({entry.code: entry for entry in _CODES})
"""Every issue code by name."""


def issue(
    code: str, source: str | None, position: str | None, message: str, *, run_id: str | None = None, severity: str | None = None
) -> Issue:
    """Make an issue of a known code, with the hint that belongs to it, and its severity unless the caller knows better.

    The message may quote what a source holds; a secret that a word announces there is left out.

    >>> issue("empty-file", "a.json", None, "0 bytes").severity
    'error'
    """
    known = ISSUE_CODES[code]
    told = without_announced(without_secrets(message))
    return Issue(severity or known.severity, code, source, position, run_id, told, known.hint or None)


def issue_of_row(values: Sequence[str | None]) -> Issue:
    """Return an issue as it was found when its source was read, from its fields in their order."""
    severity, code, source, position, run_id, message, hint = values
    return Issue(severity or "", code or "", source, position, run_id, message or "", hint)


def error_answer(source: str, position: str, http_status: int | None, message: str) -> Issue:
    """Make the issue of an answer that is an error; what to do depends on its HTTP status.

    >>> error_answer("a.json", "byte 0", 404, "2300: task not found").hint
    'the DAG may still exist: agents also answer 404 while OceanBase is down'
    """
    found = issue("error-answer", source, position, message if http_status is None else f"{http_status}, {message}")
    hint = ISSUE_CODES["error-answer"].hints_by_status.get(http_status or 0, found.hint)
    return replace(found, hint=hint)
